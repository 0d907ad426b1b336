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

/** A clock that stands still until it is moved. */
export class VirtualClock implements Clock {
  #alarm: { at: number; ring: () => void } | undefined
  #moving = false
  #now: number

  constructor(start = Date.now()) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  alarm(at: number | undefined, ring: () => void): void {
    this.#alarm = at === undefined ? undefined : { at, ring }
    if (at !== undefined && at <= this.#now && !this.#moving) setImmediate(() => this.goTo(this.#now))
  }

  /** Moves to a moment that is not before now, and rings at each alarm on the way. */
  goTo(moment: number): void {
    if (this.#moving) return
    this.#moving = true
    while (this.#alarm && this.#alarm.at <= moment) {
      const { at, ring } = this.#alarm
      this.#alarm = undefined
      this.#now = Math.max(this.#now, at)
      ring()
    }
    this.#now = Math.max(this.#now, moment)
    this.#moving = false
  }

  /** Lets so many milliseconds pass. */
  advance(ms: number): void {
    this.goTo(this.#now + ms)
  }
}
