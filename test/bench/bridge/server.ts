// A local SWF in a process of its own: says where it is, then schedules the activities that it is asked for.

import { createLocalSwf } from '../../../src/swf/local/index.js'
import { encodePayload } from '../../../src/swf/payload.js'
import { ACTIVITY, DOMAIN } from './work.js'

/** So many activities are scheduled at once, by one decision. */
export interface Asked {
  taskList: string
  count: number
  /** How long each of them takes, in milliseconds. */
  ms: number
}

const { endpoint, call } = await createLocalSwf()
await call('RegisterDomain', { name: DOMAIN, workflowExecutionRetentionPeriodInDays: '1' })
await call('RegisterWorkflowType', { domain: DOMAIN, name: 'ByHand', version: '1' })
await call('RegisterActivityType', { domain: DOMAIN, name: ACTIVITY, version: '1' })
process.send!(endpoint)

let executions = 0
process.on('message', async ({ taskList, count, ms }: Asked) => {
  const workflowId = `w${++executions}`
  const decisions = { name: `decisions ${executions}` }
  await call('StartWorkflowExecution', {
    domain: DOMAIN,
    workflowId,
    workflowType: { name: 'ByHand', version: '1' },
    taskList: decisions,
    executionStartToCloseTimeout: '3600',
    taskStartToCloseTimeout: 'NONE',
    childPolicy: 'TERMINATE',
  })
  const { taskToken } = (await call('PollForDecisionTask', { domain: DOMAIN, taskList: decisions })) as {
    taskToken: string
  }
  await call('RespondDecisionTaskCompleted', {
    taskToken,
    decisions: Array.from({ length: count }, (_, n) => ({
      decisionType: 'ScheduleActivityTask',
      scheduleActivityTaskDecisionAttributes: {
        activityType: { name: ACTIVITY, version: '1' },
        activityId: `${n + 1}.1`,
        taskList: { name: taskList },
        input: encodePayload(ms, { attempt: 1, idempotencyKey: `${workflowId}/${n + 1}`, startToClose: 30_000 }),
        startToCloseTimeout: '30',
        scheduleToStartTimeout: 'NONE',
        scheduleToCloseTimeout: 'NONE',
        heartbeatTimeout: 'NONE',
      },
    })),
  })
})
process.on('disconnect', () => process.exit())
