import { expect, onTestFinished, test } from 'vitest'
import type { LocalSwfOptions } from '../../../src/swf/local/index.js'
import { AWS_QUOTAS, createLocalSwf } from '../../../src/swf/local/index.js'
import { DOMAIN, activityType, attributes, decide, openFixture, workflowType } from './fixture.js'

async function limited(quotas: LocalSwfOptions['quotas']) {
  const opened = await openFixture({ clock: 'virtual', ...(quotas && { quotas }) })
  onTestFinished(() => opened.close())
  return opened
}
/** A bucket of one that never fills again. */
const once = { bucket: 1, refill: 0 }

test('an action over its rate is throttled until its bucket fills again', async () => {
  const { swf, server } = await limited({ rates: { DescribeDomain: { bucket: 2, refill: 0.5 } } })
  const describe = () => swf.describeDomain({ name: DOMAIN })
  await describe()
  await describe()
  await expect(describe()).rejects.toMatchObject({ name: 'ThrottlingException', message: 'Rate exceeded' })
  await server.clock.advance('2s')
  await describe()
  await expect(describe()).rejects.toThrow('Rate exceeded')
})

test('a decision over its rate is an event with its cause', async () => {
  const { start } = await limited({
    rates: {
      StartTimer: once,
      ScheduleActivityTask: once,
      StartChildWorkflowExecution: once,
      SignalExternalWorkflowExecution: once,
      RequestCancelExternalWorkflowExecution: once,
      ContinueAsNewWorkflowExecution: { bucket: 0, refill: 0 },
      ScheduleLambdaFunction: once,
    },
  })
  const run = await start()
  const twice = [1, 2].flatMap(n => [
    decide.timer(`t${n}`, '60'),
    decide.schedule(`a${n}`),
    decide.child(`${run.workflowId}-${n}`),
    decide.signal(run.workflowId),
    decide.requestCancel(run.workflowId),
    decide.lambda(`l${n}`),
  ])
  await run.decide(...twice)
  await run.decide(decide.continueAsNew())
  const causes = (await run.history()).map(event => attributes(event).cause).filter(Boolean)
  expect(causes).toEqual([
    'TIMER_CREATION_RATE_EXCEEDED',
    'ACTIVITY_CREATION_RATE_EXCEEDED',
    'CHILD_CREATION_RATE_EXCEEDED',
    'SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED',
    'REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED',
    'LAMBDA_FUNCTION_CREATION_RATE_EXCEEDED',
    'ASSUME_ROLE_FAILED',
    'CONTINUE_AS_NEW_WORKFLOW_EXECUTION_RATE_EXCEEDED',
  ])
})

test('what is too much altogether is a LimitExceededFault', async () => {
  const { swf, start } = await limited({ domains: 1, types: 1, openExecutions: 2, pollers: 1 })
  const refused = { name: 'LimitExceededFault' }
  const days = '1'
  await expect(swf.registerDomain({ name: 'two', workflowExecutionRetentionPeriodInDays: days })).rejects.toMatchObject(
    refused,
  )
  const [domain, version] = [DOMAIN, '2']
  await expect(swf.registerWorkflowType({ domain, name: 'W', version })).rejects.toMatchObject(refused)
  await expect(swf.registerActivityType({ domain, name: 'A', version })).rejects.toMatchObject(refused)
  const run = await start()
  await start()
  await expect(start()).rejects.toMatchObject(refused)
  // Children count too.
  await run.decide(decide.child('child'))
  const failed = (await run.history()).find(({ eventType }) => eventType === 'StartChildWorkflowExecutionFailed')
  expect(attributes(failed)).toMatchObject({ cause: 'OPEN_WORKFLOWS_LIMIT_EXCEEDED', initiatedEventId: 0 })

  const poll = () => swf.pollForActivityTask({ domain, taskList: { name: 'busy' } })
  const outcomes = await Promise.allSettled([poll(), poll()])
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: refused })
})

test('a task list takes so many activity tasks a second', async () => {
  const { start, server } = await limited({ tasksPerSecond: 2 })
  const run = await start()
  const on = (id: string, name: string) => decide.schedule(id, { taskList: { name } })
  await run.decide(on('a', 'x'), on('b', 'x'), on('c', 'x'), on('d', 'y'))
  await server.clock.advance('1s')
  await run.decide(on('e', 'x'))
  const types = (await run.history()).filter(({ eventType }) => eventType?.endsWith('TaskFailed'))
  expect(types.map(attributes)).toMatchObject([{ activityId: 'c', cause: 'ACTIVITY_CREATION_RATE_EXCEEDED' }])
})

test('what one execution has open is limited in any case, and the limit can be set', async () => {
  const { start } = await limited({ openActivities: 1, openTimers: 1, openChildren: 1, openLambdaFunctions: 1 })
  const run = await start()
  await run.decide(
    ...['1', '2'].flatMap(n => [decide.schedule(n), decide.timer(n, '60'), decide.child(`${run.workflowId}.${n}`)]),
    decide.lambda('1'),
    decide.lambda('2'),
  )
  const causes = (await run.history()).map(event => attributes(event).cause).filter(Boolean)
  expect(causes).toEqual([
    'OPEN_ACTIVITIES_LIMIT_EXCEEDED',
    'OPEN_TIMERS_LIMIT_EXCEEDED',
    'OPEN_CHILDREN_LIMIT_EXCEEDED',
    'OPEN_LAMBDA_FUNCTIONS_LIMIT_EXCEEDED',
    'ASSUME_ROLE_FAILED',
  ])
})

test("Amazon's quotas are one word", async () => {
  const { swf, start } = await limited('aws')
  await start()
  expect(AWS_QUOTAS.rates.StartWorkflowExecution).toEqual({ bucket: 2_000, refill: 200 })
  const count = () => swf.countPendingDecisionTasks({ domain: DOMAIN, taskList: { name: 'l' } })
  const { bucket } = AWS_QUOTAS.rates.CountPendingDecisionTasks!
  for (let n = 0; n < bucket; n++) await count()
  await expect(count()).rejects.toThrow('Rate exceeded')
  await expect(swf.describeWorkflowType({ domain: DOMAIN, workflowType })).resolves.toBeTruthy()
  await expect(swf.describeActivityType({ domain: DOMAIN, activityType })).resolves.toBeTruthy()
})

test('quotas that make no sense are refused', async () => {
  await expect(createLocalSwf({ quotas: { openTimer: 1 } as never })).rejects.toThrow(/no quota openTimer/)
  const rates = { StartTimer: { bucket: -1, refill: 1 } }
  await expect(createLocalSwf({ quotas: { rates } })).rejects.toThrow(/StartTimer/)
  await expect(createLocalSwf({ quotas: { rates: { Nothing: once } as never } })).rejects.toThrow(/Nothing/)
})
