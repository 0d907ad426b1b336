import { describe, expect, test } from 'vitest'
import { applyEvent, fold, initialState } from '../../src/swf/execution-state.js'
import { attributesMember, type EventType, type HistoryEvent } from '../../src/swf/history-event.js'

/** Events with the ids 1, 2, 3 …, a second apart. */
function events(...given: [EventType, object?][]): HistoryEvent[] {
  return given.map(
    ([eventType, attributes = {}], i) =>
      ({
        eventId: i + 1,
        eventType,
        eventTimestamp: new Date((i + 1) * 1_000),
        [attributesMember(eventType)]: attributes,
      }) as unknown as HistoryEvent,
  )
}

const type = { name: 'Order', version: '1.0' }
const taskList = { name: 'orders' }
const started: [EventType, object] = [
  'WorkflowExecutionStarted',
  {
    workflowType: type,
    taskList,
    input: '{"id":1}',
    tagList: ['vip'],
    childPolicy: 'TERMINATE',
    executionStartToCloseTimeout: '3600',
    parentWorkflowExecution: { workflowId: 'parent', runId: 'p' },
    continuedExecutionRunId: 'run-0',
  },
]
const scheduled: [EventType, object] = ['DecisionTaskScheduled', { taskList }]
const activity = (activityId: string): [EventType, object] => [
  'ActivityTaskScheduled',
  { activityId, activityType: type, taskList: { name: 'work' }, input: '1' },
]

test('holds what the execution was started with', () => {
  expect(fold(events(started))).toMatchObject({
    workflowType: type,
    taskList: 'orders',
    input: '{"id":1}',
    tagList: ['vip'],
    childPolicy: 'TERMINATE',
    executionStartToCloseTimeout: '3600',
    parent: { workflowId: 'parent', runId: 'p' },
    continuedExecutionRunId: 'run-0',
    startTimestamp: new Date(1_000),
    cancelRequested: false,
    lastEventId: 1,
  })
  expect(fold(events(started))).not.toHaveProperty('closeStatus')
})

test('one decision task may be scheduled while another is started', () => {
  const history = events(
    started,
    scheduled,
    ['DecisionTaskStarted', { scheduledEventId: 2, identity: 'decider' }],
    ['WorkflowExecutionSignaled', { signalName: 'go' }],
    scheduled,
    ['DecisionTaskCompleted', { scheduledEventId: 2, startedEventId: 3, executionContext: '{}' }],
    ['DecisionTaskStarted', { scheduledEventId: 5 }],
    ['DecisionTaskTimedOut', { scheduledEventId: 5, startedEventId: 7, timeoutType: 'START_TO_CLOSE' }],
  )
  const task = (upTo: number) => fold(history.slice(0, upTo)).open.decisionTask
  expect(task(2)).toMatchObject({ scheduled: { eventId: 2, taskList: 'orders' } })
  expect(task(3)).toEqual({ started: { eventId: 3, at: new Date(3_000), scheduledEventId: 2, identity: 'decider' } })
  expect(task(5)).toMatchObject({ scheduled: { eventId: 5 }, started: { eventId: 3 } })
  expect(task(6)).toEqual({ scheduled: { eventId: 5, at: new Date(5_000), taskList: 'orders' } })
  expect(task(7)).toMatchObject({ started: { eventId: 7 } })
  expect(task(8)).toBeUndefined()
  expect(fold(history)).toMatchObject({ executionContext: '{}', counts: { decisionTasks: 2, signals: 1 } })
})

