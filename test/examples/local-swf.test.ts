// The unit test that docs/local-swf.md shows.

import { afterAll, expect, test } from 'vitest'
import { createLocalSwf } from 'swf-gateway/local'

const swf = await createLocalSwf({ clock: 'virtual', pollTimeout: '200ms' })
afterAll(() => swf.close())

test('a reminder is due after thirty days, and not before', async () => {
  const { client, clock } = swf
  const domain = 'test'
  const taskList = { name: 'reminders' }
  const workflowType = { name: 'Reminder', version: '1' }
  await client.registerDomain({ name: domain, workflowExecutionRetentionPeriodInDays: '1' })
  await client.registerWorkflowType({
    domain,
    ...workflowType,
    defaultTaskList: taskList,
    defaultTaskStartToCloseTimeout: '10',
    defaultExecutionStartToCloseTimeout: '31536000',
    defaultChildPolicy: 'TERMINATE',
  })
  const { runId } = await client.startWorkflowExecution({ domain, workflowId: 'r-1', workflowType })
  const { taskToken } = await client.pollForDecisionTask({ domain, taskList })
  await client.respondDecisionTaskCompleted({
    taskToken,
    decisions: [
      {
        decisionType: 'StartTimer',
        startTimerDecisionAttributes: { timerId: 'due', startToFireTimeout: String(30 * 86_400) },
      },
    ],
  })
  const fired = async () => {
    const execution = { workflowId: 'r-1', runId }
    const { events } = await client.getWorkflowExecutionHistory({ domain, execution })
    return events!.some(({ eventType }) => eventType === 'TimerFired')
  }
  await clock.advance('29d')
  expect(await fired()).toBe(false)
  await clock.advance('1d')
  expect(await fired()).toBe(true)
})
