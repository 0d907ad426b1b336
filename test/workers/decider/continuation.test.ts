// What author code asks for, by a real decider and the local SWF: children, runs that continue, scopes.

import { expect, test } from 'vitest'
import { testEnvironment } from '../../../src/testing/index.js'
import { implement } from '../../../src/workers/definitions.js'
import {
  defineActivity,
  defineSignal,
  defineWorkflow,
  executeChild,
  mapContinued,
  race,
  sideEffect,
  signalExternal,
  sleep,
  startChild,
  workflowExecution,
} from '../../../src/workflow/index.js'
import { afterFile } from '../../support/dispose.js'

const note = defineActivity<string, string>('Note', '1', { startToClose: '20s' })
const handlers = [implement(note, async text => text.toUpperCase())]
const go = defineSignal<number>('go')
/** Continues as new with every signal, until the sum is 6; each run on the task list of its own. */
const adder = defineWorkflow(
  'Adder',
  '1',
  { taskList: 'adders' },
  async (sum: number, { continueAsNew }): Promise<string> => {
    if (sum >= 6) return note(`sum ${sum}`)
    return continueAsNew(sum + (await go.receive()))
  },
)

async function environment(workflows: Parameters<typeof testEnvironment>[0]['workflows'], cached?: number) {
  const env = await testEnvironment({ workflows, handlers, ...(cached !== undefined && { cached }) })
  afterFile(() => env.close())
  return env
}

test.each([2_000, 0])('a child that continues as new stays the same child (%s executions cached)', async cached => {
  const parent = defineWorkflow('Parent', '1', {}, async () => {
    const child = await startChild(adder, 0, { workflowId: 'the-adder' })
    for (const value of [1, 2]) await child.signal(go, value)
    await signalExternal({ workflowId: child.workflowId }, go, 3)
    return child.result()
  })
  const env = await environment([parent, adder], cached)
  expect(await env.execute(parent, undefined)).toBe('SUM 6')
})

test('failures of children tell their causes', async () => {
  const failing = defineActivity<string, string>('Failing', '1', { retry: { maximumAttempts: 1 } })
  const inner = defineWorkflow('Inner', '1', {}, async () => failing('x'))
  const outer = defineWorkflow('Outer', '1', {}, async () => executeChild(inner, undefined))
  const env = await testEnvironment({
    workflows: [inner, outer],
    handlers: [
      implement(failing, async () => {
        throw new Error('no truck came')
      }),
    ],
  })
  afterFile(() => env.close())
  await expect(env.execute(outer, undefined)).rejects.toThrow(/no truck came/)
})

test('a fan-out of any size does each of its items once, over as many runs as it takes', async () => {
  const items = 4_000
  const fanOut = defineWorkflow('FanOut', '1', { executionStartToClose: '30d' }, async () => {
    const page = async (done: number) =>
      Array.from({ length: Math.min(1_000, items - done) }, (_, index) => String(done + index))
    await mapContinued(page, { concurrency: 200 }, item => note(item))
    const won = await race([() => sleep('20d').then(() => 'slept'), () => note('race')])
    return { won, chance: sideEffect(() => Math.random() < 2), runId: workflowExecution().runId }
  })
  const env = await environment([fanOut])
  const execution = await env.start(fanOut, undefined)
  const { runId, ...result } = await execution.result()
  expect(result).toEqual({ won: 'RACE', chance: true })
  expect(runId).not.toBe(execution.runId)
  const calls = env.calls(note).map(({ input }) => input)
  expect(calls).toHaveLength(items + 1)
  expect(new Set(calls).size).toBe(items + 1)
})
