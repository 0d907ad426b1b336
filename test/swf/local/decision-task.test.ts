import { expect, test } from 'vitest'
import { DOMAIN, attributes, decide, fixture, unique } from './fixture.js'

const { swf, start } = await fixture()
const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

test('a start records two events with one timestamp, with the resolved defaults', async () => {
  const run = await start({ input: 'in', tagList: ['x', 'y'], taskPriority: '7' })
  const events = await run.history()
  expect(events).toHaveLength(2)
  expect(events[0]!.eventTimestamp).toEqual(events[1]!.eventTimestamp)
  expect(attributes(events[0])).toEqual({
    input: 'in',
    executionStartToCloseTimeout: '600',
    taskStartToCloseTimeout: '30',
    childPolicy: 'TERMINATE',
    taskList: { name: run.list },
    taskPriority: '7',
    workflowType: { name: 'Order', version: '1' },
    tagList: ['x', 'y'],
    parentInitiatedEventId: 0,
  })
  expect(attributes(events[1])).toEqual({
    taskList: { name: run.list },
    taskPriority: '7',
    startToCloseTimeout: '30',
    scheduleToStartTimeout: 'NONE',
  })
})

test('an event that needs the decider schedules a task at once, also while another is started', async () => {
  const run = await start()
  const first = await run.poll()
  await run.signal('one')
  await run.signal('two')
  expect((await run.types()).slice(2)).toEqual([
    'DecisionTaskStarted',
    'WorkflowExecutionSignaled',
    'DecisionTaskScheduled',
    'WorkflowExecutionSignaled',
  ])
  expect((await run.poll()).taskToken).toBeUndefined()
  await run.respond(first.taskToken, decide.marker('m'))
  const second = await run.poll()
  expect(second.startedEventId).toBe(9)
  expect(second.previousStartedEventId).toBe(3)
  expect((await run.types()).slice(6)).toEqual(['DecisionTaskCompleted', 'MarkerRecorded', 'DecisionTaskStarted'])
  expect(attributes((await run.history())[8])).toEqual({ scheduledEventId: 5 })
})

test('a task that waits is given to a poll that waits, when the started one completes', async () => {
  const run = await start()
  const first = await run.poll()
  await run.signal()
  const [second] = await Promise.all([run.poll(), sleep(30).then(() => run.respond(first.taskToken))])
  expect(second.startedEventId).toBe(7)
})

test('no other task is scheduled while one is scheduled', async () => {
  const run = await start()
  for (let i = 0; i < 3; i++) await run.signal()
  expect(await run.types()).toEqual([
    'WorkflowExecutionStarted',
    'DecisionTaskScheduled',
    'WorkflowExecutionSignaled',
    'WorkflowExecutionSignaled',
    'WorkflowExecutionSignaled',
  ])
})

test.each([
  ['CompleteWorkflowExecutionFailed', decide.complete()],
  ['FailWorkflowExecutionFailed', decide.fail()],
  ['CancelWorkflowExecutionFailed', decide.cancel()],
  ['ContinueAsNewWorkflowExecutionFailed', decide.continueAsNew()],
])('a close with an unhandled event is refused: %s', async (type, closing) => {
  const run = await start()
  const { taskToken } = await run.poll()
  await run.signal()
  await run.respond(taskToken, decide.marker('kept'), closing)
  const events = await run.history()
  expect(events.slice(-3).map(event => event.eventType)).toEqual(['DecisionTaskCompleted', 'MarkerRecorded', type])
  expect(attributes(events.at(-1))).toEqual({ cause: 'UNHANDLED_DECISION', decisionTaskCompletedEventId: 6 })
  const next = await run.poll()
  await run.respond(next.taskToken, closing)
  expect((await run.describe()).executionInfo?.executionStatus).toBe('CLOSED')
})

test('a batch stands together, with one timestamp and one decisionTaskCompletedEventId', async () => {
  const run = await start()
  await run.decide(decide.timer('t', '60'), decide.marker('m', 'd'), decide.cancelTimer('t'), decide.complete('r'))
  const events = (await run.history()).slice(3)
  expect(events.map(event => event.eventType)).toEqual([
    'DecisionTaskCompleted',
    'TimerStarted',
    'MarkerRecorded',
    'TimerCanceled',
    'WorkflowExecutionCompleted',
  ])
  expect(new Set(events.map(event => event.eventTimestamp?.getTime())).size).toBe(1)
  expect(events.slice(1).map(event => attributes(event).decisionTaskCompletedEventId)).toEqual([4, 4, 4, 4])
})

