// Runs the activities of a test: the handlers themselves, without queues and without Redis.
//
// AR1. What a handler sees and what SWF is told is what a worker would make of it: the same code runs it.
// AR2. A task that is at work is kept alive, as a worker does, however far time is moved meanwhile.

import type { ActivityTask, SwfClient } from '../swf/client.js'
import { isFault } from '../swf/errors.js'
import { NO_HANDLER } from '../swf/failure.js'
import { decodePayload, encodePayload } from '../swf/payload.js'
import type { Log } from '../telemetry.js'
import { bridgeFailure, runHandler } from '../workers/activity/handler-run.js'
import { respond } from '../workers/activity/respond.js'
import { typeKey } from '../workers/activity/task.js'
import { ActivityAborted, type ActivityContext, type Handler } from '../workers/definitions.js'

/** How often a handler that runs hears whether it is to stop, in real milliseconds. */
const LISTEN = 10
/** How long a handler may take to stop, in real milliseconds. */
const GRACE = 1_000
/** How many handlers of a task list run at a time. */
const AT_A_TIME = 1_000

/** One run of a handler. */
export interface HandlerRun {
  readonly activityType: { readonly name: string; readonly version: string }
  readonly input: unknown
  readonly attempt: number
  readonly idempotencyKey: string
}

interface Active {
  readonly heartbeat: number | undefined
  beat(): Promise<void>
}

export class ActivityRunner {
  readonly runs: HandlerRun[] = []
  readonly #handlers: ReadonlyMap<string, Handler>
  readonly #lists = new Map<string, Promise<void>>()
  readonly #active = new Set<Active>()
  readonly #stopping = new AbortController()

  constructor(private readonly options: { swf: SwfClient; domain: string; handlers: readonly Handler[]; log: Log }) {
    this.#handlers = new Map(options.handlers.map(handler => [typeKey(handler.definition), handler]))
    for (const { definition } of options.handlers) this.serve(definition.options.taskList)
  }

  /** Polls a task list from now on. */
  serve(taskList: string): void {
    if (!this.#lists.has(taskList)) this.#lists.set(taskList, this.#poll(taskList))
  }

  /** How often SWF must hear of the tasks at work, in milliseconds of SWF's time, and how; undefined when it need not. */
  pulse(): { every: number; beat: () => Promise<void> } | undefined {
    const limits = [...this.#active].flatMap(({ heartbeat }) => heartbeat ?? [])
    if (limits.length === 0) return undefined
    const beat = async () => void (await Promise.all([...this.#active].map(active => active.beat())))
    return { every: Math.max(1, Math.min(...limits) / 2), beat }
  }

  /** Polls no more. The polls that are held must be ended by closing their server. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#lists.values())
  }

  async #poll(taskList: string): Promise<void> {
    const { swf, domain, log } = this.options
    while (!this.#stopping.signal.aborted) {
      try {
        const task = await swf.pollForActivityTask({ domain, taskList: { name: taskList } })
        if (task.taskToken) void this.#run(task).catch((error: Error) => log.error({ err: error }, 'activity not run'))
      } catch (error) {
        if (this.#stopping.signal.aborted) return
        log.error({ err: error }, 'poll failed')
        await new Promise(resolve => setTimeout(resolve, LISTEN))
      }
      // However many there are, they are all begun before time can move.
      if (this.#active.size >= AT_A_TIME) await new Promise(resolve => setTimeout(resolve, 1))
    }
  }

  async #run(task: ActivityTask): Promise<void> {
    const { swf, log } = this.options
    const taskToken = task.taskToken!
    const activityId = task.activityId!
    const { workflowId, runId } = task.workflowExecution as { workflowId: string; runId: string }
    const activityType = task.activityType as { name: string; version: string }
    const facts = { workflowExecution: { workflowId, runId }, activityId, activityType }
    const { value: input, envelope } = decodePayload(task.input)
    const attempt = envelope.attempt ?? 1
    const idempotencyKey = envelope.idempotencyKey ?? `${workflowId}/${runId}/${activityId}`
    const abort = new AbortController()
    let details: string | undefined
    const beat = async () => {
      try {
        const { cancelRequested } = await swf.recordActivityTaskHeartbeat({ taskToken, ...(details && { details }) })
        if (cancelRequested && !abort.signal.aborted) abort.abort(new ActivityAborted('CANCEL_REQUESTED'))
      } catch (error) {
        if (isFault(error, 'UNKNOWN_RESOURCE') && !abort.signal.aborted) abort.abort(new ActivityAborted('CLOSED'))
      }
    }
    const job: ActivityContext = {
      attempt,
      lastHeartbeat: envelope.lastHeartbeat,
      heartbeat: given => {
        details = encodePayload(given)
        void beat()
      },
      signal: abort.signal,
      shuttingDown: this.#stopping.signal,
      idempotencyKey,
      fencingToken: String(task.startedEventId).padStart(10, '0'),
      log,
      workflowExecution: { workflowId, runId },
      deadline: envelope.deadline === undefined ? undefined : new Date(envelope.deadline),
      activityId,
      activityType,
    }
    this.runs.push({ activityType, input, attempt, idempotencyKey })
    const handler = this.#handlers.get(typeKey(activityType))
    const active: Active = { heartbeat: envelope.heartbeat, beat }
    this.#active.add(active)
    const listening = setInterval(() => void beat(), LISTEN)
    try {
      const outcome = handler
        ? await runHandler(handler, facts, input, job, { grace: GRACE })
        : bridgeFailure(facts, NO_HANDLER, `No handler for ${activityType.name} ${activityType.version} in this test`)
      if (outcome) await respond(swf, taskToken, outcome, { log, leave: this.#stopping.signal })
    } finally {
      clearInterval(listening)
      this.#active.delete(active)
    }
  }
}
