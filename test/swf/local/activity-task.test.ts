import { expect, test } from 'vitest'
import { DOMAIN, activityType, attributes, decide, fixture, unique } from './fixture.js'

const { swf, start } = await fixture()

/** Starts an execution with one activity on a list of its own. */
async function scheduled(given: object = {}, options: object = {}) {
  const run = await start(options)
  const name = unique('charges')
  await run.decide(decide.schedule('a', { taskList: { name }, ...given }))
  return { run, poll: () => swf.pollForActivityTask({ domain: DOMAIN, taskList: { name }, identity: 'me' }) }
}

test('a workflow of one activity runs from start to completion', async () => {
  const run = await start({ input: 'in' })
  const first = await run.decide(decide.schedule('a', { input: 'x', control: 'c' }))
  expect(first.startedEventId).toBe(3)
  expect(first.previousStartedEventId).toBe(0)
  const task = await swf.pollForActivityTask({ domain: DOMAIN, taskList: { name: 'charges' }, identity: 'me' })
  expect(task).toMatchObject({ activityId: 'a', startedEventId: 6, input: 'x', workflowExecution: run.execution })
  await swf.respondActivityTaskCompleted({ taskToken: task.taskToken, result: 'r' })
  const second = await run.decide(decide.complete('done'))
  expect(second.previousStartedEventId).toBe(3)
  const events = await run.history()
  expect(events.map(event => event.eventType)).toEqual([
    'WorkflowExecutionStarted',
    'DecisionTaskScheduled',
    'DecisionTaskStarted',
    'DecisionTaskCompleted',
    'ActivityTaskScheduled',
    'ActivityTaskStarted',
    'ActivityTaskCompleted',
    'DecisionTaskScheduled',
    'DecisionTaskStarted',
    'DecisionTaskCompleted',
    'WorkflowExecutionCompleted',
  ])
  expect(attributes(events[4])).toEqual({
    activityType: { name: 'Charge', version: '1' },
    activityId: 'a',
    input: 'x',
    control: 'c',
    scheduleToStartTimeout: '60',
    scheduleToCloseTimeout: '90',
    startToCloseTimeout: '30',
    heartbeatTimeout: 'NONE',
    taskList: { name: 'charges' },
    decisionTaskCompletedEventId: 4,
  })
  expect(attributes(events[5])).toEqual({ identity: 'me', scheduledEventId: 5 })
  expect(attributes(events[6])).toEqual({ result: 'r', scheduledEventId: 5, startedEventId: 6 })
  expect(attributes(events[10])).toEqual({ result: 'done', decisionTaskCompletedEventId: 10 })
})

test('a failed activity records its reason and details and wakes the decider', async () => {
  const { run, poll } = await scheduled()
  const { taskToken } = await poll()
  await swf.respondActivityTaskFailed({ taskToken, reason: 'why', details: 'more' })
  const events = await run.history()
  expect(events.at(-2)?.activityTaskFailedEventAttributes).toEqual({
    reason: 'why',
    details: 'more',
    scheduledEventId: 5,
    startedEventId: 6,
  })
  expect(events.at(-1)?.eventType).toBe('DecisionTaskScheduled')
})

test('a heartbeat records no event and tells of a cancel request', async () => {
  const { run, poll } = await scheduled()
  const { taskToken } = await poll()
  expect(await swf.recordActivityTaskHeartbeat({ taskToken, details: '50%' })).toMatchObject({ cancelRequested: false })
  await run.signal()
  await run.decide(decide.cancelActivity('a'))
  expect(await swf.recordActivityTaskHeartbeat({ taskToken })).toMatchObject({ cancelRequested: true })
  await swf.respondActivityTaskCanceled({ taskToken, details: 'stopped' })
  const events = await run.history()
  const requested = events.find(event => event.eventType === 'ActivityTaskCancelRequested')!
  expect(attributes(requested)).toEqual({ activityId: 'a', decisionTaskCompletedEventId: requested.eventId! - 1 })
  expect(events.at(-2)?.activityTaskCanceledEventAttributes).toEqual({
    details: 'stopped',
    scheduledEventId: 5,
    startedEventId: 6,
    latestCancelRequestedEventId: requested.eventId,
  })
})

test('a worker that was asked to cancel may complete all the same', async () => {
  const { run, poll } = await scheduled()
  const { taskToken } = await poll()
  await run.signal()
  await run.decide(decide.cancelActivity('a'))
  await swf.respondActivityTaskCompleted({ taskToken, result: 'done' })
  expect((await run.types()).slice(-3)).toEqual([
    'ActivityTaskCancelRequested',
    'ActivityTaskCompleted',
    'DecisionTaskScheduled',
  ])
})

