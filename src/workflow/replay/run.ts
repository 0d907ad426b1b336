// A run: one execution's author code, fed its history one event at a time.
//
// R1. User code runs only between two events; when its promises have settled, the next event is fed.
// R2. Nothing here reads a clock, a random source or the network: `now` is the time of the DecisionTaskStarted at work.
// R3. An event belongs to the first completed decision task whose startedEventId is not less than its id. A task that timed
//     out or was parked saw nothing.
// R4. A close may be refused (UNHANDLED_DECISION): new events reach handlers, then the same close is sent again, last. For
//     another cause the run is parked, and the next task sends it again.

import type { Decision, DecisionType } from '../../swf/decision.js'
import {
  attributesOf,
  isCloseEvent,
  type EventOf,
  type HistoryEvent,
  type WorkflowExecution,
} from '../../swf/history-event.js'
import { readable } from '../../swf/thrown.js'
import { selfOf } from '../continue-as-new.js'
import type { WorkflowDefinition } from '../definition.js'
import { HistoryLimitReached, WorkflowExecutionCancelRequested } from '../errors.js'
import { validate } from '../validator.js'
import { Closing, lossOf, type Outcome } from './close.js'
import { Commands } from './commands.js'
import { Conditions } from './conditions.js'
import { ContinueAsNew, Origin } from './continuation.js'
import { Cursors } from './cursors.js'
import { outside, type LogLine, type RunContext, type StepObserver } from './current.js'
import { recordedDecisions } from './divergence.js'
import { Inbox } from './inbox.js'
import { MOST_EVENTS } from './limits.js'
import { Markers } from './markers.js'
import { settle } from './outcomes.js'
import { isParkMarker } from './park.js'
import { randomSequence } from './random.js'
import { enclosingScope, Scope } from './scope.js'
import { charactersOf, RUN_BYTES } from './size.js'
import { Shown, type ShownNow } from './shown.js'
import { authorLocation, Stuck, stuckBy } from './stuck.js'

/** What a decision task is to be answered with. */
export interface Decided extends ShownNow {
  kind: 'decided'
  decisions: Decision[]
  closing?: DecisionType
  /** SWF starts no more timers for a while: an answer at once would only be refused at once. */
  throttled?: true
  /** Activities that are scheduled and have not closed. */
  openActivities: number
  /** What is odd and harmless: details changed since they were recorded, signals that are not valid, effects that may be lost. */
  warnings: string[]
}

