// Conditions that a workflow waits for. They are asked after every event, oldest first, one at a time: the code that one wakes
// may change the others.

import { Operation } from './operation.js'

export class Conditions {
  #waiting: { predicate: () => boolean; operation: Operation<void> }[] = []

  get size(): number {
    return this.#waiting.length
  }

  wait(predicate: () => boolean): Operation<void> {
    const operation = new Operation<void>()
    const entry = { predicate, operation }
    this.#waiting.push(entry)
    operation.cancel = cause => {
      this.#waiting = this.#waiting.filter(other => other !== entry)
      if (!operation.settled) operation.reject(cause)
    }
    return operation
  }

  /** Resolves the first condition that holds; false when none does. Throws what a predicate throws. */
  wakeOne(): boolean {
    const met = this.#waiting.find(({ predicate }) => predicate())
    if (!met) return false
    this.#waiting = this.#waiting.filter(other => other !== met)
    met.operation.resolve()
    return true
  }
}
