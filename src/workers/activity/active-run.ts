// One run that goes on in this process: its heartbeat, whether it is to stop, and what its handler is given.

import { dateAt, monotonic } from '../../clock.js'
import type { Run, TaskRecords } from '../../queues/task-record.js'
import type { SwfClient } from '../../swf/client.js'
import { decodePayload, type Payload } from '../../swf/payload.js'
import type { Log, Metrics } from '../../telemetry.js'
import type { ActivityContext } from '../definitions.js'
import { Heartbeat } from './heartbeat.js'
import { leaveOpen } from './leave-open.js'
import { Stop } from './stop.js'

const LONGEST_TIMER = 2 ** 31 - 1

export interface ActiveRunOptions {
  swf: SwfClient
  records: TaskRecords
  domain: string
  taskList: string
  log: Log
  metrics: Metrics
  /** Aborted when the process shuts down. */
  shuttingDown: AbortSignal
}

export class ActiveRun {
  readonly #options: ActiveRunOptions
  readonly stop = new Stop()
  readonly heartbeat: Heartbeat
  /** It counts among those that run, for the fleet. */
  holdsSlot = true
  /** Its record is still to be closed, or was left open: its nonce is given up then, and not as the run ends. */
  isOwed = false
  readonly #forgetDeadline: () => void
  #log: Log | undefined

  /** `manual`: its handler beats by itself. */
  constructor(
    options: ActiveRunOptions,
    readonly run: Run,
    readonly payload: Payload,
    manual: boolean,
  ) {
    this.#options = options
    const { swf, records, metrics } = options
    this.heartbeat = new Heartbeat({
      run,
      swf,
      records,
      metrics,
      manual,
      log: () => this.log,
      onStop: code => this.stop.ask(code),
      onLost: () => void this.#restore(),
    })
    this.#forgetDeadline = at(run.deadline, () => this.stop.ask('DEADLINE'))
  }

  /** The log of this run: its lines name the activity. Made when there is something to say. */
  get log(): Log {
    return (this.#log ??= this.#options.log.child(this.facts))
  }

  /** Names the activity in a line of the log. */
  get facts() {
    const { workflowExecution, activityId, activityType } = this.run.task
    const { workflowId, runId } = workflowExecution
    return { workflowId, runId, activityId, activityType: activityType.name, attempt: this.attempt }
  }

  get attempt(): number {
    return this.payload.envelope.attempt ?? 1
  }

  /** What the handler is given. */
  job(): ActivityContext {
    const { run, stop, heartbeat, attempt } = this
    const { task, fencingToken, deadline, details } = run
    const { domain, taskList, shuttingDown } = this.#options
    const { workflowExecution, activityId, activityType } = task
    const { idempotencyKey, lastHeartbeat } = this.payload.envelope
    const log = () => this.log
    return {
      attempt,
      fencingToken,
      workflowExecution,
      activityId,
      activityType,
      shuttingDown,
      lastHeartbeat: details === undefined ? lastHeartbeat : decodePayload(details).value,
      idempotencyKey: idempotencyKey ?? `${workflowExecution.workflowId}/${workflowExecution.runId}/${activityId}`,
      deadline: deadline === undefined ? undefined : dateAt(deadline),
      heartbeat: details => heartbeat.record(details),
      leaveOpen: options => leaveOpen(task, { domain, taskList, deadline, now: monotonic(), dateAt }, options?.for),
      get signal() {
        return stop.signal
      },
      get log() {
        return log()
      },
    }
  }

  /** It is over: nothing is beaten, nor asked to stop, any more. */
  end(): void {
    this.#forgetDeadline()
    this.heartbeat.stop()
  }

  /** Puts the run back that Redis has lost, so that it counts again and nobody else begins one. */
  async #restore(): Promise<void> {
    const restored = await this.#options.records.restore(this.run).catch(() => 'UNKNOWN' as const)
    if (restored === 'STALE') this.stop.ask('FENCED')
  }
}

/** Calls at a moment, however far away; returns what takes that back. */
function at(moment: number | undefined, call: () => void): () => void {
  if (moment === undefined) return () => {}
  let timer: NodeJS.Timeout
  const wait = () => {
    const left = moment - monotonic()
    timer = left > LONGEST_TIMER ? setTimeout(wait, LONGEST_TIMER) : setTimeout(call, left)
  }
  wait()
  return () => clearTimeout(timer)
}
