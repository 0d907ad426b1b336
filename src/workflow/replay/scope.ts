// Scopes of cancellation: a tree whose root is the execution. What is asked for belongs to the scope that is at work.
//
// C1. Nothing is tracked until a workflow opens a scope: AsyncLocalStorage, once used, slows every await of the process down.
// C2. A cancel is final, and tells its listeners in the order in which they came.
// C3. A shielded scope does not hear of the cancel of those around it.

import { AsyncLocalStorage } from 'node:async_hooks'
import type { Cancellation } from '../errors.js'
import { cancelable } from './operation.js'

export class Scope {
  #cause: Cancellation | undefined
  readonly #listeners = new Set<() => void>()
  readonly #leave: () => void = () => {}
  #closed = false
  readonly root: Scope

  constructor(
    readonly parent?: Scope,
    { shielded = false }: { shielded?: boolean } = {},
  ) {
    this.root = parent?.root ?? this
    if (!parent || shielded) return
    this.#cause = parent.#cause
    this.#leave = parent.onCancel(() => this.cancel(parent.#cause!))
  }

  /** Why it was canceled: what surfaces at its awaits. */
  get cause(): Cancellation | undefined {
    return this.#cause
  }

  cancel(cause: Cancellation): void {
    if (this.#cause) return
    this.#cause = cause
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener()
  }

  /** Calls `listener` when the scope is canceled, if it is not yet; returns how to stop that. */
  onCancel(listener: () => void): () => void {
    if (this.#cause) return () => {}
    // A function of its own: one listener may be given twice.
    const entry = () => listener()
    this.#listeners.add(entry)
    return () => {
      this.#listeners.delete(entry)
      if (this.#closed) this.close()
    }
  }

  /** Ends with its function; what still runs in it goes on, and hears of the cancel of the scope around it. */
  close(): void {
    this.#closed = true
    if (this.#listeners.size === 0) this.#leave()
  }

  /** Refuses in the name of the scope: a promise that rejects with its cause. */
  refusal<T>(): Promise<T> {
    return cancelable(Promise.reject<T>(this.#cause), () => {})
  }

  /** Ties an operation to the scope, so that it is canceled with it. */
  tie<T>(operation: { promise: Promise<T>; cancel: (cause: Cancellation) => void }): Promise<T> {
    const stopListening = this.onCancel(() => operation.cancel(this.#cause!))
    operation.promise.then(stopListening, stopListening)
    return cancelable(operation.promise, cause => operation.cancel(cause as Cancellation))
  }
}

let storage: AsyncLocalStorage<Scope> | undefined

/** Returns the scope that the code at work was called in; undefined outside of all that were opened. */
export function enclosingScope(): Scope | undefined {
  return storage?.getStore()
}

/** Calls `work`, so that what it asks for, before and after its awaits, belongs to `scope`. */
export function runInScope<T>(scope: Scope, work: () => T): T {
  storage ??= new AsyncLocalStorage<Scope>()
  return storage.run(scope, work)
}
