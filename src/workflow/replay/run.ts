// A run: one execution's author code, fed its history one event at a time.
//
// R1. User code runs only between two events; when its promises have settled, the next event is fed.
// R2. Nothing here reads a clock, a random source or the network: `now` is the time of the DecisionTaskStarted at work.
// R3. An event belongs to the first completed decision task whose startedEventId is not less than its id. A task that timed
//     out or was parked saw nothing.
// R4. A close may be refused (UNHANDLED_DECISION): new events reach handlers, then the same close is sent again, last.

import type { Decision, DecisionType } from '../../swf/decision.js'
import {
  decodeExecutionContext,
  encodeExecutionContext,
  type ExecutionContext,
  type Saga,
  type SagaState,
} from '../../swf/execution-context.js'
import { decodeFailure } from '../../swf/failure.js'
import {
  attributesOf,
  isCloseEvent,
  type EventOf,
  type HistoryEvent,
  type WorkflowExecution,
} from '../../swf/history-event.js'
import { decodePayload } from '../../swf/payload.js'
import type { WorkflowDefinition } from '../definition.js'
import {
  ActivityTaskCanceled,
  ActivityTaskFailed,
  ActivityTaskTimedOut,
  ScheduleActivityTaskFailed,
  ValidationFailed,
  WorkflowExecutionCancelRequested,
} from '../errors.js'
import { validate } from '../validator.js'
import { closingDecision, type Outcome } from './close.js'
import { ActivityOperation, Commands, type TimerOperation } from './commands.js'
import { outside, type ActivityTaskSpec, type RunContext, type SignalInbox, type StepObserver } from './current.js'
import { recordedDecisions } from './divergence.js'
import { Operation } from './operation.js'
import { isParkTimer, PARKED_MARKER } from './park.js'
import { randomSequence } from './random.js'
import { Stuck, stuckBy } from './stuck.js'

/** What a decision task is to be answered with. */
export interface Decided {
  kind: 'decided'
  decisions: Decision[]
  /** Present when it has changed since SWF was last given one. */
  executionContext?: string
  context: ExecutionContext
  /** The state that its saga has entered since SWF was last given one. */
  sagaEntered?: SagaState
  closing?: DecisionType
  /** Activities that are scheduled and have not closed. */
  openActivities: number
  /** What is odd and harmless: details changed since they were recorded, signals that are not valid. */
  warnings: string[]
}

const TRY_AGAIN = /^OPEN_.*_LIMIT_EXCEEDED$|_RATE_EXCEEDED$/

export class RunState implements RunContext {
  now = 0
  /** Of the last event fed; what lies between the task at work and it is not for author code. */
  lastEventId = 0
  /** Id of the last DecisionTaskStarted that was decided. */
  lastStartedEventId = 0
  /** Id of the DecisionTaskStarted at work: all that author code may know of. */
  historyLength = 0
  cancelRequested: WorkflowExecutionCancelRequested | undefined
  step: StepObserver | undefined
  readonly shown: { saga?: Saga; state?: unknown } = {}

  #seq = 0
  readonly #random: () => number
  readonly #commands = new Commands(() => this.#canceled())
  /** Seen and not yet fed to author code. */
  #unfed: HistoryEvent[] = []
  readonly #startedAt = new Map<number, number>()
  readonly #signals = new Map<string, SignalInbox>()
  readonly #signalKeys = new Set<string>()
  #conditions: { predicate: () => boolean; operation: Operation<void> }[] = []
  readonly #cancelListeners = new Set<() => void>()
  #outcome: Outcome | undefined
  #close: Decision | undefined
  #closed = false
  #sentContext: string | undefined
  #warnings: string[] = []

  constructor(
    private readonly definition: WorkflowDefinition,
    readonly execution: WorkflowExecution,
  ) {
    this.#random = randomSequence(execution.runId)
  }

