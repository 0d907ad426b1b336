import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Recurring } from '../src/recurring.js'
import type { Log } from '../src/telemetry.js'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

function recurring() {
  const lines: unknown[] = []
  const line = (level: string) => (facts: object, message: string) => void lines.push({ level, message, ...facts })
  const log = { warn: line('warn'), error: line('error'), info: line('info') } as unknown as Log
  return { lines, polls: new Recurring(log, { failed: 'poll failed', worked: 'polling again' }) }
}

test('a thousand failures are a line, and one a minute says how many there were', () => {
  const { lines, polls } = recurring()
  for (let n = 0; n < 1_000; n++) polls.failed('THROTTLED', { taskList: 'a' })
  expect(lines).toEqual([{ level: 'warn', message: 'poll failed', taskList: 'a' }])
  vi.advanceTimersByTime(60_000)
  polls.failed('THROTTLED', { taskList: 'b' })
  expect(lines[1]).toEqual({ level: 'warn', message: 'poll failed', taskList: 'b', times: 1_000 })
})

test('another kind of failure is said at once', () => {
  const { lines, polls } = recurring()
  polls.failed('THROTTLED', {})
  polls.failed('SWF_UNAVAILABLE', {})
  expect(lines).toHaveLength(2)
})

test('that it works again is said once, when nothing has failed for a while', () => {
  const { lines, polls } = recurring()
  polls.worked()
  polls.failed('THROTTLED', {})
  polls.worked()
  vi.advanceTimersByTime(5_000)
  polls.failed('THROTTLED', {})
  polls.worked()
  expect(lines).toHaveLength(1)
  vi.advanceTimersByTime(10_000)
  polls.worked({ domain: 'd' })
  polls.worked({ domain: 'd' })
  expect(lines.slice(1)).toEqual([{ level: 'info', message: 'polling again', domain: 'd' }])
  polls.failed('THROTTLED', {})
  expect(lines).toHaveLength(3)
})
