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

test('a state that is too long is left out, and the context says so; the saga stays', () => {
  const text = encodeExecutionContext({ ...context, state: 'x'.repeat(MAX_PAYLOAD) })
  expect(text.length).toBeLessThanOrEqual(MAX_PAYLOAD)
  expect(decodeExecutionContext(text)).toEqual({ saga: context.saga, truncated: true })
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
