// The time of a local SWF, as its users see and move it.
//
// TM1. Time that is moved stops at every timer on the way and gives workers the chance to react, so that what they ask for
//      then begins then.
// TM2. `autoSkip` never skips while a task is out with a worker, a Lambda function is at work, or a task waits on a list
//      that someone polls.

import type { Duration } from '../duration.js'
import { milliseconds } from '../duration.js'
import type { Clock, VirtualClock } from './clock.js'
import type { Engine } from './engine.js'

/** What workers tell SWF by themselves. */
export interface Pulse {
  /** How often, in milliseconds of moved time. */
  every: number
  beat: () => Promise<void>
  /** Of the tasks that workers hold, those that nobody works on: time need not wait for them. @default 0 */
  idle?: number
}

/** The clock of a local SWF. */
export interface LocalClock {
  now(): Date
  /**
   * Lets time pass; resolves when all that fell due on the way has happened and workers have reacted to it. A task that a
   * worker holds without an answer keeps it waiting for 100 ms of real time at each stop. Rejects when the clock is real.
   */
  advance(duration: Duration): Promise<void>
  /**
   * True: whenever nobody can make progress, time jumps to the next timer. It jumps too when your test is about to send a
   * signal: set it only while you wait for an outcome. Setting it throws when the clock is real. @default false
   */
  autoSkip: boolean
  /**
   * For workers that tell SWF of their tasks by themselves; asked before every step, undefined while there is nothing to
   * tell. @default none
   */
  pulse: (() => Pulse | undefined) | undefined
}

/** The clock cannot be moved. `code` is `CLOCK_IS_REAL`. */
export class ClockIsReal extends Error {
  override readonly name = 'ClockIsReal'
  readonly code = 'CLOCK_IS_REAL'
  constructor() {
    super("This clock is real: start with createLocalSwf({ clock: 'virtual' }), or --clock virtual, to move it")
  }
}

/** How long a task that a worker holds keeps `advance` waiting, in real milliseconds. */
const PATIENCE = 100
/** How far `advance` goes at most, in milliseconds: on the way it stops every hour. */
const FARTHEST = 100 * 365 * 86_400_000
/** For how long after its last poll a task list counts as polled, in real milliseconds. */
const POLLED = 1_000

export class RealTime implements LocalClock {
  pulse: LocalClock['pulse']
  constructor(private readonly clock: Clock) {}

  now(): Date {
    return new Date(this.clock.now())
  }

  async advance(): Promise<void> {
    throw new ClockIsReal()
  }

  get autoSkip(): boolean {
    return false
  }

  set autoSkip(skip: boolean) {
    if (skip) throw new ClockIsReal()
  }
}

export class VirtualTime implements LocalClock {
  pulse: LocalClock['pulse']
  #requests = 0
  #lastRequest = 0
  /** When each task list was last polled, by kind, domain and name; in real time. */
  #polled = new Map<string, number>()
  #skip = false
  #skipping = false
  #advancing = Promise.resolve()
  #wake: (() => void) | undefined

  #closed = false

  constructor(
    private readonly clock: VirtualClock,
    private readonly engine: Engine,
  ) {}

  now(): Date {
    return new Date(this.clock.now())
  }

  advance(duration: Duration): Promise<void> {
    const ms = milliseconds(duration)
    if (ms > FARTHEST) throw new RangeError('The clock moves by 100 years at most at a time')
    return (this.#advancing = this.#advancing.then(() => this.#advance(ms)))
  }

  get autoSkip(): boolean {
    return this.#skip
  }

  set autoSkip(skip: boolean) {
    this.#skip = skip
    if (skip && !this.#skipping) void this.#skipTime()
  }

  /** Notes a request, and where it is a poll also its end. */
  request(action: string, body: unknown, answer: unknown): void {
    // A worker that only beats does not get anywhere.
    if (action === 'RecordActivityTaskHeartbeat') return
    const note = () => {
      this.#requests++
      this.#lastRequest = performance.now()
      if (action.startsWith('PollFor')) {
        const { domain, taskList } = (body ?? {}) as { domain?: string; taskList?: { name?: string } }
        this.#polled.set(`${action} ${domain} ${taskList?.name}`, this.#lastRequest)
      }
      this.#wake?.()
    }
    note()
    if (answer instanceof Promise) answer.then(note, note)
  }

  close(): void {
    this.#skip = false
    this.#closed = true
    this.#wake?.()
  }

  async #advance(ms: number): Promise<void> {
    const until = this.clock.now() + ms
    for (;;) {
      await this.#settled(PATIENCE)
      const pulse = this.pulse?.()
      const next = Math.min(this.engine.nextDue ?? Infinity, pulse ? this.clock.now() + pulse.every : Infinity)
      if (next > until || this.#closed) break
      this.clock.goTo(Math.max(next, this.clock.now()))
      await pulse?.beat()
    }
    this.clock.goTo(until)
    await this.#settled(PATIENCE)
  }

  async #skipTime(): Promise<void> {
    this.#skipping = true
    while (this.#skip) {
      await this.#settled(Infinity)
      if (!this.#skip) break
      const pulse = this.pulse?.()
      const next = Math.min(this.engine.nextDue ?? Infinity, pulse ? this.clock.now() + pulse.every : Infinity)
      if (next === Infinity) await this.#nextRequest()
      else {
        this.clock.goTo(Math.max(next, this.clock.now()))
        await pulse?.beat()
      }
    }
    this.#skipping = false
  }

  /** Resolves when nobody can make progress, or those who could have been silent for so many real milliseconds. */
  async #settled(patience: number): Promise<void> {
    for (;;) {
      const seen = this.#requests
      await turn()
      await turn()
      if (this.#closed) return
      if (seen !== this.#requests) continue
      if (!this.#busy() || performance.now() - this.#lastRequest >= patience) return
      await new Promise<void>(resolve => setTimeout(resolve, 1))
    }
  }

  #nextRequest(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
    })
  }

  /** Whether work is out with a worker, or waits for one who is about to poll. */
  #busy(): boolean {
    let waiting = false
    let idle = this.pulse?.()?.idle ?? 0
    const polledSince = performance.now() - POLLED
    const polled = (action: string, domain: string, list: string) =>
      (this.#polled.get(`${action} ${domain} ${list}`) ?? -Infinity) > polledSince
    for (const { domain, scheduled, started, activities, lambdas } of this.engine.runs.values()) {
      if (started) return true
      for (const { startedEventId } of lambdas.values()) if (startedEventId > 0) return true
      if (scheduled) waiting ||= polled('PollForDecisionTask', domain, scheduled.taskList)
      for (const { startedEventId, taskList } of activities.values()) {
        if (startedEventId > 0 && idle-- <= 0) return true
        if (startedEventId <= 0) waiting ||= polled('PollForActivityTask', domain, taskList)
      }
    }
    return waiting
  }
}

const turn = () => new Promise<void>(resolve => setImmediate(resolve))
