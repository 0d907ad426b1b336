import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isKept, mayBeRounded, roundedIn } from '../../src/swf/json-number.js'

test.each(['0', '-0', '0.0', '1', '1.0', '-1.50', '1e3', '1E+3', '0.1', '5e-324', '1e23', '1.7976931348623157e308'])(
  '%s is kept',
  text => expect(isKept(text)).toBe(true),
)

test.each(['9007199254740992', '-9007199254740992', '1e20', '100000000000000000000', '6.02214076e23'])(
  'a large whole number that a double has is kept: %s',
  text => expect(isKept(text)).toBe(true),
)

test.each([
  '9007199254740993',
  '-9007199254740993',
  '9007199254740993.0',
  '12345678901234567890',
  '36893488147419103230',
  '9'.repeat(400),
])('a large whole number that a double has not is not kept: %s', text => expect(isKept(text)).toBe(false))

test.each(['1e400', '-1e400', '1e-400', '0.1234567890123456789', '1.00000000000000001', `1.${'1'.repeat(200)}`])(
  'what would become another number is not kept: %s',
  text => expect(isKept(text)).toBe(false),
)

test('every double is kept as JavaScript writes it, and fractions with 17 digits', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), number => {
      expect(isKept(JSON.stringify(number))).toBe(true)
      if (!Number.isInteger(number)) expect(isKept(number.toPrecision(17))).toBe(true)
    }),
  )
})

test('a whole number is kept only when a double is it, or is written as it', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 69n), max: 2n ** 69n }), fc.nat(20), (any, zeros) => {
      const whole = (any / 10n ** BigInt(zeros)) * 10n ** BigInt(zeros)
      const kept = BigInt(Number(whole)) === whole || JSON.stringify(Number(whole)) === String(whole)
      expect(isKept(String(whole))).toBe(kept)
    }),
    { numRuns: 2_000 },
  )
})

test('a number that is not kept is found in JSON, and in its strings and names there are none', () => {
  expect(roundedIn('{"a":[1,{"b":9007199254740993}]}')).toBe('9007199254740993')
  expect(roundedIn('[1e400]')).toBe('1e400')
  expect(roundedIn('{"9007199254740993":"1e400 \\" 9007199254740993","b":12345678901234567}')).toBe('12345678901234567')
  expect(roundedIn('{"9007199254740993":"1e400 \\" 9007199254740993","\\\\":1.5}')).toBeUndefined()
  expect(roundedIn('"2030-01-31T12:00:00.000Z"')).toBeUndefined()
})

test('a number of a million digits is looked at once', () => {
  const zeros = '0'.repeat(1_000_000)
  expect([`1${zeros}1`, `0.${zeros}1`, `1${zeros}`].map(isKept)).toEqual([false, false, false])
  expect(isKept(`1.${zeros}`)).toBe(true)
})

test('of what has been read as a double, large whole numbers may have been others', () => {
  expect([2 ** 53, -(2 ** 53), 1e20, Infinity, NaN].map(mayBeRounded)).toEqual([true, true, true, true, true])
  expect([0, -0, 1.5, 2 ** 53 - 1, -(2 ** 53 - 1), 5e-324].some(mayBeRounded)).toBe(false)
})
