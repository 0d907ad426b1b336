// Time that passes in a workflow. SWF's timers are whole seconds: durations are rounded up.

import { milliseconds, seconds, type Duration } from '../swf/duration.js'
import { TimeoutExpired } from './errors.js'
import { currentRun } from './replay/current.js'
import { cancel, cancelable } from './replay/operation.js'

/**
 * Resolves after a duration, rounded up to whole seconds, of at most 99,999,999 s. Rejects with WorkflowExecutionCancelRequested
 * when the execution is asked to cancel, unless it is shielded.
 */
export function sleep(duration: Duration, { shielded = false }: { shielded?: boolean } = {}): Promise<void> {
  const run = currentRun('sleep')
  if (run.cancelRequested && !shielded) return cancelable(Promise.reject(run.cancelRequested), () => {})
  const length = seconds(duration)
  if (length.length > 8)
    throw new RangeError(`${String(duration)} is longer than SWF's timers: 99,999,999 s, three years`)
  const timer = run.startTimer(`${run.nextSeq()}.sleep`, length)
  if (!shielded) {
    const stopListening = run.onCancelRequested(() => timer.cancel())
    timer.promise.then(stopListening, stopListening)
  }
  return cancelable(timer.promise, () => timer.cancel())
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
    if (failure instanceof TimeoutExpired) cancel(work)
    throw failure
  } finally {
    cancel(timer)
  }
}
