// The clock of the engine. Nothing else in swf/local asks what time it is.

import { uptime } from 'node:os'
import { monotonic } from '../../clock.js'

/**
 * The longest that one setTimeout waits, in milliseconds. It could be 24.8 days; but while a machine sleeps, setTimeout
 * stands still and time does not.
 */
const LONGEST = 30_000
/** How often it is looked whether the machine has slept, and how long sleep must be to be noticed, in milliseconds. */
const LOOK = 1_000
const SLEEP = 1_000

export interface Clock {
  /** Milliseconds since 1970; never smaller than the last answer. */
  now(): number
  /** Asks for `ring` to be called once, at `at` or soon after; replaces the last wish. `undefined`: not at all. */
  alarm(at: number | undefined, ring: () => void): void
}

/**
 * The time of day as it was at the start, and what has passed since, sleep of the machine included. Where somebody sets the time
 * of day meanwhile, no timeout comes sooner or later for it. A moment that is far away is reached in several waits.
 */
export class RealClock implements Clock {
  readonly #awake: () => number
  readonly #up: () => number
  /** The time of day at moment 0 of what measures the time awake. */
  #base: number
  /** How long the machine had been up when that moment was 0, without the sleep that has been noticed. */
  #upBase: number
  #looked: number
  #timer: NodeJS.Timeout | undefined

  /** `awake` stands still while the machine sleeps, `up` does not; both in milliseconds. */
  constructor(awake = monotonic, up = () => uptime() * 1_000) {
    this.#awake = awake
    this.#up = up
    this.#looked = awake()
    this.#base = Date.now() - this.#looked
    this.#upBase = up() - this.#looked
  }

  now(): number {
    const awake = this.#awake()
    if (awake - this.#looked >= LOOK) this.#look(awake)
    return Math.floor(this.#base + awake)
  }

  #look(awake: number): void {
    this.#looked = awake
    const slept = this.#up() - awake - this.#upBase
    if (slept < SLEEP) return
    this.#base += slept
    this.#upBase += slept
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
