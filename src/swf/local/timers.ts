// All that waits for its time: a 4-ary heap and one alarm of the clock.
//
// T1. Entries fire in the order of their times; of the same time, in the order in which they were set.
// T2. Setting, moving and cancelling cost O(log n), whatever the number of entries.
// T3. At most 500 entries fire a turn, so that a flood of them does not keep requests waiting.

import type { Clock } from './clock.js'

const TURN = 500

/** Something that waits. Its place in the heap is kept in itself; -1 when it does not wait. */
export interface Timed {
  at: number
  slot: number
  order: number
}

export class Timers<T extends Timed> {
  #heap: T[] = []
  #order = 0
  #armed: number | undefined
  #stopped = false
  constructor(
    readonly clock: Clock,
    /** Called for each entry at its time. */
    private readonly fire: (entry: T) => void,
    /** Called once after the entries of a turn. */
    private readonly settle: () => void = () => {},
  ) {}

  get size(): number {
    return this.#heap.length
  }

  /** When the first entry is due, apart from one; undefined when there is no other. */
  nextAt(except: T): number | undefined {
    const [first] = this.#heap
    if (first !== except) return first?.at
    const next = this.#heap.slice(1, 5).map(({ at }) => at)
    return next.length > 0 ? Math.min(...next) : undefined
  }

  /** Lets `entry` fire at `at` (milliseconds since 1970); undefined cancels it. */
  set(entry: T, at: number | undefined): void {
    if (at === undefined) {
      this.cancel(entry)
      return
    }
    if (entry.slot >= 0 && entry.at === at) return
    entry.at = at
    entry.order = this.#order++
    if (entry.slot < 0) {
      entry.slot = this.#heap.length
      this.#heap.push(entry)
      this.#up(entry)
    } else {
      this.#up(entry)
      this.#down(entry)
    }
    this.#arm()
  }

  cancel(entry: T): void {
    const { slot } = entry
    if (slot < 0) return
    entry.slot = -1
    const last = this.#heap.pop()!
    if (last === entry) return
    this.#heap[slot] = last
    last.slot = slot
    this.#up(last)
    this.#down(last)
  }

  /** Fires nothing any more. */
  stop(): void {
    this.#stopped = true
    this.clock.alarm(undefined, () => {})
  }

  #ring = (): void => {
    this.#armed = undefined
    if (this.#stopped) return
    const now = this.clock.now()
    for (let fired = 0; fired < TURN; fired++) {
      const entry = this.#heap[0]
      if (!entry || entry.at > now) break
      this.cancel(entry)
      this.fire(entry)
    }
    this.settle()
    this.#arm()
  }

  #arm(): void {
    const at = this.#heap[0]?.at
    if (at === undefined || this.#stopped) return
    // An alarm that rings early is cheaper than one that is moved at every request.
    if (this.#armed !== undefined && this.#armed <= at) return
    this.#armed = at
    this.clock.alarm(at, this.#ring)
  }

  #before(a: T, b: T): boolean {
    return a.at < b.at || (a.at === b.at && a.order < b.order)
  }

  #up(entry: T): void {
    const heap = this.#heap
    let slot = entry.slot
    while (slot > 0) {
      const parent = (slot - 1) >> 2
      const above = heap[parent]!
      if (!this.#before(entry, above)) break
      heap[slot] = above
      above.slot = slot
      slot = parent
    }
    heap[slot] = entry
    entry.slot = slot
  }

  #down(entry: T): void {
    const heap = this.#heap
    let slot = entry.slot
    for (;;) {
      const first = (slot << 2) + 1
      let least = -1
      for (let child = first; child < first + 4 && child < heap.length; child++) {
        if (least < 0 || this.#before(heap[child]!, heap[least]!)) least = child
      }
      if (least < 0 || !this.#before(heap[least]!, entry)) break
      heap[slot] = heap[least]!
      heap[slot]!.slot = slot
      slot = least
    }
    heap[slot] = entry
    entry.slot = slot
  }
}
