// The events of one run as they come: first what is there, then what is new, until it has closed.
//
// HE1. The number of an event is its cursor, so whoever was away goes on behind the last one that it has: no gap, no duplicate.
// HE2. The feed says that there is something new; SWF says what. New events are seen with the decision task that they lead to.

import type { FeedItem } from '../feed/item.js'
import { isCloseEvent, type HistoryEvent as SwfEvent } from '../swf/history-event.js'
import { eventOf, type HistoryEdge, type Run } from './history.type.js'

/** Tells of news of the run; what it says does not matter. */
type News = AsyncIterableIterator<FeedItem> & { readonly ready: Promise<void> }

/** An object and no async generator: its `return` must reach the source while a `next` is waiting. */
export class HistoryEvents implements AsyncIterableIterator<HistoryEdge> {
  readonly #run: Run & { events: SwfEvent[] }
  #given: number
  #begun = false
  #ended = false

  constructor(
    run: Omit<Run, 'events'>,
    after: number,
    private readonly news: News,
    /** Reads the events behind one. */
    private readonly read: (after: number) => Promise<readonly SwfEvent[]>,
  ) {
    this.#run = { ...run, events: [] }
    this.#given = after
  }

  async next(): Promise<IteratorResult<HistoryEdge>> {
    try {
      return await this.#next()
    } catch (error) {
      // Whoever pulls takes a rejection for the end, and does not call `return`.
      await this.return()
      throw error
    }
  }

  async #next(): Promise<IteratorResult<HistoryEdge>> {
    while (!this.#ended) {
      const { events } = this.#run
      if (this.#given < events.length) {
        const node = eventOf(this.#run, ++this.#given)!
        return { done: false, value: { node, cursor: String(this.#given) } }
      }
      const last = events.at(-1)
      if (last && isCloseEvent(last)) break
      if (!this.#begun) {
        this.#begun = true
        // Whatever comes from here on is news.
        await this.news.ready
      } else if ((await this.news.next()).done) break
      events.push(...(await this.read(events.length)))
    }
    return this.return()
  }

  async return(): Promise<IteratorResult<HistoryEdge>> {
    this.#ended = true
    await this.news.return?.()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
