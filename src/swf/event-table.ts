// The 54 history events of SWF: one table from which their types, the GraphQL schema and the checks of histories are derived.
// The members are those of the service model (2012-01-25); test/swf/event-table.test.ts holds them against the SDK's.

import type { EventEnum } from './event-enum.js'

/** What a member of an event's attributes holds. `payload` is text of an author's data, up to `max` characters. */
export type MemberKind =
  | { readonly kind: 'payload'; readonly max: number }
  | {
      readonly kind:
        'text' | 'duration' | 'taskList' | 'workflowType' | 'activityType' | 'workflowExecution' | 'tagList'
    }
  | { readonly kind: 'enum'; readonly name: EventEnum }
  /** The id of another event of the same history; 0 when there is none. */
  | { readonly kind: 'event'; readonly type: string }
  /** The id of an event in another execution's history; 0 when there is none. */
  | { readonly kind: 'otherEvent' }

const payload = { kind: 'payload', max: 32_768 } as const
const limitedPayload = { kind: 'payload', max: 2_048 } as const
const text = { kind: 'text' } as const
const duration = { kind: 'duration' } as const
const taskList = { kind: 'taskList' } as const
const workflowType = { kind: 'workflowType' } as const
const activityType = { kind: 'activityType' } as const
const workflowExecution = { kind: 'workflowExecution' } as const
const tagList = { kind: 'tagList' } as const
const otherEventId = { kind: 'otherEvent' } as const
const refersTo = <T extends string>(type: T) => ({ kind: 'event', type }) as const
const oneOf = <N extends EventEnum>(name: N) => ({ kind: 'enum', name }) as const
const optional = <K extends MemberKind>(kind: K) => ({ ...kind, optional: true }) as const

