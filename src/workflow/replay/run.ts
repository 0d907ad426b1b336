// A run: one execution's author code, fed its history one event at a time.
//
// R1. User code runs only between two events; when its promises have settled, the next event is fed.
// R2. Decisions leave in the order that user code asked for them; a closing decision is last.
// R3. Nothing here reads a clock, a random source or the network: `now` is the time of the DecisionTaskStarted at work.
// R4. An event belongs to the first completed decision task whose startedEventId is not less than its id. A task that timed
//     out or was parked saw nothing.
// R5. A close may be refused (UNHANDLED_DECISION): new events reach handlers, then the same close is sent again.
// R6. Operations are refused with OPEN_*_LIMIT or *_RATE_EXCEEDED only for a while: they are asked for again, and author code
//     does not hear of it.

import {
  cancelTimer,
  cancelWorkflowExecution,
  completeWorkflowExecution,
  failWorkflowExecution,
  requestCancelActivityTask,
  scheduleActivityTask,
  startTimer,
  type Decision,
  type DecisionType,
} from '../../swf/decision.js'
import { encodeExecutionContext, type ExecutionContext, type Saga } from '../../swf/execution-context.js'
import { cutReason, decodeFailure, encodeFailure } from '../../swf/failure.js'
import {
  attributesOf,
  isCloseEvent,
  type EventOf,
  type HistoryEvent,
  type WorkflowExecution,
} from '../../swf/history-event.js'
import { decodePayload, encodePayload } from '../../swf/payload.js'
import type { WorkflowDefinition } from '../definition.js'
import {
  ActivityTaskCanceled,
  ActivityTaskFailed,
  ActivityTaskTimedOut,
  ScheduleActivityTaskFailed,
  ValidationFailed,
  WorkflowExecutionCancelRequested,
  WorkflowFailure,
  tooLarge,
} from '../errors.js'
import { decodeControl, type ResolvedRetryPolicy } from '../retry.js'
import { validate } from '../validator.js'
import { outside, type ActivityTaskSpec, type RunContext, type SignalInbox, type StepObserver } from './current.js'
import { describe, describeEvent, difference, recordedDecisions } from './divergence.js'
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
  closing?: DecisionType
  /** Activities that are scheduled and have not closed. */
  openActivities: number
  /** Details that have changed since they were recorded; harmless. */
  warnings: string[]
}

class ActivityOperation extends Operation<string | undefined> {
  /** The retry policy that was recorded with the first try. */
  policy?: ResolvedRetryPolicy
  constructor(readonly spec: ActivityTaskSpec) {
    super()
  }
}

class TimerOperation extends Operation<void> {
  constructor(
    readonly timerId: string,
    readonly seconds: string,
  ) {
    super()
  }
}

type Asked = ActivityOperation | TimerOperation
type Outcome = { result: unknown } | { failure: unknown }

const TRY_AGAIN = /^OPEN_.*_LIMIT_EXCEEDED$|_RATE_EXCEEDED$/
/** Seconds to wait before an operation that SWF refused for its limits is asked for again. */
const LIMIT_WAIT = '2'

export class RunState implements RunContext {
  now = 0
  lastEventId = 0
  /** Id of the last DecisionTaskStarted that was decided. */
  lastStartedEventId = 0
  cancelRequested: WorkflowExecutionCancelRequested | undefined
  step: StepObserver | undefined
  readonly shown: { saga?: Saga; state?: unknown } = {}

  #seq = 0
  readonly #random: () => number
  /** Emitted and not yet found in the history. */
  #commands: { decision: Decision; operation?: Asked }[] = []
  /** Seen and not yet fed to author code. */
  #unfed: HistoryEvent[] = []
  readonly #startedAt = new Map<number, number>()
  /** Event that began (or refused) an operation → the operation. */
  readonly #byEvent = new Map<number, Asked>()
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