test('an activity that has not started is canceled at once, inside the batch', async () => {
  const { run, poll } = await scheduled()
  await run.signal()
  await run.decide(decide.cancelActivity('a'), decide.marker('m'))
  const events = await run.history()
  expect(events.slice(-4).map(event => event.eventType)).toEqual([
    'ActivityTaskCancelRequested',
    'ActivityTaskCanceled',
    'MarkerRecorded',
    'DecisionTaskScheduled',
  ])
  expect(attributes(events.at(-3))).toEqual({
    scheduledEventId: 5,
    startedEventId: 0,
    latestCancelRequestedEventId: events.at(-4)!.eventId,
  })
  expect((await poll()).taskToken).toBeUndefined()
})

test.concurrent.each([
  ['SCHEDULE_TO_START', { scheduleToStartTimeout: '1' }, false],
  ['SCHEDULE_TO_CLOSE', { scheduleToCloseTimeout: '1' }, true],
  ['START_TO_CLOSE', { startToCloseTimeout: '1' }, true],
  ['HEARTBEAT', { heartbeatTimeout: '1' }, true],
] as const)('an activity times out by %s', async (timeoutType, given, starts) => {
  const { run, poll } = await scheduled(given)
  const taskToken = starts ? (await poll()).taskToken : undefined
  if (taskToken) await swf.recordActivityTaskHeartbeat({ taskToken, details: 'last words' })
  await expect.poll(() => run.types(), { timeout: 10_000 }).toContain('ActivityTaskTimedOut')
  const event = (await run.history()).find(({ eventType }) => eventType === 'ActivityTaskTimedOut')
  expect(attributes(event)).toEqual({
    timeoutType,
    scheduledEventId: 5,
    startedEventId: starts ? 6 : 0,
    ...(starts && { details: 'last words' }),
  })
  expect((await run.types()).at(-1)).toBe('DecisionTaskScheduled')
  const fault = { name: 'UnknownResourceFault', message: 'Unknown activity, scheduledEventId = 5' }
  if (taskToken) await expect(swf.respondActivityTaskCompleted({ taskToken })).rejects.toMatchObject(fault)
})

test.concurrent('heartbeats keep an activity alive', async () => {
  const { run, poll } = await scheduled({ heartbeatTimeout: '1' })
  const { taskToken } = await poll()
  for (let i = 0; i < 4; i++) {
    await new Promise(resolve => setTimeout(resolve, 400))
    await swf.recordActivityTaskHeartbeat({ taskToken })
  }
  await swf.respondActivityTaskCompleted({ taskToken })
  expect(await run.types()).not.toContain('ActivityTaskTimedOut')
})

test('a token of a closed activity is an unknown activity, one of a closed execution names that; other texts are invalid tokens', async () => {
  const { run, poll } = await scheduled()
  const { taskToken } = await poll()
  const decision = await run.signal().then(() => run.poll())
  await swf.respondActivityTaskCompleted({ taskToken })
  const unknown = { name: 'UnknownResourceFault', message: 'Unknown activity, scheduledEventId = 5' }
  await expect(swf.respondActivityTaskCompleted({ taskToken })).rejects.toMatchObject(unknown)
  await expect(swf.respondActivityTaskFailed({ taskToken })).rejects.toMatchObject(unknown)
  await expect(swf.recordActivityTaskHeartbeat({ taskToken })).rejects.toMatchObject(unknown)
  const invalid = { name: 'ValidationException', message: 'Invalid token' }
  for (const bad of ['x', '{}', 'bnVsbA', decision.taskToken]) {
    await expect(swf.respondActivityTaskCanceled({ taskToken: bad })).rejects.toMatchObject(invalid)
  }
  const other = await scheduled()
  const token = (await other.poll()).taskToken
  await other.run.terminate()
  const { workflowId, runId } = other.run
  const closed = {
    name: 'UnknownResourceFault',
    message: `Unknown execution: WorkflowExecution=[workflowId=${workflowId}, runId=${runId}]`,
  }
  await expect(swf.respondActivityTaskCompleted({ taskToken: token })).rejects.toMatchObject(closed)
  await expect(swf.respondActivityTaskFailed({ taskToken: token })).rejects.toMatchObject(closed)
  await expect(swf.respondActivityTaskCanceled({ taskToken: token })).rejects.toMatchObject(closed)
  await expect(swf.recordActivityTaskHeartbeat({ taskToken: token })).rejects.toMatchObject(closed)
})

test('the longest workflowId in any script fits into a token', async () => {
  const { taskToken } = await (await start({ workflowId: '\u4e2d'.repeat(256) })).poll()
  expect(taskToken!.length).toBeLessThanOrEqual(1_024)
})

