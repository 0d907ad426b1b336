// The decisions that close the execution. None does while another decision task is scheduled: UNHANDLED_DECISION.

import { UNDEFINED_CAUSE, runAttributes } from '../run-options.js'
import type { Decide } from './batch.js'
import { fail } from './batch.js'

export const completeWorkflowExecution: Decide<'CompleteWorkflowExecution'> = (batch, given) => {
  const { engine, x, at, decisionTaskCompletedEventId } = batch
  if (x.scheduled) return fail(batch, 'CompleteWorkflowExecution', given, 'UNHANDLED_DECISION')
  engine.close(x, 'WorkflowExecutionCompleted', { result: given.result, decisionTaskCompletedEventId }, at)
}

export const failWorkflowExecution: Decide<'FailWorkflowExecution'> = (batch, given) => {
  const { engine, x, at, decisionTaskCompletedEventId } = batch
  if (x.scheduled) return fail(batch, 'FailWorkflowExecution', given, 'UNHANDLED_DECISION')
  const { reason, details } = given
  engine.close(x, 'WorkflowExecutionFailed', { reason, details, decisionTaskCompletedEventId }, at)
}

export const cancelWorkflowExecution: Decide<'CancelWorkflowExecution'> = (batch, given) => {
  const { engine, x, at, decisionTaskCompletedEventId } = batch
  if (x.scheduled) return fail(batch, 'CancelWorkflowExecution', given, 'UNHANDLED_DECISION')
  engine.close(x, 'WorkflowExecutionCanceled', { details: given.details, decisionTaskCompletedEventId }, at)
}

export const continueAsNewWorkflowExecution: Decide<'ContinueAsNewWorkflowExecution'> = (batch, given) => {
  const { engine, x, at, decisionTaskCompletedEventId } = batch
  const failed = (cause: Parameters<typeof fail<'ContinueAsNewWorkflowExecution'>>[3]) =>
    fail(batch, 'ContinueAsNewWorkflowExecution', given, cause)
  if (x.scheduled) return failed('UNHANDLED_DECISION')
  const version = given.workflowTypeVersion ?? x.workflowType.version
  const type = engine.domainOf(x).findType('WorkflowType', { name: x.workflowType.name, version })
  if (!type) return failed('WORKFLOW_TYPE_DOES_NOT_EXIST')
  if (type.status === 'DEPRECATED') return failed('WORKFLOW_TYPE_DEPRECATED')
  const attributes = runAttributes(given, type)
  if (typeof attributes === 'string') return failed(UNDEFINED_CAUSE[attributes])
  engine.continueAsNew(x, attributes, decisionTaskCompletedEventId, at)
}
