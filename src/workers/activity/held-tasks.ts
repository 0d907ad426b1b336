// Tasks that this process has polled and that nobody is known to have begun.
//
// A polled task that is not in Redis is in danger: it is admitted again and again, and kept alive from here meanwhile.
// Until somebody has begun it, it is remembered, so that a Redis that has lost its record gets it again.
// A task for which this process has room is to begin as it is admitted; the room is kept until Redis has said whether it has.

import { monotonic } from '../../clock.js'
import type { DueTask } from '../../queues/due.js'
import type { JobQueue } from '../../queues/job.js'
import { firstRun, type Run, type TaskRecords } from '../../queues/task-record.js'
import type { SwfClient } from '../../swf/client.js'
import { isFault } from '../../swf/errors.js'
import type { Payload } from '../../swf/payload.js'
import type { Log, Metrics } from '../../telemetry.js'
import type { Room } from './room.js'
import type { PolledTask } from './task.js'

/** A task younger than this is not looked after, in milliseconds. */
const SETTLE = 1_000
/** How long to wait for the process that runs a task to put its record back, once Redis has lost it, in milliseconds. */
const OWNER_FIRST = 2_500

interface Held extends PolledTask {
  permit: string
  at: number
  beatAt: number
  admitted: boolean
  /** The run that is to begin with it, and the room taken for it; undefined when there was none. */
  begins: { nonce: string; leave: () => void } | undefined
  /** When its record was found missing. */
  lostAt: number | undefined
  busy: boolean
}

export interface HeldTasksOptions {
  records: TaskRecords
  jobs: JobQueue
  swf: SwfClient
  log: Log
  metrics: Metrics
  room: Room
  /** A task has begun here; `leave` gives the room back that was taken for it. */
  onBegun: (run: Run, payload: Payload, leave: () => void) => void
  /** A task is over, and it is not known whether it had begun: its record is to be closed. */
  onUnsure: (task: DueTask, nonce: string) => void
}

export class HeldTasks {
  readonly #tasks = new Map<string, Held>()

  constructor(private readonly options: HeldTasksOptions) {}

  /** Tells whether there are tasks that are not in Redis yet. */
  get homeless(): boolean {
    return [...this.#tasks.values()].some(held => !held.admitted)
  }

  /** Takes a task that was just polled, and admits it in the place of its permit. Never rejects. */
  async add(task: PolledTask, permit: string): Promise<void> {
    const now = monotonic()
    this.forget(task.record.id)
    const { record, payload, deadline } = task
    const held: Held = {
      record,
      payload,
      deadline,
      permit,
      at: now,
      beatAt: now,
      admitted: false,
      begins: undefined,
      lostAt: undefined,
      busy: false,
    }
    this.#tasks.set(record.id, held)
    await this.#admit(held)
  }

  /** Somebody has begun the task, or it is over. */
  forget(id: string): void {
    const held = this.#tasks.get(id)
    if (held) this.#drop(held)
  }

  /**
   * Looks after the tasks, once a tick. `away`: Redis does not answer, so nobody else does. Never rejects, and does not wait
   * for SWF.
   */
  async lookAfter(away: boolean): Promise<void> {
    const now = monotonic()
    for (const held of this.#tasks.values())
      if (!held.busy && held.deadline !== undefined && held.deadline <= now) this.#drop(held)
    const old = [...this.#tasks.values()].filter(held => !held.busy && held.at + SETTLE <= now)
    if (old.length === 0) return
    if (!away) await this.#compare(old.filter(held => held.admitted))
    const homeless = old.filter(held => this.#tasks.has(held.record.id) && (away || !held.admitted))
    for (const held of homeless) void this.#rescue(held, away)
  }

  async #admit(held: Held): Promise<void> {
    const { records, jobs, log, room, onBegun } = this.options
    const { record, deadline, permit } = held
    const { id, startedEventId } = record
    held.busy = true
    const leave = held.begins ? undefined : room.take()
    if (leave) held.begins = { nonce: records.nonce(), leave }
    const { begins } = held
    try {
      const admitted = await records.admit(record, deadline, permit, begins?.nonce)
      held.begins = undefined
      if (admitted === 'RUN') onBegun(firstRun(record, deadline, begins!.nonce), held.payload, begins!.leave)
      else if (begins) {
        begins.leave()
        records.giveUp(begins.nonce)
      }
      if (admitted === 'RUN' || admitted === 'CLOSED') return this.#drop(held)
      await jobs.add({ id, startedEventId, takeovers: 0 })
      held.admitted = true
      held.lostAt = undefined
    } catch (error) {
      log.warn({ err: (error as Error).message, activityId: record.activityId }, 'task not admitted, trying again')
    } finally {
      held.busy = false
      // It was forgotten meanwhile.
      if (this.#tasks.get(id) !== held) this.#drop(held)
    }
  }

  /** Forgets what has been begun, and finds what Redis has lost. */
  async #compare(held: Held[]): Promise<void> {
    if (held.length === 0) return
    const states = await this.options.records.states(held.map(({ record }) => record.id)).catch(() => undefined)
    states?.forEach((state, i) => {
      const task = held[i]!
      const { startedEventId } = task.record
      if (state === undefined || state.startedEventId < startedEventId) this.#lost(task)
      else if (state.state !== 'WAIT' || state.startedEventId > startedEventId) this.#drop(task)
    })
  }

  /** Gives its owner, if there is one, time to come first; else it is admitted again, after SWF was asked. */
  #lost(held: Held): void {
    held.lostAt ??= monotonic()
    if (held.lostAt + OWNER_FIRST > monotonic()) return
    held.admitted = false
  }

  async #rescue(held: Held, away: boolean): Promise<void> {
    const { beat, taskToken } = held.record
    const now = monotonic()
    if (held.lostAt !== undefined || (beat > 0 && held.beatAt + beat <= now)) {
      held.beatAt = now
      held.busy = true
      try {
        await this.options.swf.recordActivityTaskHeartbeat({ taskToken })
        this.options.metrics.heartbeats.inc({ outcome: 'ok' })
      } catch (error) {
        this.options.metrics.heartbeats.inc({ outcome: 'failed' })
        held.busy = false
        if (isFault(error, 'UNKNOWN_RESOURCE')) return this.#drop(held)
      }
      held.busy = false
      // Somebody has begun it meanwhile.
      if (this.#tasks.get(held.record.id) !== held) return this.#drop(held)
    }
    if (!away) await this.#admit(held)
  }

  #drop(held: Held): void {
    const { record, begins } = held
    if (this.#tasks.get(record.id) === held) this.#tasks.delete(record.id)
    if (!begins || held.busy) return
    held.begins = undefined
    begins.leave()
    this.options.onUnsure(record, begins.nonce)
  }
}
