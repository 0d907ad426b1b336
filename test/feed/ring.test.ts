import { expect, test } from 'vitest'
import { Ring } from '../../src/feed/ring.js'

const ring = (capacity: number) => new Ring<number | string>(capacity, dropped => `after ${dropped}`)

test('gives items in order, and waits for the next one', async () => {
  const items = ring(10)
  items.push(1)
  items.push(2)
  expect([await items.take(), await items.take()]).toEqual([1, 2])
  const next = items.take()
  items.push(3)
  expect(await next).toBe(3)
})

test('one item too many drops all for one', async () => {
  const items = ring(3)
  for (let i = 1; i <= 5; i++) items.push(i)
  expect([await items.take(), await items.take()]).toEqual(['after 4', 5])
  expect(items.size).toBe(0)
})

test('keeps its order over many rounds of filling and taking', async () => {
  const items = ring(5_000)
  const taken: unknown[] = []
  for (let i = 0; i < 5_000; i++) {
    items.push(i)
    if (i % 3) taken.push(await items.take())
  }
  while (items.size) taken.push(await items.take())
  expect(taken).toEqual(Array.from({ length: 5_000 }, (_, i) => i))
})

test('ends for one who waits', async () => {
  const items = ring(3)
  const next = items.take()
  items.end()
  items.push(1)
  expect([await next, await items.take()]).toEqual([undefined, undefined])
})
