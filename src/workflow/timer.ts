// Time that passes in a workflow. SWF's timers are whole seconds: durations are rounded up.

import { milliseconds, seconds, type Duration } from '../swf/duration.js'
import { ScopeCanceled, TimeoutExpired } from './errors.js'
import { currentRun } from './replay/current.js'
import { cancel, cancelable } from './replay/operation.js'
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

/**
 * Resolves to what `work` resolves to, if that is within a duration; rejects with TimeoutExpired if not, and then asks a
 * running activity or timer to cancel.
 */
export async function withTimeout<T>(duration: Duration, work: Promise<T>): Promise<T> {
  // Shielded: a cancel is the affair of the work, which may be shielded itself.
  const timer = sleep(duration, { shielded: true })
  const expired = timer.then(() => {
    throw new TimeoutExpired(milliseconds(duration))
  })
  expired.catch(() => {})
  try {
    return await Promise.race([work, expired])
  } catch (failure) {
    // Only now: canceled first, the work's own end would win the race.
    if (failure instanceof TimeoutExpired) cancel(work, new ScopeCanceled(failure))
    throw failure
  } finally {
    cancel(timer, new ScopeCanceled())
  }
}