  /** Feeds events, one step a `yield`; returns what to answer the last DecisionTaskStarted with. Throws Stuck. */
  *feed(events: readonly HistoryEvent[]): Generator<void, Decided> {
    let current = 0
    for (let index = 0; index < events.length;) {
      const event = events[index]!
      this.lastEventId = event.eventId
      if (event.eventType === 'DecisionTaskCompleted') {
        current = 0
        index = yield* this.#completed(events, index, event)
        continue
      }
      if (event.eventType === 'DecisionTaskStarted') {
        current = event.eventId
        this.#startedAt.set(current, event.eventTimestamp.getTime())
      } else if (event.eventType === 'DecisionTaskTimedOut') {
        current = 0
        this.#startedAt.delete(event.decisionTaskTimedOutEventAttributes.startedEventId)
      } else {
        if (isCloseEvent(event)) this.#closed = true
        this.#unfed.push(event)
      }
      index++
    }
    if (current !== 0) yield* this.#decide(current)
    return this.#decided()
  }

  // --- what operations ask for ---

  nextSeq(): number {
    return ++this.#seq
  }

  random(): number {
    return this.#random()
  }

  randomOf(name: string): number {
    return randomSequence(`${this.execution.runId} ${name}`)()
  }

  scheduleActivityTask(spec: ActivityTaskSpec): ActivityOperation {
    return this.#commands.scheduleActivityTask(spec)
  }

  startTimer(timerId: string, seconds: string): TimerOperation {
    return this.#commands.startTimer(timerId, seconds)
  }

  signals(name: string): SignalInbox {
    let inbox = this.#signals.get(name)
    if (!inbox) this.#signals.set(name, (inbox = { buffered: [], waiting: [] }))
    return inbox
  }

  handle(name: string, handler: (value: unknown) => void): void {
    const inbox = this.signals(name)
    inbox.handler = handler
    for (const value of inbox.buffered.splice(0)) this.#handle(handler, value)
  }

  condition(predicate: () => boolean): Operation<void> {
    const operation = new Operation<void>()
    const entry = { predicate, operation }
    this.#conditions.push(entry)
    operation.cancel = () => {
      this.#conditions = this.#conditions.filter(other => other !== entry)
      if (!operation.settled) operation.reject(this.#canceled())
    }
    return operation
  }

  onCancelRequested(listener: () => void): () => void {
    this.#cancelListeners.add(listener)
    return () => this.#cancelListeners.delete(listener)
  }

  #canceled(): WorkflowExecutionCancelRequested {
    return this.cancelRequested ?? new WorkflowExecutionCancelRequested()
  }

  // --- feeding ---