test('what can not be scheduled fails with its cause, and one decision task follows the batch', async () => {
  const bare = { name: unique('Bare'), version: '1' }
  const old = { name: unique('Old'), version: '1' }
  await swf.registerActivityType({ domain: DOMAIN, ...bare })
  await swf.registerActivityType({ domain: DOMAIN, ...old })
  await swf.deprecateActivityType({ domain: DOMAIN, activityType: old })
  const run = await start()
  const taskList = { name: 'nobody' }
  const all = { taskList, scheduleToCloseTimeout: '1', scheduleToStartTimeout: '1', startToCloseTimeout: '1' }
  await run.decide(
    decide.schedule('a', { taskList }),
    decide.schedule('a', { taskList }),
    decide.schedule('b', { activityType: { name: 'None', version: '1' } }),
    decide.schedule('c', { activityType: old }),
    decide.schedule('d', { activityType: bare }),
    decide.schedule('e', { activityType: bare, taskList }),
    decide.schedule('f', { activityType: bare, taskList, scheduleToCloseTimeout: '1' }),
    decide.schedule('g', { activityType: bare, taskList, scheduleToCloseTimeout: '1', scheduleToStartTimeout: '1' }),
    decide.schedule('h', { activityType: bare, ...all }),
    decide.schedule('i', { activityType: bare, ...all, heartbeatTimeout: 'NONE' }),
    decide.cancelActivity('z'),
  )
  const events = (await run.history()).slice(4)
  expect(events.map(event => attributes(event).cause ?? event.eventType)).toEqual([
    'ActivityTaskScheduled',
    'ACTIVITY_ID_ALREADY_IN_USE',
    'ACTIVITY_TYPE_DOES_NOT_EXIST',
    'ACTIVITY_TYPE_DEPRECATED',
    'DEFAULT_TASK_LIST_UNDEFINED',
    'DEFAULT_SCHEDULE_TO_CLOSE_TIMEOUT_UNDEFINED',
    'DEFAULT_SCHEDULE_TO_START_TIMEOUT_UNDEFINED',
    'DEFAULT_START_TO_CLOSE_TIMEOUT_UNDEFINED',
    'DEFAULT_HEARTBEAT_TIMEOUT_UNDEFINED',
    'ActivityTaskScheduled',
    'ACTIVITY_ID_UNKNOWN',
    'DecisionTaskScheduled',
  ])
  expect(attributes(events[1])).toEqual({
    activityType,
    activityId: 'a',
    cause: 'ACTIVITY_ID_ALREADY_IN_USE',
    decisionTaskCompletedEventId: 4,
  })
  expect(attributes(events[10])).toEqual({
    activityId: 'z',
    cause: 'ACTIVITY_ID_UNKNOWN',
    decisionTaskCompletedEventId: 4,
  })
})

test('an activity id can be used again when its activity has closed', async () => {
  const { run, poll } = await scheduled()
  await swf.respondActivityTaskCompleted({ taskToken: (await poll()).taskToken })
  await run.decide(decide.schedule('a'))
  expect((await run.types()).at(-1)).toBe('ActivityTaskScheduled')
})

test('at most 1,000 activities, and 1,000 timers, are open', async () => {
  const run = await start()
  const activities = Array.from({ length: 1_001 }, (_, i) => decide.schedule(`a${i}`, { taskList: { name: 'crowd' } }))
  const timers = Array.from({ length: 1_001 }, (_, i) => decide.timer(`t${i}`, '600'))
  await run.decide(...activities, ...timers)
  const causes = (await run.history()).map(event => attributes(event).cause).filter(Boolean)
  expect(causes).toEqual(['OPEN_ACTIVITIES_LIMIT_EXCEEDED', 'OPEN_TIMERS_LIMIT_EXCEEDED'])
  await expect(swf.countPendingActivityTasks({ domain: DOMAIN, taskList: { name: 'crowd' } })).resolves.toMatchObject({
    count: 1_000,
    truncated: false,
  })
  await run.terminate()
  await expect(swf.countPendingActivityTasks({ domain: DOMAIN, taskList: { name: 'crowd' } })).resolves.toMatchObject({
    count: 0,
  })
})

test('higher priorities are polled first, and of one priority the oldest', async () => {
  const run = await start()
  const taskList = { name: unique('ranked') }
  await run.decide(
    decide.schedule('low', { taskList, taskPriority: '-1' }),
    decide.schedule('first', { taskList }),
    decide.schedule('second', { taskList }),
    decide.schedule('high', { taskList, taskPriority: '10' }),
  )
  const order = []
  for (let i = 0; i < 4; i++) order.push((await swf.pollForActivityTask({ domain: DOMAIN, taskList })).activityId)
  expect(order).toEqual(['high', 'first', 'second', 'low'])
  const events = await run.history()
  expect(events.filter(event => attributes(event).taskPriority).map(event => attributes(event).taskPriority)).toEqual([
    '-1',
    '10',
  ])
})
