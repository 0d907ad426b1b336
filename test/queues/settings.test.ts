import { expect, test } from 'vitest'
import { parseQueueDefaults, settingsOf } from '../../src/queues/defaults.js'
import { queueKey } from '../../src/queues/keys.js'
import { allowedHere, changeSettings, DEFAULT_SETTINGS, SettingsRefused } from '../../src/queues/settings.js'

const change = (what: Parameters<typeof changeSettings>[1], settings = DEFAULT_SETTINGS) =>
  changeSettings(settings, what, 'operator', 1_000)

test('a change keeps what it does not name, and counts the version on', () => {
  const changed = change({ concurrency: 5, rateLimit: { tasks: 10, per: 1_000 } })
  expect(changed).toEqual({
    ...DEFAULT_SETTINGS,
    concurrency: 5,
    rateLimit: { tasks: 10, per: 1_000 },
    version: 1,
    changedBy: 'operator',
    changedAt: 1_000,
  })
  expect(changeSettings(changed, { paused: true }, 'x', 2)).toMatchObject({
    rateLimit: { tasks: 10 },
    paused: true,
    version: 2,
  })
  expect(changeSettings(changed, { rateLimit: null }, 'x', 2)).not.toHaveProperty('rateLimit')
})

test.each([
  { concurrency: -1 },
  { concurrency: 1.5 },
  { workerConcurrency: 0 },
  { prefetch: Number.NaN },
  { rateLimit: { tasks: 0, per: 1_000 } },
  { rateLimit: { tasks: 1, per: 10 } },
])('refuses %j', what => {
  expect(() => change(what)).toThrow(SettingsRefused)
})

test('a process runs what it may and the fleet may, and nothing when paused', () => {
  expect(allowedHere(DEFAULT_SETTINGS)).toBe(20)
  expect(allowedHere({ ...DEFAULT_SETTINGS, concurrency: 3 })).toBe(3)
  expect(allowedHere({ ...DEFAULT_SETTINGS, concurrency: 0 })).toBe(0)
  expect(allowedHere({ ...DEFAULT_SETTINGS, paused: true })).toBe(0)
})

test('queues with names that look alike do not share keys', () => {
  const keys = [
    ['a', 'b:c'],
    ['a:b', 'c'],
    ['a', 'b}c'],
    ['a', 'b%3ac'],
    ['a', 'b c'],
    ['a', 'b\u2028'],
    ['a', 'b 28'],
    ['a', 'b\u00a0'],
  ].map(([d, t]) => queueKey('p', d!, t!))
  expect(new Set(keys).size).toBe(keys.length)
  for (const key of keys) expect(key).toMatch(/^\{[^{}]*\}$/)
})

test('a deployment says what holds until an operator changes it', () => {
  const defaults = parseQueueDefaults(
    '{"payments":{"concurrency":5,"rateLimit":{"tasks":10,"per":"1s"},"startPaused":true},"mail":{}}',
  )
  expect(settingsOf(defaults.payments!)).toEqual({
    ...DEFAULT_SETTINGS,
    concurrency: 5,
    paused: true,
    rateLimit: { tasks: 10, per: 1_000 },
  })
  expect(settingsOf(defaults.mail!, { ...DEFAULT_SETTINGS, workerConcurrency: 3 })).toEqual({
    ...DEFAULT_SETTINGS,
    workerConcurrency: 3,
  })
})

test.each([
  ['[]', 'an object by task list'],
  ['{', 'no JSON'],
  ['{"a":5}', 'queues.a must be an object'],
  ['{"a":{"paused":true}}', 'queues.a.paused is not known: there are concurrency'],
  ['{"a":{"startPaused":"yes"}}', 'queues.a.startPaused is true or false'],
  ['{"a":{"concurrency":-1}}', 'queues.a: concurrency must be a whole number from 0'],
  ['{"a":{"rateLimit":{"tasks":1,"per":"soon"}}}', 'queues.a: "soon" is not a duration'],
  ['{"a":{"rateLimit":5}}', 'queues.a.rateLimit must be an object'],
])('refuses the defaults %s', (text, message) => {
  expect(() => parseQueueDefaults(text)).toThrow(message)
})