  get historyLength(): number {
    return this.lastEventId
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
    const operation = new ActivityOperation(spec)
    this.#schedule(operation)
    operation.cancel = () => {
      if (operation.settled) return
      operation.cancel = () => {}
      if (this.#unsend(operation)) operation.reject(new ActivityTaskCanceled(facts(spec)))
      else this.#commands.push({ decision: requestCancelActivityTask({ activityId: spec.activityId }) })
    }
    return operation
  }

  startTimer(timerId: string, seconds: string): TimerOperation {
    const operation = new TimerOperation(timerId, seconds)
    this.#schedule(operation)
    operation.cancel = () => {
      if (operation.settled) return
      if (!this.#unsend(operation)) this.#commands.push({ decision: cancelTimer({ timerId }) })
      operation.reject(this.cancelRequested ?? new WorkflowExecutionCancelRequested())
    }
    return operation
  }

  signals(name: string): SignalInbox {
    let inbox = this.#signals.get(name)
    if (!inbox) this.#signals.set(name, (inbox = { buffered: [], waiting: [] }))
    return inbox
  }

  condition(predicate: () => boolean): Operation<void> {
    const operation = new Operation<void>()
    const entry = { predicate, operation }
    this.#conditions.push(entry)
    operation.cancel = () => {
      this.#conditions = this.#conditions.filter(other => other !== entry)
      if (!operation.settled) operation.reject(this.cancelRequested ?? new WorkflowExecutionCancelRequested())
    }
    return operation
  }

  onCancelRequested(listener: () => void): () => void {
    this.#cancelListeners.add(listener)
    return () => this.#cancelListeners.delete(listener)
  }

  #schedule(operation: Asked): void {
    const decision =
      operation instanceof TimerOperation
        ? startTimer({ timerId: operation.timerId, startToFireTimeout: operation.seconds })
        : scheduleActivityTask(decisionOf(operation.spec))
    this.#commands.push({ decision, operation })
  }

  /** Takes back a command that has not left yet. */
  #unsend(operation: Asked): boolean {
    const index = this.#commands.findIndex(command => command.operation === operation)
    if (index < 0) return false
    this.#commands.splice(index, 1)
    return true
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
      this.#match(recorded.decisions)
      this.#unfed.push(...recorded.outcomes)
    }
    this.#startedAt.delete(startedEventId)
    return recorded.end
  }

  /** Feeds what belongs to a decision task (R4). */
  *#decide(startedEventId: number): Generator<void, void> {
    this.now = this.#startedAt.get(startedEventId) ?? this.now
    const due = this.#unfed.filter(event => event.eventId <= startedEventId)
    this.#unfed = this.#unfed.filter(event => event.eventId > startedEventId)
    for (const event of due) {
      if (!this.#apply(event)) continue
      yield
      yield* this.#settleConditions(event)
      this.#settleOutcome(event)
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

  /** Compares what was emitted with what is recorded (V1), and ties operations to the events that began them. */
  #match(recorded: readonly HistoryEvent[]): void {
    const emitted = this.#close ? [...this.#commands, { decision: this.#close }] : this.#commands
    this.#commands = []
    for (let n = 0; n < Math.max(emitted.length, recorded.length); n++) {
      const command = emitted[n]
      const event = recorded[n]
      if (!event)
        throw new Stuck(
          `divergence: the code asks for ${describe(command!.decision)}, the history has nothing there`,
          this.lastEventId,
        )
      if (!command)
        throw new Stuck(
          `divergence: the history has ${describeEvent(event)}, the code asks for nothing there`,
          event.eventId,
        )
      const { divergence, warning } = difference(command.decision, event)
      if (divergence) throw new Stuck(`divergence: ${divergence}`, event.eventId)
      if (warning) this.#warnings.push(warning)
      const { operation } = command as { operation?: Asked }
      if (isCloseEvent(event)) this.#closed = true
      else if (event.eventType.endsWith('Failed')) this.#refused(event, operation)
      else if (event.eventType === 'TimerCanceled')
        this.#byEvent.delete(event.timerCanceledEventAttributes.startedEventId)
      else if (operation) {
        this.#byEvent.set(event.eventId, operation)
        if (event.eventType === 'ActivityTaskScheduled' && operation instanceof ActivityOperation) {
          const policy = decodeControl(event.activityTaskScheduledEventAttributes.control)
          if (policy) operation.policy = policy
        }
      }
    }
  }

  /** A decision that SWF refused: an outcome for the next task. */
  #refused(event: HistoryEvent, operation: Asked | undefined): void {
    if (operation) this.#byEvent.set(event.eventId, operation)
    this.#unfed.push(event)
  }

  // --- events ---

  /** Gives an event to whoever waits for it; true when author code may have been woken. */
  #apply(event: HistoryEvent): boolean {
    switch (event.eventType) {
      case 'WorkflowExecutionStarted':
        this.#start(event)
        return true
      case 'ActivityTaskCompleted':
        return this.#settle(event.activityTaskCompletedEventAttributes.scheduledEventId, operation =>
          operation.resolve(event.activityTaskCompletedEventAttributes.result),
        )
      case 'ActivityTaskFailed': {
        const { scheduledEventId, reason, details } = event.activityTaskFailedEventAttributes
        const failure = decodeFailure('ACTIVITY_TASK_FAILED', reason, details)
        return this.#settle(scheduledEventId, operation =>
          operation.reject(
            new ActivityTaskFailed(facts(operation.spec), { ...failure, reason: reason ?? failure.reason }),
          ),
        )
      }
      case 'ActivityTaskTimedOut': {
        const { scheduledEventId, timeoutType, details } = event.activityTaskTimedOutEventAttributes
        const { value } = decodePayload(details)
        return this.#settle(scheduledEventId, operation =>
          operation.reject(new ActivityTaskTimedOut(facts(operation.spec), timeoutType, value)),
        )
      }
      case 'ActivityTaskCanceled': {
        const { scheduledEventId, details } = event.activityTaskCanceledEventAttributes
        return this.#settle(scheduledEventId, operation =>
          operation.reject(new ActivityTaskCanceled(facts(operation.spec), decodePayload(details).value)),
        )
      }
      case 'ScheduleActivityTaskFailed': {
        const { cause } = event.scheduleActivityTaskFailedEventAttributes
        const operation = this.#byEvent.get(event.eventId) as ActivityOperation
        this.#byEvent.delete(event.eventId)
        if (TRY_AGAIN.test(cause)) return this.#again(event.eventId, operation)
        operation.reject(new ScheduleActivityTaskFailed(facts(operation.spec), cause))
        return true
      }
      case 'TimerFired': {
        const { timerId, startedEventId } = event.timerFiredEventAttributes
        if (isParkTimer(timerId)) return false
        const operation = this.#byEvent.get(startedEventId)
        this.#byEvent.delete(startedEventId)
        if (!operation || operation.settled) return false
        ;(operation as TimerOperation).resolve()
        return true
      }
      case 'StartTimerFailed': {
        const { cause, timerId } = event.startTimerFailedEventAttributes
        if (isParkTimer(timerId)) return false
        const operation = this.#byEvent.get(event.eventId) as TimerOperation
        this.#byEvent.delete(event.eventId)
        if (TRY_AGAIN.test(cause)) this.#schedule(operation)
        else throw new Stuck(`SWF refused timer ${timerId}: ${cause}`, event.eventId)
        return false
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
        if (cause !== 'UNHANDLED_DECISION')
          throw new Stuck(`SWF refused to close the execution: ${String(cause)}`, event.eventId)
        return false
      }
      default:
        return false
    }
  }

  #settle(scheduledEventId: number, settle: (operation: ActivityOperation) => void): boolean {
    const operation = this.#byEvent.get(scheduledEventId) as ActivityOperation | undefined
    this.#byEvent.delete(scheduledEventId)
    if (!operation) return false
    settle(operation)
    return true
  }

  /** Asks again, after a wait, for an activity that SWF refused for its limits (R6). */
  #again(eventId: number, operation: ActivityOperation): boolean {
    const wait = this.startTimer(`${operation.spec.activityId}.limit.${eventId}`, LIMIT_WAIT)
    operation.cancel = () => {
      wait.cancel()
      if (!operation.settled) operation.reject(new ActivityTaskCanceled(facts(operation.spec)))
    }
    void wait.promise.then(
      () => {
        if (operation.settled) return
        const again = this.scheduleActivityTask(operation.spec)
        operation.cancel = () => again.cancel()
        again.promise.then(
          result => operation.resolve(result),
          (failure: unknown) => operation.reject(failure),
        )
      },
      () => {},
    )
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
    if (inbox.handler) this.#handle(inbox.handler, value, event)
    else if (inbox.waiting.length) inbox.waiting.shift()!.resolve(value)
    else inbox.buffered.push(value)
    return true
  }

  /** Calls a signal's handler. A signal that its validator refuses is none of the author's making: it is dropped. */
  #handle(handler: (value: unknown) => void, value: unknown, event: HistoryEvent): void {
    try {
      handler(value)
    } catch (error) {
      if (!(error instanceof ValidationFailed)) throw stuckBy(error, event)
      this.#warnings.push(error.message)
    }
  }

  // --- the author's function ---

  #start(event: EventOf<'WorkflowExecutionStarted'>): void {
    const { options } = this.definition
    const body = async () => {
      const { value } = decodePayload(event.workflowExecutionStartedEventAttributes.input)
      const input = outside(() => validate(options.input, value, `input of ${this.definition.name}`))
      return this.definition.run(input) as Promise<unknown>
    }
    body().then(
      result => (this.#outcome = { result }),
      (failure: unknown) => (this.#outcome = { failure }),
    )
  }

  /** Turns what the author's function ended with into the closing decision, once. */
  #settleOutcome(event: HistoryEvent): void {
    if (!this.#outcome || this.#close) return
    if ('failure' in this.#outcome) {
      this.#close = this.#closeOf(this.#outcome.failure, event)
      return
    }
    const { definition } = this
    try {
      const result = outside(() =>
        validate(
          definition.options.result,
          (this.#outcome as { result: unknown }).result,
          `result of ${definition.name}`,
        ),
      )
      const text = encodePayload(result)
      this.#close = completeWorkflowExecution(text === undefined ? {} : { result: text })
    } catch (error) {
      this.#close = this.#closeOf(tooLarge(`result of ${definition.name}`, error), event)
    }
  }

  #closeOf(error: unknown, event: HistoryEvent): Decision {
    if (
      error instanceof WorkflowExecutionCancelRequested ||
      (this.cancelRequested && error instanceof ActivityTaskCanceled)
    )
      return cancelWorkflowExecution({})
    if (error instanceof WorkflowFailure)
      return failWorkflowExecution({ reason: cutReason(error.reason), details: encodeFailure(error.toFailure()) })
    if (this.definition.options.onError === 'park') throw stuckBy(error, event)
    const { name = 'Error', message = String(error) } = (error ?? {}) as Partial<Error>
    return failWorkflowExecution({
      reason: cutReason(name),
      details: encodeFailure({ code: 'WORKFLOW_ERROR', reason: name, message }),
    })
  }

  #decided(): Decided {
    const closing = this.#close?.decisionType
    const waits = this.#commands.length > 0 || this.#byEvent.size > 0 || this.#conditions.length > 0
    const listens = [...this.#signals.values()].some(inbox => inbox.waiting.length > 0)
    if (!closing && !this.#closed && !waits && !listens)
      throw new Stuck('the workflow waits on something that is not in the history', this.lastEventId)
    const { saga, state } = this.shown
    // The end of a saga is shown with the closing decision, not before.
    const shownSaga: Saga | undefined =
      saga && !closing && saga.state === 'COMPLETED'
        ? { ...saga, state: 'RUNNING' }
        : saga && !closing && saga.state === 'FAILED'
          ? { ...saga, state: 'COMPENSATING' }
          : saga
    const context: ExecutionContext = { ...(shownSaga && { saga: shownSaga }), ...(state !== undefined && { state }) }
    const empty = !shownSaga && state === undefined
    const text = empty && this.#sentContext === undefined ? undefined : encodeExecutionContext(context)
    const changed = text !== undefined && text !== this.#sentContext
    const warnings = this.#warnings
    this.#warnings = []
    return {
      kind: 'decided',
      decisions: this.#closed
        ? []
        : [...this.#commands.map(({ decision }) => decision), ...(this.#close ? [this.#close] : [])],
      context,
      openActivities: [...this.#byEvent.values()].filter(operation => operation instanceof ActivityOperation).length,
      warnings,
      ...(changed && { executionContext: text }),
      ...(closing && { closing }),
    }
  }
}

function facts(spec: ActivityTaskSpec): {
  activityType: ActivityTaskSpec['activityType']
  activityId: string
  attempts: number
} {
  return { activityType: spec.activityType, activityId: spec.activityId, attempts: 1 }
}

function decisionOf(spec: ActivityTaskSpec): Parameters<typeof scheduleActivityTask>[0] {
  const { input, control, taskPriority, taskList, ...rest } = spec
  return {
    ...rest,
    taskList: { name: taskList },
    ...(input !== undefined && { input }),
    ...(control !== undefined && { control }),
    ...(taskPriority !== undefined && { taskPriority }),
  }
}
