// The engine: executions start, record events, are decided upon, wait, and close. It is synchronous and knows no network.
//
// EN1. A request is checked whole before the first event of it is recorded.
// EN2. Tasks are given to polls in `settle`, after a request or a turn of timers is done: never in the middle of a batch.
// EN3. An event that needs the decider schedules a decision task at that moment, also while another is started; while one
//      is scheduled, no other is added. A scheduled task is given out only when none is started.
// EN4. An execution never holds more than 25,000 events: the last one is its termination.

import { randomBytes } from 'node:crypto'
import type { CloseEventType, EventType } from '../history-event.js'
import { CLOSE_STATUS } from '../history-event.js'
import type { Clock } from './clock.js'
import type { Domain } from './domain.js'
import { Execution, eventText } from './execution.js'
import type { ActivityTask, DecisionTask, Given, LambdaFunction, Timer } from './execution.js'
import { Family } from './family.js'
import { unknown } from './fault.js'
import { Faults } from './faults.js'
import { LambdaRunner } from './lambda.js'
import { Meter, NO_QUOTAS } from './quotas.js'
import type { Quotas } from './quotas.js'
import type { Store } from './store.js'
import type { TaskList } from './task-list.js'
import type { Timed } from './timers.js'
import { Timers } from './timers.js'

export const MAX_EVENTS = 25_000
const HOUR = 3_600_000
const DAY = 24 * HOUR

/** What WorkflowExecutionStarted says of a new run, apart from where it comes from. */
export type RunAttributes = Pick<
  Given<'WorkflowExecutionStarted'>,
  | 'input'
  | 'executionStartToCloseTimeout'
  | 'taskStartToCloseTimeout'
  | 'childPolicy'
  | 'taskList'
  | 'taskPriority'
  | 'workflowType'
  | 'tagList'
  | 'lambdaRole'
>

interface Origin {
  runId?: string
  parent?: Execution['parent']
  continuedExecutionRunId?: string
}

type Due = Execution | DecisionTask | ActivityTask | Timer | LambdaFunction | (Timed & { readonly kind: 'sweep' })

export interface EngineOptions {
  clock: Clock
  store: Store
  region: string
  /** @default NO_QUOTAS */
  quotas?: Quotas
  /** @default none */
  faults?: Faults
  /** @default without functions */
  lambdas?: LambdaRunner
  /** False while time stands still: events of one moment are told apart by their ids then. @default true */
  timesTell?: boolean
}

export class Engine {
  readonly domains = new Map<string, Domain>()
  /** The open executions by runId. */
  readonly runs = new Map<string, Execution>()
  readonly clock: Clock
  readonly store: Store
  readonly timers: Timers<Due>
  readonly region: string
  readonly quotas: Quotas
  readonly meter: Meter
  readonly faults: Faults
  readonly lambdas: LambdaRunner
  readonly timesTell: boolean
  /** The serial of the last execution that started. */
  lastSerial = 0
  #ready = new Set<{ match(): void }>()
  #family = new Family(this)
  #sweep = { kind: 'sweep', at: 0, slot: -1, order: 0 } satisfies Due as Due

  constructor({ clock, store, region, quotas = NO_QUOTAS, faults, lambdas, timesTell = true }: EngineOptions) {
    this.clock = clock
    this.store = store
    this.region = region
    this.quotas = quotas
    this.meter = new Meter(quotas, clock)
    this.faults = faults ?? new Faults(0)
    this.lambdas = lambdas ?? new LambdaRunner(undefined)
    this.timesTell = timesTell
    this.timers = new Timers(
      clock,
      entry => this.#due(entry),
      () => this.settle(),
    )
  }

  now(): number {
    return this.clock.now()
  }

