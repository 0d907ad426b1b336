import { expect, test } from 'vitest'
import type { CheckedEvent } from '../../support/history-checker.js'
import { checkHistory } from '../../support/history-checker.js'

const event = (eventId: number, eventType: string, attributes: object): CheckedEvent => ({
  eventId,
  eventType,
  eventTimestamp: 1,
  [`${eventType[0]!.toLowerCase()}${eventType.slice(1)}EventAttributes`]: attributes,
})
const taskList = { name: 'l' }
const started = event(1, 'WorkflowExecutionStarted', {
  childPolicy: 'ABANDON',
  taskList,
  workflowType: { name: 'w', version: '1' },
})
const scheduled = (id: number) => event(id, 'DecisionTaskScheduled', { taskList })
const taskStarted = (id: number, scheduledEventId: number) => event(id, 'DecisionTaskStarted', { scheduledEventId })
const completed = (id: number, scheduledEventId: number, startedEventId: number) =>
  event(id, 'DecisionTaskCompleted', { scheduledEventId, startedEventId })
const closed = (id: number, decisionTaskCompletedEventId: number) =>
  event(id, 'WorkflowExecutionCompleted', { decisionTaskCompletedEventId })
const right = [started, scheduled(2), taskStarted(3, 2), completed(4, 2, 3), closed(5, 4)]

test('a right history has no violations', () => {
  expect(checkHistory(right)).toEqual([])
})

test.each([
  ['a gap in the ids', [started, scheduled(3)], /its id is 3/],
  ['another first event', [scheduled(1)], /first event/],
  ['two scheduled decision tasks', [started, scheduled(2), scheduled(3)], /while 2 is scheduled/],
  [
    'two started decision tasks',
    [started, scheduled(2), taskStarted(3, 2), scheduled(4), taskStarted(5, 4)],
    /while 3 is started/,
  ],
  ['a reference to a later event', [started, closed(2, 4)], /decisionTaskCompletedEventId 4 is not an earlier/],
  ['a reference to another type', [started, closed(2, 1)], /is WorkflowExecutionStarted, not DecisionTaskCompleted/],
  ['the start of another decision task', [started, scheduled(2), completed(3, 2, 1)], /startedEventId 1 is/],
  ['an event after the close', [...right, scheduled(6)], /comes after WorkflowExecutionCompleted/],
  [
    'a missing member',
    [started, event(2, 'MarkerRecorded', { markerName: 'm' })],
    /lacks decisionTaskCompletedEventId/,
  ],
  ['an unknown member', [started, event(2, 'DecisionTaskScheduled', { taskList, x: 1 })], /unknown member x/],
  [
    'something closed twice',
    [
      ...right.slice(0, 4),
      event(5, 'TimerStarted', { timerId: 't', startToFireTimeout: '1', decisionTaskCompletedEventId: 4 }),
      event(6, 'TimerFired', { timerId: 't', startedEventId: 5 }),
      event(7, 'TimerFired', { timerId: 't', startedEventId: 5 }),
    ],
    /closes 5 a second time/,
  ],
])('%s is a violation', (_what, events, violation) => {
  expect(checkHistory(events)).toContainEqual(expect.stringMatching(violation))
})
