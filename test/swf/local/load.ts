import type { Wire } from './wire.js'
import { DOMAIN, activityType, workflowType } from './fixture.js'

export async function registerAll(wire: Wire): Promise<void> {
  await wire.call('RegisterDomain', { name: DOMAIN, workflowExecutionRetentionPeriodInDays: '30' })
  await wire.call('RegisterWorkflowType', {
    domain: DOMAIN,
    ...workflowType,
    defaultTaskList: { name: 'orders' },
    defaultTaskStartToCloseTimeout: '300',
    defaultExecutionStartToCloseTimeout: '3600',
    defaultChildPolicy: 'TERMINATE',
  })
  await wire.call('RegisterActivityType', {
    domain: DOMAIN,
    ...activityType,
    defaultTaskList: { name: 'charges' },
    defaultTaskStartToCloseTimeout: '300',
    defaultTaskScheduleToStartTimeout: '300',
    defaultTaskScheduleToCloseTimeout: '600',
    defaultTaskHeartbeatTimeout: 'NONE',
  })
}