  /** When the next thing falls due, apart from the sweep. */
  get nextDue(): number | undefined {
    return this.timers.nextAt(this.#sweep)
  }

  /** Returns a domain, or refuses. */
  domain(name: string): Domain {
    const domain = this.domains.get(name)
    if (!domain) throw unknown(`domain: ${name}`)
    return domain
  }

  domainOf(x: Execution): Domain {
    return this.domains.get(x.domain)!
  }

  /** Records an event and returns its id; 0 when the execution is closed. */
  record<T extends EventType>(x: Execution, type: T, attributes: Given<T>, at: number): number {
    if (!x.open) return 0
    const eventId = x.lastEventId + 1
    if (eventId >= MAX_EVENTS && !(type in CLOSE_STATUS)) {
      const { childPolicy } = x
      this.close(x, 'WorkflowExecutionTerminated', { childPolicy, cause: 'EVENT_LIMIT_EXCEEDED' }, at)
      return 0
    }
    const text = eventText(type, eventId, at, attributes)
    x.apply(type, attributes, at, text)
    this.store.event(x, text)
    return eventId
  }

  /** Starts a run: WorkflowExecutionStarted and its first decision task. */
  start(domain: Domain, workflowId: string, attributes: RunAttributes, at: number, origin: Origin = {}): Execution {
    const x = new Execution(++this.lastSerial, domain.name, workflowId, origin.runId ?? newRunId())
    const { parent, continuedExecutionRunId } = origin
    const eventId = this.record(
      x,
      'WorkflowExecutionStarted',
      {
        ...attributes,
        continuedExecutionRunId,
        parentWorkflowExecution: parent && { workflowId: parent.workflowId, runId: parent.runId },
        parentInitiatedEventId: parent?.initiatedEventId ?? 0,
      },
      at,
    )
    if (eventId === 1) this.store.started(x)
    this.adopt(domain, x)
    this.wake(x, at)
    return x
  }

  /** Closes a run and starts the next one of the same workflowId. Its parent is not told. */
  continueAsNew(x: Execution, attributes: RunAttributes, decisionTaskCompletedEventId: number, at: number): void {
    const runId = newRunId()
    const closing = { ...attributes, decisionTaskCompletedEventId, newExecutionRunId: runId }
    this.close(x, 'WorkflowExecutionContinuedAsNew', closing, at)
    const origin = { runId, parent: x.parent, continuedExecutionRunId: x.runId }
    this.start(this.domainOf(x), x.workflowId, attributes, at, origin)
  }

  /** The open execution of a workflowId; of this runId, if one is given. */
  findOpen(domain: string, workflowId: string, runId?: string): Execution | undefined {
    const x = this.domains.get(domain)?.open.get(workflowId)
    return x && (!runId || x.runId === runId) ? x : undefined
  }

  signal(x: Execution, attributes: Given<'WorkflowExecutionSignaled'>, at: number): void {
    this.record(x, 'WorkflowExecutionSignaled', attributes, at)
    this.wake(x, at)
  }

  requestCancel(x: Execution, attributes: Given<'WorkflowExecutionCancelRequested'>, at: number): void {
    this.record(x, 'WorkflowExecutionCancelRequested', attributes, at)
    this.wake(x, at)
  }

  /** Takes an open execution in: new, or read back from the store. */
  adopt(domain: Domain, x: Execution): void {
    domain.open.set(x.workflowId, x)
    domain.byStart.add(x)
    this.runs.set(x.runId, x)
    this.timers.set(x, finite(x.deadline))
  }

  /** Schedules a decision task unless one is scheduled. */
  wake(x: Execution, at: number): void {
    if (!x.open || x.scheduled) return
    this.record(
      x,
      'DecisionTaskScheduled',
      {
        taskList: { name: x.override?.taskList ?? x.taskList },
        taskPriority: x.taskPriority,
        startToCloseTimeout: x.taskStartToClose,
        scheduleToStartTimeout: x.override?.scheduleToStart ?? 'NONE',
      },
      at,
    )
    this.offerDecision(x)
  }

  /** Puts the scheduled decision task on its list, if it can be started now. */
  offerDecision(x: Execution): void {
    const task = x.scheduled
    if (!task || task.list || x.started || !x.open) return
    this.#ready.add(this.#offer(this.domainOf(x).decisionTasks.get(task.taskList), task))
    this.timers.set(task, finite(task.deadline))
  }

  /** Puts a scheduled activity task on its list. */
  offerActivity(task: ActivityTask): void {
    this.#ready.add(this.#offer(this.domainOf(task.execution).activityTasks.get(task.taskList), task))
    this.timers.set(task, finite(task.deadline.at))
  }

  /** Starts a Lambda function that was scheduled, or says why it can not be started. */
  startLambda(lambda: LambdaFunction): void {
    const { execution: x, scheduledEventId } = lambda
    const at = this.now()
    const message = this.lambdas.refusal(x)
    if (message !== undefined) {
      this.record(x, 'StartLambdaFunctionFailed', { scheduledEventId, cause: 'ASSUME_ROLE_FAILED', message }, at)
      this.wake(x, at)
    } else if (this.record(x, 'LambdaFunctionStarted', { scheduledEventId }, at)) this.callLambda(lambda)
  }

  /** Calls a Lambda function that has started. */
  callLambda(lambda: LambdaFunction): void {
    this.timers.set(lambda, finite(lambda.deadline))
    this.lambdas.call(lambda, this.store, outcome => {
      const { execution: x, scheduledEventId, startedEventId } = lambda
      const at = this.now()
      this.timers.cancel(lambda)
      const ids = { scheduledEventId, startedEventId }
      if ('result' in outcome) this.record(x, 'LambdaFunctionCompleted', { ...ids, ...outcome }, at)
      else this.record(x, 'LambdaFunctionFailed', { ...ids, ...outcome }, at)
      this.wake(x, at)
      this.settle()
    })
  }

  #offer<T extends DecisionTask | ActivityTask>(
    list: { add(task: T): void; match(): void },
    task: T,
  ): { match(): void } {
    list.add(task)
    return list
  }

