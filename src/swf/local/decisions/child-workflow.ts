// StartChildWorkflowExecution.

import { UNDEFINED_CAUSE, runAttributes } from '../run-options.js'
import type { Decide } from './batch.js'
import { fail, record } from './batch.js'

export const startChildWorkflowExecution: Decide<'StartChildWorkflowExecution'> = (batch, given) => {
  const { engine, x, at, after, decisionTaskCompletedEventId } = batch
  const { workflowType, workflowId, control } = given
  const failed = (cause: Parameters<typeof fail<'StartChildWorkflowExecution'>>[3], initiatedEventId?: number) =>
    fail(batch, 'StartChildWorkflowExecution', given, cause, initiatedEventId)
  const domain = engine.domainOf(x)
  const type = domain.findType('WorkflowType', workflowType)
  if (!type) return failed('WORKFLOW_TYPE_DOES_NOT_EXIST')
  if (type.status === 'DEPRECATED') return failed('WORKFLOW_TYPE_DEPRECATED')
  const attributes = runAttributes(given, type)
  if (typeof attributes === 'string') return failed(UNDEFINED_CAUSE[attributes])
  if (x.children.size >= engine.quotas.openChildren) return failed('OPEN_CHILDREN_LIMIT_EXCEEDED')
  if (domain.open.size >= engine.quotas.openExecutions) return failed('OPEN_WORKFLOWS_LIMIT_EXCEEDED')
  const initiatedEventId = record(batch, 'StartChildWorkflowExecutionInitiated', {
    ...attributes,
    workflowId,
    control,
    decisionTaskCompletedEventId,
  })
  if (!initiatedEventId) return
  after.push(() => {
    if (domain.open.has(workflowId)) failed('WORKFLOW_ALREADY_RUNNING', initiatedEventId)
    else {
      const parent = { workflowId: x.workflowId, runId: x.runId, initiatedEventId }
      const { runId } = engine.start(domain, workflowId, attributes, at, { parent })
      const workflowExecution = { workflowId, runId }
      engine.record(x, 'ChildWorkflowExecutionStarted', { workflowExecution, workflowType, initiatedEventId }, at)
    }
    engine.wake(x, at)
  })
}
