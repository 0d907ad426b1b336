// Scopes: parts of a workflow that are canceled on their own. What is asked for inside, however deep, belongs to the scope: it
// is found by AsyncLocalStorage, which costs nothing until a workflow opens its first scope.

import { milliseconds, type Duration } from '../swf/duration.js'
import { Cancellation, failureOf, ScopeCanceled, TimeoutExpired, type WorkflowFailure } from './errors.js'
import { currentRun } from './replay/current.js'
import { cancel, cancelable } from './replay/operation.js'
import { runInScope, Scope } from './replay/scope.js'
import { fromNow, sleep } from './timer.js'

/** A scope, to whom it was opened for. */
export interface ScopeHandle {
  readonly isCanceled: boolean
  /** Cancels what runs in the scope: its activities, timers and children are asked to end, and its awaits reject. */
  cancel(cause?: WorkflowFailure): void
}

/**
 * Runs `work` in a scope of its own, which can be canceled without the rest; ScopeCanceled surfaces at its awaits then. A
 * failure that leaves the scope cancels what still runs in it.
 *
 * @example
 * await scope(async s => {
 *   abort.handle(() => s.cancel())
 *   await render(video)
 * })
 */
export function scope<R>(work: (scope: ScopeHandle) => Promise<R>): Promise<R> {
  return open('scope', {}, scope =>
    work({
      get isCanceled() {
        return scope.cause !== undefined
      },
      cancel: cause => scope.cancel(new ScopeCanceled(cause)),
    }),
  )
}

/**
 * Runs `work` so that no cancel from outside reaches it, neither of the scopes around it nor of the execution: for clean-up.
 *
 * @example
 * try { await render(video) } finally { await shielded(async () => { await discard(video) }) }
 */
export function shielded<R>(work: () => Promise<R>): Promise<R> {
  return open('shielded', { shielded: true }, work)
}

/**
 * Resolves to what `work` resolves to, if that is within a duration, of which one below 0 is 0; rejects with TimeoutExpired if
 * not. A function is run in
 * a scope of its own, which is canceled then, and ends before this does. A promise is asked to cancel, where it is an
 * activity, a timer, a child or a signal, and not waited for.
 */
export function withTimeout<T>(duration: Duration, work: Promise<T> | (() => Promise<T>)): Promise<T> {
  return typeof work === 'function' ? scopeWithTimeout(duration, work) : promiseWithTimeout(duration, work)
}

/** Resolves as `work` does, and to undefined when a duration is over first: `work` is canceled then, where it can be. */
export function within<T>(duration: Duration, work: Promise<T>): Promise<T | undefined> {
  const ended = promiseWithTimeout(duration, work).catch((failure: unknown) => {
    if (failure instanceof TimeoutExpired) return undefined
    throw failure
  })
  return cancelable(ended, cause => cancel(work, cause))
}

async function scopeWithTimeout<T>(duration: Duration, work: () => Promise<T>): Promise<T> {
  const expired = new TimeoutExpired(milliseconds(fromNow(duration)))
  const timer = sleep(duration, { shielded: true })
  const canceled = new ScopeCanceled(expired)
  try {
    return await open('withTimeout', {}, scope => {
      timer.then(
        () => scope.cancel(canceled),
        () => {},
      )
      return work()
    })
  } catch (failure) {
    throw failureOf(failure, canceled) === canceled ? expired : failure
  } finally {
    cancel(timer, new ScopeCanceled())
  }
}

async function promiseWithTimeout<T>(duration: Duration, work: Promise<T>): Promise<T> {
  // Shielded: a cancel is the affair of the work, which may be shielded itself.
  const timer = sleep(duration, { shielded: true })
  const expired = timer.then(() => {
    throw new TimeoutExpired(milliseconds(fromNow(duration)))
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

/** Opens a scope within the one at work, and runs `work` in it. An error that is no failure cancels nothing: it parks the run. */
export function open<R>(what: string, options: { shielded?: boolean }, work: (scope: Scope) => Promise<R>): Promise<R> {
  const scope = new Scope(currentRun(what).scope, options)
  const begun = async () => {
    try {
      return await work(scope)
    } catch (error) {
      const failure = failureOf(error, scope.cause)
      if (!failure) throw error
      // An AggregateError of what the cancel made of each.
      if (failure === scope.cause) throw failure
      scope.cancel(asCancellation(failure))
      throw error
    } finally {
      scope.close()
    }
  }
  return cancelable(runInScope(scope, begun), cause => scope.cancel(asCancellation(cause)))
}

/** What surfaces at the awaits of a scope that is canceled because of a failure. */
export function asCancellation(failure: WorkflowFailure): Cancellation {
  return failure instanceof Cancellation ? failure : new ScopeCanceled(failure)
}
