// Time that passes in a workflow. SWF's timers are whole seconds: durations are rounded up.

import { seconds, type Duration } from '../swf/duration.js'
import { currentRun } from './replay/current.js'
import { cancelable } from './replay/operation.js'
import { startTimer } from './replay/timers.js'

/**
 * Resolves after a duration, rounded up to whole seconds, of at most 99,999,999 s. Rejects with what
 * cancels its scope, unless it is shielded.
 */
export function sleep(duration: Duration, { shielded = false }: { shielded?: boolean } = {}): Promise<void> {
  const run = currentRun('sleep')
  const { scope } = run
  if (scope.cause && !shielded) return scope.refusal()
  const length = seconds(duration)
  if (length.length > 8)
    throw new RangeError(`${String(duration)} is longer than SWF's timers: 99,999,999 s, three years`)
  const timer = startTimer(run.commands, `${run.nextSeq()}.sleep`, length)
  return shielded ? cancelable(timer.promise, cause => timer.cancel(cause)) : scope.tie(timer)
}
