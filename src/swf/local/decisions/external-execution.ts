// SignalExternalWorkflowExecution and RequestCancelExternalWorkflowExecution. The target need not be a child.

import type { EventType } from '../../history-event.js'
import type { Execution, Given } from '../execution.js'
import type { Batch, Decide } from './batch.js'
import { fail, record } from './batch.js'

interface External {
  externalWorkflowExecution: { workflowId: string; runId: string }
  externalInitiatedEventId: number
}

export const signalExternalWorkflowExecution: Decide<'SignalExternalWorkflowExecution'> = (batch, given) => {
  const { engine, at, decisionTaskCompletedEventId } = batch
  const { signalName, input } = given
  const initiated = { ...given, decisionTaskCompletedEventId }
  reach(batch, 'SignalExternalWorkflowExecution', given, initiated, (target, external) => {
    engine.signal(target, { signalName, input, ...external }, at)
    return 'ExternalWorkflowExecutionSignaled'
  })
}

export const requestCancelExternalWorkflowExecution: Decide<'RequestCancelExternalWorkflowExecution'> = (
  batch,
  given,
) => {
  const { engine, at, decisionTaskCompletedEventId } = batch
  const initiated = { ...given, decisionTaskCompletedEventId }
  reach(batch, 'RequestCancelExternalWorkflowExecution', given, initiated, (target, external) => {
    engine.requestCancel(target, external, at)
    return 'ExternalWorkflowExecutionCancelRequested'
  })
}

/** Records the *Initiated event, and after the batch what came of it: `act` does it to the target and names the event. */
function reach<T extends 'SignalExternalWorkflowExecution' | 'RequestCancelExternalWorkflowExecution'>(
  batch: Batch,
  type: T,
  given: Parameters<Decide<T>>[1],
  initiated: Given<`${T}Initiated`>,
  act: (
    target: Execution,
    external: External,
  ) => Extract<EventType, 'ExternalWorkflowExecutionSignaled' | 'ExternalWorkflowExecutionCancelRequested'>,
): void {
  const { engine, x, at } = batch
  const { workflowId, runId } = given
  const initiatedEventId = record(batch, `${type}Initiated`, initiated)
  if (!initiatedEventId) return
  batch.after.push(() => {
    const target = engine.findOpen(x.domain, workflowId, runId)
    if (target) {
      const externalWorkflowExecution = { workflowId: x.workflowId, runId: x.runId }
      const event = act(target, { externalWorkflowExecution, externalInitiatedEventId: initiatedEventId })
      engine.record(x, event, { workflowExecution: { workflowId, runId: target.runId }, initiatedEventId }, at)
    } else fail(batch, type, given, 'UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION' as never, initiatedEventId)
    engine.wake(x, at)
  })
}
