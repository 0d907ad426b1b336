import { expect, test } from 'vitest'
import { DOMAIN, attributes, decide, unique, workflowType } from '../fixture.js'
import type { Contract } from './contract.js'
import { HOUR, SECOND, refused, reply, scheduled, story } from './contract.js'

export function decisionTasks({ swf, clock, start }: Contract): void {
  test('PollForDecisionTask gives the task with its history; an empty one has no token', async () => {
    const run = await start()
    const taskList = { name: run.list }
    const count = () => reply(swf.countPendingDecisionTasks({ domain: DOMAIN, taskList }))
    expect(await count()).toEqual({ count: 1, truncated: false })
    const { taskToken, events, ...task } = await run.poll({ identity: 'me' })
    expect({ ...task, $metadata: 0 }).toEqual({
      startedEventId: 3,
      previousStartedEventId: 0,
      workflowExecution: run.execution,
      workflowType,
      $metadata: 0,
    })
    expect(events).toEqual(await run.history())
    expect(attributes(events!.at(-1))).toEqual({ identity: 'me', scheduledEventId: 2 })
    expect(await count()).toEqual({ count: 0, truncated: false })
    expect(await reply(run.poll())).toEqual({ startedEventId: 0, previousStartedEventId: 0 })
    expect(await reply(swf.respondDecisionTaskCompleted({ taskToken }))).toEqual({})
    expect(await story(run, 4)).toEqual([['DecisionTaskCompleted', { scheduledEventId: 2, startedEventId: 3 }]])
    await refused(
      swf.respondDecisionTaskCompleted({ taskToken }),
      'UnknownResourceFault',
      /^Unknown decision task, scheduledEventId = 2$/,
    )
    expect((await run.describe()).openCounts?.openDecisionTasks).toBe(0)
  })

  test('startAtPreviousStartedEvent leaves out what is older than the last DecisionTaskStarted, on every page', async () => {
    const run = await start()
    clock.advance(SECOND)
    const first = await run.poll()
    clock.advance(SECOND)
    await run.respond(first.taskToken, decide.marker('a'), decide.marker('b'))
    await run.signal()
    for (const reverseOrder of [false, true]) {
      const given = { startAtPreviousStartedEvent: true, maximumPageSize: 3, reverseOrder }
      let page = await run.poll(given)
      const { taskToken, startedEventId, previousStartedEventId } = page
      const ids = page.events!.map(({ eventId }) => eventId!)
      while (page.nextPageToken) {
        page = await run.poll({ ...given, nextPageToken: page.nextPageToken })
        expect(page).toMatchObject({ taskToken, startedEventId, previousStartedEventId })
        ids.push(...page.events!.map(({ eventId }) => eventId!))
      }
      const whole = Array.from({ length: startedEventId! - 2 }, (_, i) => i + 3)
      expect(ids).toEqual(reverseOrder ? whole.reverse() : whole)
      clock.advance(31 * SECOND)
    }
    expect((await run.poll()).previousStartedEventId).toBe(3)
    // What is of the same moment as that event is not older.
    const other = await start()
    await other.decide(decide.timer('t', '0'))
    clock.advance(SECOND)
    const { events } = await other.poll({ startAtPreviousStartedEvent: true })
    expect(events!.map(({ eventId }) => eventId)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  test('a decision task times out from its start, and is scheduled again', async () => {
    const run = await start()
    const { taskToken } = await run.poll()
    clock.advance(30 * SECOND - 1)
    expect(await run.types()).toHaveLength(3)
    clock.advance(1)
    expect(await story(run, 4)).toEqual([
      ['DecisionTaskTimedOut', { timeoutType: 'START_TO_CLOSE', scheduledEventId: 2, startedEventId: 3 }],
      scheduled(run),
    ])
    await refused(run.respond(taskToken), 'UnknownResourceFault')
    await run.poll()
    await run.signal()
    clock.advance(30 * SECOND)
    // One that was scheduled meanwhile is the next: no other is added.
    expect((await run.types()).slice(5)).toEqual([
      'DecisionTaskStarted',
      'WorkflowExecutionSignaled',
      'DecisionTaskScheduled',
      'DecisionTaskTimedOut',
    ])
    expect((await run.poll()).startedEventId).toBe(10)
  })

  test('a page token lives for 24 hours', async () => {
    const run = await start({ executionStartToCloseTimeout: '604800', taskStartToCloseTimeout: 'NONE' })
    const page = await run.poll({ maximumPageSize: 1 })
    const history = { domain: DOMAIN, execution: run.execution, maximumPageSize: 1 }
    const { nextPageToken } = await swf.getWorkflowExecutionHistory(history)
    clock.advance(24 * HOUR)
    expect((await run.poll({ nextPageToken: page.nextPageToken })).events).toHaveLength(2)
    expect((await swf.getWorkflowExecutionHistory({ ...history, nextPageToken })).events).toHaveLength(1)
    clock.advance(1)
    const expired = /^Specified token has exceeded its maximum lifetime$/
    await refused(run.poll({ nextPageToken: page.nextPageToken }), 'ValidationException', expired)
    await refused(swf.getWorkflowExecutionHistory({ ...history, nextPageToken }), 'ValidationException', expired)
    await run.terminate()
  })

  /** Starts an execution whose decider has asked for another list; `signal` schedules a task there. */
  const sticky = async (taskListScheduleToStartTimeout?: string) => {
    const run = await start()
    const taskList = { name: unique('sticky') }
    const { taskToken } = await run.poll()
    const override = { taskList, ...(taskListScheduleToStartTimeout && { taskListScheduleToStartTimeout }) }
    await swf.respondDecisionTaskCompleted({ taskToken, executionContext: 'c', ...override })
    const completed = { executionContext: 'c', scheduledEventId: 2, startedEventId: 3, ...override }
    expect(await story(run, 4)).toEqual([['DecisionTaskCompleted', completed]])
    await run.signal()
    const scheduleToStartTimeout = taskListScheduleToStartTimeout ?? 'NONE'
    expect((await story(run, 6))[0]).toEqual(scheduled(run, { taskList, scheduleToStartTimeout }))
    return { run, poll: () => swf.pollForDecisionTask({ domain: DOMAIN, taskList }) }
  }

  test('a task of the other list that is not started in time returns to the first list', async () => {
    const { run } = await sticky('10')
    clock.advance(10 * SECOND - 1)
    expect(await run.types()).toHaveLength(6)
    clock.advance(1)
    expect(await story(run, 7)).toEqual([
      ['DecisionTaskTimedOut', { timeoutType: 'SCHEDULE_TO_START', scheduledEventId: 6, startedEventId: 0 }],
      scheduled(run),
    ])
    await run.decide()
    await run.signal()
    expect((await story(run)).at(-1)).toEqual(scheduled(run))
  })

  test('a task of the other list that is not completed in time returns to the first list', async () => {
    const { run, poll } = await sticky('10')
    expect((await poll()).startedEventId).toBe(7)
    clock.advance(30 * SECOND)
    expect(await story(run, 8)).toEqual([
      ['DecisionTaskTimedOut', { timeoutType: 'START_TO_CLOSE', scheduledEventId: 6, startedEventId: 7 }],
      scheduled(run),
    ])
  })

  test('another list without a timeout is permanent', async () => {
    const { run, poll } = await sticky()
    expect((await poll()).startedEventId).toBe(7)
    clock.advance(30 * SECOND)
    expect((await story(run, 8)).map(([type]) => type)).toEqual(['DecisionTaskTimedOut', 'DecisionTaskScheduled'])
    const { taskToken } = await poll()
    await run.respond(taskToken)
    await run.signal()
    expect((await poll()).taskToken).toBeTruthy()
  })

  test('a task of the first list that times out leaves the other list in force', async () => {
    const run = await start()
    const { taskToken } = await run.poll()
    await run.signal()
    const taskList = { name: unique('sticky') }
    await swf.respondDecisionTaskCompleted({ taskToken, taskList, taskListScheduleToStartTimeout: '10' })
    // It was scheduled before the other list was asked for.
    expect((await run.poll()).startedEventId).toBe(7)
    clock.advance(30 * SECOND)
    expect((await story(run)).at(-1)).toEqual(scheduled(run, { taskList, scheduleToStartTimeout: '10' }))
  })
}