test('an activity is open until it ends, however it ends', () => {
  const ends: [EventType, object][] = [
    ['ActivityTaskCompleted', { scheduledEventId: 2, startedEventId: 6 }],
    ['ActivityTaskFailed', { scheduledEventId: 3, startedEventId: 0 }],
    ['ActivityTaskTimedOut', { scheduledEventId: 4, startedEventId: 0 }],
    ['ActivityTaskCanceled', { scheduledEventId: 5, startedEventId: 0 }],
  ]
  const history = events(
    started,
    ...['a', 'b', 'c', 'd'].map(activity),
    ['ActivityTaskStarted', { scheduledEventId: 2, identity: 'worker' }],
    ['ActivityTaskCancelRequested', { activityId: 'd' }],
    ...ends,
  )
  const { activities } = fold(history.slice(0, 7)).open
  expect([...activities.keys()]).toEqual([2, 3, 4, 5])
  expect(activities.get(2)).toEqual({
    scheduledEventId: 2,
    activityId: 'a',
    activityType: type,
    taskList: 'work',
    scheduledAt: new Date(2_000),
    input: '1',
    startedEventId: 6,
    startedAt: new Date(6_000),
    identity: 'worker',
    cancelRequested: false,
  })
  expect(activities.get(5)).toMatchObject({ cancelRequested: true })
  const state = fold(history)
  expect(state.open.activities.size).toBe(0)
  expect(state.counts).toMatchObject({ activityTasks: 4, activityTasksNotCompleted: 3 })
})

test('timers, children and lambda functions are open until they end', () => {
  const child = { workflowExecution: { workflowId: 'child', runId: 'c' }, workflowType: type, initiatedEventId: 4 }
  const history = events(
    started,
    ['TimerStarted', { timerId: 't', startToFireTimeout: '60' }],
    ['TimerStarted', { timerId: 'u', startToFireTimeout: '60' }],
    ['StartChildWorkflowExecutionInitiated', { workflowId: 'child', workflowType: type, taskList }],
    ['LambdaFunctionScheduled', { id: 'l', name: 'f' }],
    ['ChildWorkflowExecutionStarted', child],
    ['LambdaFunctionStarted', { scheduledEventId: 5 }],
    ['TimerFired', { timerId: 't', startedEventId: 2 }],
    ['TimerCanceled', { timerId: 'u', startedEventId: 3 }],
    ['ChildWorkflowExecutionTerminated', { ...child, startedEventId: 6 }],
    ['LambdaFunctionFailed', { scheduledEventId: 5, startedEventId: 7 }],
  )
  const { open } = fold(history.slice(0, 7))
  expect(open.timers.get(2)).toMatchObject({ timerId: 't', firesAt: new Date(62_000) })
  expect(open.children.get(4)).toMatchObject({ workflowId: 'child', runId: 'c', startedAt: new Date(6_000) })
  expect(open.lambdas.get(5)).toMatchObject({ id: 'l', startedAt: new Date(7_000) })
  const after = fold(history).open
  expect([after.timers.size, after.children.size, after.lambdas.size]).toEqual([0, 0, 0])
})

describe('a closed execution', () => {
  const closes: [EventType, object, object][] = [
    ['WorkflowExecutionCompleted', { result: '1' }, { closeStatus: 'COMPLETED', result: '1' }],
    ['WorkflowExecutionFailed', { reason: 'r', details: 'd' }, { closeStatus: 'FAILED', reason: 'r', details: 'd' }],
    ['WorkflowExecutionCanceled', { details: 'd' }, { closeStatus: 'CANCELED', details: 'd' }],
    [
      'WorkflowExecutionTerminated',
      { cause: 'EVENT_LIMIT_EXCEEDED' },
      { closeStatus: 'TERMINATED', reason: 'EVENT_LIMIT_EXCEEDED' },
    ],
    [
      'WorkflowExecutionTimedOut',
      { timeoutType: 'START_TO_CLOSE' },
      { closeStatus: 'TIMED_OUT', reason: 'START_TO_CLOSE' },
    ],
    [
      'WorkflowExecutionContinuedAsNew',
      { newExecutionRunId: 'n' },
      { closeStatus: 'CONTINUED_AS_NEW', newExecutionRunId: 'n' },
    ],
  ]
  test.each(closes)('%s', (eventType, attributes, expected) => {
    const state = fold(events(started, scheduled, activity('a'), [eventType, attributes]))
    expect(state).toMatchObject({ ...expected, closeTimestamp: new Date(4_000) })
    expect(state.open.activities.size).toBe(0)
    expect(state.open.decisionTask).toBeUndefined()
  })
})

test('an event applied is an event folded', () => {
  const history = events(started, scheduled, ['WorkflowExecutionCancelRequested'], activity('a'))
  const state = initialState()
  for (const event of history) applyEvent(state, event)
  expect(state).toEqual(fold(history))
  expect(state).toMatchObject({ cancelRequested: true, lastEventId: 4 })
})
