// Heartbeats of one run, from its beginning to its answer.
//
// H1. SWF hears of the task at its interval, and of new details sooner, but never more often than the gap allows: the first
//     within a second, and what comes shortly before the deadline before it.
// H2. Details are coalesced: the newest wait, are sent with the next beat, and are repeated by every later one, since a
//     heartbeat without details would wipe out what the next try is to be told.
// H3. Before SWF is told, the record is asked whether this run still owns the task; when Redis is away, or takes longer than
//     a moment, SWF is told all the same.
// H4. A handler that beats by itself (`manual`) is the only one to tell SWF that its run is alive: there is one beat as it
//     begins, those it asks for, and one for a hint; then the interval again, from its end to SWF's answer.
// H5. What SWF answers counts: cancelRequested, or that it has closed the task.

import { monotonic } from '../../clock.js'
import type { Run, TaskRecords } from '../../queues/task-record.js'
import type { SwfClient } from '../../swf/client.js'
import { SECOND } from '../../swf/duration.js'
import { isFault } from '../../swf/errors.js'
import { decodePayload } from '../../swf/payload.js'
import type { Log, Metrics } from '../../telemetry.js'
import type { AbortCode } from '../definitions.js'
import { within } from './patience.js'

/** SWF's limit for details of a heartbeat, in characters. */
const MAX_DETAILS = 2_048
/** How long the record may take to answer before SWF is told, in milliseconds. */
const PATIENCE = 300
/** Details that come in shortly before the deadline are sent so long before it, in milliseconds. */
const BEFORE_DEADLINE = 1_000

export interface HeartbeatOptions {
  run: Run
  records: TaskRecords
  swf: SwfClient
  log: () => Log
  metrics: Metrics
  /** SWF hears of the run only when the handler beats. @default false */
  manual?: boolean
  /** The run is to stop. */
  onStop: (code: AbortCode) => void
  /** Redis has lost the record. */
  onLost: () => void
}

export class Heartbeat {
  readonly #options: HeartbeatOptions
  /** 0: not by itself. */
  #interval: number
  readonly #gap: number
  #details: string | undefined
  #fresh = false
  #last = monotonic()
  #timer: NodeJS.Timeout | undefined
  #due = Infinity
  #beating: Promise<void> | undefined
  /** Details have been sent. */
  #told = false
  #stopped = false
  #complained = false

  constructor(options: HeartbeatOptions) {
    this.#options = options
    const { beat } = options.run.task
    this.#interval = options.manual ? 0 : beat
    this.#gap = Math.min(Math.max(beat / 3, SECOND), 10 * SECOND)
    this.#details = options.run.details
    if (options.manual) this.#schedule(0)
    else if (beat > 0) this.#schedule(beat)
  }

  /** The newest details, this run's or those of the run before; undefined when there were none. */
  get details(): unknown {
    return this.#details === undefined ? undefined : decodePayload(this.#details).value
  }

  /** The handler has ended: SWF hears at the interval until it has the outcome. */
  handlerEnded(): void {
    const { run, manual } = this.#options
    if (!manual || this.#stopped) return
    this.#interval = run.task.beat
    if (this.#interval > 0) this.#schedule(Math.max(0, this.#last + this.#interval - monotonic()))
  }

  /** Takes details for the next beat. */
  record(details: unknown): void {
    if (this.#stopped) return
    let text: string | undefined
    try {
      text = JSON.stringify(details)
    } catch (error) {
      this.#leftOut({ err: (error as Error).message })
    }
    if (text !== undefined && text.length > MAX_DETAILS) this.#leftOut({ size: text.length, limit: MAX_DETAILS })
    else if (text !== undefined) this.#details = text
    if (this.#fresh) return
    this.#fresh = true
    this.#schedule(this.#delay(monotonic()))
  }

  /** Sends a heartbeat at once; resolves when its answer has been obeyed. Never rejects. */
  async beat(): Promise<void> {
    while (this.#beating) await this.#beating
    if (this.#stopped) return
    this.#beating = this.#send().finally(() => {
      this.#beating = undefined
    })
    await this.#beating
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  /** Details that SWF would not take: the beat goes out without them. Said once a run, since it may be a loop that sends them. */
  #leftOut(why: object): void {
    if (!this.#complained) this.#options.log().warn(why, 'heartbeat details left out')
    this.#complained = true
  }

  /** How long fresh details wait: the gap, but not until SWF has timed the task out. */
  #delay(now: number): number {
    const { deadline = Infinity } = this.#options.run
    const regular = this.#told ? this.#last + this.#gap : this.#last + SECOND
    return Math.max(0, Math.min(regular, Math.max(deadline - BEFORE_DEADLINE, this.#last + SECOND / 4)) - now)
  }

  #schedule(delay: number): void {
    const due = monotonic() + delay
    if (due >= this.#due) return
    clearTimeout(this.#timer)
    this.#due = due
    this.#timer = setTimeout(() => {
      this.#due = Infinity
      void this.beat()
    }, delay)
  }

  /**
   * Asks the record whether this run still owns the task, and obeys; resolves to false when it does not.
   * Never rejects: when Redis is away, nothing is known against it.
   */
  async check(): Promise<boolean> {
    const { run, records, onStop, onLost } = this.#options
    const owned = await records.beat(run, this.#details).catch(() => 'UNKNOWN' as const)
    if (this.#stopped) return false
    if (owned === 'LOST') onLost()
    if (owned === 'STALE') onStop('FENCED')
    if (owned === 'ENDED') onStop('CLOSED')
    return owned !== 'STALE' && owned !== 'ENDED'
  }

  /** The same within a moment: a Redis that hangs must not keep SWF from hearing. An answer that comes late is obeyed too. */
  async #checkSoon(): Promise<boolean> {
    return within(this.check(), PATIENCE).catch(() => !this.#stopped)
  }

  async #send(): Promise<void> {
    const { run, swf, metrics, log, onStop } = this.#options
    this.#told ||= this.#fresh
    this.#fresh = false
    this.#last = monotonic()
    const details = this.#details
    if (!(await this.#checkSoon())) return
    let next = this.#interval
    try {
      const { cancelRequested } = await swf.recordActivityTaskHeartbeat({
        taskToken: run.task.taskToken,
        ...(details !== undefined && { details }),
      })
      metrics.heartbeats.inc({ outcome: 'ok' })
      if (cancelRequested && !this.#stopped) onStop('CANCEL_REQUESTED')
    } catch (error) {
      metrics.heartbeats.inc({ outcome: 'failed' })
      if (this.#stopped) return
      if (isFault(error, 'UNKNOWN_RESOURCE')) return onStop('CLOSED')
      log().warn({ err: (error as Error).message }, 'heartbeat not taken by SWF')
      next = this.#gap
    }
    if (next > 0 && !this.#stopped) this.#schedule(next)
  }
}
