import { expect, test } from 'vitest'
import { StickyCache, type CachedRun } from '../../../src/workers/decider/sticky.js'

function cached(bytes = 1) {
  let disposed = false
  const run = { bytes, dispose: () => (disposed = true) } as unknown as CachedRun['run']
  return { entry: { run, taskList: 'l' }, disposed: () => disposed }
}

test('the least recently decided executions go when there are too many', () => {
  const cache = new StickyCache(2, 1_000)
  const [a, b, c] = [cached(), cached(), cached()]
  cache.put('a', a.entry)
  cache.put('b', b.entry)
  cache.put('a', cache.take('a')!)
  cache.put('c', c.entry)
  expect([a.disposed(), b.disposed(), c.disposed()]).toEqual([false, true, false])
  expect(cache.size).toBe(2)
})

test('or when they are too big together; one that is too big alone is not kept', () => {
  const cache = new StickyCache(10, 100)
  const [a, b, c, d] = [cached(40), cached(40), cached(40), cached(101)]
  for (const [id, { entry }] of Object.entries({ a, b, c })) cache.put(id, entry)
  expect([a.disposed(), b.disposed(), c.disposed()]).toEqual([true, false, false])
  expect(cache.bytes).toBe(80)
  cache.put('d', d.entry)
  expect(cache.size).toBe(0)
  expect(cache.bytes).toBe(0)
  expect(d.disposed()).toBe(true)
})

test("what is taken out is nobody else's, and nothing is kept without capacity", () => {
  const cache = new StickyCache(1, 100)
  const { entry } = cached(7)
  cache.put('a', entry)
  expect(cache.take('a')).toBe(entry)
  expect(cache.take('a')).toBe(undefined)
  expect(cache.bytes).toBe(0)
  const none = new StickyCache(0, 100)
  const dropped = cached()
  none.put('a', dropped.entry)
  expect(dropped.disposed()).toBe(true)
})
