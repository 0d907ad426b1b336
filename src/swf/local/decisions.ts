// The 13 decisions of RespondDecisionTaskCompleted.
//
// DE1. A batch is atomic: DecisionTaskCompleted and the events of its decisions stand together, in the order of the
//      decisions, with one timestamp; what they cause elsewhere (children, signals, cancels) follows after the batch.
// DE2. A decision that cannot be done is an event with a cause, never a fault; however many fail, one decision task
//      follows, after the batch. None follows a marker that cannot be recorded.
// DE3. An execution does not close while another decision task is scheduled: UNHANDLED_DECISION.

import { requestCancelActivityTask, scheduleActivityTask } from './decisions/activity.js'
import type { Batch, Decide } from './decisions/batch.js'
import { isRefused, record } from './decisions/batch.js'
import { startChildWorkflowExecution } from './decisions/child-workflow.js'
import {
  cancelWorkflowExecution,
  completeWorkflowExecution,
  continueAsNewWorkflowExecution,
  failWorkflowExecution,
} from './decisions/close.js'
import {
  requestCancelExternalWorkflowExecution,
  signalExternalWorkflowExecution,
} from './decisions/external-execution.js'
import { scheduleLambdaFunction } from './decisions/lambda-function.js'
import { cancelTimer, startTimer } from './decisions/timer.js'
import type { Engine } from './engine.js'
import type { Execution } from './execution.js'
import { validation } from './fault.js'
import type { Decision, DecisionType, Input } from './model.js'

const CLOSING: ReadonlySet<DecisionType> = new Set<DecisionType>([
  'CompleteWorkflowExecution',
  'FailWorkflowExecution',
  'CancelWorkflowExecution',
  'ContinueAsNewWorkflowExecution',
])

const DECIDE: { [T in DecisionType]: Decide<T> } = {
  ScheduleActivityTask: scheduleActivityTask,
  RequestCancelActivityTask: requestCancelActivityTask,
  CompleteWorkflowExecution: completeWorkflowExecution,
  FailWorkflowExecution: failWorkflowExecution,
  CancelWorkflowExecution: cancelWorkflowExecution,
  ContinueAsNewWorkflowExecution: continueAsNewWorkflowExecution,
  RecordMarker(batch, { markerName, details }) {
    const { decisionTaskCompletedEventId } = batch
    record(batch, 'MarkerRecorded', { markerName, details, decisionTaskCompletedEventId })
  },
  StartTimer: startTimer,
  CancelTimer: cancelTimer,
  SignalExternalWorkflowExecution: signalExternalWorkflowExecution,
  RequestCancelExternalWorkflowExecution: requestCancelExternalWorkflowExecution,
  StartChildWorkflowExecution: startChildWorkflowExecution,
  ScheduleLambdaFunction: scheduleLambdaFunction,
}

/** Refuses a list in which a closing decision is not the last. */
export function checkOrder(decisions: readonly Decision[]): void {
  for (let i = 0; i < decisions.length - 1; i++) {
    if (CLOSING.has(decisions[i]!.type)) throw validation('Close must be last decision in list')
  }
}

/** Completes the started decision task of an execution with these decisions, which have been checked. */
export function respondDecisionTaskCompleted(
  engine: Engine,
  x: Execution,
  input: Omit<Input<'RespondDecisionTaskCompleted'>, 'taskToken'>,
): void {
  const at = engine.now()
  const { scheduledEventId, startedEventId } = x.started!
  const { executionContext, taskList, taskListScheduleToStartTimeout } = input
  engine.drop(x.started!)
  const decisionTaskCompletedEventId = engine.record(
    x,
    'DecisionTaskCompleted',
    { executionContext, scheduledEventId, startedEventId, taskList, taskListScheduleToStartTimeout },
    at,
  )
  const batch: Batch = { engine, x, at, decisionTaskCompletedEventId, after: [], wake: false }
  for (const { type, attributes } of input.decisions ?? []) {
    if (!x.open) break
    if (isRefused(batch, type, attributes as never)) continue
    const decide = DECIDE[type] as (batch: Batch, attributes: Decision['attributes']) => void
    decide(batch, attributes)
  }
  engine.offerDecision(x)
  if (batch.wake) engine.wake(x, at)
  for (const next of batch.after) next()
}
