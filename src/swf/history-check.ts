// The rules that every history of SWF keeps. What is imported is held to them, and so is every history of a test.

import { HISTORY_EVENTS, type MemberKind } from './event-table.js'
import { CLOSE_STATUS, attributesMember, type EventType } from './history-event.js'

/** An event as the SDK or the wire gives it. */
export interface CheckedEvent {
  eventId?: number | undefined
  eventType?: string | undefined
  eventTimestamp?: Date | number | undefined
}

/** These name an event that may be absent: 0 says that there is none. */
const MAY_BE_ZERO = new Set([
  'ActivityTaskTimedOut.startedEventId',
  'ActivityTaskCanceled.startedEventId',
  'DecisionTaskTimedOut.startedEventId',
  'StartChildWorkflowExecutionFailed.initiatedEventId',
  'SignalExternalWorkflowExecutionFailed.initiatedEventId',
  'RequestCancelExternalWorkflowExecutionFailed.initiatedEventId',
])

/** The events that close something other than the execution, and the member that names what they close. */
const CLOSES: { readonly [T in EventType]?: string } = {
  ActivityTaskCompleted: 'scheduledEventId',
  ActivityTaskFailed: 'scheduledEventId',
  ActivityTaskTimedOut: 'scheduledEventId',
  ActivityTaskCanceled: 'scheduledEventId',
  TimerFired: 'startedEventId',
  TimerCanceled: 'startedEventId',
  StartChildWorkflowExecutionFailed: 'initiatedEventId',
  ChildWorkflowExecutionCompleted: 'initiatedEventId',
  ChildWorkflowExecutionFailed: 'initiatedEventId',
  ChildWorkflowExecutionCanceled: 'initiatedEventId',
  ChildWorkflowExecutionTimedOut: 'initiatedEventId',
  ChildWorkflowExecutionTerminated: 'initiatedEventId',
  StartLambdaFunctionFailed: 'scheduledEventId',
  LambdaFunctionCompleted: 'scheduledEventId',
  LambdaFunctionFailed: 'scheduledEventId',
  LambdaFunctionTimedOut: 'scheduledEventId',
  ExternalWorkflowExecutionSignaled: 'initiatedEventId',
  SignalExternalWorkflowExecutionFailed: 'initiatedEventId',
  ExternalWorkflowExecutionCancelRequested: 'initiatedEventId',
  RequestCancelExternalWorkflowExecutionFailed: 'initiatedEventId',
}

/** What an event opens, as DescribeWorkflowExecution counts it. */
const OPENS: { readonly [T in EventType]?: keyof OpenCounts } = {
  ActivityTaskScheduled: 'openActivityTasks',
  TimerStarted: 'openTimers',
  StartChildWorkflowExecutionInitiated: 'openChildWorkflowExecutions',
  LambdaFunctionScheduled: 'openLambdaFunctions',
}

/** How much a history says is open, by the names of DescribeWorkflowExecution. */
export interface OpenCounts {
  openActivityTasks: number
  openDecisionTasks: number
  openTimers: number
  openChildWorkflowExecutions: number
  openLambdaFunctions: number
}

/** Checks a history event by event, the oldest first. */
export class HistoryChecker {
  /** What is wrong so far. */
  readonly violations: string[] = []
  #types: string[] = []
  #open = new Map<number, keyof OpenCounts>()
  #closed = new Set<number>()
  #scheduled: number | undefined
  #started: number | undefined
  #closedBy: string | undefined
  #last = 0

  /** How many events were checked. */
  get length(): number {
    return this.#types.length
  }