test('a batch with a mistake changes nothing, and its task stays started', async () => {
  const run = await start()
  const { taskToken } = await run.poll()
  const refused = (decisions: unknown[], message: string | RegExp) =>
    expect(swf.respondDecisionTaskCompleted({ taskToken, decisions: decisions as never })).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringMatching(message) as string,
    })
  await refused(
    [decide.marker('m'), { decisionType: 'Nonsense' }],
    /Value 'Nonsense' at 'decisions.2.member.decisionType'/,
  )
  await refused(
    [{ decisionType: 'StartTimer' }],
    /Value null at 'decisions.1.member.startTimerDecisionAttributes.timerId' failed to satisfy constraint: Member must not be null/,
  )
  await refused([decide.complete(), decide.marker('m')], 'Close must be last decision in list')
  await refused([decide.complete(), decide.complete()], 'Close must be last decision in list')
  await refused([decide.marker('m', 'x'.repeat(32_769))], /length less than or equal to 32768/)
  await refused([decide.timer('t', '-1')], /startToFireTimeout/)
  expect(await run.types()).toHaveLength(3)
  await run.respond(taskToken)
  expect((await run.types()).slice(3)).toEqual(['DecisionTaskCompleted'])
})

test('an answered task has no second answer', async () => {
  const run = await start()
  const { taskToken } = await run.decide()
  const fault = { name: 'UnknownResourceFault', message: 'Unknown decision task, scheduledEventId = 2' }
  await expect(run.respond(taskToken)).rejects.toMatchObject(fault)
  await expect(run.respond('nonsense')).rejects.toMatchObject({ name: 'ValidationException', message: 'Invalid token' })
})

test('a task of an execution that has closed is refused by the name of the execution', async () => {
  const run = await start()
  const { taskToken } = await run.poll()
  await run.terminate()
  await expect(run.respond(taskToken)).rejects.toMatchObject({
    name: 'UnknownResourceFault',
    message: `Unknown execution: WorkflowExecution=[workflowId=${run.workflowId}, runId=${run.runId}]`,
  })
})

test('the last executionContext is kept until another is given', async () => {
  const run = await start()
  const { taskToken } = await run.poll()
  await swf.respondDecisionTaskCompleted({ taskToken, executionContext: 'c1' })
  await run.signal()
  await run.decide()
  expect((await run.describe()).latestExecutionContext).toBe('c1')
  const completed = (await run.history()).filter(event => event.eventType === 'DecisionTaskCompleted')
  expect(attributes(completed[0])).toEqual({ executionContext: 'c1', scheduledEventId: 2, startedEventId: 3 })
  expect(attributes(completed[1])).toEqual({ scheduledEventId: 6, startedEventId: 7 })
})

test.concurrent('a task that is not answered times out and is scheduled again', async () => {
  const run = await start({ taskStartToCloseTimeout: '1' })
  const { taskToken } = await run.poll()
  const again = await swf.pollForDecisionTask({ domain: DOMAIN, taskList: { name: run.list } })
  expect(again.taskToken).toBeUndefined()
  await expect.poll(() => run.types(), { timeout: 10_000 }).toHaveLength(5)
  const events = await run.history()
  expect(events.slice(3).map(event => event.eventType)).toEqual(['DecisionTaskTimedOut', 'DecisionTaskScheduled'])
  expect(attributes(events[3])).toEqual({ timeoutType: 'START_TO_CLOSE', scheduledEventId: 2, startedEventId: 3 })
  await expect(run.respond(taskToken)).rejects.toMatchObject({ name: 'UnknownResourceFault' })
  expect(await run.poll()).toMatchObject({ startedEventId: 6, previousStartedEventId: 0 })
})

test('a history is paged through PollForDecisionTask with one token, both ways', async () => {
  const run = await start()
  await run.decide(...Array.from({ length: 7 }, (_, i) => decide.marker(`m${i}`)))
  await run.signal()
  for (const reverseOrder of [false, true]) {
    let page = await run.poll({ maximumPageSize: 4, reverseOrder })
    const { taskToken } = page
    const ids = page.events!.map(event => event.eventId)
    const sizes = [page.events!.length]
    while (page.nextPageToken) {
      page = await run.poll({ maximumPageSize: 4, reverseOrder, nextPageToken: page.nextPageToken })
      expect(page.taskToken).toBe(taskToken)
      ids.push(...page.events!.map(event => event.eventId))
      sizes.push(page.events!.length)
    }
    const whole = Array.from({ length: page.startedEventId! }, (_, i) => i + 1)
    expect(ids).toEqual(reverseOrder ? whole.reverse() : whole)
    expect(sizes.slice(0, -1).every(size => size === 4)).toBe(true)
    await run.signal()
    await run.respond(taskToken)
  }
})

test('a page belongs to its task: when the task is answered, it is gone', async () => {
  const run = await start()
  const page = await run.poll({ maximumPageSize: 1 })
  await run.respond(page.taskToken)
  await expect(run.poll({ nextPageToken: page.nextPageToken })).rejects.toMatchObject({ name: 'UnknownResourceFault' })
  await expect(run.poll({ nextPageToken: 'x' })).rejects.toMatchObject({ name: 'ValidationException' })
})

test('startAtPreviousStartedEvent gives the events since the last decision', async () => {
  const run = await start()
  const first = await run.poll({ startAtPreviousStartedEvent: true })
  expect(first.events?.[0]?.eventId).toBe(1)
  await sleep(5)
  await run.respond(first.taskToken, decide.marker('m'))
  await run.signal()
  const second = await run.poll({ startAtPreviousStartedEvent: true })
  expect(second.previousStartedEventId).toBe(3)
  const previous = first.events!.at(-1)!.eventTimestamp!
  expect(second.events!.every(event => event.eventTimestamp! >= previous)).toBe(true)
  expect(second.events!.map(event => event.eventId)).toContain(3)
  expect(second.events!.at(-1)!.eventId).toBe(second.startedEventId)
})

