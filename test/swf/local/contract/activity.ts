import { expect, test } from 'vitest'
import { DOMAIN, activityType, decide, unique } from '../fixture.js'
import type { Contract } from './contract.js'
import { SECOND, refused, reply, scheduled, story } from './contract.js'

export function activities({ swf, clock, start }: Contract): void {
  const decisionTaskCompletedEventId = 4
  /** Starts an execution with an activity on a list of its own; `take` polls it. */
  const one = async (given: object = {}) => {
    const run = await start()
    const taskList = { name: unique('charges') }
    await run.decide(decide.schedule('a', { taskList, ...given }))
    return { run, taskList, take: () => swf.pollForActivityTask({ domain: DOMAIN, taskList, identity: 'me' }) }
  }

  test('ScheduleActivityTask records what the decision says, or else the type', async () => {
    const type = { name: unique('Full'), version: '1' }
    await swf.registerActivityType({
      domain: DOMAIN,
      ...type,
      defaultTaskList: { name: 'type' },
      defaultTaskPriority: '3',
      defaultTaskStartToCloseTimeout: '1',
      defaultTaskScheduleToStartTimeout: '2',
      defaultTaskScheduleToCloseTimeout: '3',
      defaultTaskHeartbeatTimeout: '4',
    })
    const run = await start()
    const own = {
      taskList: { name: 'own' },
      taskPriority: '-5',
      startToCloseTimeout: '11',
      scheduleToStartTimeout: 'NONE',
      scheduleToCloseTimeout: '13',
      heartbeatTimeout: '14',
      input: 'i',
      control: 'c',
    }
    await run.decide(decide.schedule('a', { activityType: type }), decide.schedule('b', { ...own, activityType: type }))
    expect(await story(run, 5)).toEqual([
      [
        'ActivityTaskScheduled',
        {
          activityType: type,
          activityId: 'a',
          taskList: { name: 'type' },
          taskPriority: '3',
          startToCloseTimeout: '1',
          scheduleToStartTimeout: '2',
          scheduleToCloseTimeout: '3',
          heartbeatTimeout: '4',
          decisionTaskCompletedEventId,
        },
      ],
      ['ActivityTaskScheduled', { activityType: type, activityId: 'b', ...own, decisionTaskCompletedEventId }],
    ])
  })

  test('ScheduleActivityTask that can not be done has a cause, checked in the order of SWF', async () => {
    const bare = { name: unique('Bare'), version: '1' }
    const old = { name: unique('Old'), version: '1' }
    const none = { name: 'None', version: '1' }
    for (const type of [bare, old]) await swf.registerActivityType({ domain: DOMAIN, ...type })
    await swf.deprecateActivityType({ domain: DOMAIN, activityType: old })
    const run = await start()
    const given: Record<string, unknown> = {}
    const ladder = ['scheduleToCloseTimeout', 'scheduleToStartTimeout', 'startToCloseTimeout', 'heartbeatTimeout']
    const climb = ['taskList', ...ladder].map(name => {
      const decision = decide.schedule('x', { ...given, activityType: bare })
      given[name] = name === 'taskList' ? { name: 'x' } : 'NONE'
      return decision
    })
    await run.decide(
      decide.schedule('x', { activityType: none }),
      decide.schedule('x', { activityType: old }),
      ...climb,
      decide.schedule('x', { ...given, activityType: bare }),
      decide.schedule('x'),
      decide.cancelActivity('y'),
    )
    const failed = (type: object, cause: string) => [
      'ScheduleActivityTaskFailed',
      { activityType: type, activityId: 'x', cause, decisionTaskCompletedEventId },
    ]
    const events = await story(run, 5)
    expect(events.filter(([type]) => type === 'ScheduleActivityTaskFailed')).toEqual([
      failed(none, 'ACTIVITY_TYPE_DOES_NOT_EXIST'),
      failed(old, 'ACTIVITY_TYPE_DEPRECATED'),
      failed(bare, 'DEFAULT_TASK_LIST_UNDEFINED'),
      failed(bare, 'DEFAULT_SCHEDULE_TO_CLOSE_TIMEOUT_UNDEFINED'),
      failed(bare, 'DEFAULT_SCHEDULE_TO_START_TIMEOUT_UNDEFINED'),
      failed(bare, 'DEFAULT_START_TO_CLOSE_TIMEOUT_UNDEFINED'),
      failed(bare, 'DEFAULT_HEARTBEAT_TIMEOUT_UNDEFINED'),
      failed(activityType, 'ACTIVITY_ID_ALREADY_IN_USE'),
    ])
    expect(events.slice(-2)).toEqual([
      [
        'RequestCancelActivityTaskFailed',
        { activityId: 'y', cause: 'ACTIVITY_ID_UNKNOWN', decisionTaskCompletedEventId },
      ],
      scheduled(run),
    ])
  })

  test('PollForActivityTask gives the task, and RespondActivityTask… closes it', async () => {
    const { run, take, taskList } = await one({ input: 'in' })
    expect(await reply(swf.countPendingActivityTasks({ domain: DOMAIN, taskList }))).toEqual({
      count: 1,
      truncated: false,
    })
    const { taskToken, ...task } = (await reply(take())) as { taskToken: string }
    expect(task).toEqual({
      activityId: 'a',
      startedEventId: 6,
      workflowExecution: run.execution,
      activityType,
      input: 'in',
    })
    expect(await reply(swf.recordActivityTaskHeartbeat({ taskToken, details: 'half' }))).toEqual({
      cancelRequested: false,
    })
    expect(await reply(swf.respondActivityTaskCompleted({ taskToken, result: 'r' }))).toEqual({})
    const ids = { scheduledEventId: 5, startedEventId: 6 }
    expect(await story(run, 6)).toEqual([
      ['ActivityTaskStarted', { identity: 'me', scheduledEventId: 5 }],
      ['ActivityTaskCompleted', { result: 'r', ...ids }],
      scheduled(run),
    ])
    const failing = await one()
    await swf.respondActivityTaskFailed({ ...(await failing.take()), reason: 'why', details: 'more' } as never)
    expect((await story(failing.run, 7))[0]).toEqual(['ActivityTaskFailed', { reason: 'why', details: 'more', ...ids }])
    const silent = await one()
    await swf.respondActivityTaskFailed({ taskToken: (await silent.take()).taskToken })
    expect((await story(silent.run, 7))[0]).toEqual(['ActivityTaskFailed', ids])
    const unasked = await one()
    await swf.respondActivityTaskCanceled({ taskToken: (await unasked.take()).taskToken })
    expect((await story(unasked.run, 7))[0]).toEqual(['ActivityTaskCanceled', ids])
    await refused(
      swf.respondActivityTaskCompleted({ taskToken }),
      'UnknownResourceFault',
      /^Unknown activity, scheduledEventId = 5$/,
    )
    const poll = { domain: DOMAIN, taskList: { name: unique('empty') } }
    expect(await reply(swf.pollForActivityTask(poll))).toEqual({ startedEventId: 0 })
  })

  test('RequestCancelActivityTask closes a task that waits, and tells the worker of a started one', async () => {
    const waiting = await one()
    await waiting.run.signal()
    await waiting.run.decide(decide.cancelActivity('a'))
    expect(await story(waiting.run, 10)).toEqual([
      ['ActivityTaskCancelRequested', { activityId: 'a', decisionTaskCompletedEventId: 9 }],
      ['ActivityTaskCanceled', { scheduledEventId: 5, startedEventId: 0, latestCancelRequestedEventId: 10 }],
      scheduled(waiting.run),
    ])
    expect((await waiting.take()).taskToken).toBeUndefined()
    const started = await one()
    const { taskToken } = await started.take()
    await started.run.signal()
    await started.run.decide(decide.cancelActivity('a'), decide.cancelActivity('a'))
    expect((await started.run.types()).slice(10)).toEqual([
      'ActivityTaskCancelRequested',
      'ActivityTaskCancelRequested',
    ])
    expect(await reply(swf.recordActivityTaskHeartbeat({ taskToken }))).toEqual({ cancelRequested: true })
    await swf.respondActivityTaskCanceled({ taskToken, details: 'd' })
    expect((await story(started.run, 13))[0]).toEqual([
      'ActivityTaskCanceled',
      { details: 'd', scheduledEventId: 5, startedEventId: 6, latestCancelRequestedEventId: 12 },
    ])
  })

  test('an activity times out at its earliest deadline, with the details of its last heartbeat', async () => {
    const all = { scheduleToStartTimeout: '10', scheduleToCloseTimeout: '40', startToCloseTimeout: '20' }
    const runs = await Promise.all([
      one(all),
      one({ ...all, scheduleToStartTimeout: 'NONE', scheduleToCloseTimeout: '5' }),
      one({ ...all, heartbeatTimeout: '15' }),
      one(all),
      one({ ...all, scheduleToCloseTimeout: '12' }),
      one({ ...all, heartbeatTimeout: 'NONE', startToCloseTimeout: 'NONE', scheduleToCloseTimeout: 'NONE' }),
    ])
    const tokens = await Promise.all(runs.slice(2).map(async ({ take }) => (await take()).taskToken))
    const beat = (i: number) => swf.recordActivityTaskHeartbeat({ taskToken: tokens[i], details: `beat ${i}` })
    clock.advance(4 * SECOND)
    await beat(0)
    await beat(1)
    clock.advance(60 * SECOND)
    const timedOut = await Promise.all(
      runs.map(async ({ run }) => {
        const events = await run.history()
        const event = events.find(({ eventType }) => eventType === 'ActivityTaskTimedOut')
        const at = event && (event.eventTimestamp!.getTime() - events[4]!.eventTimestamp!.getTime()) / SECOND
        return [at, event?.activityTaskTimedOutEventAttributes]
      }),
    )
    const waited = { scheduledEventId: 5, startedEventId: 0 }
    const ids = { scheduledEventId: 5, startedEventId: 6 }
    expect(timedOut).toEqual([
      [10, { timeoutType: 'SCHEDULE_TO_START', ...waited }],
      [5, { timeoutType: 'SCHEDULE_TO_CLOSE', ...waited }],
      [19, { timeoutType: 'HEARTBEAT', ...ids, details: 'beat 0' }],
      [20, { timeoutType: 'START_TO_CLOSE', ...ids, details: 'beat 1' }],
      [12, { timeoutType: 'SCHEDULE_TO_CLOSE', ...ids }],
      [undefined, undefined],
    ])
    await refused(beat(0), 'UnknownResourceFault', /^Unknown activity, scheduledEventId = 5$/)
  })
}
