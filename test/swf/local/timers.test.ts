import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RealClock } from '../../../src/swf/local/clock.js'
import type { Timed } from '../../../src/swf/local/timers.js'
import { Timers } from '../../../src/swf/local/timers.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const entry = (name: string): Timed & { name: string } => ({ name, at: 0, slot: -1, order: 0 })
let slept = 0
const clock = () =>
  new RealClock(
    () => performance.now(),
    () => performance.now() + slept,
  )
const timers = (fired: string[]) => new Timers<Timed & { name: string }>(clock(), ({ name }) => fired.push(name))

test('entries fire in the order of their times; of one time, as they were set', () => {
  const fired: string[] = []
  const heap = timers(fired)
  const now = Date.now()
  const times = [30, 10, 20, 10, 0, 30]
  times.forEach((ms, i) => heap.set(entry(`${ms}-${i}`), now + ms))
  vi.advanceTimersByTime(100)
  expect(fired).toEqual(['0-4', '10-1', '10-3', '20-2', '30-0', '30-5'])
})

test('a thousand entries are set, moved and cancelled at random, and the right ones fire in order', () => {
  const fired: string[] = []
  const heap = timers(fired)
  const now = Date.now()
  let seed = 7
  const random = (n: number) => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) % n
  const entries = Array.from({ length: 1_000 }, (_, i) => entry(`${i}`))
  for (let i = 0; i < 5_000; i++) {
    const one = entries[random(entries.length)]!
    if (random(3) === 0) heap.cancel(one)
    else heap.set(one, now + 1 + random(500))
  }
  const expected = entries.filter(({ slot }) => slot >= 0).sort((a, b) => a.at - b.at || a.order - b.order)
  expect(heap.size).toBe(expected.length)
  vi.advanceTimersByTime(1_000)
  expect(fired).toEqual(expected.map(({ name }) => name))
})

test('a wait of more than 24.8 days is not cut short', () => {
  const fired: string[] = []
  timers(fired).set(entry('month'), Date.now() + 26 * 86_400_000)
  vi.advanceTimersByTime(26 * 86_400_000 - 1)
  expect(fired).toEqual([])
  vi.advanceTimersByTime(1)
  expect(fired).toEqual(['month'])
})

test('a machine that slept through the time of an entry fires it soon after', () => {
  const fired: string[] = []
  timers(fired).set(entry('hour'), Date.now() + 3_600_000)
  slept += 3_600_000
  vi.advanceTimersByTime(30_001)
  expect(fired).toEqual(['hour'])
})

test.each([3_600_000, -3_600_000])('no entry fires sooner or later when the time of day is set, by %d ms', by => {
  const fired: string[] = []
  timers(fired).set(entry('minute'), Date.now() + 60_000)
  vi.advanceTimersByTime(20_000)
  vi.setSystemTime(Date.now() + by)
  vi.advanceTimersByTime(39_999)
  expect(fired).toEqual([])
  vi.advanceTimersByTime(1)
  expect(fired).toEqual(['minute'])
})

test('the clock never goes back, nor stands still', () => {
  const real = clock()
  const before = real.now()
  vi.setSystemTime(before - 10_000)
  expect(real.now()).toBe(before)
  vi.advanceTimersByTime(5)
  expect(real.now()).toBe(before + 5)
})
