import { expect, test } from 'vitest'
import { decide } from '../fixture.js'
import type { Contract } from './contract.js'
import { scheduled, story } from './contract.js'

export function externals({ start }: Contract): void {
  const decisionTaskCompletedEventId = 4

  test('SignalExternalWorkflowExecution and RequestCancelExternalWorkflowExecution reach any open execution', async () => {
    const target = await start()
    const run = await start()
    const { workflowId, runId } = target
    await run.decide(
      decide.signal(workflowId, { runId, input: 'i', control: 'c' }),
      decide.requestCancel(workflowId, { runId, control: 'c' }),
      decide.signal(workflowId),
      decide.requestCancel(workflowId),
    )
    const asked = { workflowId, runId, control: 'c', decisionTaskCompletedEventId }
    const bare = { workflowId, decisionTaskCompletedEventId }
    const workflowExecution = target.execution
    expect(await story(run, 5)).toEqual([
      ['SignalExternalWorkflowExecutionInitiated', { ...asked, signalName: 's', input: 'i' }],
      ['RequestCancelExternalWorkflowExecutionInitiated', asked],
      ['SignalExternalWorkflowExecutionInitiated', { ...bare, signalName: 's' }],
      ['RequestCancelExternalWorkflowExecutionInitiated', bare],
      ['ExternalWorkflowExecutionSignaled', { workflowExecution, initiatedEventId: 5 }],
      scheduled(run),
      ['ExternalWorkflowExecutionCancelRequested', { workflowExecution, initiatedEventId: 6 }],
      ['ExternalWorkflowExecutionSignaled', { workflowExecution, initiatedEventId: 7 }],
      ['ExternalWorkflowExecutionCancelRequested', { workflowExecution, initiatedEventId: 8 }],
    ])
    const from = (externalInitiatedEventId: number) => ({
      externalWorkflowExecution: run.execution,
      externalInitiatedEventId,
    })
    expect(await story(target, 3)).toEqual([
      ['WorkflowExecutionSignaled', { signalName: 's', input: 'i', ...from(5) }],
      ['WorkflowExecutionCancelRequested', from(6)],
      ['WorkflowExecutionSignaled', { signalName: 's', ...from(7) }],
      ['WorkflowExecutionCancelRequested', from(8)],
    ])
  })

  test('what is not open fails with a cause, each with its control', async () => {
    const closed = await start()
    await closed.terminate()
    const { workflowId, runId } = closed
    const run = await start()
    await run.decide(
      decide.signal(workflowId, { runId, control: 'c' }),
      decide.requestCancel(workflowId, { runId, control: 'c' }),
      decide.signal('nobody'),
      decide.requestCancel('nobody'),
    )
    const cause = 'UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION'
    const asked = { workflowId, runId, control: 'c', cause, decisionTaskCompletedEventId }
    const bare = { workflowId: 'nobody', cause, decisionTaskCompletedEventId }
    expect(await story(run, 9)).toEqual([
      ['SignalExternalWorkflowExecutionFailed', { ...asked, initiatedEventId: 5 }],
      scheduled(run),
      ['RequestCancelExternalWorkflowExecutionFailed', { ...asked, initiatedEventId: 6 }],
      ['SignalExternalWorkflowExecutionFailed', { ...bare, initiatedEventId: 7 }],
      ['RequestCancelExternalWorkflowExecutionFailed', { ...bare, initiatedEventId: 8 }],
    ])
  })
}
