// How an order ended, and whether that is how its file says it must end.

import type { Execution, Task } from './api.js'
import type { Entry } from './orders-file.js'

export interface Outcome {
  entry: Entry
  /** As last seen; undefined when the order was never found. */
  execution: Execution | undefined
  /** Every activity task of its history. */
  tasks: readonly Task[]
}

/** The activities that undo something. */
const UNDOING = new Set(['ReleaseInventory', 'RefundPayment', 'RecallShipment'])

/** Tells what is wrong with an outcome; undefined when it is as the file says. */
export function problem({ entry: { expect }, execution }: Outcome): string | undefined {
  if (!execution) return 'was never found'
  const { status, saga, failure } = execution
  if (status === 'OPEN') return `is still open: ${saga?.state ?? 'RUNNING'} at ${saga?.step ?? 'its start'}`
  const expected = expect.status ?? expect.state
  if (status !== expected) return `ended ${status}${failure ? ` (${failure.reason})` : ''}, expected ${expected}`
  if (status !== 'TERMINATED' && saga?.state !== expect.state)
    return `its saga ended ${saga?.state ?? 'without a state'}, expected ${expect.state}`
  if (expect.reason !== undefined && !failure?.reason.startsWith(expect.reason))
    return `failed for ${failure?.reason ?? 'no reason'}, expected ${expect.reason}`
  return undefined
}

export interface Effort {
  /** Activity tasks that did the order's work. */
  attempts: number
  /** Those of them that were not the first try. */
  retries: number
  /** Undoing activities, each counted once. */
  compensations: number
}

/** Counts what an order took: each activity of this saga is called once, so a second task of its type is a retry. */
export function effort({ tasks }: Outcome): Effort {
  const types = tasks.map(task => task.activityType.name)
  const forward = types.filter(type => !UNDOING.has(type))
  const undoing = types.filter(type => UNDOING.has(type))
  return {
    attempts: forward.length,
    retries: types.length - new Set(types).size,
    compensations: new Set(undoing).size,
  }
}

/** Returns how long an order took, in milliseconds. */
export function duration({ execution }: Outcome): number | undefined {
  if (!execution?.closedAt) return undefined
  return Date.parse(execution.closedAt) - Date.parse(execution.startedAt)
}
