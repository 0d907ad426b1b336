import { expect, test } from 'vitest'
import { cutReason, decodeFailure, encodeFailure, type Failure } from '../../src/swf/failure.js'

const chain: Failure = {
  code: 'SAGA_FAILED',
  reason: 'ShipOrder: Undeliverable',
  cause: {
    code: 'ACTIVITY_TASK_FAILED',
    reason: 'Undeliverable',
    message: 'no carrier goes to Atlantis',
    details: { postcode: '00000' },
    attempts: 1,
    activityId: '3.1',
  },
}

test('a cause chain survives the way through details', () => {
  expect(decodeFailure('X', 'any', encodeFailure(chain))).toEqual(chain)
})

test('details of others are kept: JSON as details, text as message, nothing as the reason alone', () => {
  expect(decodeFailure('C', 'r', '{"a":1}')).toEqual({ code: 'C', reason: 'r', details: { a: 1 } })
  expect(decodeFailure('C', 'r', 'Traceback …')).toEqual({ code: 'C', reason: 'r', message: 'Traceback …' })
  expect(decodeFailure('C', undefined, undefined)).toEqual({ code: 'C', reason: 'C' })
  expect(decodeFailure('C', 'r', 'null')).toEqual({ code: 'C', reason: 'r', details: null })
})

test('of a failure that others wrote only what is sound is read', () => {
  const odd = {
    code: 'A',
    reason: 'b',
    attempts: 'x',
    message: 5,
    type: {},
    cause: { code: 'B', reason: 'c', cause: 7 },
  }
  const read = (failure: unknown) => decodeFailure('C', 'r', JSON.stringify({ 'swf-gateway': 1, failure }))
  expect(read(odd)).toEqual({ code: 'A', reason: 'b', cause: { code: 'B', reason: 'c' } })
  expect(read({ code: 1 })).toMatchObject({ code: 'C', reason: 'r', details: { failure: { code: 1 } } })
  const deep = '['.repeat(16_000) + ']'.repeat(16_000)
  expect(decodeFailure('C', 'r', deep)).toEqual({ code: 'C', reason: 'r', message: deep })
})

test('a chain that is too long loses details first, then the deepest causes, never its first link', () => {
  const long = { ...chain, cause: { ...chain.cause!, details: 'x'.repeat(40_000) } }
  expect(decodeFailure('X', undefined, encodeFailure(long))).toEqual({
    ...chain,
    cause: expect.not.objectContaining({ details: expect.anything() }) as unknown,
  })
  const deep = Array.from({ length: 300 }).reduce<Failure>(
    (cause, _, n) => ({ code: 'C', reason: `link ${n}`, message: 'm'.repeat(400), cause }),
    chain,
  )
  const text = encodeFailure(deep)
  expect(text.length).toBeLessThanOrEqual(32_768)
  expect(decodeFailure('X', undefined, text).reason).toBe('link 299')
})

test('a limit as short as heartbeat details still holds a failure', () => {
  const text = encodeFailure({ ...chain, message: 'm'.repeat(5_000) }, 2_048)
  expect(text.length).toBeLessThanOrEqual(2_048)
  expect(decodeFailure('X', undefined, text).reason).toBe(chain.reason)
})

test('a reason is cut to 256 characters', () => {
  expect(cutReason('r'.repeat(256))).toHaveLength(256)
  expect(cutReason('r'.repeat(257))).toHaveLength(256)
  expect(cutReason('r'.repeat(257))).toMatch(/…$/)
})
