// Runs that stay in memory between decision tasks.

import { expect, onTestFinished, test, vi } from 'vitest'
import { implement, testEnvironment } from '../../../src/testing/index.js'
import { defineActivity, defineWorkflow, map } from '../../../src/workflow/index.js'

const note = defineActivity<number, number>('Note', '1', {})
const many = defineWorkflow('Many', '1', {}, async (count: number) => {
  const numbers = Array.from({ length: count }, (_, n) => n)
  const sums = await map(numbers, { concurrency: 20 }, n => note(n))
  return sums.reduce((a, b) => a + b, 0)
})

test('a run is replayed from its history once, however fast its tasks follow each other', async () => {
  const env = await testEnvironment({ workflows: [many], handlers: [implement(note, async n => n)] })
  onTestFinished(() => env.close())
  const calls = vi.spyOn(env.local, 'call')
  const execution = await env.start(many, 200)
  expect(await execution.result()).toBe(19_900)
  const decisions = calls.mock.calls.filter(([action]) => action === 'RespondDecisionTaskCompleted').length
  expect(decisions).toBeGreaterThan(5)
  // One is what `result` reads; the tasks themselves bring all that is new.
  const read = calls.mock.calls.filter(([action]) => action === 'GetWorkflowExecutionHistory').length
  expect(read).toBe(1)
})

test('without a cache every task is decided from its whole history', async () => {
  const env = await testEnvironment({ workflows: [many], handlers: [implement(note, async n => n)], cached: 0 })
  onTestFinished(() => env.close())
  expect(await env.execute(many, 50)).toBe(1_225)
})
