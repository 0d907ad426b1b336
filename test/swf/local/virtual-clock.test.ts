import { expect, onTestFinished, test } from 'vitest'
import { createLocalSwf } from '../../../src/swf/local/index.js'
import { DOMAIN, decide, fixture, openFixture, unique } from './fixture.js'

const { server, swf, start } = await fixture({ clock: 'virtual' })
const HOUR = 3_600_000

test('time stands still until it is moved; what falls due on the way happens at its own moment', async () => {
  const before = server.clock.now().getTime()
  const run = await start({ executionStartToCloseTimeout: '31536000' })
  await run.decide(decide.timer('a', '3600'), decide.timer('b', '86400'), decide.timer('c', String(40 * 86_400)))
  await server.clock.advance('30d')
  expect(server.clock.now().getTime() - before).toBe(30 * 24 * HOUR)
  const fired = (await run.history()).filter(({ eventType }) => eventType === 'TimerFired')
  expect(
    fired.map(event => [event.timerFiredEventAttributes!.timerId, event.eventTimestamp!.getTime() - before]),
  ).toEqual([
    ['a', HOUR],
    ['b', 24 * HOUR],
  ])
  await server.clock.advance('10d')
  expect((await run.types()).at(-1)).toBe('TimerFired')
  expect(await run.types()).toHaveLength(11)
})

test('workers react to what falls due before time goes on', async () => {
  const run = await start()
  const begun = server.clock.now().getTime()
  // A decider that waits a minute, three times over.
  const decider = (async () => {
    for (let wait = 1; wait <= 3; wait++) await run.decide(decide.timer(`t${wait}`, '60'))
    await run.decide(decide.complete('done'))
  })()
  await server.clock.advance('3m')
  await decider
  const closed = (await run.history()).at(-1)!
  expect(closed.eventType).toBe('WorkflowExecutionCompleted')
  expect(closed.eventTimestamp!.getTime() - begun).toBe(180_000)
})

test('a task that a worker holds does not stop time that is moved: it times out', async () => {
  const run = await start()
  await run.decide(decide.schedule('a', { taskList: { name: run.list }, heartbeatTimeout: '10' }))
  const { taskToken } = await swf.pollForActivityTask({ domain: DOMAIN, taskList: { name: run.list } })
  expect(taskToken).toBeTruthy()
  await server.clock.advance('10s')
  const timedOut = (await run.history()).find(({ eventType }) => eventType === 'ActivityTaskTimedOut')
  expect(timedOut?.activityTaskTimedOutEventAttributes?.timeoutType).toBe('HEARTBEAT')
  await run.terminate()
})

test('autoSkip jumps from timer to timer, and never while a task is out with a worker', async () => {
  const own = await openFixture({ clock: 'virtual' })
  onTestFinished(() => own.close())
  const { clock } = own.server
  const run = await own.start({ executionStartToCloseTimeout: '31536000' })
  const before = clock.now().getTime()
  clock.autoSkip = true
  const task = await run.poll()
  await new Promise(resolve => setTimeout(resolve, 50))
  expect(clock.now().getTime()).toBe(before)
  await run.respond(task.taskToken, decide.timer('long', String(30 * 86_400)))
  await run.decide(decide.complete())
  clock.autoSkip = false
  expect(clock.now().getTime() - before).toBe(30 * 24 * HOUR)
  const { executionInfo } = await run.describe()
  expect(executionInfo?.closeStatus).toBe('COMPLETED')
})

test('retention is by the same clock', async () => {
  const domain = unique('kept')
  await swf.registerDomain({ name: domain, workflowExecutionRetentionPeriodInDays: '1' })
  const workflowType = { name: 'W', version: '1' }
  await swf.registerWorkflowType({ domain, ...workflowType })
  const options = { taskList: { name: 'l' }, executionStartToCloseTimeout: '60', taskStartToCloseTimeout: '10' }
  const run = { domain, workflowId: 'w', workflowType, childPolicy: 'TERMINATE', ...options } as const
  const { runId } = await swf.startWorkflowExecution(run)
  await server.clock.advance('1m')
  const execution = { workflowId: 'w', runId }
  const described = await swf.describeWorkflowExecution({ domain, execution })
  expect(described.executionInfo?.closeStatus).toBe('TIMED_OUT')
  await server.clock.advance('26h')
  await expect(swf.describeWorkflowExecution({ domain, execution })).rejects.toThrow(/Unknown execution/)
})

test('a real clock cannot be moved, and a virtual one keeps no data', async () => {
  const real = await createLocalSwf()
  onTestFinished(() => real.close())
  await expect(real.clock.advance('1s')).rejects.toMatchObject({ code: 'CLOCK_IS_REAL' })
  expect(() => (real.clock.autoSkip = true)).toThrow(/real/)
  expect(real.clock.autoSkip).toBe(false)
  await expect(createLocalSwf({ clock: 'virtual', data: '/nowhere' })).rejects.toThrow(RangeError)
})
