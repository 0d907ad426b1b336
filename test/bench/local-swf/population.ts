// What is in a server before it is measured: one domain, its types, and executions, open and closed.

import type { LocalSwf } from '../../../src/swf/local/index.js'

export const DOMAIN = 'bench'
export const workflowType = { name: 'W', version: '1' }
export const activityType = { name: 'A', version: '1' }

/** How many executions are open, and how many have closed. */
export interface Population {
  open: number
  closed: number
}

/** Among executions that were made here, one in `TYPES` has this type, one in `TAGS` this tag, and so on. */
const TYPES = 50
const TAGS = 1_000
const CLOSES = ['CompleteWorkflowExecution', 'FailWorkflowExecution', 'CancelWorkflowExecution']

export const filters = {
  'no filter': {},
  'a type': { typeFilter: { name: 'W7', version: '1' } },
  'a rare tag': { tagFilter: { tag: 'customer-77' } },
  'a frequent tag': { tagFilter: { tag: 'eu' } },
  'no such tag': { tagFilter: { tag: 'none' } },
  'a workflowId': { executionFilter: { workflowId: 'w777' } },
  'a rare status': { closeStatusFilter: { status: 'TERMINATED' } },
  'a frequent status': { closeStatusFilter: { status: 'COMPLETED' } },
} as const

/** Makes the domain, its types and the executions, through the actions of SWF. */
export async function populate(swf: LocalSwf, { open, closed }: Population): Promise<void> {
  const call = (action: string, input: object) =>
    swf.call(action, { domain: DOMAIN, ...input }) as Promise<{ taskToken: string }>
  await swf.call('RegisterDomain', { name: DOMAIN, workflowExecutionRetentionPeriodInDays: '1' })
  const defaults = {
    defaultTaskStartToCloseTimeout: '600',
    defaultExecutionStartToCloseTimeout: '360000',
    defaultChildPolicy: 'TERMINATE',
  }
  await call('RegisterWorkflowType', { ...workflowType, ...defaults })
  for (let i = 0; i < TYPES; i++) await call('RegisterWorkflowType', { name: `W${i}`, version: '1', ...defaults })
  await call('RegisterActivityType', {
    ...activityType,
    defaultTaskStartToCloseTimeout: '60',
    defaultTaskScheduleToStartTimeout: '60',
    defaultTaskScheduleToCloseTimeout: '90',
    defaultTaskHeartbeatTimeout: 'NONE',
  })
  const start = (i: number, prefix: string, list: string) =>
    call('StartWorkflowExecution', {
      workflowId: `${prefix}${i}`,
      workflowType: { name: `W${i % TYPES}`, version: '1' },
      taskList: { name: list },
      tagList: [`customer-${i % TAGS}`, ...(i % 2 ? ['eu'] : [])],
      input: '{"order":17}',
    })
  const close = async (i: number) => {
    await start(i, 'w', `w${i}`)
    if (i % 500 === 0) return call('TerminateWorkflowExecution', { workflowId: `w${i}` })
    const { taskToken } = await call('PollForDecisionTask', { taskList: { name: `w${i}` } })
    const decisionType = CLOSES[i % 10 < 8 ? 0 : (i % 10) - 7]
    return swf.call('RespondDecisionTaskCompleted', { taskToken, decisions: [{ decisionType }] })
  }
  const many = async (count: number, make: (i: number) => Promise<unknown>) => {
    for (let i = 0; i < count; i += 1_000) {
      await Promise.all(Array.from({ length: Math.min(1_000, count - i) }, (_, n) => make(i + n)))
    }
  }
  await many(closed, close)
  await many(open, i => start(i, 'beside', `beside${i % 100}`))
}
