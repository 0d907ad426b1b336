// An operation: something asked of SWF whose outcome is an event. Its promise is settled by the run, one event at a time.

import type { WorkflowFailure } from '../errors.js'

const unheard = () => {}

export class Operation<T> {
  readonly promise: Promise<T>
  #resolve!: (value: T) => void
  #reject!: (reason: unknown) => void
  #settled = false
  /** Asks for the operation to end early; what that means is the run's affair. `cause` is what its await is to hear. */
  cancel: (cause: WorkflowFailure) => void = () => {}

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // A failure that nobody awaits is no error of the process.
    this.promise.catch(unheard)
  }

  get settled(): boolean {
    return this.#settled
  }

  resolve(value: T): void {
    this.#settled = true
    this.#resolve(value)
  }

  reject(reason: unknown): void {
    this.#settled = true
    this.#reject(reason)
  }
}

/** Where a promise says how it is canceled; many promises in a WeakMap make garbage collection slow. */
const CANCEL = Symbol('cancel')
type Cancelable = { [CANCEL]?: (cause: WorkflowFailure) => void }

/** Remembers how the work behind a promise is canceled, for `withTimeout`. */
export function cancelable<T>(promise: Promise<T>, cancel: (cause: WorkflowFailure) => void): Promise<T> {
  promise.catch(unheard)
  ;(promise as Cancelable)[CANCEL] = cancel
  return promise
}

/** Cancels the work behind a promise, where it is known how. */
export function cancel(promise: Promise<unknown>, cause: WorkflowFailure): void {
  ;(promise as Cancelable)[CANCEL]?.(cause)
}

/** Returns what follows a promise, canceled as that is. */
export function following<T, U>(promise: Promise<T>, next: (value: T) => U): Promise<U> {
  return cancelable(promise.then(next), cause => cancel(promise, cause))
}
