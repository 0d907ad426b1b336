import { expect, test } from 'vitest'
import {
  decodeExecutionContext,
  encodeExecutionContext,
  type ExecutionContext,
} from '../../src/swf/execution-context.js'
import { MAX_PAYLOAD } from '../../src/swf/payload.js'

const context: ExecutionContext = {
  saga: {
    state: 'RETRYING',
    step: 'payment',
    attempt: 2,
    steps: [{ name: 'payment', state: 'RETRYING', attempts: 2 }],
  },
  state: { held: true },
}

test('a context comes back as it went', () => {
  expect(decodeExecutionContext(encodeExecutionContext(context))).toEqual(context)
})

test('a context of others that nests too deep to be worked with is text', () => {
  const text = '['.repeat(16_000) + ']'.repeat(16_000)
  expect(decodeExecutionContext(text)).toEqual({ state: text })
})

test('a state that is too long is left out, and the context says so; the saga stays', () => {
  const text = encodeExecutionContext({ ...context, state: 'x'.repeat(MAX_PAYLOAD) })
  expect(text.length).toBeLessThanOrEqual(MAX_PAYLOAD)
  expect(decodeExecutionContext(text)).toEqual({ saga: context.saga, truncated: true })
})

test('a saga of many steps has 4,000 characters: it says how many steps it leaves out, whatever the state is', () => {
  const steps = Array.from({ length: 1_000 }, (_, i) => ({ name: `step ${i}`, state: 'PENDING' as const, attempts: 0 }))
  const saga = { state: 'RUNNING' as const, step: 'step 500', attempt: 1, steps }
  for (const state of [1, 'x'.repeat(28_000), 'x'.repeat(MAX_PAYLOAD)]) {
    const text = encodeExecutionContext({ saga, state })
    expect(text.length).toBeLessThanOrEqual(MAX_PAYLOAD)
    const { saga: shown, truncated } = decodeExecutionContext(text)
    expect(truncated).toBe(String(state).length < MAX_PAYLOAD ? undefined : true)
    expect(JSON.stringify(shown).length).toBeLessThanOrEqual(4_000)
    expect(shown!.steps.length).toBeGreaterThan(50)
    expect(shown!.steps.length + shown!.omittedSteps!).toBe(1_000)
    expect(shown!.steps).toContainEqual({ name: 'step 500', state: 'PENDING', attempts: 0 })
  }
})

test('what another decider wrote is a state', () => {
  expect(decodeExecutionContext('{"step":4}')).toEqual({ state: { step: 4 } })
  expect(decodeExecutionContext('step four')).toEqual({ state: 'step four' })
  expect(decodeExecutionContext(undefined)).toEqual({})
})

test.each([
  { saga: null },
  { saga: { state: 'LOST', attempt: 1, steps: [] } },
  { saga: { state: 'RUNNING', attempt: 1, steps: 'none' } },
  { saga: { state: 'RUNNING', attempt: 1, steps: [null] } },
  { stuck: {} },
  { stuck: { since: 1, reason: 7 } },
])('what only looks like ours is a state: %j', members => {
  const context = { 'swf-gateway': 1, ...members }
  expect(decodeExecutionContext(JSON.stringify(context))).toEqual({ state: context })
})
