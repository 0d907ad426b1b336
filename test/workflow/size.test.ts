// How much memory a run says that it takes.

import { expect, test } from 'vitest'
import { defineActivity, defineSignal, defineWorkflow, map } from '../../src/workflow/index.js'
import { Run } from '../../src/workflow/replay/replay.js'
import { EXECUTION, Story } from '../support/given.js'

const work = defineActivity<string, string>('Work', '1', { retry: { maximumAttempts: 1 } })
const note = defineSignal<string>('note')

async function bytes(story: Story): Promise<number> {
  const run = new Run(story.definition, EXECUTION)
  await run.advance(story.events)
  return run.bytes
}

test('what is open weighs, with its input, until it has closed', async () => {
  const workflow = defineWorkflow('W', '1', {}, async () => {
    await map(Array.from({ length: 1_003 }, String), {}, n => work(n.padEnd(100)))
    await note.receive()
  })
  const story = new Story(workflow)
  await story.go()
  const all = await bytes(story)
  story.complete('1.1').complete('2.1')
  await story.go()
  const fewer = await bytes(story)
  expect(all - fewer).toBeGreaterThan(2 * 3_500)
  expect(all - fewer).toBeLessThan(2 * 5_000)
  for (let n = 3; n <= 1_002; n++) story.complete(`${n}.1`)
  await story.go()
  await story.complete('1003.1').go()
  expect(await bytes(story)).toBeLessThan(10_000)
})

test('so do the texts that its code was given, not those that it sent', async () => {
  const workflow = defineWorkflow('W', '1', {}, async () => {
    await work('x'.repeat(1_000))
    await note.receive()
  })
  const story = new Story(workflow)
  await story.go()
  await story.complete('1.1').go()
  const before = await bytes(story)
  await story.signal('other', 'y'.repeat(1_000)).go()
  expect((await bytes(story)) - before).toBe(1_002)
  expect(before).toBeLessThan(7_000)
})
