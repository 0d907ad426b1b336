import { afterEach, beforeEach, expect, test } from 'vitest'
import { implement, testEnvironment, type TestEnvironment } from '../../src/testing/index.js'
import { timelineOf } from '../../src/swf/timeline.js'
import * as guide from '../examples/guide.js'

let env: TestEnvironment
beforeEach(async () => {
  env = await testEnvironment({
    workflows: guide.workflows,
    handlers: [
      implement(guide.reserve, async what => what),
      implement(guide.quote, async what => what.length),
      implement(guide.tell, async () => {}),
      implement(guide.release, async () => {}),
    ],
  })
})
afterEach(() => env.close())

const brief = (spans: ReturnType<typeof timelineOf>) => spans.map(({ kind, name, outcome }) => [kind, name, outcome])

test('activities, timers, children and signals have a beginning and an end', async () => {
  const execution = await env.start(guide.basket, ['a', 'b'], { workflowId: 'basket' })
  await execution.result()
  const spans = timelineOf(await execution.history())
  expect(brief(spans.filter(({ kind }) => kind !== 'DECISION_TASK'))).toEqual([
    ['CHILD', 'Release', 'COMPLETED'],
    ['CHILD', 'Line', 'COMPLETED'],
  ])
  for (const { queuedAt, startedAt, endedAt } of spans) {
    expect(queuedAt!.getTime()).toBeLessThanOrEqual(startedAt!.getTime())
    expect(startedAt!.getTime()).toBeLessThanOrEqual(endedAt!.getTime())
  }
})

test('time in a queue stands apart; what goes on has no end, and what was dropped says so', async () => {
  const execution = await env.start(guide.parcel, 'p', { workflowId: 'parcel' })
  await env.advance('4d')
  const open = timelineOf(await execution.history()).filter(({ kind }) => kind !== 'DECISION_TASK')
  expect(brief(open)).toEqual([
    ['TIMER', expect.any(String), 'FIRED'],
    ['ACTIVITY_TASK', 'Tell', 'COMPLETED'],
    ['TIMER', expect.any(String), undefined],
  ])
  const [timer] = open
  expect(timer).toMatchObject({ eventId: 5 })
  expect(timer!.queuedAt).toBe(undefined)
  expect(timer!.endedAt!.getTime() - timer!.startedAt!.getTime()).toBe(3 * 86_400_000)
  await execution.terminate()
  expect(timelineOf(await execution.history()).at(-1)).toMatchObject({ kind: 'TIMER', outcome: 'DROPPED' })
})

test('a signal is a moment', async () => {
  const execution = await env.start(guide.release1, 'x')
  await execution.signal(guide.approved, { by: 'ada' })
  await execution.result()
  const [signal] = timelineOf(await execution.history()).filter(({ kind }) => kind === 'SIGNAL')
  expect(signal).toMatchObject({ name: 'approved', outcome: 'COMPLETED' })
  expect(signal!.startedAt).toEqual(signal!.endedAt)
})