test.concurrent(
  'a decider may ask for another task list; unheard of there, the task returns to the first',
  async () => {
    const run = await start()
    const sticky = unique('sticky')
    const { taskToken } = await run.poll()
    await swf.respondDecisionTaskCompleted({
      taskToken,
      taskList: { name: sticky },
      taskListScheduleToStartTimeout: '1',
    })
    await run.signal()
    const onSticky = await swf.pollForDecisionTask({ domain: DOMAIN, taskList: { name: sticky } })
    expect(onSticky.workflowExecution).toEqual(run.execution)
    await run.respond(onSticky.taskToken)
    await run.signal()
    const before = await run.history()
    expect(attributes(before[3])).toMatchObject({ taskList: { name: sticky }, taskListScheduleToStartTimeout: '1' })
    expect(attributes(before.at(-1))).toMatchObject({ taskList: { name: sticky }, scheduleToStartTimeout: '1' })
    await expect.poll(() => run.types(), { timeout: 10_000 }).toContain('DecisionTaskTimedOut')
    const after = (await run.history()).slice(before.length)
    expect(attributes(after[0])).toEqual({
      timeoutType: 'SCHEDULE_TO_START',
      scheduledEventId: before.length,
      startedEventId: 0,
    })
    expect(attributes(after[1])).toMatchObject({ taskList: { name: run.list }, scheduleToStartTimeout: 'NONE' })
    expect((await run.poll()).taskToken).toBeTruthy()
  },
)

test.concurrent('a task of the other list that is not answered in time returns to the first list too', async () => {
  const run = await start({ taskStartToCloseTimeout: '1' })
  const { taskToken } = await run.poll()
  const sticky = { name: unique('sticky') }
  await swf.respondDecisionTaskCompleted({ taskToken, taskList: sticky, taskListScheduleToStartTimeout: '30' })
  await run.signal()
  await swf.pollForDecisionTask({ domain: DOMAIN, taskList: sticky })
  await expect.poll(() => run.types(), { timeout: 10_000 }).toContain('DecisionTaskTimedOut')
  expect(attributes((await run.history()).at(-1))).toMatchObject({ taskList: { name: run.list } })
})

test('an empty poll is held and answers without a token; an unknown domain is a fault', async () => {
  const before = Date.now()
  const task = await swf.pollForDecisionTask({ domain: DOMAIN, taskList: { name: unique('empty') } })
  expect(Date.now() - before).toBeGreaterThanOrEqual(290)
  expect(task).toMatchObject({ startedEventId: 0, previousStartedEventId: 0 })
  expect(task.taskToken).toBeUndefined()
  const activity = await swf.pollForActivityTask({ domain: DOMAIN, taskList: { name: unique('empty') } })
  expect(activity.startedEventId).toBe(0)
  await expect(swf.pollForDecisionTask({ domain: 'nowhere', taskList: { name: 'x' } })).rejects.toMatchObject({
    name: 'UnknownResourceFault',
    message: 'Unknown domain: nowhere',
  })
})

test('the poll that has waited longest gets the task; one whose caller hung up gets none', async () => {
  const taskList = { name: unique('queue') }
  const hungUp = new AbortController()
  const lost = swf.pollForDecisionTask({ domain: DOMAIN, taskList }, { abortSignal: hungUp.signal }).catch(() => 'gone')
  await sleep(30)
  const order: string[] = []
  const polls = ['first', 'second'].map(async name => {
    const task = await swf.pollForDecisionTask({ domain: DOMAIN, taskList })
    if (task.taskToken) order.push(name)
  })
  await sleep(30)
  hungUp.abort()
  expect(await lost).toBe('gone')
  await start({ taskList })
  await sleep(30)
  await start({ taskList })
  await Promise.all(polls)
  expect(order).toEqual(['first', 'second'])
})

test('pending decision tasks are counted by list', async () => {
  const run = await start()
  const count = () => swf.countPendingDecisionTasks({ domain: DOMAIN, taskList: { name: run.list } })
  expect(await count()).toMatchObject({ count: 1, truncated: false })
  await run.poll()
  expect(await count()).toMatchObject({ count: 0 })
})

test('the 25,000th event is the termination of an execution that does not end', async () => {
  const run = await start()
  const markers = Array.from({ length: 4_000 }, () => decide.marker('m'))
  for (let i = 0; i < 7; i++) {
    const { taskToken } = await run.poll({ maximumPageSize: 1 })
    await run.signal()
    await run.respond(taskToken, ...markers)
  }
  const events = await run.history()
  expect(events).toHaveLength(25_000)
  expect(attributes(events.at(-1))).toEqual({ childPolicy: 'TERMINATE', cause: 'EVENT_LIMIT_EXCEEDED' })
})
