// The decider: polls decision tasks, replays workflows, answers.
//
// D1. History up to a decision task's DecisionTaskStarted is fact: it is published before the task is answered.
//     When Redis is away the task is answered all the same; the next publisher fills the gap.
// D2. A poll is never aborted: its task would be lost until its timeout. Stopping waits for open polls and answers their tasks.
// D3. A decision task that cannot be decided (unknown type, divergence, an error in author code) is parked: answered with a
//     marker and a timer that wakes it later, its state saying `stuck`. Nothing that a workflow does ends this process.
// D4. A run stays in memory only while the accepted answer to its last task is known to be its own.
// D5. SWF may hand out an execution's next task before it has said that it took the answer to the last one: the next waits
//     until the last is done here.

import { hostname } from 'node:os'
import { randomUUID } from 'node:crypto'
import { Backoff, type Service } from '../../lifecycle.js'
import { stops, type Lack } from '../../probes.js'
import type { SwfClient, DecisionTask } from '../../swf/client.js'
import { isFault } from '../../swf/errors.js'
import { completeDecisionTask, readHistory } from '../../swf/history.js'
import type { HistoryEvent, WorkflowExecution } from '../../swf/history-event.js'
import { PLAIN, type PayloadCodec } from '../../swf/payload.js'
import { SwfReach } from '../../swf/reach.js'
import { typeKey } from '../../swf/type-key.js'
import { Recurring } from '../../recurring.js'
import type { Log, Metrics } from '../../telemetry.js'
import type { WorkflowDefinition } from '../../workflow/definition.js'
import { Run, type Turn } from '../../workflow/replay/replay.js'
import { checkTypes } from '../duplicate.js'
import { PollHealth } from '../poll-health.js'
import type { Announcer, Presence } from './announcer.js'
import { decodeEvents } from './codec.js'
import { parked } from './parking.js'
import { Responder } from './respond.js'
import { StickyCache, type CachedRun } from './sticky.js'

export interface DeciderOptions {
  swf: SwfClient
  /** Told of what happens. */
  announcer: Announcer
  domain: string
  workflows: readonly WorkflowDefinition[]
  log: Log
  metrics: Metrics
  /** Changes payload texts on their way to and from SWF. @default none */
  codec?: PayloadCodec
  /** Shown in DecisionTaskStarted. @default host and process id */
  identity?: string
  /** Polls held open for each task list. @default 5 */
  pollers?: number
  /** Executions kept in memory between decision tasks; 0 replays each from its whole history. @default 2,000 */
  cached?: number
  /** About how much memory they may take together, in bytes. @default 256 MiB */
  cachedBytes?: number
}

/** For how long, in milliseconds, an answer is held back that asks for timers while SWF starts none; tasks may have 1 s. */
const THROTTLED = 500

export const DEFAULTS = { pollers: 5, cached: 2_000, cachedBytes: 256 * 1_048_576 } satisfies Partial<DeciderOptions>

/** Serves the decision tasks of its workflows' task lists. */
export class Decider implements Service {
  readonly #options: DeciderOptions & typeof DEFAULTS
  readonly #definitions: ReadonlyMap<string, WorkflowDefinition>
  readonly #taskLists: readonly string[]
  readonly #identity: string
  readonly #stickyList: string
  readonly #codec: PayloadCodec
  readonly #cache: StickyCache
  readonly #responder: Responder
  readonly #reach: SwfReach
  readonly #polls: PollHealth
  readonly #pollFailures: Recurring
  readonly #answerFailures: Recurring
  readonly #stopping = new AbortController()
  /** Executions with a decision task at work, and when the last of it is done. */
  readonly #atWork = new Map<string, Promise<void>>()
  readonly #startedAt = Date.now()
  #loops: Promise<void>[] = []
  #leave = async (): Promise<void> => {}

