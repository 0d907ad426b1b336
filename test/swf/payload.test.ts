import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodePayload, encodePayload, MAX_NESTING, MAX_PAYLOAD, PayloadTooLarge } from '../../src/swf/payload.js'

describe('a payload', () => {
  test('is plain JSON when there is nothing to say beyond the value', () => {
    expect(encodePayload({ id: 1 })).toBe('{"id":1}')
    expect(encodePayload(undefined)).toBeUndefined()
    expect(encodePayload({ id: 1 }, { attempt: undefined as never })).toBe('{"id":1}')
  })

  test('is an envelope when something travels beside the value', () => {
    expect(JSON.parse(encodePayload({ id: 1 }, { attempt: 2, idempotencyKey: 'k' })!)).toEqual({
      'swf-gateway': 1,
      value: { id: 1 },
      attempt: 2,
      idempotencyKey: 'k',
    })
  })

  test('comes back as it went, whatever JSON it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.option(fc.nat(), { nil: undefined }), (value, attempt) => {
        const text = encodePayload(value, attempt === undefined ? {} : { attempt })
        const plain: unknown = JSON.parse(JSON.stringify(value))
        expect(decodePayload(text)).toEqual({ value: plain, envelope: attempt === undefined ? {} : { attempt } })
      }),
    )
  })

  test('that looks like an envelope itself comes back as the value it is', () => {
    const value = { 'swf-gateway': 1, value: 'mine', attempt: 7 }
    expect(decodePayload(encodePayload(value))).toEqual({ value, envelope: {} })
  })

  test('written by others is JSON or text', () => {
    expect(decodePayload('{"a":1}')).toEqual({ value: { a: 1 }, envelope: {} })
    expect(decodePayload('plain text, no JSON')).toEqual({ value: 'plain text, no JSON', envelope: {} })
    expect(decodePayload('')).toEqual({ value: '', envelope: {} })
    expect(decodePayload(undefined)).toEqual({ value: undefined, envelope: {} })
  })

  test('over 32,768 characters is refused with its size; exactly 32,768 is not', () => {
    expect(encodePayload('x'.repeat(MAX_PAYLOAD - 2))).toHaveLength(MAX_PAYLOAD)
    const tooLarge = () => encodePayload('x'.repeat(MAX_PAYLOAD - 1))
    expect(tooLarge).toThrow(PayloadTooLarge)
    expect(tooLarge).toThrow(expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE', size: MAX_PAYLOAD + 1 }))
  })

  test('may nest 1,000 levels deep, envelope apart; deeper text of others is a string', () => {
    const text = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
    const nested = (levels: number) => JSON.parse(text(levels)) as unknown
    const value = nested(MAX_NESTING)
    expect(decodePayload(encodePayload(value, { attempt: 1 }))).toEqual({ value, envelope: { attempt: 1 } })
    for (const levels of [MAX_NESTING + 1, 100_000])
      expect(() => encodePayload({ a: nested(levels) })).toThrow(
        'a value that nests more than 1000 levels deep cannot be sent as JSON: flatten it',
      )
    expect(decodePayload(text(16_000))).toEqual({ value: text(16_000), envelope: {} })
  })

  test('that JSON cannot hold is a TypeError', () => {
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    for (const value of [() => 1, Symbol('s'), 1n, cycle]) expect(() => encodePayload(value)).toThrow(TypeError)
  })

  const inherited = Object.assign(Object.create({ greet: () => 'hello' }) as object, { id: 1 })
  test.each<[string, unknown]>([
    ['{"at":"1970-01-01T00:00:00.000Z"}', { at: new Date(0) }],
    ['{"a":[null],"c":{}}', { a: [undefined], b: undefined, c: Object.create(null) as object }],
    ['{"map":"told"}', { map: Object.assign(new Map(), { toJSON: () => 'told' }) }],
    ['{"id":1}', inherited],
  ])('is %s', (text, value) => expect(encodePayload(value)).toBe(text))

  test.each<[string, unknown]>([
    ['a Map cannot be sent as JSON: send Object.fromEntries(map)', new Map()],
    ['a Set (at lines[1].tags) cannot be sent as JSON: send [...set]', { lines: [{}, { tags: new Set(['a']) }] }],
    ['a bigint (at a.b) cannot be sent as JSON: send it as a string', { a: { b: 5n } }],
    ['a function cannot be sent as JSON: leave it out', () => 1],
    ['a function (at [0]) cannot be sent as JSON: leave it out', [() => 1]],
    ['a symbol (at s) cannot be sent as JSON: leave it out', { s: Symbol('s') }],
    ['a Promise (at paid) cannot be sent as JSON: await it first', { paid: Promise.resolve() }],
  ])('is refused: %s', (message, value) => {
    const refused = expect.objectContaining({ code: 'PAYLOAD_NOT_JSON', message }) as Error
    expect(() => encodePayload(value)).toThrow(refused)
    expect(() => encodePayload(value, { attempt: 2 })).toThrow(refused)
  })
})
