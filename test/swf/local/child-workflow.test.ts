import { expect, test } from 'vitest'
import { DOMAIN, Run, attributes, decide, fixture, unique, workflowType } from './fixture.js'

const { swf, start } = await fixture()

/** Starts a parent with one child; returns both. */
async function family(given: object = {}, options: object = {}) {
  const parent = await start(options)
  const workflowId = unique('child')
  const list = unique('children')
  await parent.decide(decide.child(workflowId, { taskList: { name: list }, control: 'c', ...given }))
  const started = (await parent.history()).find(event => event.eventType === 'ChildWorkflowExecutionStarted')
  const { runId } = started!.childWorkflowExecutionStartedEventAttributes!.workflowExecution!
  return { parent, child: new Run(swf, workflowId, runId!, list) }
}

test('a child is initiated in the batch and started after it, with the resolved options', async () => {
  const { parent, child } = await family({ input: 'i', tagList: ['t'] })
  const events = (await parent.history()).slice(4)
  expect(events.map(event => event.eventType)).toEqual([
    'StartChildWorkflowExecutionInitiated',
    'ChildWorkflowExecutionStarted',
    'DecisionTaskScheduled',
  ])
  expect(attributes(events[0])).toEqual({
    workflowId: child.workflowId,
    workflowType,
    control: 'c',
    input: 'i',
    tagList: ['t'],
    executionStartToCloseTimeout: '600',
    taskStartToCloseTimeout: '30',
    taskList: { name: child.list },
    childPolicy: 'TERMINATE',
    decisionTaskCompletedEventId: 4,
  })
  expect(attributes(events[1])).toEqual({ workflowExecution: child.execution, workflowType, initiatedEventId: 5 })
  expect(attributes((await child.history())[0])).toMatchObject({
    parentWorkflowExecution: parent.execution,
    parentInitiatedEventId: 5,
    input: 'i',
  })
  expect((await child.describe()).executionInfo?.parent).toEqual(parent.execution)
  expect((await parent.describe()).openCounts?.openChildWorkflowExecutions).toBe(1)
})

test.each([
  ['ChildWorkflowExecutionCompleted', (child: Run) => child.decide(decide.complete('r')), { result: 'r' }],
  ['ChildWorkflowExecutionFailed', (child: Run) => child.decide(decide.fail('x', 'y')), { reason: 'x', details: 'y' }],
  ['ChildWorkflowExecutionCanceled', (child: Run) => child.decide(decide.cancel('d')), { details: 'd' }],
  ['ChildWorkflowExecutionTerminated', (child: Run) => child.terminate(), {}],
] as const)('the parent is told: %s', async (type, close, given) => {
  const { parent, child } = await family()
  await parent.decide()
  await close(child)
  const events = await parent.history()
  expect(events.slice(-2).map(event => event.eventType)).toEqual([type, 'DecisionTaskScheduled'])
  expect(attributes(events.at(-2))).toEqual({
    ...given,
    workflowExecution: child.execution,
    workflowType,
    initiatedEventId: 5,
    startedEventId: 6,
  })
  expect((await parent.describe()).openCounts?.openChildWorkflowExecutions).toBe(0)
})

test('the parent is told of a timeout, and not of a continued run', async () => {
  const { parent, child } = await family()
  await child.decide(decide.continueAsNew({ executionStartToCloseTimeout: '1' }))
  expect((await parent.types()).at(-1)).toBe('DecisionTaskScheduled')
  await expect.poll(() => parent.types(), { timeout: 10_000 }).toContain('ChildWorkflowExecutionTimedOut')
  const event = (await parent.history()).find(({ eventType }) => eventType === 'ChildWorkflowExecutionTimedOut')
  expect(attributes(event)).toMatchObject({ timeoutType: 'START_TO_CLOSE', initiatedEventId: 5, startedEventId: 6 })
  expect(attributes(event).workflowExecution).not.toEqual(child.execution)
})