  /** What the events so far leave open. */
  get openCounts(): OpenCounts {
    const counts: OpenCounts = {
      openActivityTasks: 0,
      openDecisionTasks: this.#scheduled !== undefined || this.#started !== undefined ? 1 : 0,
      openTimers: 0,
      openChildWorkflowExecutions: 0,
      openLambdaFunctions: 0,
    }
    for (const kind of this.#open.values()) counts[kind]++
    return counts
  }

  check(event: CheckedEvent): void {
    const id = this.#types.length + 1
    const type = event.eventType as EventType
    const wrong = (what: string) => this.violations.push(`event ${id} ${type}: ${what}`)
    if (id === 1 && type !== 'WorkflowExecutionStarted') wrong('the first event is not WorkflowExecutionStarted')
    if (event.eventId !== id) wrong(`its id is ${event.eventId}`)
    if (this.#closedBy) wrong(`comes after ${this.#closedBy}`)
    if (type in CLOSE_STATUS) this.#closedBy = type
    const at = Number(event.eventTimestamp)
    if (!(at >= this.#last)) wrong(`its timestamp ${at} is before ${this.#last}`)
    this.#last = at
    this.#types.push(type)
    const members = HISTORY_EVENTS[type] as Record<string, MemberKind & { optional?: true }> | undefined
    if (!members) {
      wrong('is no type of event')
      return
    }
    const attributes = (event as Record<string, unknown>)[attributesMember(type)] as Record<string, unknown> | undefined
    if (!attributes) {
      wrong('has no attributes')
      return
    }
    this.#checkMembers(type, members, attributes, wrong)
    this.#checkDecisionTask(type, id, attributes, wrong)
    const opens = OPENS[type]
    if (opens) this.#open.set(id, opens)
    const closes = CLOSES[type]
    if (!closes) return
    const closed = Number(attributes[closes])
    if (closed > 0 && this.#closed.has(closed)) wrong(`closes ${closed} a second time`)
    this.#closed.add(closed)
    this.#open.delete(closed)
  }

  #checkMembers(
    type: EventType,
    members: Record<string, MemberKind & { optional?: true }>,
    attributes: Record<string, unknown>,
    wrong: (what: string) => void,
  ): void {
    const id = this.#types.length
    for (const name of Object.keys(attributes)) if (!(name in members)) wrong(`has an unknown member ${name}`)
    for (const [name, member] of Object.entries(members)) {
      const value = attributes[name]
      if (value === undefined || value === null) {
        if (!member.optional) wrong(`lacks ${name}`)
        continue
      }
      if (member.kind !== 'event') continue
      const referenced = value as number
      if (referenced === 0 && MAY_BE_ZERO.has(`${type}.${name}`)) continue
      if (!(referenced >= 1 && referenced < id)) wrong(`${name} ${referenced} is not an earlier event`)
      else if (this.#types[referenced - 1] !== member.type) {
        wrong(`${name} ${referenced} is ${this.#types[referenced - 1]}, not ${member.type}`)
      }
    }
  }

  /** At most one decision task is scheduled and one is started. */
  #checkDecisionTask(
    type: EventType,
    id: number,
    attributes: Record<string, unknown>,
    wrong: (what: string) => void,
  ): void {
    const of = (name: string) => Number(attributes[name])
    const takeScheduled = () => {
      if (of('scheduledEventId') !== this.#scheduled) wrong('is not of the scheduled decision task')
      this.#scheduled = undefined
    }
    const takeStarted = () => {
      if (of('startedEventId') !== this.#started) wrong('is not of the started decision task')
      this.#started = undefined
    }
    if (type === 'DecisionTaskScheduled') {
      if (this.#scheduled !== undefined) wrong(`while ${this.#scheduled} is scheduled`)
      this.#scheduled = id
    } else if (type === 'DecisionTaskStarted') {
      if (this.#started !== undefined) wrong(`while ${this.#started} is started`)
      takeScheduled()
      this.#started = id
    } else if (type === 'DecisionTaskCompleted') takeStarted()
    else if (type === 'DecisionTaskTimedOut') {
      if (of('startedEventId') === 0) takeScheduled()
      else takeStarted()
    }
  }
}

/**
 * Returns what is wrong with a whole history, oldest event first; nothing when it is right:
 * ids contiguous from 1, timestamps that never go back, required members present, every referenced event there, earlier and
 * of the right type, at most one decision task scheduled and one started, nothing closed twice, nothing after the close event.
 */
export function checkHistory(events: readonly CheckedEvent[]): string[] {
  if (events.length === 0) return ['the first event is not WorkflowExecutionStarted']
  const checker = new HistoryChecker()
  for (const event of events) checker.check(event)
  return checker.violations
}
