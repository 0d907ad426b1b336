import { expect, test } from 'vitest'
import { DOMAIN, Run, attributes, decide, fixture, unique, workflowType } from './fixture.js'

const { swf, start } = await fixture()

test.each([
  ['COMPLETED', decide.complete('r'), 'WorkflowExecutionCompleted', { result: 'r' }],
  ['FAILED', decide.fail('why', 'more'), 'WorkflowExecutionFailed', { reason: 'why', details: 'more' }],
  ['CANCELED', decide.cancel('d'), 'WorkflowExecutionCanceled', { details: 'd' }],
] as const)('an execution closes as %s', async (closeStatus, closing, eventType, given) => {
  const run = await start()
  await run.decide(decide.timer('t', '60'), closing)
  const last = (await run.history()).at(-1)
  expect(last?.eventType).toBe(eventType)
  expect(attributes(last)).toEqual({ ...given, decisionTaskCompletedEventId: 4 })
  const { executionInfo } = await run.describe()
  expect(executionInfo).toMatchObject({ executionStatus: 'CLOSED', closeStatus, cancelRequested: false })
  await expect(run.signal()).rejects.toMatchObject({
    name: 'UnknownResourceFault',
    message: `Unknown execution, workflowId = ${run.workflowId}`,
  })
})

test.concurrent('a timer fires at its time and wakes the decider', async () => {
  const run = await start()
  await run.decide(decide.timer('t', '1', 'c'), decide.timer('now', '0'))
  await expect.poll(() => run.types(), { timeout: 10_000 }).toHaveLength(9)
  const events = await run.history()
  expect(attributes(events[4])).toEqual({
    timerId: 't',
    control: 'c',
    startToFireTimeout: '1',
    decisionTaskCompletedEventId: 4,
  })
  expect(events.slice(6).map(event => [event.eventType, attributes(event).timerId])).toEqual([
    ['TimerFired', 'now'],
    ['DecisionTaskScheduled', undefined],
    ['TimerFired', 't'],
  ])
  const late = events[8]!.eventTimestamp!.getTime() - events[4]!.eventTimestamp!.getTime() - 1_000
  expect(late).toBeGreaterThanOrEqual(0)
  expect(late).toBeLessThan(1_000)
})

test('a timer id is in use while its timer is open', async () => {
  const run = await start()
  await run.decide(
    decide.timer('t', '60'),
    decide.timer('t', '60'),
    decide.cancelTimer('t'),
    decide.cancelTimer('t'),
    decide.timer('t', '60'),
  )
  const events = (await run.history()).slice(4)
  expect(events.map(event => attributes(event).cause ?? event.eventType)).toEqual([
    'TimerStarted',
    'TIMER_ID_ALREADY_IN_USE',
    'TimerCanceled',
    'TIMER_ID_UNKNOWN',
    'TimerStarted',
    'DecisionTaskScheduled',
  ])
  expect(attributes(events[2])).toEqual({ timerId: 't', startedEventId: 5, decisionTaskCompletedEventId: 4 })
})

test('timers of more than 24.8 days wait', async () => {
  const run = await start({ executionStartToCloseTimeout: '31536000' })
  await run.decide(decide.timer('long', '31535999'), decide.timer('month', '2678400'))
  await new Promise(resolve => setTimeout(resolve, 50))
  expect(await run.types()).toHaveLength(6)
})

test.concurrent('an execution times out at its time', async () => {
  const run = await start({ executionStartToCloseTimeout: '1' })
  await expect.poll(async () => (await run.types()).at(-1), { timeout: 10_000 }).toBe('WorkflowExecutionTimedOut')
  expect(attributes((await run.history()).at(-1))).toEqual({ timeoutType: 'START_TO_CLOSE', childPolicy: 'TERMINATE' })
  expect((await run.describe()).executionInfo).toMatchObject({ closeStatus: 'TIMED_OUT' })
})

test('continuing as new starts a run with the defaults of the type, and names both ways', async () => {
  const run = await start({ executionStartToCloseTimeout: '300', tagList: ['old'] })
  await run.decide(decide.continueAsNew({ input: 'next', tagList: ['new'] }))
  const closing = (await run.history()).at(-1)
  expect(closing?.eventType).toBe('WorkflowExecutionContinuedAsNew')
  const { newExecutionRunId, ...rest } = attributes(closing)
  expect(rest).toEqual({
    input: 'next',
    decisionTaskCompletedEventId: 4,
    executionStartToCloseTimeout: '600',
    taskList: { name: 'orders' },
    taskStartToCloseTimeout: '30',
    childPolicy: 'TERMINATE',
    tagList: ['new'],
    workflowType,
  })
  const next = new Run(swf, run.workflowId, newExecutionRunId as string, 'orders')
  const [started] = await next.history()
  expect(attributes(started)).toMatchObject({ continuedExecutionRunId: run.runId, input: 'next', tagList: ['new'] })
  expect((await run.describe()).executionInfo).toMatchObject({ closeStatus: 'CONTINUED_AS_NEW' })
  await next.terminate()
})

test('what can not continue fails with its cause and stays open', async () => {
  const bare = { name: unique('Bare'), version: '1' }
  await swf.registerWorkflowType({ domain: DOMAIN, ...bare })
  const given = {
    workflowType: bare,
    executionStartToCloseTimeout: '60',
    taskStartToCloseTimeout: '10',
    childPolicy: 'ABANDON',
  }
  const run = await start(given)
  const causes = []
  for (const options of [
    { workflowTypeVersion: '9' },
    {},
    { executionStartToCloseTimeout: '1' },
    { executionStartToCloseTimeout: '1', taskStartToCloseTimeout: '1' },
    { executionStartToCloseTimeout: '1', taskStartToCloseTimeout: '1', taskList: { name: 'x' } },
  ]) {
    await run.decide(decide.continueAsNew(options))
    const events = await run.history()
    expect(events.at(-1)?.eventType).toBe('DecisionTaskScheduled')
    causes.push(attributes(events.at(-2)).cause)
  }
  expect(causes).toEqual([
    'WORKFLOW_TYPE_DOES_NOT_EXIST',
    'DEFAULT_EXECUTION_START_TO_CLOSE_TIMEOUT_UNDEFINED',
    'DEFAULT_TASK_START_TO_CLOSE_TIMEOUT_UNDEFINED',
    'DEFAULT_TASK_LIST_UNDEFINED',
    'DEFAULT_CHILD_POLICY_UNDEFINED',
  ])
  await run.terminate()
})

test('a lambda function can not start: there is no role to assume', async () => {
  const run = await start()
  await run.decide(decide.lambda('l', 'f'))
  const events = (await run.history()).slice(4)
  expect(events.map(event => event.eventType)).toEqual([
    'LambdaFunctionScheduled',
    'StartLambdaFunctionFailed',
    'DecisionTaskScheduled',
  ])
  expect(attributes(events[1])).toMatchObject({ scheduledEventId: 5, cause: 'ASSUME_ROLE_FAILED' })
})
