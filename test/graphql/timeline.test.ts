import { expect, test } from 'vitest'
import { scheduleActivityTask, startTimer } from '../../src/swf/decision.js'
import { DOMAIN, startStack, TYPE } from './fixture.js'

const { ask, decider, swf } = await startStack()

test('a timeline tells what it did and when', async () => {
  const { runId } = await swf.startWorkflowExecution({ domain: DOMAIN, workflowId: 'line-1', workflowType: TYPE })
  const schedule = { activityType: { name: 'Ship', version: '1.0' }, activityId: '1.1', taskList: { name: 'ships' } }
  const timeouts = { scheduleToCloseTimeout: '60', scheduleToStartTimeout: '60', startToCloseTimeout: '60' }
  await decider.decide([
    scheduleActivityTask({ ...schedule, ...timeouts, heartbeatTimeout: 'NONE' }),
    startTimer({ timerId: 'late', startToFireTimeout: '60' }),
  ])
  const TIMELINE = `query ($kinds: [SpanKind!], $after: Int! = 0) { execution(workflowId: "line-1") {
    runId timeline(kinds: $kinds, afterEventId: $after) { eventId kind name subjectId queuedAt startedAt endedAt outcome }
  } }`
  const { data } = await ask(TIMELINE, {})
  expect(data.execution.runId).toBe(runId)
  expect(data.execution.timeline).toMatchObject([
    { kind: 'ACTIVITY_TASK', name: 'Ship', subjectId: '1.1', startedAt: null, endedAt: null, outcome: null },
    { kind: 'TIMER', name: 'late', queuedAt: null, endedAt: null },
  ])
  const [activity] = data.execution.timeline
  const rest = await ask(TIMELINE, { after: activity.eventId })
  expect(rest.data.execution.timeline).toHaveLength(1)
  const tasks = await ask(TIMELINE, { kinds: ['DECISION_TASK'] })
  expect(tasks.data.execution.timeline).toMatchObject([{ kind: 'DECISION_TASK', outcome: 'COMPLETED' }])
})
