import { expect, test } from 'vitest'
import {
  durationText,
  isoDuration,
  milliseconds,
  parseIsoDuration,
  seconds,
  timeoutSeconds,
} from '../../src/swf/duration.js'

test('durations are read with their unit', () => {
  expect([
    milliseconds('250ms'),
    milliseconds('30s'),
    milliseconds('1.5h'),
    milliseconds('30d'),
    milliseconds(7),
  ]).toEqual([250, 30_000, 5_400_000, 2_592_000_000, 7])
})

test.each(['30', 'soon', '-1s', '', '1 s', -1, Number.NaN, Number.POSITIVE_INFINITY])('%j is refused', wrong => {
  expect(() => milliseconds(wrong as never)).toThrow(RangeError)
})

test('SWF gets whole seconds, rounded up', () => {
  expect([seconds('1ms'), seconds('1s'), seconds(1_001), seconds(0)]).toEqual(['1', '1', '2', '0'])
  expect([timeoutSeconds('NONE'), timeoutSeconds('90s')]).toEqual(['NONE', '90'])
})

test.each([0, 1, 999, 1_000, 90_500, 3_600_000, 86_400_000, 90_061_001])('%d ms survive ISO 8601', duration => {
  expect(parseIsoDuration(isoDuration(duration))).toBe(duration)
})

test.each(['', 'P', 'PT', 'P1DT', '30s', 'P1Y', 'PT1X', 'P300000000D', `P${'9'.repeat(400)}D`])(
  '%j is no ISO 8601 duration',
  text => {
    expect(parseIsoDuration(text)).toBeUndefined()
  },
)

test.each([
  [0, '0ms'],
  [1_500, '1500ms'],
  [90_000, '90s'],
  [3_600_000, '1h'],
  [172_800_000, '2d'],
])('%d milliseconds are written as %s', (duration, text) => expect(durationText(duration)).toBe(text))
