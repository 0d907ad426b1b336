// The workflows that are measured, and registering them.

import type { SwfClient } from '../../../src/swf/client.js'
import { register } from '../../../src/swf/registration.js'
import { defineActivity, defineWorkflow, map } from '../../../src/workflow/index.js'

export const DOMAIN = 'bench'

export const step = defineActivity<number, number>('Step', '1', { startToClose: '30s' })

export interface Steps {
  steps: number
  /** The task list of the activities. */
  list: string
}

/** Activities one after the other. Each decider of a comparison serves a task list of its own. */
export const sequence = (taskList = 'sequence') =>
  defineWorkflow('Sequence', '1', { taskList }, async ({ steps, list }: Steps) => {
    let sum = 0
    for (let n = 0; n < steps; n++) sum += await step(n, { taskList: list })
    return sum
  })

/** Activities at once, `open` of them at a time. */
export const fanOut = defineWorkflow('FanOut', '1', {}, async ({ steps, open }: { steps: number; open: number }) => {
  const items = Array.from({ length: steps }, (_, n) => n)
  await map(items, { concurrency: open }, n => step(n))
})

export async function registerTypes(swf: SwfClient): Promise<void> {
  await register(swf, {
    domain: DOMAIN,
    retentionDays: 1,
    workflowTypes: [sequence(), fanOut].map(({ name, version }) => ({ name, version })),
    activityTypes: [{ name: step.name, version: step.version }],
  })
}
