// One activity task of a test: its handler at work, hanging, or having left it open.

import { LEFT_OPEN, NO_HANDLER } from '../swf/failure.js'
import type { SwfClient } from '../swf/client.js'
import { isFault } from '../swf/errors.js'
import { decodePayload, encodePayload, type Payload } from '../swf/payload.js'
import type { Log } from '../telemetry.js'
import { fencingToken } from '../queues/fencing-token.js'
import type { Outcome } from '../queues/task-record.js'
import { bridgeFailure, runHandler } from '../workers/activity/handler-run.js'
import { leaveOpen } from '../workers/activity/leave-open.js'
import { respond } from '../workers/activity/respond.js'
import { Stop } from '../workers/activity/stop.js'
import type { PolledTask } from '../workers/activity/task.js'
import { OpenActivity, type AbortCode, type ActivityContext, type Handler } from '../workers/definitions.js'

/** How often a handler that runs hears whether it is to stop, in real milliseconds. */
const LISTEN = 10
/** How long a handler may take to stop, in real milliseconds. */
const GRACE = 1_000
/** A handler that beats by itself hangs when it has not for so long, in real milliseconds. */
const HANGS = 500

export interface TestTaskOptions {
  swf: SwfClient
  domain: string
  taskList: string
  handler: Handler | undefined
  log: Log
  /** SWF's time, in milliseconds since 1970. */
  now: () => number
  /** Aborted when the test is over. */
  stopping: AbortSignal
}

export class TestTask {
  readonly input: unknown
  readonly attempt: number
  readonly idempotencyKey: string
  readonly #payload: Payload
  readonly #stopping = new Stop()
  #details: string | undefined
  /** When the handler beat last, in real time. */
  #said = performance.now()
  /** When SWF heard of it last, in its time. */
  #beaten: number
  #fresh = false
  #open: OpenActivity | undefined
  #closed: () => void = () => {}

  constructor(
    private readonly task: PolledTask,
    private readonly options: TestTaskOptions,
  ) {
    const { record, payload } = task
    const { workflowExecution, activityId } = record
    const { workflowId, runId } = workflowExecution
    this.#beaten = options.now()
    this.#payload = payload
    const { envelope, value } = this.#payload
    this.input = value
    this.attempt = envelope.attempt ?? 1
    this.idempotencyKey = envelope.idempotencyKey ?? `${workflowId}/${runId}/${activityId}`
  }

  get taskToken(): string {
    return this.task.record.taskToken
  }

  /** Nobody works on it: it was left open, or its handler beats by itself and does not any more. */
  get idle(): boolean {
    return this.#stopping.code === undefined && (this.#open !== undefined || this.#hangs)
  }

  /** How long SWF may be told nothing, in milliseconds of its time; undefined when it need not be told anything. */
  get patience(): number | undefined {
    if (this.#hangs) return undefined
    const { heartbeat = Infinity } = this.#payload.envelope
    const left = this.#open?.until ? this.#open.until.getTime() - this.options.now() : Infinity
    const least = Math.min(heartbeat / 2, Math.max(left, 1))
    return least === Infinity ? undefined : least
  }

  /** Runs the handler, and waits for what it leaves open; resolves when SWF knows the outcome. */
  async run(): Promise<void> {
    const { swf, log, handler, stopping } = this.options
    const { record } = this.task
    const listening = setInterval(() => void this.beat(), LISTEN)
    try {
      const { name, version } = record.activityType
      const end = handler
        ? await runHandler(handler, record, this.input, this.#context(), {
            stop: this.#stopping,
            grace: GRACE,
            lastHeartbeat: () => decodePayload(this.#details).value,
          })
        : bridgeFailure(record, NO_HANDLER, `No handler for ${name} ${version} in this test`)
      const outcome = OpenActivity.is(end) ? await this.#leftOpen(end) : end
      if (outcome) await respond(swf, record.taskToken, outcome, { log: () => log, leave: stopping })
    } finally {
      clearInterval(listening)
    }
  }

  /** Tells SWF that it is alive, unless nobody could say so; obeys the answer. */
  async beat(): Promise<void> {
    const { swf, now } = this.options
    if (this.#hangs) return this.#timedOut() ? this.#stop('CLOSED') : undefined
    this.#beaten = now()
    const { taskToken } = this.task.record
    const details = this.#details
    try {
      const { cancelRequested } = await swf.recordActivityTaskHeartbeat({ taskToken, ...(details && { details }) })
      if (cancelRequested) this.#stop('CANCEL_REQUESTED')
    } catch (error) {
      const late = this.task.deadline !== undefined && now() >= this.task.deadline
      if (isFault(error, 'UNKNOWN_RESOURCE')) this.#stop(late ? 'DEADLINE' : 'CLOSED')
    }
    const until = this.#open?.until
    if (until && now() >= until.getTime()) this.#closed()
  }

  /** Somebody has ended it by its token. */
  ended(): void {
    this.#stop('CLOSED')
  }

  get #hangs(): boolean {
    if (this.#open || this.options.handler?.heartbeat !== 'manual') return false
    return performance.now() - this.#said > HANGS
  }

  #timedOut(): boolean {
    return this.options.now() - this.#beaten >= (this.#payload.envelope.heartbeat ?? Infinity)
  }

  #stop(code: AbortCode): void {
    this.#stopping.ask(code)
    this.#closed()
  }

  /** Waits until it is ended otherwise; resolves to the outcome that is to be told. */
  async #leftOpen(open: OpenActivity): Promise<Outcome | undefined> {
    this.#open = open
    const { stopping } = this.options
    if (this.#stopping.code === undefined && !stopping.aborted)
      await new Promise<void>(resolve => {
        this.#closed = resolve
        stopping.addEventListener('abort', () => resolve(), { once: true })
      })
    if (stopping.aborted) return undefined
    const { code } = this.#stopping
    if (code === undefined) return bridgeFailure(this.task.record, LEFT_OPEN, 'Nobody completed it in time')
    return code === 'CANCEL_REQUESTED' ? { kind: 'canceled' } : undefined
  }

  #record(details: unknown): void {
    this.#said = performance.now()
    try {
      this.#details = encodePayload(details) ?? this.#details
    } catch (error) {
      this.options.log.warn({ err: (error as Error).message }, 'heartbeat details left out')
    }
    if (this.#fresh) return
    this.#fresh = true
    setImmediate(() => {
      this.#fresh = false
      void this.beat()
    })
  }

  #context(): ActivityContext {
    const { domain, taskList, log, now, stopping } = this.options
    const { record, deadline } = this.task
    return {
      attempt: this.attempt,
      lastHeartbeat: this.#payload.envelope.lastHeartbeat,
      heartbeat: details => this.#record(details),
      signal: this.#stopping.signal,
      shuttingDown: stopping,
      idempotencyKey: this.idempotencyKey,
      fencingToken: fencingToken(record.startedEventId, 0),
      log,
      workflowExecution: record.workflowExecution,
      deadline: deadline === undefined ? undefined : new Date(deadline),
      activityId: record.activityId,
      activityType: record.activityType,
      leaveOpen: options =>
        leaveOpen(record, { domain, taskList, deadline, now: now(), dateAt: at => new Date(at) }, options?.for),
    }
  }
}