test('a missing type fails inside the batch, a running id after Initiated', async () => {
  const other = await start()
  const old = { name: unique('Old'), version: '1' }
  const bare = { name: unique('Bare'), version: '1' }
  await swf.registerWorkflowType({ domain: DOMAIN, ...old })
  await swf.registerWorkflowType({ domain: DOMAIN, ...bare })
  await swf.deprecateWorkflowType({ domain: DOMAIN, workflowType: old })
  const run = await start()
  await run.decide(
    decide.child('x', { workflowType: { name: 'None', version: '1' }, control: 'c' }),
    decide.child('x', { workflowType: old }),
    decide.child('x', { workflowType: bare }),
    decide.child(other.workflowId, { control: 'c' }),
    decide.marker('m'),
  )
  const events = (await run.history()).slice(4)
  expect(events.map(event => event.eventType)).toEqual([
    'StartChildWorkflowExecutionFailed',
    'StartChildWorkflowExecutionFailed',
    'StartChildWorkflowExecutionFailed',
    'StartChildWorkflowExecutionInitiated',
    'MarkerRecorded',
    'DecisionTaskScheduled',
    'StartChildWorkflowExecutionFailed',
  ])
  expect(attributes(events[0])).toEqual({
    workflowType: { name: 'None', version: '1' },
    cause: 'WORKFLOW_TYPE_DOES_NOT_EXIST',
    workflowId: 'x',
    initiatedEventId: 0,
    decisionTaskCompletedEventId: 4,
    control: 'c',
  })
  expect(events.slice(1, 3).map(event => attributes(event).cause)).toEqual([
    'WORKFLOW_TYPE_DEPRECATED',
    'DEFAULT_EXECUTION_START_TO_CLOSE_TIMEOUT_UNDEFINED',
  ])
  expect(attributes(events[6])).toEqual({
    workflowType,
    cause: 'WORKFLOW_ALREADY_RUNNING',
    workflowId: other.workflowId,
    initiatedEventId: 8,
    decisionTaskCompletedEventId: 4,
    control: 'c',
  })
  expect((await run.describe()).openCounts?.openChildWorkflowExecutions).toBe(0)
})

test('a child started in the last batch lives on without its parent', async () => {
  const parent = await start()
  const workflowId = unique('child')
  await parent.decide(decide.child(workflowId, { taskList: { name: workflowId } }), decide.complete())
  expect((await parent.types()).slice(-2)).toEqual([
    'StartChildWorkflowExecutionInitiated',
    'WorkflowExecutionCompleted',
  ])
  const task = await swf.pollForDecisionTask({ domain: DOMAIN, taskList: { name: workflowId } })
  expect(task.workflowExecution?.workflowId).toBe(workflowId)
})

test('termination spreads to children and grandchildren by the child policy', async () => {
  const { parent, child } = await family()
  const grandchildId = unique('grandchild')
  const [first] = [await child.poll()]
  await child.respond(first.taskToken, decide.child(grandchildId, { taskList: { name: 'x' } }))
  await parent.terminate()
  const last = (await child.history()).at(-1)
  expect(attributes(last)).toEqual({ childPolicy: 'TERMINATE', cause: 'CHILD_POLICY_APPLIED' })
  const closed = await swf.listClosedWorkflowExecutions({
    domain: DOMAIN,
    startTimeFilter: { oldestDate: new Date(0) },
    executionFilter: { workflowId: grandchildId },
  })
  expect(closed.executionInfos?.[0]).toMatchObject({ closeStatus: 'TERMINATED' })
  expect(attributes((await parent.history()).at(-1))).toEqual({ childPolicy: 'TERMINATE', cause: 'OPERATOR_INITIATED' })
  expect((await parent.types()).filter(type => type === 'ChildWorkflowExecutionTerminated')).toEqual([])
})

test('the policy reaches a child that has continued as new', async () => {
  const { parent, child } = await family()
  await child.decide(decide.continueAsNew())
  await parent.terminate()
  await expect(
    swf.signalWorkflowExecution({ domain: DOMAIN, workflowId: child.workflowId, signalName: 's' }),
  ).rejects.toMatchObject({ name: 'UnknownResourceFault' })
})

test('REQUEST_CANCEL asks the children; ABANDON leaves them alone', async () => {
  const asked = await family({}, { childPolicy: 'REQUEST_CANCEL' })
  await asked.parent.terminate()
  const events = await asked.child.history()
  expect(attributes(events.at(-1))).toEqual({
    externalWorkflowExecution: asked.parent.execution,
    externalInitiatedEventId: 0,
    cause: 'CHILD_POLICY_APPLIED',
  })
  expect((await asked.child.describe()).executionInfo?.cancelRequested).toBe(true)
  const left = await family()
  await swf.terminateWorkflowExecution({
    domain: DOMAIN,
    workflowId: left.parent.workflowId,
    childPolicy: 'ABANDON',
    reason: 'r',
    details: 'd',
  })
  expect(attributes((await left.parent.history()).at(-1))).toEqual({
    reason: 'r',
    details: 'd',
    childPolicy: 'ABANDON',
    cause: 'OPERATOR_INITIATED',
  })
  expect(await left.child.types()).toHaveLength(2)
})

test('an execution that completes leaves its children alone', async () => {
  const { parent, child } = await family()
  await parent.decide(decide.complete())
  expect(await child.types()).toHaveLength(2)
})

test('a line of 100 generations is terminated without recursion', async () => {
  const oldest = await start()
  let run = oldest
  for (let i = 0; i < 100; i++) {
    const workflowId = unique('line')
    const { taskToken } = await run.poll()
    await run.respond(taskToken, decide.child(workflowId, { taskList: { name: workflowId } }))
    run = new Run(swf, workflowId, '', workflowId)
  }
  await oldest.terminate()
  await expect(run.signal()).rejects.toMatchObject({ name: 'UnknownResourceFault' })
})