  constructor(options: DeciderOptions) {
    this.#options = { ...DEFAULTS, ...options }
    checkTypes('workflows', options.workflows)
    this.#definitions = new Map(options.workflows.map(definition => [typeKey(definition), definition]))
    this.#taskLists = [...new Set(options.workflows.map(definition => definition.options.taskList))]
    this.#identity = options.identity ?? `${hostname()}:${process.pid}`
    this.#stickyList = `decider-${hostname().slice(0, 100)}-${process.pid}-${randomUUID().slice(0, 8)}`
    this.#codec = options.codec ?? PLAIN
    this.#cache = new StickyCache(this.#options.cached, this.#options.cachedBytes)
    this.#responder = new Responder(this.#options, this.#codec)
    this.#reach = new SwfReach(options.swf, options.domain)
    this.#polls = new PollHealth(this.#reach, `domain ${options.domain}`)
    this.#pollFailures = new Recurring(options.log, { failed: 'poll failed', worked: 'polling again' })
    this.#answerFailures = new Recurring(options.log, {
      failed: 'decision task not answered',
      worked: 'decision tasks are answered again',
      level: 'error',
    })
  }

  async start(): Promise<void> {
    const { pollers, cached, announcer } = this.#options
    this.#leave = announcer.present(() => this.#presence())
    for (const taskList of this.#taskLists)
      for (let n = 0; n < pollers; n++) this.#loops.push(this.#poll(taskList, false))
    if (cached > 0) for (let n = 0; n < pollers; n++) this.#loops.push(this.#poll(this.#stickyList, true))
    this.#options.log.info(
      {
        taskLists: this.#taskLists,
        workflows: this.#options.workflows.map(({ name, version }) => `${name} ${version}`),
      },
      'decider started',
    )
  }

  /** Stops polling, waits for open polls, answers what they brought, then forgets every run and is listed no more. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#loops)
    this.#loops = []
    this.#cache.clear()
    this.#options.metrics.cachedExecutions.set(0)
    await this.#leave()
  }

  /** What it lacks to decide. */
  async readiness(): Promise<readonly Lack[]> {
    const swf = await this.#reach.trouble()
    return [...(swf ? [stops(swf.what)] : []), ...this.#polls.lacks()]
  }

  #presence(): Presence {
    return {
      id: this.#stickyList,
      taskLists: [...this.#taskLists],
      workflowTypes: this.#options.workflows.map(({ name, version }) => ({ name, version })),
      cached: this.#cache.size,
      startedAt: this.#startedAt,
    }
  }

  async #poll(taskList: string, sticky: boolean): Promise<void> {
    const { swf, domain } = this.#options
    const backoff = new Backoff(100, 5_000)
    while (!this.#stopping.signal.aborted) {
      let task: DecisionTask
      try {
        task = await this.#polls.poll(() =>
          swf.pollForDecisionTask({
            domain,
            taskList: { name: taskList },
            identity: this.#identity,
            ...(sticky && { startAtPreviousStartedEvent: true }),
          }),
        )
        this.#pollFailures.worked({ domain })
        backoff.reset()
      } catch (error) {
        const { code, message } = error as Error & { code?: string }
        const hint = code === 'UNKNOWN_RESOURCE' ? `register domain ${domain} first: swf-gateway register` : undefined
        this.#pollFailures.failed(code ?? message, { domain, taskList, code, err: message, ...(hint && { hint }) })
        await backoff.wait(this.#stopping.signal)
        continue
      }
      if (!task.taskToken) continue
      await this.#serve(task, taskList, sticky)
    }
  }

  /** Answers one decision task; logs what goes wrong and never rejects: the task then times out and comes again. */
  async #serve(task: DecisionTask, taskList: string, sticky: boolean): Promise<void> {
    const execution = task.workflowExecution as WorkflowExecution
    const { workflowType, startedEventId } = task
    try {
      await this.#inTurn(execution.runId, () => this.#decide(task, execution, taskList, sticky))
      this.#answerFailures.worked()
    } catch (error) {
      this.#cache.drop(execution.runId)
      const { code, message, stack } = error as Error & { code?: string }
      const gone = isFault(error, 'UNKNOWN_RESOURCE')
      this.#options.metrics.decisionTasks.inc({
        workflowType: workflowType?.name ?? '',
        outcome: gone ? 'gone' : 'error',
      })
      const fields = { ...execution, workflowType: workflowType?.name, startedEventId, code, err: message }
      if (gone) this.#options.log.info(fields, 'decision task was closed by SWF before its answer')
      // A mistake is worth a line each time; SWF that is throttled or away is one state of many tasks.
      else if (code) this.#answerFailures.failed(code, fields)
      else this.#options.log.error({ ...fields, stack }, 'decision task not answered')
    }
  }

  /** Does something with an execution once everything that was begun with it before is done. */
  async #inTurn(runId: string, work: () => Promise<void>): Promise<void> {
    const before = this.#atWork.get(runId)
    const done = before ? before.then(work) : work()
    const settled = done.catch(() => {})
    this.#atWork.set(runId, settled)
    try {
      await done
    } finally {
      if (this.#atWork.get(runId) === settled) this.#atWork.delete(runId)
    }
  }

  async #decide(task: DecisionTask, execution: WorkflowExecution, taskList: string, sticky: boolean): Promise<void> {
    const { swf, domain, metrics, log } = this.#options
    const received = performance.now()
    const polled = await completeDecisionTask(swf, domain, taskList, task, this.#identity, {
      startAtPreviousStartedEvent: sticky,
    })
    const { events, cached } = await this.#runOf(task, execution, polled, sticky)
    metrics.cachedExecutions.set(this.#cache.size)

    const published = this.#options.announcer.history(execution, events)
    const turn: Turn = cached
      ? await cached.run.advance(await decodeEvents(events, this.#codec))
      : {
          kind: 'stuck',
          stuck: {
            reason: `this decider has no workflow type ${task.workflowType!.name} ${task.workflowType!.version}`,
          },
          context: {},
        }
    await published

    if (turn.kind === 'stuck') return this.#park(task, execution, cached, events, turn)
    for (const warning of turn.warnings) log.warn({ ...execution, warning }, 'workflow warning')
    if (turn.throttled) await new Backoff(THROTTLED, THROTTLED).wait(this.#stopping.signal)
    const keep = this.#options.cached > 0 && !this.#stopping.signal.aborted
    try {
      await this.#responder.respond(
        task,
        execution,
        turn,
        keep ? { taskList: this.#stickyList, sticky: true } : { taskList: cached!.taskList, sticky: false },
      )
    } catch (error) {
      if (!isFault(error, 'VALIDATION')) throw error
      const stuck = { reason: `SWF refuses what the workflow decided: ${error.message}`, eventId: task.startedEventId! }
      return this.#park(task, execution, cached, events, { kind: 'stuck', stuck, context: turn.context })
    }
    if (keep) this.#cache.put(execution.runId, cached!)
    else cached!.run.dispose()
    metrics.cachedExecutions.set(this.#cache.size)
    log.info(
      {
        ...execution,
        workflowType: task.workflowType!.name,
        startedEventId: task.startedEventId,
        decisions: turn.decisions.map(decision => decision.decisionType),
        sagaState: turn.context.saga?.state,
        sticky: polled === events ? undefined : false,
        ms: Math.round(performance.now() - received),
      },
      'decision task completed',
    )
  }

  async #park(
    task: DecisionTask,
    execution: WorkflowExecution,
    cached: CachedRun | undefined,
    events: HistoryEvent[],
    turn: Extract<Turn, { kind: 'stuck' }>,
  ): Promise<void> {
    cached?.run.dispose()
    const { swf, domain, metrics } = this.#options
    const whole = events[0]?.eventId === 1
    const history = whole ? events : await readHistory(swf, domain, execution, { upTo: task.startedEventId! })
    await this.#responder.park(task, execution, parked(turn, history))
    metrics.stuck.inc({ workflowType: task.workflowType!.name! })
  }

  /**
   * The run that this task continues, and the events to feed it: what is new when it is in memory and proves to be the
   * one that SWF knows, else a new run and its whole history.
   */
  async #runOf(
    task: DecisionTask,
    execution: WorkflowExecution,
    polled: HistoryEvent[],
    sticky: boolean,
  ): Promise<{ events: HistoryEvent[]; cached: CachedRun | undefined }> {
    const cached = this.#cache.take(execution.runId)
    if (sticky && cached && continues(cached.run, polled)) return { events: polled, cached }
    cached?.run.dispose()
    const { swf, domain } = this.#options
    const whole = polled[0]?.eventId === 1
    const events = whole ? polled : await readHistory(swf, domain, execution, { upTo: task.startedEventId! })
    const definition = this.#definitions.get(typeKey(task.workflowType as { name: string; version: string }))
    if (!definition) return { events, cached: undefined }
    const [started] = events
    const taskList =
      started?.eventType === 'WorkflowExecutionStarted'
        ? started.workflowExecutionStartedEventAttributes.taskList.name
        : definition.options.taskList
    const { log } = this.#options
    const workflowType = definition.name
    const run = new Run(definition, execution, {
      unhandled: rejection =>
        log.warn({ ...execution, ...rejection }, 'a promise of the workflow was rejected and nobody waits for it'),
      log: ({ level, fields, message }) => log[level]({ ...fields, ...execution, workflowType }, message),
    })
    return { events, cached: { run, taskList } }
  }
}

/** Tells whether events take up a run where it stands: no gap, and the answer that SWF took to its last task is among them. */
function continues(run: Run, events: readonly HistoryEvent[]): boolean {
  const first = events[0]?.eventId ?? Number.POSITIVE_INFINITY
  return (
    first <= run.lastEventId + 1 &&
    events.some(
      event =>
        event.eventType === 'DecisionTaskCompleted' &&
        event.decisionTaskCompletedEventAttributes.startedEventId === run.lastStartedEventId,
    )
  )
}
