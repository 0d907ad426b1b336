// What an execution did and when: its activities, timers, children, Lambda functions, signals and decision tasks as spans.
//
// TL1. Time in a queue stands apart from time at work: `queuedAt` to `startedAt`, and `startedAt` to `endedAt`.
// TL2. What was open when the execution closed ended then, as DROPPED: SWF does not wait for it.

import { attributesOf, isCloseEvent, type Attributes, type EventType, type HistoryEvent } from './history-event.js'

export type SpanKind = 'ACTIVITY_TASK' | 'TIMER' | 'CHILD' | 'LAMBDA_FUNCTION' | 'SIGNAL' | 'DECISION_TASK'

export type SpanOutcome = 'COMPLETED' | 'FAILED' | 'TIMED_OUT' | 'CANCELED' | 'TERMINATED' | 'FIRED' | 'DROPPED'

export interface Span {
  /** The event that it begins with. */
  eventId: number
  kind: SpanKind
  /** Name of the activity or workflow type, of the function or the signal; the id of a timer. */
  name: string
  /** activityId, timerId, workflowId of a child, id of a Lambda function. */
  subjectId?: string
  queuedAt?: Date
  /** Absent while it waits. */
  startedAt?: Date
  /** Absent while it goes on. */
  endedAt?: Date
  outcome?: SpanOutcome
}

/** The event that begins a span, and how it is called. */
const BEGINS: {
  readonly [T in EventType]?: (a: Attributes<T>) => Pick<Span, 'kind' | 'name' | 'subjectId'> & { waits: boolean }
} = {
  ActivityTaskScheduled: a => ({
    kind: 'ACTIVITY_TASK',
    name: a.activityType.name,
    subjectId: a.activityId,
    waits: true,
  }),
  TimerStarted: a => ({ kind: 'TIMER', name: a.timerId, subjectId: a.timerId, waits: false }),
  StartChildWorkflowExecutionInitiated: a => ({
    kind: 'CHILD',
    name: a.workflowType.name,
    subjectId: a.workflowId,
    waits: true,
  }),
  LambdaFunctionScheduled: a => ({ kind: 'LAMBDA_FUNCTION', name: a.name, subjectId: a.id, waits: true }),
  DecisionTaskScheduled: a => ({ kind: 'DECISION_TASK', name: a.taskList.name, waits: true }),
}

/** The event that starts what waited, and the member that names what began it. */
const STARTS: { readonly [T in EventType]?: string } = {
  ActivityTaskStarted: 'scheduledEventId',
  ChildWorkflowExecutionStarted: 'initiatedEventId',
  LambdaFunctionStarted: 'scheduledEventId',
  DecisionTaskStarted: 'scheduledEventId',
}

/** The event that ends a span: the member that names what began it, and how it ended. */
const ENDS: { readonly [T in EventType]?: readonly [member: string, outcome: SpanOutcome] } = {
  ActivityTaskCompleted: ['scheduledEventId', 'COMPLETED'],
  ActivityTaskFailed: ['scheduledEventId', 'FAILED'],
  ActivityTaskTimedOut: ['scheduledEventId', 'TIMED_OUT'],
  ActivityTaskCanceled: ['scheduledEventId', 'CANCELED'],
  TimerFired: ['startedEventId', 'FIRED'],
  TimerCanceled: ['startedEventId', 'CANCELED'],
  StartChildWorkflowExecutionFailed: ['initiatedEventId', 'FAILED'],
  ChildWorkflowExecutionCompleted: ['initiatedEventId', 'COMPLETED'],
  ChildWorkflowExecutionFailed: ['initiatedEventId', 'FAILED'],
  ChildWorkflowExecutionTimedOut: ['initiatedEventId', 'TIMED_OUT'],
  ChildWorkflowExecutionCanceled: ['initiatedEventId', 'CANCELED'],
  ChildWorkflowExecutionTerminated: ['initiatedEventId', 'TERMINATED'],
  StartLambdaFunctionFailed: ['scheduledEventId', 'FAILED'],
  LambdaFunctionCompleted: ['scheduledEventId', 'COMPLETED'],
  LambdaFunctionFailed: ['scheduledEventId', 'FAILED'],
  LambdaFunctionTimedOut: ['scheduledEventId', 'TIMED_OUT'],
  DecisionTaskCompleted: ['scheduledEventId', 'COMPLETED'],
  DecisionTaskTimedOut: ['scheduledEventId', 'TIMED_OUT'],
}

/** Returns the spans of a history, in the order in which they began. */
export function timelineOf(events: Iterable<HistoryEvent>): Span[] {
  const spans = new Map<number, Span>()
  for (const event of events) {
    const { eventType, eventId, eventTimestamp: at } = event
    const attributes = attributesOf(event)
    const begins = BEGINS[eventType] as
      ((a: object) => ReturnType<NonNullable<(typeof BEGINS)['TimerStarted']>>) | undefined
    const starts = STARTS[eventType]
    const ends = ENDS[eventType]
    if (begins) {
      const { waits, ...named } = begins(attributes)
      spans.set(eventId, { eventId, ...named, ...(waits ? { queuedAt: at } : { startedAt: at }) })
    } else if (eventType === 'WorkflowExecutionSignaled') {
      const { signalName: name } = event.workflowExecutionSignaledEventAttributes
      spans.set(eventId, { eventId, kind: 'SIGNAL', name, startedAt: at, endedAt: at, outcome: 'COMPLETED' })
    } else if (starts) {
      const span = spans.get(Number(attributes[starts]))
      if (span) span.startedAt = at
    } else if (ends) {
      const span = spans.get(Number(attributes[ends[0]]))
      if (span) Object.assign(span, { endedAt: at, outcome: ends[1] })
    } else if (isCloseEvent(event)) {
      for (const span of spans.values()) if (!span.endedAt) Object.assign(span, { endedAt: at, outcome: 'DROPPED' })
    }
  }
  return [...spans.values()]
}
