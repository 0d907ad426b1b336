// The 13 decisions of RespondDecisionTaskCompleted, one builder each.
// Every duration is SWF's own: whole seconds as text, or NONE.

import type { TaskList, TypeName } from './history-event.js'

export type ChildPolicy = 'TERMINATE' | 'REQUEST_CANCEL' | 'ABANDON'

export interface DecisionAttributes {
  ScheduleActivityTask: {
    activityType: TypeName
    activityId: string
    control?: string
    input?: string
    scheduleToCloseTimeout?: string
    taskList?: TaskList
    taskPriority?: string
    scheduleToStartTimeout?: string
    startToCloseTimeout?: string
    heartbeatTimeout?: string
  }
  RequestCancelActivityTask: { activityId: string }
  CompleteWorkflowExecution: { result?: string }
  FailWorkflowExecution: { reason?: string; details?: string }
  CancelWorkflowExecution: { details?: string }
  ContinueAsNewWorkflowExecution: {
    input?: string
    executionStartToCloseTimeout?: string
    taskList?: TaskList
    taskPriority?: string
    taskStartToCloseTimeout?: string
    childPolicy?: ChildPolicy
    tagList?: string[]
    workflowTypeVersion?: string
    lambdaRole?: string
  }
  RecordMarker: { markerName: string; details?: string }
  StartTimer: { timerId: string; control?: string; startToFireTimeout: string }
  CancelTimer: { timerId: string }
  SignalExternalWorkflowExecution: {
    workflowId: string
    runId?: string
    signalName: string
    input?: string
    control?: string
  }
  RequestCancelExternalWorkflowExecution: { workflowId: string; runId?: string; control?: string }
  StartChildWorkflowExecution: {
    workflowType: TypeName
    workflowId: string
    control?: string
    input?: string
    executionStartToCloseTimeout?: string
    taskList?: TaskList
    taskPriority?: string
    taskStartToCloseTimeout?: string
    childPolicy?: ChildPolicy
    tagList?: string[]
    lambdaRole?: string
  }
  ScheduleLambdaFunction: { id: string; name: string; control?: string; input?: string; startToCloseTimeout?: string }
}

export type DecisionType = keyof DecisionAttributes

/** The member that holds a decision's attributes, in SWF's spelling. */
export type DecisionMember<T extends DecisionType> = `${Uncapitalize<T>}DecisionAttributes`

export type DecisionOf<T extends DecisionType> = {
  [D in T]: { decisionType: D } & { [M in DecisionMember<D>]: DecisionAttributes[D] }
}[T]

/** Any decision; `switch (decision.decisionType)` narrows it. */
export type Decision = DecisionOf<DecisionType>

const builder =
  <T extends DecisionType>(decisionType: T) =>
  (attributes: DecisionAttributes[T]): DecisionOf<T> =>
    ({
      decisionType,
      [`${decisionType[0]!.toLowerCase()}${decisionType.slice(1)}DecisionAttributes`]: attributes,
    }) as unknown as DecisionOf<T>

export const scheduleActivityTask = builder('ScheduleActivityTask')
export const requestCancelActivityTask = builder('RequestCancelActivityTask')
export const completeWorkflowExecution = builder('CompleteWorkflowExecution')
export const failWorkflowExecution = builder('FailWorkflowExecution')
export const cancelWorkflowExecution = builder('CancelWorkflowExecution')
export const continueAsNewWorkflowExecution = builder('ContinueAsNewWorkflowExecution')
export const recordMarker = builder('RecordMarker')
export const startTimer = builder('StartTimer')
export const cancelTimer = builder('CancelTimer')
export const signalExternalWorkflowExecution = builder('SignalExternalWorkflowExecution')
export const requestCancelExternalWorkflowExecution = builder('RequestCancelExternalWorkflowExecution')
export const startChildWorkflowExecution = builder('StartChildWorkflowExecution')
export const scheduleLambdaFunction = builder('ScheduleLambdaFunction')

/** Returns a decision's attributes, whatever its type; narrow the decision first where their type matters. */
export function decisionAttributes(decision: Decision): Record<string, unknown> {
  const { decisionType } = decision
  const member = `${decisionType[0]!.toLowerCase()}${decisionType.slice(1)}DecisionAttributes`
  return (decision as unknown as Record<string, Record<string, unknown>>)[member] ?? {}
}

/** The decisions that close an execution. They must come last in their list. */
export const CLOSING_DECISIONS: ReadonlySet<DecisionType> = new Set([
  'CompleteWorkflowExecution',
  'FailWorkflowExecution',
  'CancelWorkflowExecution',
  'ContinueAsNewWorkflowExecution',
])
