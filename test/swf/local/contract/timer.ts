import { expect, test } from 'vitest'
import { decide } from '../fixture.js'
import type { Contract } from './contract.js'
import { SECOND, scheduled, story } from './contract.js'

export function timers({ clock, start }: Contract): void {
  test('StartTimer, CancelTimer and RecordMarker are events of their batch; what fails has a cause', async () => {
    const run = await start()
    await run.decide(
      decide.timer('t', '60', 'c'),
      decide.timer('t', '1'),
      decide.marker('m', 'd'),
      decide.marker('bare'),
      decide.timer('u', '5'),
      decide.cancelTimer('u'),
      decide.cancelTimer('u'),
    )
    const decisionTaskCompletedEventId = 4
    expect(await story(run, 5)).toEqual([
      ['TimerStarted', { timerId: 't', control: 'c', startToFireTimeout: '60', decisionTaskCompletedEventId }],
      ['StartTimerFailed', { timerId: 't', cause: 'TIMER_ID_ALREADY_IN_USE', decisionTaskCompletedEventId }],
      ['MarkerRecorded', { markerName: 'm', details: 'd', decisionTaskCompletedEventId }],
      ['MarkerRecorded', { markerName: 'bare', decisionTaskCompletedEventId }],
      ['TimerStarted', { timerId: 'u', startToFireTimeout: '5', decisionTaskCompletedEventId }],
      ['TimerCanceled', { timerId: 'u', startedEventId: 9, decisionTaskCompletedEventId }],
      ['CancelTimerFailed', { timerId: 'u', cause: 'TIMER_ID_UNKNOWN', decisionTaskCompletedEventId }],
      scheduled(run),
    ])
    await run.decide()
    clock.advance(60 * SECOND - 1)
    expect(await run.types()).toHaveLength(14)
    clock.advance(1)
    expect(await story(run, 15)).toEqual([['TimerFired', { timerId: 't', startedEventId: 5 }], scheduled(run)])
    await run.decide(decide.cancelTimer('t'), decide.timer('t', '0'))
    clock.advance(0)
    expect((await story(run, 19)).map(([type]) => type)).toEqual([
      'CancelTimerFailed',
      'TimerStarted',
      'DecisionTaskScheduled',
      'TimerFired',
    ])
  })

  test('an execution has at most 1,000 timers, activities and children open', async () => {
    const run = await start()
    const each = <T>(make: (id: string) => T) => Array.from({ length: 1_001 }, (_, i) => make(`${run.workflowId}-${i}`))
    await run.decide(
      ...each(id => decide.timer(id, '600')),
      ...each(id => decide.schedule(id)),
      ...each(id => decide.child(id)),
    )
    const failed = (await story(run)).filter(([type]) => type.endsWith('Failed'))
    expect(failed.map(([type, { cause }]: [string, { cause?: string }]) => [type, cause])).toEqual([
      ['StartTimerFailed', 'OPEN_TIMERS_LIMIT_EXCEEDED'],
      ['ScheduleActivityTaskFailed', 'OPEN_ACTIVITIES_LIMIT_EXCEEDED'],
      ['StartChildWorkflowExecutionFailed', 'OPEN_CHILDREN_LIMIT_EXCEEDED'],
    ])
    expect((await run.describe()).openCounts).toMatchObject({
      openActivityTasks: 1_000,
      openTimers: 1_000,
      openChildWorkflowExecutions: 1_000,
    })
    await run.terminate()
  })
}