/** Event type → its members. Members that are not `optional` are always present. */
export const HISTORY_EVENTS = {
  WorkflowExecutionStarted: {
    input: optional(payload),
    executionStartToCloseTimeout: optional(duration),
    taskStartToCloseTimeout: optional(duration),
    childPolicy: oneOf('ChildPolicy'),
    taskList: taskList,
    taskPriority: optional(text),
    workflowType: workflowType,
    tagList: optional(tagList),
    continuedExecutionRunId: optional(text),
    parentWorkflowExecution: optional(workflowExecution),
    parentInitiatedEventId: optional(otherEventId),
    lambdaRole: optional(text),
  },
  WorkflowExecutionCancelRequested: {
    externalWorkflowExecution: optional(workflowExecution),
    externalInitiatedEventId: optional(otherEventId),
    cause: optional(oneOf('WorkflowExecutionCancelRequestedCause')),
  },
  WorkflowExecutionCompleted: {
    result: optional(payload),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
  },
  CompleteWorkflowExecutionFailed: {
    cause: oneOf('CompleteWorkflowExecutionFailedCause'),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
  },
  WorkflowExecutionFailed: {
    reason: optional(text),
    details: optional(payload),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
  },
  FailWorkflowExecutionFailed: {
    cause: oneOf('FailWorkflowExecutionFailedCause'),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
  },
  WorkflowExecutionTimedOut: {
    timeoutType: oneOf('WorkflowExecutionTimeoutType'),
    childPolicy: oneOf('ChildPolicy'),
  },
  WorkflowExecutionCanceled: {
    details: optional(payload),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
  },
  CancelWorkflowExecutionFailed: {
    cause: oneOf('CancelWorkflowExecutionFailedCause'),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
  },
  WorkflowExecutionContinuedAsNew: {
    input: optional(payload),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
    newExecutionRunId: text,
    executionStartToCloseTimeout: optional(duration),
    taskList: taskList,
    taskPriority: optional(text),
    taskStartToCloseTimeout: optional(duration),
    childPolicy: oneOf('ChildPolicy'),
    tagList: optional(tagList),
    workflowType: workflowType,
    lambdaRole: optional(text),
  },
  ContinueAsNewWorkflowExecutionFailed: {
    cause: oneOf('ContinueAsNewWorkflowExecutionFailedCause'),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
  },
  WorkflowExecutionTerminated: {
    reason: optional(text),
    details: optional(payload),
    childPolicy: oneOf('ChildPolicy'),
    cause: optional(oneOf('WorkflowExecutionTerminatedCause')),
  },
  DecisionTaskScheduled: {
    taskList: taskList,
    taskPriority: optional(text),
    startToCloseTimeout: optional(duration),
    scheduleToStartTimeout: optional(duration),
  },
  DecisionTaskStarted: {
    identity: optional(text),
    scheduledEventId: refersTo('DecisionTaskScheduled'),
  },
  DecisionTaskCompleted: {
    executionContext: optional(payload),
    scheduledEventId: refersTo('DecisionTaskScheduled'),
    startedEventId: refersTo('DecisionTaskStarted'),
    taskList: optional(taskList),
    taskListScheduleToStartTimeout: optional(duration),
  },
  DecisionTaskTimedOut: {
    timeoutType: oneOf('DecisionTaskTimeoutType'),
    scheduledEventId: refersTo('DecisionTaskScheduled'),
    startedEventId: refersTo('DecisionTaskStarted'),
  },
  ActivityTaskScheduled: {
    activityType: activityType,
    activityId: text,
    input: optional(payload),
    control: optional(payload),
    scheduleToStartTimeout: optional(duration),
    scheduleToCloseTimeout: optional(duration),
    startToCloseTimeout: optional(duration),
    taskList: taskList,
    taskPriority: optional(text),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
    heartbeatTimeout: optional(duration),
  },
  ScheduleActivityTaskFailed: {
    activityType: activityType,
    activityId: text,
    cause: oneOf('ScheduleActivityTaskFailedCause'),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
  },
  ActivityTaskStarted: {
    identity: optional(text),
    scheduledEventId: refersTo('ActivityTaskScheduled'),
  },
  ActivityTaskCompleted: {
    result: optional(payload),
    scheduledEventId: refersTo('ActivityTaskScheduled'),
    startedEventId: refersTo('ActivityTaskStarted'),
  },
  ActivityTaskFailed: {
    reason: optional(text),
    details: optional(payload),
    scheduledEventId: refersTo('ActivityTaskScheduled'),
    startedEventId: refersTo('ActivityTaskStarted'),
  },
  ActivityTaskTimedOut: {
    timeoutType: oneOf('ActivityTaskTimeoutType'),
    scheduledEventId: refersTo('ActivityTaskScheduled'),
    startedEventId: refersTo('ActivityTaskStarted'),
    details: optional(limitedPayload),
  },
  ActivityTaskCanceled: {
    details: optional(payload),
    scheduledEventId: refersTo('ActivityTaskScheduled'),
    startedEventId: refersTo('ActivityTaskStarted'),
    latestCancelRequestedEventId: optional(refersTo('ActivityTaskCancelRequested')),
  },
  ActivityTaskCancelRequested: {
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
    activityId: text,
  },
  RequestCancelActivityTaskFailed: {
    activityId: text,
    cause: oneOf('RequestCancelActivityTaskFailedCause'),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
  },
  WorkflowExecutionSignaled: {
    signalName: text,
    input: optional(payload),
    externalWorkflowExecution: optional(workflowExecution),
    externalInitiatedEventId: optional(otherEventId),
  },
  MarkerRecorded: {
    markerName: text,
    details: optional(payload),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
  },
  RecordMarkerFailed: {
    markerName: text,
    cause: oneOf('RecordMarkerFailedCause'),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
  },
  TimerStarted: {
    timerId: text,
    control: optional(payload),
    startToFireTimeout: duration,
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
  },
  StartTimerFailed: {
    timerId: text,
    cause: oneOf('StartTimerFailedCause'),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
  },
  TimerFired: {
    timerId: text,
    startedEventId: refersTo('TimerStarted'),
  },
  TimerCanceled: {
    timerId: text,
    startedEventId: refersTo('TimerStarted'),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
  },
  CancelTimerFailed: {
    timerId: text,
    cause: oneOf('CancelTimerFailedCause'),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
  },
  StartChildWorkflowExecutionInitiated: {
    workflowId: text,
    workflowType: workflowType,
    control: optional(payload),
    input: optional(payload),
    executionStartToCloseTimeout: optional(duration),
    taskList: taskList,
    taskPriority: optional(text),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
    childPolicy: oneOf('ChildPolicy'),
    taskStartToCloseTimeout: optional(duration),
    tagList: optional(tagList),
    lambdaRole: optional(text),
  },
  StartChildWorkflowExecutionFailed: {
    workflowType: workflowType,
    cause: oneOf('StartChildWorkflowExecutionFailedCause'),
    workflowId: text,
    initiatedEventId: refersTo('StartChildWorkflowExecutionInitiated'),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
    control: optional(payload),
  },
  ChildWorkflowExecutionStarted: {
    workflowExecution: workflowExecution,
    workflowType: workflowType,
    initiatedEventId: refersTo('StartChildWorkflowExecutionInitiated'),
  },
  ChildWorkflowExecutionCompleted: {
    workflowExecution: workflowExecution,
    workflowType: workflowType,
    result: optional(payload),
    initiatedEventId: refersTo('StartChildWorkflowExecutionInitiated'),
    startedEventId: refersTo('ChildWorkflowExecutionStarted'),
  },
  ChildWorkflowExecutionFailed: {
    workflowExecution: workflowExecution,
    workflowType: workflowType,
    reason: optional(text),
    details: optional(payload),
    initiatedEventId: refersTo('StartChildWorkflowExecutionInitiated'),
    startedEventId: refersTo('ChildWorkflowExecutionStarted'),
  },
  ChildWorkflowExecutionTimedOut: {
    workflowExecution: workflowExecution,
    workflowType: workflowType,
    timeoutType: oneOf('WorkflowExecutionTimeoutType'),
    initiatedEventId: refersTo('StartChildWorkflowExecutionInitiated'),
    startedEventId: refersTo('ChildWorkflowExecutionStarted'),
  },
  ChildWorkflowExecutionCanceled: {
    workflowExecution: workflowExecution,
    workflowType: workflowType,
    details: optional(payload),
    initiatedEventId: refersTo('StartChildWorkflowExecutionInitiated'),
    startedEventId: refersTo('ChildWorkflowExecutionStarted'),
  },
  ChildWorkflowExecutionTerminated: {
    workflowExecution: workflowExecution,
    workflowType: workflowType,
    initiatedEventId: refersTo('StartChildWorkflowExecutionInitiated'),
    startedEventId: refersTo('ChildWorkflowExecutionStarted'),
  },
  SignalExternalWorkflowExecutionInitiated: {
    workflowId: text,
    runId: optional(text),
    signalName: text,
    input: optional(payload),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
    control: optional(payload),
  },
  SignalExternalWorkflowExecutionFailed: {
    workflowId: text,
    runId: optional(text),
    cause: oneOf('SignalExternalWorkflowExecutionFailedCause'),
    initiatedEventId: refersTo('SignalExternalWorkflowExecutionInitiated'),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
    control: optional(payload),
  },
  ExternalWorkflowExecutionSignaled: {
    workflowExecution: workflowExecution,
    initiatedEventId: refersTo('SignalExternalWorkflowExecutionInitiated'),
  },
  RequestCancelExternalWorkflowExecutionInitiated: {
    workflowId: text,
    runId: optional(text),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
    control: optional(payload),
  },
  RequestCancelExternalWorkflowExecutionFailed: {
    workflowId: text,
    runId: optional(text),
    cause: oneOf('RequestCancelExternalWorkflowExecutionFailedCause'),
    initiatedEventId: refersTo('RequestCancelExternalWorkflowExecutionInitiated'),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
    control: optional(payload),
  },
  ExternalWorkflowExecutionCancelRequested: {
    workflowExecution: workflowExecution,
    initiatedEventId: refersTo('RequestCancelExternalWorkflowExecutionInitiated'),
  },
  LambdaFunctionScheduled: {
    id: text,
    name: text,
    control: optional(payload),
    input: optional(payload),
    startToCloseTimeout: optional(duration),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
  },
  LambdaFunctionStarted: {
    scheduledEventId: refersTo('LambdaFunctionScheduled'),
  },
  LambdaFunctionCompleted: {
    scheduledEventId: refersTo('LambdaFunctionScheduled'),
    startedEventId: refersTo('LambdaFunctionStarted'),
    result: optional(payload),
  },
  LambdaFunctionFailed: {
    scheduledEventId: refersTo('LambdaFunctionScheduled'),
    startedEventId: refersTo('LambdaFunctionStarted'),
    reason: optional(text),
    details: optional(payload),
  },
  LambdaFunctionTimedOut: {
    scheduledEventId: refersTo('LambdaFunctionScheduled'),
    startedEventId: refersTo('LambdaFunctionStarted'),
    timeoutType: optional(oneOf('LambdaFunctionTimeoutType')),
  },
  ScheduleLambdaFunctionFailed: {
    id: text,
    name: text,
    cause: oneOf('ScheduleLambdaFunctionFailedCause'),
    decisionTaskCompletedEventId: refersTo('DecisionTaskCompleted'),
  },
  StartLambdaFunctionFailed: {
    scheduledEventId: optional(refersTo('LambdaFunctionScheduled')),
    cause: optional(oneOf('StartLambdaFunctionFailedCause')),
    message: optional(text),
  },
} as const satisfies Record<string, Record<string, MemberKind & { optional?: true }>>
