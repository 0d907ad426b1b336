// What docs/workflows.md shows is what guide.ts compiles, and it runs.

import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { implement, testEnvironment, type TestEnvironment } from 'swf-gateway/testing'
import * as guide from './guide.js'

const handlers = [
  implement(guide.track, async () => ({ at: 'Hull' })),
  implement(guide.reserve, async what => what),
  implement(guide.release, async () => {}),
  implement(guide.quote, async what => what.length),
  implement(guide.tell, async () => {}),
]

let env: TestEnvironment
beforeEach(async () => {
  env = await testEnvironment({ workflows: guide.workflows, handlers })
})
afterEach(() => env.close())

test('the code in docs/workflows.md is code that compiles and runs', () => {
  const plain = (text: string) => text.replace(/^\s*export /gm, '').replace(/\s+/g, ' ')
  const source = plain(readFileSync('test/examples/guide.ts', 'utf8'))
  const blocks = [...readFileSync('docs/workflows.md', 'utf8').matchAll(/```ts\n(.*?)```/gs)].map(match => match[1]!)
  expect(blocks.length).toBeGreaterThan(8)
  for (const block of blocks) {
    if (block.includes("from 'swf-gateway/testing'")) continue
    expect(source).toContain(plain(block).trim())
  }
})

test('signals, state and conditions', async () => {
  const execution = await env.start(guide.release1, 'build 7')
  await env.advance('1s')
  expect(await execution.state(guide.progress)).toMatchObject({ waitsFor: 'approval' })
  await execution.signal(guide.paused, true)
  await execution.signal(guide.approved, { by: 'ada' })
  await env.advance('1s')
  expect(await execution.status()).toBe('OPEN')
  await execution.signal(guide.paused, false)
  expect(await execution.result()).toBe('build 7 approved by ada')
})

test('time', async () => {
  const execution = await env.start(guide.parcel, 'p')
  await env.advance('7d')
  expect(env.calls(guide.tell)).toHaveLength(2)
  await execution.signal(guide.approved, { by: 'ada' })
  expect(await execution.result()).toBe('ada')
})

test('things at once', async () => {
  expect(await env.execute(guide.offers, 'cup')).toEqual({ stock: 'cup', best: 5 })
})

test('scopes', async () => {
  expect(await env.execute(guide.careful, 'cup')).toBe('slept')
  const canceled = await env.start(guide.careful, 'cup')
  await env.advance('1h')
  await canceled.requestCancel()
  await expect(canceled.result()).rejects.toMatchObject({ status: 'CANCELED' })
  expect(env.calls(guide.release)).toHaveLength(2)
})

test('children and other executions', async () => {
  expect(await env.execute(guide.basket, ['a', 'b', 'c'])).toEqual(['a approved by basket', 'b', 'c'])
  const waiting = await env.start(guide.release1, 'x', { workflowId: 'waiting' })
  await env.execute(guide.nudge, 'waiting')
  expect(await waiting.result()).toBe('x approved by nudge')
})

test('without end', async () => {
  expect(await env.execute(guide.counter, 0)).toBe(29)
  await env.execute(guide.allParcels, ['a', 'b'])
  const nightly = await env.start(guide.nightly, undefined)
  await env.advance('3d')
  expect(env.calls(guide.tell)).toHaveLength(3)
  await nightly.terminate()
})

test('saga and change', async () => {
  const party = await env.start(guide.party, ['ada', 'eve'])
  await party.signal(guide.approved, { by: 'ada' })
  expect(await party.result()).toBe('room for 2, no band, for ada'.length)
  expect((await party.saga())?.steps.find(({ name }) => name === 'band')?.state).toBe('SKIPPED')
  await expect(env.execute(guide.party, Array.from({ length: 11 }, String))).rejects.toMatchObject({
    failure: { details: { step: 'go', undone: ['band', 'room'], left: [] }, cause: { code: 'TIMEOUT_EXPIRED' } },
  })
  const before = env.calls(guide.release).length
  expect(await env.execute(guide.trip, ['a', 'b'])).toBe(2)
  await expect(env.execute(guide.trip, ['a', 'nowhere'])).rejects.toMatchObject({ status: 'FAILED' })
  expect(env.calls(guide.release).slice(before)).toMatchObject([{ input: 'a' }])
  expect(await env.execute(guide.changed, 'cup')).toMatch(/^cup/)
})
