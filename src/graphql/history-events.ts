// The events of one run as they come: first what is there, then what is new, until it has closed.
//
// HE1. The number of an event is its cursor, so whoever was away goes on behind the last one that it has: no gap, no duplicate.

import { eventOf, type HistoryEdge } from './history.type.js'
import type { HistoryWatch } from './watched-histories.js'

/** An object and no async generator: its `return` must reach the watch while a `next` is waiting. */
export class HistoryEvents implements AsyncIterableIterator<HistoryEdge> {
  #given: number

  constructor(
    private readonly watch: HistoryWatch,
    after: number,
  ) {
    this.#given = after
  }

  async next(): Promise<IteratorResult<HistoryEdge>> {
    try {
      if (!(await this.watch.beyond(this.#given))) return await this.return()
    } catch (error) {
      // Whoever pulls takes a rejection for the end, and does not call `return`.
      await this.return()
      throw error
    }
    const node = eventOf(this.watch.run, ++this.#given)!
    return { done: false, value: { node, cursor: String(this.#given) } }
  }

  async return(): Promise<IteratorResult<HistoryEdge>> {
    this.watch.end()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
