import type { Clock } from '../../../src/swf/local/clock.js'

/** A clock that stands still until it is told to go on. */
export class HandClock implements Clock {
  #now = Date.UTC(2030, 0, 1)
  #alarm: { at: number; ring: () => void } | undefined
  now(): number {
    return this.#now
  }
  alarm(at: number | undefined, ring: () => void): void {
    this.#alarm = at === undefined ? undefined : { at, ring }
  }
  /** Lets this many milliseconds pass, and rings at each alarm on the way. */
  advance(ms: number): void {
    const until = this.#now + ms
    while (this.#alarm && this.#alarm.at <= until) {
      const { at, ring } = this.#alarm
      this.#now = Math.max(this.#now, at)
      this.#alarm = undefined
      ring()
    }
    this.#now = until
  }
}
