// The clock of the engine. Nothing else in swf/local asks what time it is.

/**
 * The longest that one setTimeout waits, in milliseconds. It could be 24.8 days; but while a machine sleeps, setTimeout
 * stands still and the time of day does not.
 */
const LONGEST = 30_000

export interface Clock {
  /** Milliseconds since 1970; never smaller than the last answer. */
  now(): number
  /** Asks for `ring` to be called once, at `at` or soon after; replaces the last wish. `undefined`: not at all. */
  alarm(at: number | undefined, ring: () => void): void
}

/** The time of day. A moment that is far away is reached in several waits. */
export class RealClock implements Clock {
  #last = 0
  #timer: NodeJS.Timeout | undefined

  now(): number {
    const now = Date.now()
    if (now > this.#last) this.#last = now
    return this.#last
  }

  alarm(at: number | undefined, ring: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (at === undefined) return
    const wait = Math.max(0, Math.ceil(at - this.now()))
    this.#timer = setTimeout(
      () => {
        if (wait > LONGEST) this.alarm(at, ring)
        else ring()
      },
      Math.min(wait, LONGEST),
    )
  }
}
