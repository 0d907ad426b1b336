// Divergence: what the code asks for now is not what the history says it asked for then.
//
// V1. After each completed decision task the commands emitted equal the decision events recorded, in number and order, by
//     type, id, name, version and target. A changed input or duration is a warning.
// V2. The decision events of a task are the contiguous run after its DecisionTaskCompleted that carries its id. An
//     ActivityTaskCanceled may stand among them right after its request, and a *Failed with an initiatedEventId is an
//     outcome although it carries that id: neither ends the run, both belong to the next task.

import { decisionAttributes, type Decision, type DecisionType } from '../../swf/decision.js'
import { attributesOf, type EventType, type HistoryEvent } from '../../swf/history-event.js'

/** Decision type → the events that record it: done, or refused by SWF. */
const RECORDED_AS: Record<DecisionType, readonly EventType[]> = {
  ScheduleActivityTask: ['ActivityTaskScheduled', 'ScheduleActivityTaskFailed'],
  RequestCancelActivityTask: ['ActivityTaskCancelRequested', 'RequestCancelActivityTaskFailed'],
  CompleteWorkflowExecution: ['WorkflowExecutionCompleted', 'CompleteWorkflowExecutionFailed'],
  FailWorkflowExecution: ['WorkflowExecutionFailed', 'FailWorkflowExecutionFailed'],
  CancelWorkflowExecution: ['WorkflowExecutionCanceled', 'CancelWorkflowExecutionFailed'],
  ContinueAsNewWorkflowExecution: ['WorkflowExecutionContinuedAsNew', 'ContinueAsNewWorkflowExecutionFailed'],
  RecordMarker: ['MarkerRecorded', 'RecordMarkerFailed'],
  StartTimer: ['TimerStarted', 'StartTimerFailed'],
  CancelTimer: ['TimerCanceled', 'CancelTimerFailed'],
  SignalExternalWorkflowExecution: [
    'SignalExternalWorkflowExecutionInitiated',
    'SignalExternalWorkflowExecutionFailed',
  ],
  RequestCancelExternalWorkflowExecution: [
    'RequestCancelExternalWorkflowExecutionInitiated',
    'RequestCancelExternalWorkflowExecutionFailed',
  ],
  StartChildWorkflowExecution: ['StartChildWorkflowExecutionInitiated', 'StartChildWorkflowExecutionFailed'],
  ScheduleLambdaFunction: ['LambdaFunctionScheduled', 'ScheduleLambdaFunctionFailed'],
}

/** Members that say which operation a decision is about. */
const IDENTITY = [
  'activityId',
  'activityType',
  'timerId',
  'markerName',
  'workflowId',
  'runId',
  'workflowType',
  'signalName',
  'id',
  'name',
]
/** What a patch's marker is named by: `patched.<id>`. */
export const PATCH_MARKER = 'patched.'

/** Tells whether an event is the marker of a patch. */
export function isPatchMarker(event: HistoryEvent): boolean {
  return event.eventType === 'MarkerRecorded' && event.markerRecordedEventAttributes.markerName.startsWith(PATCH_MARKER)
}

/** Members that may change without harm to the run. */
const DETAILS = ['input', 'startToFireTimeout', 'taskList', 'details']

/** The recorded decisions of one task, and how many events they take up. */
export interface Recorded {
  decisions: HistoryEvent[]
  /** Outcomes that stand among them (V2). */
  outcomes: HistoryEvent[]
  /** Index of the first event after them. */
  end: number
}

/** Returns the decision events that follow the DecisionTaskCompleted at `index`. */
export function recordedDecisions(events: readonly HistoryEvent[], index: number): Recorded {
  const completed = events[index]!.eventId
  const recorded: Recorded = { decisions: [], outcomes: [], end: index + 1 }
  for (; recorded.end < events.length; recorded.end++) {
    const event = events[recorded.end]!
    const { decisionTaskCompletedEventId, initiatedEventId } = attributesOf(event)
    if (decisionTaskCompletedEventId === completed) {
      const outcome = typeof initiatedEventId === 'number' && initiatedEventId !== 0
      ;(outcome ? recorded.outcomes : recorded.decisions).push(event)
    } else if (
      event.eventType === 'ActivityTaskCanceled' &&
      events[recorded.end - 1]!.eventType === 'ActivityTaskCancelRequested'
    ) {
      recorded.outcomes.push(event)
    } else break
  }
  return recorded
}

/** Returns how an emitted decision differs from a recorded one: in its identity, in a detail, or not at all. */
export function difference(emitted: Decision, event: HistoryEvent): { divergence?: string; warning?: string } {
  if (!RECORDED_AS[emitted.decisionType].includes(event.eventType))
    return { divergence: `the code asks for ${describe(emitted)}, the history has ${describeEvent(event)}` }
  const asked = decisionAttributes(emitted)
  const stands = attributesOf(event)
  for (const member of IDENTITY) {
    // Members that only one side has say nothing, but for the run that a signal or a cancel goes to.
    if (!(member === 'runId' && event.eventType.endsWith('Initiated')))
      if (asked[member] === undefined || stands[member] === undefined) continue
    if (!same(asked[member], stands[member]))
      return { divergence: `the code asks for ${describe(emitted)}, the history has ${describeEvent(event)}` }
  }
  for (const member of DETAILS) {
    if (stands[member] === undefined || asked[member] === undefined) continue
    if (!same(asked[member], stands[member]))
      return { warning: `${member} of ${describe(emitted)} has changed since event ${event.eventId}` }
  }
  return {}
}

/** Compares texts, and names of types and task lists. */
function same(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object') return one === other
  const [a, b] = [one, other] as Record<'name' | 'version', string>[]
  return a?.name === b?.name && a?.version === b?.version
}

/** Returns a decision in words: `ScheduleActivityTask 3.1 ChargePayment 1.0`. */
export function describe(decision: Decision): string {
  return [decision.decisionType, ...identity(decisionAttributes(decision))].join(' ')
}

/** Returns an event in words: `event 12 TimerStarted 4.timer`. */
export function describeEvent(event: HistoryEvent): string {
  return [`event ${event.eventId}`, event.eventType, ...identity(attributesOf(event))].join(' ')
}

function identity(attributes: Record<string, unknown>): string[] {
  return IDENTITY.flatMap(member => {
    const value = attributes[member]
    if (value === undefined) return []
    if (typeof value === 'string') return [value]
    const { name, version } = value as { name: string; version: string }
    return [`${name} ${version}`]
  })
}