  /** Takes a task off its list and its timer: it has closed. */
  drop(task: DecisionTask | ActivityTask): void {
    ;(task.list as TaskList<never> | undefined)?.remove(task as never)
    this.timers.cancel(task)
  }

  /** Gives tasks to the polls that wait for them. Called when a request, or a turn of timers, is done. */
  settle(): void {
    for (const list of this.#ready) {
      this.#ready.delete(list)
      list.match()
    }
  }

  /** Closes an execution: drops all that it has open, tells its parent, applies its child policy. */
  close<T extends CloseEventType>(x: Execution, type: T, attributes: Given<T>, at: number): void {
    if (!x.open) return
    this.record(x, type, attributes, at)
    if (x.scheduled) this.drop(x.scheduled)
    if (x.started) this.drop(x.started)
    for (const activity of x.activities.values()) this.drop(activity)
    for (const timer of x.timers.values()) this.timers.cancel(timer)
    for (const lambda of x.lambdas.values()) {
      this.timers.cancel(lambda)
      this.lambdas.abandon(lambda)
    }
    this.timers.cancel(x)
    const domain = this.domainOf(x)
    domain.open.delete(x.workflowId)
    domain.byStart.closed(x)
    this.runs.delete(x.runId)
    this.store.closed(x, Number(domain.record.retention) > 0)
    this.#family.closed(x, type, attributes, at)
  }

  /** Lets the closed executions go whose days of retention are over; again every hour. */
  sweep(): void {
    const now = this.now()
    for (const { name, record } of this.domains.values()) {
      const days = Number(record.retention)
      if (days > 0) this.store.forget(name, now - days * DAY)
    }
    this.timers.set(this.#sweep, now + HOUR)
  }

  #due(entry: Due): void {
    const at = this.now()
    if (entry.kind === 'sweep') {
      this.sweep()
      return
    }
    const x = entry.kind === 'execution' ? entry : entry.execution
    switch (entry.kind) {
      case 'execution':
        this.close(x, 'WorkflowExecutionTimedOut', { timeoutType: 'START_TO_CLOSE', childPolicy: x.childPolicy }, at)
        return
      case 'timer':
        this.record(x, 'TimerFired', { timerId: entry.timerId, startedEventId: entry.startedEventId }, at)
        break
      case 'activity': {
        const { scheduledEventId, startedEventId, heartbeatDetails: details } = entry
        const timeoutType = entry.deadline.type
        this.drop(entry)
        this.record(x, 'ActivityTaskTimedOut', { timeoutType, scheduledEventId, startedEventId, details }, at)
        break
      }
      case 'lambda': {
        const { scheduledEventId, startedEventId } = entry
        this.lambdas.abandon(entry)
        const timeoutType = 'START_TO_CLOSE'
        this.record(x, 'LambdaFunctionTimedOut', { scheduledEventId, startedEventId, timeoutType }, at)
        break
      }
      case 'decision': {
        const { scheduledEventId, startedEventId } = entry
        const timeoutType = startedEventId > 0 ? 'START_TO_CLOSE' : 'SCHEDULE_TO_START'
        this.drop(entry)
        this.record(x, 'DecisionTaskTimedOut', { timeoutType, scheduledEventId, startedEventId }, at)
        this.offerDecision(x)
        break
      }
    }
    this.wake(x, at)
  }
}

/** A deadline as the timers take it. */
export const finite = (at: number): number | undefined => (at === Infinity ? undefined : at)

let pool = Buffer.alloc(0)
/** A runId in SWF's form: base64, with its `+`, `/` and `=`. */
function newRunId(): string {
  if (pool.length < 32) pool = randomBytes(8_192)
  const id = `22${pool.toString('base64', 0, 32)}`
  pool = pool.subarray(32)
  return id
}