  *#completed(
    events: readonly HistoryEvent[],
    index: number,
    event: EventOf<'DecisionTaskCompleted'>,
  ): Generator<void, number> {
    const { startedEventId, executionContext } = event.decisionTaskCompletedEventAttributes
    const recorded = recordedDecisions(events, index)
    this.lastEventId = events[recorded.end - 1]!.eventId
    if (executionContext !== undefined) this.#sentContext = executionContext
    const parked = recorded.decisions.some(
      decision =>
        decision.eventType === 'MarkerRecorded' && decision.markerRecordedEventAttributes.markerName === PARKED_MARKER,
    )
    if (!parked) {
      if (startedEventId !== this.lastStartedEventId) yield* this.#decide(startedEventId)
      const { warnings, refused } = this.#commands.match(recorded.decisions, this.#close)
      this.#warnings.push(...warnings)
      this.#unfed.push(...refused, ...recorded.outcomes)
      this.#unfed.sort((one, other) => one.eventId - other.eventId)
      if (recorded.decisions.some(isCloseEvent)) this.#closed = true
    }
    this.#startedAt.delete(startedEventId)
    return recorded.end
  }

  /** Feeds what belongs to a decision task (R3). */
  *#decide(startedEventId: number): Generator<void, void> {
    this.now = this.#startedAt.get(startedEventId) ?? this.now
    this.historyLength = startedEventId
    const due = this.#unfed.filter(event => event.eventId <= startedEventId)
    this.#unfed = this.#unfed.filter(event => event.eventId > startedEventId)
    for (const event of due) {
      if (!this.#apply(event)) continue
      yield
      yield* this.#settleConditions(event)
      if (this.#outcome && !this.#close) {
        const cancelRequested = this.cancelRequested !== undefined
        this.#close = closingDecision(this.definition, this.#outcome, { cancelRequested, eventId: event.eventId })
      }
    }
    this.lastStartedEventId = startedEventId
  }

  *#settleConditions(event: HistoryEvent): Generator<void, void> {
    for (;;) {
      const met = this.#conditions.find(({ predicate }) => this.#holds(predicate, event))
      if (!met) return
      this.#conditions = this.#conditions.filter(other => other !== met)
      met.operation.resolve()
      yield
    }
  }

  #holds(predicate: () => boolean, event: HistoryEvent): boolean {
    try {
      return predicate()
    } catch (error) {
      throw stuckBy(error, event)
    }
  }

  // --- events ---

  /** Gives an event to whoever waits for it; true when author code may have been woken. */
  #apply(event: HistoryEvent): boolean {
    switch (event.eventType) {
      case 'WorkflowExecutionStarted':
        this.#start(event)
        return true
      case 'ActivityTaskCompleted': {
        const { scheduledEventId, result } = event.activityTaskCompletedEventAttributes
        return this.#settle(scheduledEventId, operation => operation.resolve(result))
      }
      case 'ActivityTaskFailed': {
        const { scheduledEventId, reason, details } = event.activityTaskFailedEventAttributes
        const failure = decodeFailure('ACTIVITY_TASK_FAILED', reason, details)
        return this.#settle(scheduledEventId, operation =>
          operation.reject(new ActivityTaskFailed(operation.facts, { ...failure, reason: reason ?? failure.reason })),
        )
      }
      case 'ActivityTaskTimedOut': {
        const { scheduledEventId, timeoutType, details } = event.activityTaskTimedOutEventAttributes
        const lastHeartbeat = decodePayload(details).value
        return this.#settle(scheduledEventId, operation =>
          operation.reject(new ActivityTaskTimedOut(operation.facts, timeoutType, lastHeartbeat)),
        )
      }
      case 'ActivityTaskCanceled': {
        const { scheduledEventId, details } = event.activityTaskCanceledEventAttributes
        return this.#settle(scheduledEventId, operation =>
          operation.reject(new ActivityTaskCanceled(operation.facts, decodePayload(details).value)),
        )
      }
      case 'ScheduleActivityTaskFailed': {
        const { cause } = event.scheduleActivityTaskFailedEventAttributes
        if (TRY_AGAIN.test(cause)) return this.#again(event)
        return this.#settle(event.eventId, operation =>
          operation.reject(new ScheduleActivityTaskFailed(operation.facts, cause)),
        )
      }
      case 'TimerFired': {
        const operation = this.#commands.take(event.timerFiredEventAttributes.startedEventId)
        if (!operation || operation.settled) return false
        ;(operation as TimerOperation).resolve()
        return true
      }
      case 'StartTimerFailed': {
        const { cause, timerId } = event.startTimerFailedEventAttributes
        if (isParkTimer(timerId)) return false
        if (!TRY_AGAIN.test(cause)) throw new Stuck(`SWF refused timer ${timerId}: ${cause}`, event.eventId)
        return this.#again(event)
      }
      case 'WorkflowExecutionSignaled':
        return this.#signaled(event)
      case 'WorkflowExecutionCancelRequested':
        if (this.cancelRequested) return false
        this.cancelRequested = new WorkflowExecutionCancelRequested()
        for (const listener of [...this.#cancelListeners]) listener()
        return true
      case 'CompleteWorkflowExecutionFailed':
      case 'FailWorkflowExecutionFailed':
      case 'CancelWorkflowExecutionFailed': {
        const { cause } = attributesOf(event)
        if (cause === 'UNHANDLED_DECISION') return false
        throw new Stuck(`SWF refused to close the execution: ${String(cause)}`, event.eventId)
      }
      default:
        return false
    }
  }

  #settle(beganBy: number, settle: (operation: ActivityOperation) => void): boolean {
    const operation = this.#commands.take(beganBy)
    if (!(operation instanceof ActivityOperation)) return false
    settle(operation)
    return true
  }

  #again({ eventId }: HistoryEvent): false {
    const operation = this.#commands.take(eventId)
    if (operation) this.#commands.again(operation, eventId)
    return false
  }

  #signaled(event: EventOf<'WorkflowExecutionSignaled'>): boolean {
    const { signalName, input } = event.workflowExecutionSignaledEventAttributes
    const { value, envelope } = decodePayload(input)
    if (envelope.idempotencyKey !== undefined) {
      const key = `${signalName} ${envelope.idempotencyKey}`
      if (this.#signalKeys.has(key)) return false
      this.#signalKeys.add(key)
    }
    const inbox = this.signals(signalName)
    if (inbox.handler) {
      try {
        this.#handle(inbox.handler, value)
      } catch (error) {
        throw stuckBy(error, event)
      }
    } else if (inbox.waiting.length) inbox.waiting.shift()!.resolve(value)
    else inbox.buffered.push(value)
    return true
  }

  /** Calls a signal's handler. A signal that its validator refuses is none of the author's making: it is dropped. */
  #handle(handler: (value: unknown) => void, value: unknown): void {
    try {
      handler(value)
    } catch (error) {
      if (!(error instanceof ValidationFailed)) throw error
      this.#warnings.push(error.message)
    }
  }

  #start(event: EventOf<'WorkflowExecutionStarted'>): void {
    const { name, options, run } = this.definition
    const body = async () => {
      const { value } = decodePayload(event.workflowExecutionStartedEventAttributes.input)
      return run(outside(() => validate(options.input, value, `input of ${name}`))) as Promise<unknown>
    }
    body().then(
      result => (this.#outcome = { result }),
      (failure: unknown) => (this.#outcome = { failure }),
    )
  }

  // --- the answer ---

  #decided(): Decided {
    const closing = this.#close?.decisionType
    const listens = [...this.#signals.values()].some(inbox => inbox.waiting.length > 0)
    const waits = this.#commands.outstanding || this.#conditions.length > 0 || listens
    if (!closing && !this.#closed && !waits)
      throw new Stuck('the workflow waits on something that is not in the history', this.lastEventId)
    const context = this.#context()
    const empty = Object.keys(context).length === 0 && this.#sentContext === undefined
    const executionContext = empty ? undefined : encodeExecutionContext(context)
    const changed = executionContext !== this.#sentContext
    const entered = changed && context.saga?.state !== decodeExecutionContext(this.#sentContext).saga?.state
    const warnings = this.#warnings
    this.#warnings = []
    return {
      kind: 'decided',
      decisions: this.#closed ? [] : [...this.#commands.decisions, ...(this.#close ? [this.#close] : [])],
      context,
      openActivities: this.#commands.openActivities,
      warnings,
      ...(executionContext !== undefined && changed && { executionContext }),
      ...(context.saga && entered && { sagaEntered: context.saga.state }),
      ...(closing && { closing }),
    }
  }

  /** What the workflow shows of itself. The end of a saga is shown with the closing decision, not before. */
  #context(): ExecutionContext {
    const { saga, state } = this.shown
    const ended = saga?.state === 'COMPLETED' ? 'RUNNING' : saga?.state === 'FAILED' ? 'COMPENSATING' : undefined
    return {
      ...(saga && { saga: ended && !this.#close ? { ...saga, state: ended } : saga }),
      ...(state !== undefined && { state }),
    }
  }
}
