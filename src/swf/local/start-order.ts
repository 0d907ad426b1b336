// The open executions of a domain, in the order of their starts, with removal in O(1).
//
// SO1. `serial` grows with the time of start, so that appending keeps the order; what was imported finds its place.
// SO2. A closed execution stays as a gap until half of the places are gaps; then the gaps go.
// SO3. There is one order of all, and one for each type and each tag: a filter costs no more than what it finds.

import type { Filter, Findable } from './filter.js'
import { termOf, termsOf } from './filter.js'

interface Started extends Findable {
  readonly serial: number
  readonly startedAt: number
  readonly open: boolean
}

export class StartOrders<T extends Started> {
  #orders = new Map<string, StartOrder<T>>()

  get size(): number {
    return this.#orders.get('')?.size ?? 0
  }

  add(item: T): void {
    for (const term of termsOf(item)) {
      let order = this.#orders.get(term)
      if (!order) this.#orders.set(term, (order = new StartOrder()))
      order.add(item)
    }
  }

  closed(item: T): void {
    for (const term of termsOf(item)) {
      const order = this.#orders.get(term)!
      order.closed()
      if (order.size === 0) this.#orders.delete(term)
    }
  }

  /** The open executions that started from `oldest` to `latest` and may pass a filter by type or tag. */
  between(filter: Filter, oldest: number, latest: number, newestFirst: boolean): Iterable<T> {
    return this.#orders.get(termOf(filter))?.between(oldest, latest, newestFirst) ?? []
  }
}

class StartOrder<T extends Started> {
  #items: T[] = []
  #gaps = 0

  get size(): number {
    return this.#items.length - this.#gaps
  }

  add(item: T): void {
    const items = this.#items
    if (items.length === 0 || item.startedAt >= items.at(-1)!.startedAt) items.push(item)
    else items.splice(firstAt(items, item.startedAt + 1, 'startedAt'), 0, item)
  }

  /** Says that an execution of this order has closed. */
  closed(): void {
    if (++this.#gaps > 64 && this.#gaps * 2 > this.#items.length) {
      this.#items = this.#items.filter(item => item.open)
      this.#gaps = 0
    }
  }

  /** The open executions that started from `oldest` to `latest` (both milliseconds, inclusive), one way or the other. */
  *between(oldest: number, latest: number, newestFirst: boolean): Generator<T> {
    const items = this.#items
    const from = firstAt(items, oldest, 'startedAt')
    const to = firstAt(items, latest + 1, 'startedAt')
    if (newestFirst) {
      for (let i = to - 1; i >= from; i--) if (items[i]!.open) yield items[i]!
    } else {
      for (let i = from; i < to; i++) if (items[i]!.open) yield items[i]!
    }
  }
}

/** The place of the first item whose time is `at` or later, in a list that is sorted by it. */
export function firstAt<By extends string>(items: readonly Record<By, number>[], at: number, by: By): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (items[middle]![by] < at) low = middle + 1
    else high = middle
  }
  return low
}