/** Hears of what a run's code does beside its decisions. */
export interface RunListener {
  /** A promise was rejected, and nobody waits for it. */
  unhandled?(reason: unknown): void
  /** A line was logged, for the first time. */
  log?(line: LogLine): void
}

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
  /** Set by the first event, before any code of the author runs. */
  origin!: Origin
  readonly shown = new Shown()
  readonly cursors = new Cursors()
  readonly unfinished = new Set<Error>()
  readonly commands = new Commands()
  readonly markers = new Markers(this.commands)
  readonly inbox = new Inbox(message => this.#warnings.push(message))
  readonly #root = new Scope()
  readonly #conditions = new Conditions()

  #seq = 0
  /** What author code was given, in characters. */
  #characters = 0
  readonly #random: () => number
  /** Seen and not yet fed to author code. */
  #unfed: HistoryEvent[] = []
  readonly #startedAt = new Map<number, number>()
  readonly #closing: Closing
  #closed = false
  /** Id of the last DecisionTaskStarted that was parked. */
  #parkedAt = 0
  #stuck: Stuck | undefined
  #warnings: string[] = []

  constructor(
    readonly contract: WorkflowDefinition,
    readonly execution: WorkflowExecution,
    private readonly told: RunListener = {},
  ) {
    this.#random = randomSequence(execution.runId)
    this.#closing = new Closing(contract)
  }

  /** Feeds events, one step a `yield`; returns what to answer the last DecisionTaskStarted with. Throws Stuck. */
  *feed(events: readonly HistoryEvent[]): Generator<void, Decided> {
    this.markers.known(events)
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
        this.#characters += charactersOf(event)
        this.#unfed.push(event)
      }
      index++
    }
    if (current !== 0) yield* this.#decide(current)
    return this.#decided()
  }

  /** About how much memory it takes. */
  get bytes(): number {
    return RUN_BYTES + this.#characters + this.commands.bytes
  }

  // --- what operations ask for ---

  get scope(): Scope {
    const scope = enclosingScope()
    return scope?.root === this.#root ? scope : this.#root
  }

  get startedAt(): number {
    return this.origin.startedAt
  }

  get expiresAt(): number {
    return this.origin.expiresAt
  }

  nextSeq(): number {
    return ++this.#seq
  }

  random(): number {
    return this.#random()
  }

  randomOf(name: string): number {
    return randomSequence(`${this.execution.runId} ${name}`)()
  }

  condition(predicate: () => boolean): ReturnType<Conditions['wait']> {
    return this.#conditions.wait(predicate)
  }

  unhandled(reason: unknown): void {
    this.told.unhandled?.(reason)
  }

  log(line: LogLine): void {
    if (!this.markers.isLive) return
    try {
      outside(() => this.told.log?.(line))
    } catch {
      // A replay logs nothing, so that the code must not see of it whether a line could be written.
    }
  }

  stuck(why: Error | string): Error {
    const eventId = this.historyLength
    return (this.#stuck ??=
      typeof why === 'string' ? new Stuck(why, eventId, authorLocation(new Error())) : stuckBy(why, { eventId }))
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
    if (executionContext !== undefined) this.shown.sent(executionContext)
    if (recorded.decisions.some(isParkMarker)) this.#parkedAt = startedEventId
    else {
      if (startedEventId !== this.lastStartedEventId) {
        this.markers.replaying(recorded.decisions)
        yield* this.#decide(startedEventId)
        this.markers.live()
      }
      const { warnings, refused } = this.commands.match(recorded.decisions, this.#closing.decision)
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
    for (const event of due) if (this.#apply(event)) yield* this.#settled(event)
    if (startedEventId >= MOST_EVENTS && !this.#closing.ended && !this.#root.cause) {
      this.#root.cancel(new HistoryLimitReached(startedEventId))
      yield* this.#settled({ eventId: startedEventId })
    }
    this.#decideClose(startedEventId)
    this.lastStartedEventId = startedEventId
  }

  /** Lets author code that was woken run until it waits again. */
  *#settled(event: { eventId: number }): Generator<void, void> {
    do yield
    while (!this.#stuck && this.#wakeOne())
    this.#decideClose(event.eventId)
  }

  /** Wakes the code that waits for a condition which holds; false when none does. */
  #wakeOne(): boolean {
    try {
      return this.#conditions.wakeOne()
    } catch (failure) {
      this.#end({ failure })
      return false
    }
  }

  #decideClose(eventId: number): void {
    if (this.#stuck) throw this.#stuck
    const { cancelRequested } = this
    this.#closing.decide(cancelRequested ?? this.#root.cause, eventId, request => {
      this.inbox.close()
      const cursors = this.cursors.entries()
      const continued = {
        ...this.inbox.unread(),
        ...(cancelRequested && { cancelRequested: true as const }),
        ...(Object.keys(cursors).length && { cursors }),
      }
      return this.origin.continuedBy(request, continued, eventId)
    })
  }

  // --- events ---

  /** Gives an event to whoever waits for it; true when author code may have been woken. */
  #apply(event: HistoryEvent): boolean {
    switch (event.eventType) {
      case 'WorkflowExecutionStarted':
        this.#start(event)
        return true
      case 'WorkflowExecutionSignaled': {
        const { signalName, input } = event.workflowExecutionSignaledEventAttributes
        try {
          return this.inbox.receive(signalName, input)
        } catch (failure) {
          this.#end({ failure })
          return true
        }
      }
      case 'WorkflowExecutionCancelRequested':
        if (this.cancelRequested) return false
        this.#cancelRequest()
        return true
      case 'CompleteWorkflowExecutionFailed':
      case 'FailWorkflowExecutionFailed':
      case 'CancelWorkflowExecutionFailed':
      case 'ContinueAsNewWorkflowExecutionFailed':
        this.#closing.refused(this.commands, event, String(attributesOf(event).cause), this.#parkedAt)
        return false
      default:
        return settle(this.commands, event, this.#parkedAt)
    }
  }

  #start(event: EventOf<'WorkflowExecutionStarted'>): void {
    const { name, options, run } = this.contract
    this.origin = new Origin(event, this.contract)
    const { input, continued } = this.origin
    this.inbox.restore(continued)
    this.cursors.restore(continued.cursors)
    if (continued.cancelRequested) this.#cancelRequest()
    const body = async () =>
      run(
        outside(() => validate(options.input, input, `input of ${name}`)),
        selfOf(this.contract),
      ) as Promise<unknown>
    body().then(
      result => this.#end({ result }),
      (failure: unknown) => this.#end({ failure }),
    )
  }

  #end(ended: Outcome): void {
    const outcome = 'failure' in ended ? { failure: readable(ended.failure) } : ended
    // A failure may have kept the code from what it had begun.
    const done = 'result' in outcome || outcome.failure instanceof ContinueAsNew
    const [mistake] = done ? this.unfinished : []
    this.#closing.end(mistake ? { failure: mistake } : outcome)
  }

  #cancelRequest(): void {
    this.cancelRequested = new WorkflowExecutionCancelRequested()
    this.#root.cancel(this.cancelRequested)
  }

  // --- the answer ---

  #decided(): Decided {
    const close = this.#closing.decision
    const waits = this.commands.outstanding || this.#conditions.size > 0 || this.inbox.listens
    if (!this.#closing.decided && !this.#closed && !waits)
      throw new Stuck(
        'the workflow waits on something that is not in the history, such as I/O or a promise that nothing resolves: do I/O in an activity',
        this.lastEventId,
      )
    const decisions = this.#closed ? [] : this.commands.decisions(this.lastStartedEventId, close)
    const closes = close && (this.#closed || decisions.at(-1) === close)
    if (closes && !this.#closed) this.#warnings.push(...lossOf(this.contract.name, close, this.commands.effects))
    const warnings = this.#warnings
    this.#warnings = []
    return {
      kind: 'decided',
      decisions,
      ...this.shown.now(this.#closing.decided),
      openActivities: this.commands.open('activity'),
      warnings,
      ...(closes && { closing: close.decisionType }),
      ...(this.commands.throttled && { throttled: true as const }),
    }
  }
}
