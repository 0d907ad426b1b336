// How soon a dead worker is noticed, derived from what SWF would wait.
//
// T1. heartbeat timeout > lease + 2 × stalled check + margin: the fleet takes a task over before SWF gives it up.

import { SECOND } from '../../swf/duration.js'
import type { Handler } from '../definitions.js'
import { toMilliseconds } from './task.js'

/** The shortest heartbeat timeout that leaves time for a takeover. */
export const SHORTEST_HEARTBEAT = 3 * SECOND

export interface Timing {
  /** How long a process counts as alive after a sign of life, and BullMQ's lock of a job, in milliseconds. */
  lease: number
  /** How often BullMQ looks for jobs of dead workers, in milliseconds. */
  stalled: number
  /** How often a process shows a sign of life, in milliseconds. */
  tick: number
}

/** Returns the timing of a task list. Throws a RangeError when a contract's heartbeat is too short. */
export function timingOf(handlers: readonly Handler[]): Timing {
  let shortest = Infinity
  for (const { definition } of handlers) {
    const heartbeat = toMilliseconds(definition.options.heartbeat) ?? Infinity
    if (heartbeat < SHORTEST_HEARTBEAT)
      throw new RangeError(
        `The heartbeat timeout of ${definition.name} ${definition.version} must be at least ${SHORTEST_HEARTBEAT / SECOND} s, ` +
          `so that a worker that died is noticed before it; it is ${heartbeat / SECOND} s`,
      )
    shortest = Math.min(shortest, heartbeat)
  }
  const lease = Math.min(5 * SECOND, Math.max(1.5 * SECOND, 0.3 * shortest))
  return {
    lease,
    stalled: Math.min(2 * SECOND, Math.max(SECOND / 2, 0.2 * shortest)),
    tick: Math.min(SECOND, lease / 3),
  }
}
