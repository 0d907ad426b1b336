import { expect, test } from 'vitest'
import { DOMAIN, attributes, decide, fixture } from './fixture.js'

const { swf, start } = await fixture()
const pollActivity = (name = 'charges') =>
  swf.pollForActivityTask({ domain: DOMAIN, taskList: { name }, identity: 'me' })

test('a workflow of one activity runs from start to completion', async () => {
  const run = await start({ input: 'in' })
  const first = await run.decide(decide.schedule('a', { input: 'x', control: 'c' }))
  expect(first.startedEventId).toBe(3)
  expect(first.previousStartedEventId).toBe(0)
  const task = await pollActivity()
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
