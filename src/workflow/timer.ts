// Time that passes in a workflow. SWF's timers are whole seconds: durations are rounded up.

import { seconds, type Duration } from '../swf/duration.js'
import { currentRun } from './replay/current.js'
import { cancelable } from './replay/operation.js'
import { startTimer } from './replay/timers.js'

/** Returns a duration that code has reckoned, such as `deadline - now()`: what is past is now. */
export function fromNow(duration: Duration): Duration {
  return typeof duration === 'number' && duration < 0 ? 0 : duration
}

/**
 * Resolves after a duration, rounded up to whole seconds, of at most 99,999,999 s; one below 0 is 0. Rejects with what
 * cancels its scope, unless it is shielded.
 */
export function sleep(duration: Duration, { shielded = false }: { shielded?: boolean } = {}): Promise<void> {
  const run = currentRun('sleep')
  const { scope } = run
  if (scope.cause && !shielded) return scope.refusal()
  const length = seconds(fromNow(duration))
  if (length.length > 8)
    throw new RangeError(`${String(duration)} is longer than SWF's timers: 99,999,999 s, three years`)
  const timer = startTimer(run.commands, `${run.nextSeq()}.sleep`, length)
  return shielded ? cancelable(timer.promise, cause => timer.cancel(cause)) : scope.tie(timer)
}

/**
 * Resolves at a moment, a Date or milliseconds since 1970, rounded up to whole seconds; soon, when it has passed. Otherwise as
 * `sleep` does.
 *
 * @example await sleepUntil(order.deliverAt)
 */
export function sleepUntil(moment: Date | number, options?: { shielded?: boolean }): Promise<void> {
  const at = Number(moment)
  if (Number.isNaN(at)) throw new RangeError('the moment to sleep until is not a date')
  return sleep(at - currentRun('sleepUntil').now, options)
}
