// A decider whose SWF throttles, loses answers, is late and delivers twice: everything ends as it would, with each effect once.

import { expect, onTestFinished, test } from 'vitest'
import { implement, testEnvironment } from '../../../src/testing/index.js'
import { defineActivity, defineWorkflow, map, sleep } from '../../../src/workflow/index.js'

const note = defineActivity<number, number>('Note', '1', { retry: { maximumAttempts: 10, initialInterval: '1s' } })
const sum = defineWorkflow('Sum', '1', { executionStartToClose: '30d' }, async (count: number) => {
  const numbers = Array.from({ length: count }, (_, n) => n)
  const notes = await map(numbers, { concurrency: 4 }, async n => {
    await sleep('1s')
    return note(n)
  })
  return notes.reduce((a, b) => a + b, 0)
})

test('throttled, late, unheard and heard twice', async () => {
  const effects = new Map<string, number>()
  const env = await testEnvironment({
    workflows: [sum],
    handlers: [
      implement(note, async (n, { idempotencyKey }) => {
        effects.set(idempotencyKey, n)
        return n
      }),
    ],
    local: { seed: 1 },
  })
  onTestFinished(() => env.close())
  env.local.faults.add({ kind: 'throttle', action: ['PollForDecisionTask', 'PollForActivityTask'], rate: 0.2 })
  env.local.faults.add({ kind: 'throttle', action: 'RespondDecisionTaskCompleted', rate: 0.3 })
  env.local.faults.add({ kind: 'throttle', action: ['ScheduleActivityTask', 'StartTimer'], rate: 0.2 })
  env.local.faults.add({ kind: 'drop', action: 'RespondDecisionTaskCompleted', rate: 0.1 })
  env.local.faults.add({ kind: 'duplicate', action: 'RespondDecisionTaskCompleted', rate: 0.1 })
  env.local.faults.add({ kind: 'latency', action: 'RespondDecisionTaskCompleted', rate: 0.1, latency: '20ms' })
  const results = await Promise.all(Array.from({ length: 5 }, () => env.execute(sum, 8)))
  expect(results).toEqual(Array.from({ length: 5 }, () => 28))
  expect(effects.size).toBe(40)
})
