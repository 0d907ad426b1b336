// A batch of decisions that is being applied, and how one of them fails.

import type { EventType } from '../../history-event.js'
import type { Engine } from '../engine.js'
import type { Execution, Given } from '../execution.js'
import type { Decision, DecisionType } from '../model.js'

export interface Batch {
  readonly engine: Engine
  readonly x: Execution
  readonly at: number
  readonly decisionTaskCompletedEventId: number
  /** What follows after the batch. */
  readonly after: (() => void)[]
  /** Set when an event of the batch needs the decider. */
  wake: boolean
}

export type AttributesOf<T extends DecisionType> = Extract<Decision, { type: T }>['attributes']
/** Applies a decision of a batch. */
export type Decide<T extends DecisionType> = (batch: Batch, attributes: AttributesOf<T>) => void

export function record<T extends EventType>({ engine, x, at }: Batch, type: T, attributes: Given<T>): number {
  return engine.record(x, type, attributes, at)
}

/** How SWF says that a decision could not be done. */
interface Failure<T extends DecisionType> {
  readonly event: EventType
  /** What the event repeats of the decision. */
  readonly about: (attributes: AttributesOf<T>) => object
  /** The cause when decisions of this type come too fast, and when they are not permitted. */
  readonly throttle?: string
  readonly deny: string
}

const workflow = ({ workflowId, runId, control }: AttributesOf<'RequestCancelExternalWorkflowExecution'>) => ({
  workflowId,
  runId,
  initiatedEventId: 0,
  control,
})
const nothing = () => ({})
const OPERATION_NOT_PERMITTED = 'OPERATION_NOT_PERMITTED'

const FAILURES: { [T in DecisionType]: Failure<T> } = {
  ScheduleActivityTask: {
    event: 'ScheduleActivityTaskFailed',
    about: ({ activityType, activityId }) => ({ activityType, activityId }),
    throttle: 'ACTIVITY_CREATION_RATE_EXCEEDED',
    deny: OPERATION_NOT_PERMITTED,
  },
  RequestCancelActivityTask: {
    event: 'RequestCancelActivityTaskFailed',
    about: ({ activityId }) => ({ activityId }),
    deny: OPERATION_NOT_PERMITTED,
  },
  CompleteWorkflowExecution: {
    event: 'CompleteWorkflowExecutionFailed',
    about: nothing,
    deny: OPERATION_NOT_PERMITTED,
  },
  FailWorkflowExecution: { event: 'FailWorkflowExecutionFailed', about: nothing, deny: OPERATION_NOT_PERMITTED },
  CancelWorkflowExecution: { event: 'CancelWorkflowExecutionFailed', about: nothing, deny: OPERATION_NOT_PERMITTED },
  ContinueAsNewWorkflowExecution: {
    event: 'ContinueAsNewWorkflowExecutionFailed',
    about: nothing,
    throttle: 'CONTINUE_AS_NEW_WORKFLOW_EXECUTION_RATE_EXCEEDED',
    deny: OPERATION_NOT_PERMITTED,
  },
  RecordMarker: {
    event: 'RecordMarkerFailed',
    about: ({ markerName }) => ({ markerName }),
    deny: OPERATION_NOT_PERMITTED,
  },
  StartTimer: {
    event: 'StartTimerFailed',
    about: ({ timerId }) => ({ timerId }),
    throttle: 'TIMER_CREATION_RATE_EXCEEDED',
    deny: OPERATION_NOT_PERMITTED,
  },
  CancelTimer: { event: 'CancelTimerFailed', about: ({ timerId }) => ({ timerId }), deny: OPERATION_NOT_PERMITTED },
  SignalExternalWorkflowExecution: {
    event: 'SignalExternalWorkflowExecutionFailed',
    about: workflow,
    throttle: 'SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED',
    deny: OPERATION_NOT_PERMITTED,
  },
  RequestCancelExternalWorkflowExecution: {
    event: 'RequestCancelExternalWorkflowExecutionFailed',
    about: workflow,
    throttle: 'REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED',
    deny: OPERATION_NOT_PERMITTED,
  },
  StartChildWorkflowExecution: {
    event: 'StartChildWorkflowExecutionFailed',
    about: ({ workflowType, workflowId, control }) => ({ workflowType, workflowId, initiatedEventId: 0, control }),
    throttle: 'CHILD_CREATION_RATE_EXCEEDED',
    deny: OPERATION_NOT_PERMITTED,
  },
  ScheduleLambdaFunction: {
    event: 'ScheduleLambdaFunctionFailed',
    about: ({ id, name }) => ({ id, name }),
    throttle: 'LAMBDA_FUNCTION_CREATION_RATE_EXCEEDED',
    deny: 'LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION',
  },
}

/** The causes with which SWF may refuse a decision. */
type Cause<T extends DecisionType> = T extends 'ContinueAsNewWorkflowExecution'
  ? Given<'ContinueAsNewWorkflowExecutionFailed'>['cause']
  : T extends `${'Complete' | 'Fail' | 'Cancel'}WorkflowExecution`
    ? 'UNHANDLED_DECISION'
    : Extract<`${T}Failed`, EventType> extends infer E extends EventType
      ? Given<E> extends { cause: infer C }
        ? C
        : never
      : never

/** Records that a decision could not be done. */
export function fail<T extends DecisionType>(
  batch: Batch,
  type: T,
  attributes: AttributesOf<T>,
  cause: Cause<T>,
  initiatedEventId?: number,
): void {
  const { event, about } = FAILURES[type]
  const { decisionTaskCompletedEventId } = batch
  record(batch, event, {
    ...about(attributes),
    cause,
    ...(initiatedEventId !== undefined && { initiatedEventId }),
    decisionTaskCompletedEventId,
  } as never)
  // Of a marker that is not recorded the decider is not told.
  if (type !== 'RecordMarker') batch.wake = true
}

/** Tells whether a decision is over its rate or not permitted; then it has failed. */
export function isRefused<T extends DecisionType>(batch: Batch, type: T, attributes: AttributesOf<T>): boolean {
  const { engine } = batch
  const refusal = engine.faults.refusal(type) ?? (engine.meter.take(type) ? undefined : 'throttle')
  const cause = refusal && FAILURES[type][refusal]
  if (!cause) return false
  fail(batch, type, attributes, cause as Cause<T>)
  return true
}
