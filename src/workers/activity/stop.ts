// Asks one run of a handler to stop, once. Its AbortSignal is made when somebody looks at it: most handlers never do.

import { ActivityAborted, type AbortCode } from '../definitions.js'

export class Stop {
  #reason: ActivityAborted | undefined
  #abort: AbortController | undefined
  #listener: (() => void) | undefined

  /** Why it is to stop; undefined while it may go on. */
  get code(): AbortCode | undefined {
    return this.#reason?.code
  }

  /** Aborted when it is to stop; its reason is an ActivityAborted. */
  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController()
      if (this.#reason) this.#abort.abort(this.#reason)
    }
    return this.#abort.signal
  }

  /** Tells whether an error is what the signal was aborted with. */
  isReason(error: unknown): boolean {
    return this.#reason !== undefined && error === this.#reason
  }

  ask(code: AbortCode): void {
    if (this.#reason) return
    this.#reason = new ActivityAborted(code)
    this.#abort?.abort(this.#reason)
    this.#listener?.()
  }

  /** Calls once it is asked, at once if it was; there is one listener. */
  whenAsked(listener: () => void): void {
    this.#listener = listener
    if (this.#reason) listener()
  }
}
