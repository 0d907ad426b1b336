import { expect, test } from 'vitest'
import { DOMAIN, attributes, decide, fixture } from './fixture.js'

const { swf, start } = await fixture()

test('a signal from outside is recorded with externalInitiatedEventId 0', async () => {
  const run = await start()
  await run.signal('go', 'now')
  expect(attributes((await run.history())[2])).toEqual({ signalName: 'go', input: 'now', externalInitiatedEventId: 0 })
})

test('a cancel from outside only asks; the decider closes', async () => {
  const run = await start()
  await run.decide()
  const request = { domain: DOMAIN, workflowId: run.workflowId, runId: run.runId }
  await swf.requestCancelWorkflowExecution(request)
  await swf.requestCancelWorkflowExecution(request)
  const events = (await run.history()).slice(4)
  expect(events.map(event => event.eventType)).toEqual([
    'WorkflowExecutionCancelRequested',
    'DecisionTaskScheduled',
    'WorkflowExecutionCancelRequested',
  ])
  expect(attributes(events[0])).toEqual({ externalInitiatedEventId: 0 })
  expect((await run.describe()).executionInfo).toMatchObject({ executionStatus: 'OPEN', cancelRequested: true })
})

test('an execution signals another and asks it to cancel', async () => {
  const target = await start()
  const run = await start()
  await run.decide(
    decide.signal(target.workflowId, { input: 'i', control: 'c' }),
    decide.requestCancel(target.workflowId, { runId: target.runId, control: 'c' }),
  )
  const events = (await run.history()).slice(4)
  expect(events.map(event => event.eventType)).toEqual([
    'SignalExternalWorkflowExecutionInitiated',
    'RequestCancelExternalWorkflowExecutionInitiated',
    'ExternalWorkflowExecutionSignaled',
    'DecisionTaskScheduled',
    'ExternalWorkflowExecutionCancelRequested',
  ])
  expect(attributes(events[0])).toEqual({
    workflowId: target.workflowId,
    signalName: 's',
    input: 'i',
    control: 'c',
    decisionTaskCompletedEventId: 4,
  })
  expect(attributes(events[2])).toEqual({ workflowExecution: target.execution, initiatedEventId: 5 })
  expect(attributes(events[4])).toEqual({ workflowExecution: target.execution, initiatedEventId: 6 })
  const received = (await target.history()).slice(2)
  expect(attributes(received[0])).toEqual({
    signalName: 's',
    input: 'i',
    externalWorkflowExecution: run.execution,
    externalInitiatedEventId: 5,
  })
  expect(attributes(received[1])).toEqual({ externalWorkflowExecution: run.execution, externalInitiatedEventId: 6 })
})

test('an execution may signal itself', async () => {
  const run = await start()
  await run.decide(decide.signal(run.workflowId))
  expect((await run.types()).slice(4)).toEqual([
    'SignalExternalWorkflowExecutionInitiated',
    'WorkflowExecutionSignaled',
    'DecisionTaskScheduled',
    'ExternalWorkflowExecutionSignaled',
  ])
})

test('what is unknown fails with its cause, and a decision task', async () => {
  const run = await start()
  await run.decide(decide.signal('nobody', { control: 'c' }), decide.requestCancel(run.workflowId, { runId: 'other' }))
  const events = (await run.history()).slice(6)
  expect(events.map(event => event.eventType)).toEqual([
    'SignalExternalWorkflowExecutionFailed',
    'DecisionTaskScheduled',
    'RequestCancelExternalWorkflowExecutionFailed',
  ])
  expect(attributes(events[0])).toEqual({
    workflowId: 'nobody',
    cause: 'UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION',
    initiatedEventId: 5,
    decisionTaskCompletedEventId: 4,
    control: 'c',
  })
  expect(attributes(events[2])).toMatchObject({ runId: 'other', initiatedEventId: 6 })
})

test('unknown executions are named in the fault as they were named in the call', async () => {
  const run = await start()
  const unknown = (message: string) => ({ name: 'UnknownResourceFault', message })
  await expect(
    swf.signalWorkflowExecution({ domain: DOMAIN, workflowId: 'nobody', signalName: 's' }),
  ).rejects.toMatchObject(unknown('Unknown execution, workflowId = nobody'))
  await expect(
    swf.terminateWorkflowExecution({ domain: DOMAIN, workflowId: run.workflowId, runId: 'other' }),
  ).rejects.toMatchObject(unknown(`Unknown execution: WorkflowExecution=[workflowId=${run.workflowId}, runId=other]`))
  await expect(swf.requestCancelWorkflowExecution({ domain: 'nowhere', workflowId: 'x' })).rejects.toMatchObject(
    unknown('Unknown domain: nowhere'),
  )
  await expect(
    swf.describeWorkflowExecution({ domain: DOMAIN, execution: { workflowId: 'x', runId: 'y' } }),
  ).rejects.toMatchObject(unknown('Unknown execution: WorkflowExecution=[workflowId=x, runId=y]'))
})
