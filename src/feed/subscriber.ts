// The subscriber: what a cursor has missed, then what happens, to any number of subscriptions of one process.
//
// B1. A subscription gets the updates of its topic in order, each once, none left out; or a RESYNC where that cannot be
//     proved. After a RESYNC it goes on with what is new.
// B2. The live part is joined before the last page of what was missed is read, and what both hold is given once.
// B3. Subscriptions are pulled. What a slow one has not taken waits in a ring; when that is full it is dropped for one RESYNC.
//     Nobody waits for anybody.
// B4. A RESYNC never skips: it is given when what is read again after it, from the index, holds all that came before it.

import { Backoff, type Service } from '../lifecycle.js'
import { closeRedis, connectRedis, type Redis } from '../redis.js'
import type { Log } from '../telemetry.js'
import type { ResyncReason } from './resync-reason.js'
import { compareStreamIds, decodeCursor, type Cursor } from './cursor.js'
import { itemOf, itemsOf, resyncItem, sharedResync, type FeedItem } from './item.js'
import { FeedReader } from './reader.js'
import { Ring } from './ring.js'
import { FeedStream, type Entry } from './stream.js'
import { Topics, type Topic } from './topic.js'

export type { FeedItem } from './item.js'
export type { Topic } from './topic.js'

export interface SubscriberOptions {
  redis: { url: string }
  /** @default 'swf-gateway' */
  prefix?: string
  log: Log
  /** Shares a reader with others of this process, such as the index. @default one of its own */
  reader?: FeedReader
  /** Items that wait for one slow subscription, before it gets a RESYNC instead. @default 1_000 */
  ring?: number
  /** Where clients read again after a RESYNC; resolves when what the feed has told so far is there. @default nothing to wait for */
  index?: { open?(domain: string): void; whole(domain: string): Promise<void> }
}

export interface SubscribeOptions {
  /** The cursor of the last item that was received. @default from now on */
  after?: string
  /** Ends the subscription. */
  signal?: AbortSignal
}

/** A subscription: iterate it. A cursor that is none rejects the first `next` with an error of code BAD_USER_INPUT. */
export interface Subscription extends AsyncIterableIterator<FeedItem> {
  /** Resolves when nothing that happens from then on is missed. With a cursor, it has to be pulled to get there. */
  readonly ready: Promise<void>
}

export class Subscriber implements Service {
  readonly reader: FeedReader
  readonly #redis: Redis
  readonly #stream: FeedStream
  readonly #ownReader: boolean
  readonly #topics = new Map<string, Topics>()
  readonly #open = new Set<LiveTopic>()

  constructor(private readonly options: SubscriberOptions) {
    const { redis, prefix, log, reader } = options
    this.reader = reader ?? new FeedReader({ redis, log, ...(prefix !== undefined && { prefix }) })
    this.#ownReader = reader === undefined
    this.#redis = connectRedis({ url: redis.url, name: 'swf-gateway:subscriber', log })
    this.#stream = new FeedStream(this.#redis, prefix)
  }

  async start(): Promise<void> {
    if (this.#ownReader) await this.reader.start()
  }

  /** Ends every subscription. */
  async stop(): Promise<void> {
    for (const live of [...this.#open]) live.end()
    if (this.#ownReader) await this.reader.stop()
    await closeRedis(this.#redis)
  }

  /** How many subscriptions are open. */
  get size(): number {
    return this.#open.size
  }

  /** Tells whether anybody listens to a domain. */
  listensTo(domain: string): boolean {
    return this.#topics.has(domain)
  }

  /** Subscribes to the runs of a domain that a topic names. */
  subscribe(domain: string, topic: Topic, { after, signal }: SubscribeOptions = {}): Subscription {
    const live = new LiveTopic(topic, this.options.ring ?? 1_000)
    const end = () => live.end()
    this.#open.add(live)
    live.onEnd(() => {
      this.#open.delete(live)
      signal?.removeEventListener('abort', end)
    })
    signal?.addEventListener('abort', end, { once: true })
    if (signal?.aborted) end()
    const items = after === undefined ? live.items() : this.#resumed(domain, topic, after, live)
    if (after === undefined) this.#join(domain, live).catch((error: unknown) => live.fail(error))
    return subscription(items, live, async () => this.options.index?.whole(domain))
  }

  /** Resolves to the id of the stream entry after which everything is live. */
  async #join(domain: string, live: LiveTopic): Promise<string> {
    if (live.ended) return '0-0'
    let topics = this.#topics.get(domain)
    if (!topics) {
      this.options.index?.open?.(domain)
      topics = new Topics()
      this.#topics.set(domain, topics)
      topics.following = this.reader.follow(domain, topics)
    }
    const leave = topics.add(live.topic, live)
    live.onEnd(() => {
      leave()
      if (topics.size > 0 || this.#topics.get(domain) !== topics) return
      this.#topics.delete(domain)
      topics.following?.stop()
    })
    const streamId = await Promise.race([topics.following!.ready, live.gone])
    live.isReady()
    return streamId
  }

  async *#resumed(domain: string, topic: Topic, after: string, live: LiveTopic): AsyncGenerator<FeedItem, undefined> {
    const cursor = decodeCursor(after)
    const resumed =
      cursor.run && cursor.run.runId === topic.runId
        ? this.#resumeRun(domain, cursor.run, live)
        : this.#resumeMany(domain, cursor, live)
    yield* live.items(yield* resumed)
    return
  }

  // Each of the two gives what was missed, and returns the id up to which it has done so.

  async *#resumeRun(domain: string, run: NonNullable<Cursor['run']>, live: LiveTopic): Resuming {
    const joinedAt = await this.#join(domain, live)
    const missed = await this.#patiently(live, () => this.#stream.missed(domain, run.runId, run.eventId))
    if (missed) {
      yield* itemsOf(missed.entries, live.topic)
      return missed.lastId
    }
    const from = await this.#noticed(domain, live, joinedAt)
    if (!live.ended) yield resyncItem(from, 'CURSOR_LOST')
    return undefined
  }

  async *#resumeMany(domain: string, { streamId }: Cursor, live: LiveTopic): Resuming {
    let position = streamId
    let joinedAt: string | undefined
    while (!live.ended && (joinedAt === undefined || compareStreamIds(position, joinedAt) < 0)) {
      const page = await this.#patiently(live, () => this.#stream.after(domain, position))
      if (live.ended) return undefined
      if (!page) {
        joinedAt ??= await this.#join(domain, live)
        const from = await this.#noticed(domain, live, joinedAt)
        if (!live.ended) yield resyncItem(from, 'CURSOR_LOST')
        return undefined
      }
      yield* itemsOf(page, live.topic)
      position = page.at(-1)?.streamId ?? position
      if (page.length < NEAR) joinedAt ??= await this.#join(domain, live)
    }
    return position
  }

  /**
   * Resolves to where the live part begins, once the reader has noticed if the stream was lost: until then the index does not know either
   * that it has something to read again, and cursors that it gives out lead nowhere.
   */
  async #noticed(domain: string, live: LiveTopic, joinedAt: string): Promise<string> {
    const backoff = new Backoff(20, 200)
    while (!live.ended) {
      const last = await this.#patiently(live, () => this.#stream.lastId(domain))
      const at = await this.#topics.get(domain)?.following?.ready
      if (last === undefined || at === undefined) break
      if (compareStreamIds(at, last) <= 0) return compareStreamIds(at, joinedAt) < 0 ? at : joinedAt
      await Promise.race([backoff.wait(), live.gone])
    }
    return joinedAt
  }

  /** Repeats a read until Redis answers; resolves to undefined when the subscription ends before. */
  async #patiently<T>(live: LiveTopic, read: () => Promise<T>): Promise<T | undefined> {
    const backoff = new Backoff(50, 2_000)
    while (!live.ended) {
      try {
        return await read()
      } catch (error) {
        this.options.log.debug({ err: (error as Error).message }, 'feed not read')
        await Promise.race([backoff.wait(), live.gone])
      }
    }
    return undefined
  }
}

type Resuming = AsyncGenerator<FeedItem, string | undefined>

/** A page of fewer entries is the end of the stream, or near it. */
const NEAR = 100

type Live = { streamId: string; item: FeedItem }

/** The live part of one subscription. */
class LiveTopic {
  readonly #ring: Ring<Live>
  readonly #onEnd: (() => void)[] = []
  #failure: { error: unknown } | undefined
  #ready!: () => void
  #gone!: (streamId: string) => void
  readonly ready = new Promise<void>(resolve => (this.#ready = resolve))
  readonly gone = new Promise<string>(resolve => (this.#gone = resolve))
  ended = false

  constructor(
    readonly topic: Topic,
    capacity: number,
  ) {
    this.#ring = new Ring(capacity, ({ streamId }) => ({ streamId, item: resyncItem(streamId, 'TOO_SLOW') }))
  }

  entry(entry: Entry): void {
    try {
      const item = itemOf(entry, this.topic)
      if (item) this.#ring.push({ streamId: entry.streamId, item })
    } catch (error) {
      // The topic's own filter threw: that ends this subscription, and no other.
      this.fail(error)
    }
  }

  broken(streamId: string, reason: ResyncReason): void {
    this.#ring.clear()
    this.#ring.push({ streamId, item: sharedResync(streamId, reason) })
  }

  /** Gives what comes, apart from updates up to an id. */
  async *items(after?: string): AsyncGenerator<FeedItem, undefined> {
    for (let next; (next = await this.#ring.take());) {
      const { streamId, item } = next
      if (item.kind === 'resync') after = undefined
      else if (after !== undefined && compareStreamIds(streamId, after) <= 0) continue
      yield item
    }
    if (this.#failure) throw this.#failure.error
    return
  }

  isReady(): void {
    this.#ready()
  }

  onEnd(listener: () => void): void {
    this.#onEnd.push(listener)
  }

  fail(error: unknown): void {
    this.#failure = { error }
    this.end()
  }

  end(): void {
    if (this.ended) return
    this.ended = true
    this.#ring.end()
    this.#ready()
    this.#gone('0-0')
    for (const listener of this.#onEnd) listener()
  }
}

function subscription(
  items: AsyncGenerator<FeedItem, undefined>,
  live: LiveTopic,
  whole: () => Promise<void>,
): Subscription {
  return {
    ready: live.ready,
    next: async () => {
      try {
        const result = await items.next()
        if (result.done) live.end()
        else if (result.value.kind === 'resync') await Promise.race([whole(), live.gone])
        return result
      } catch (error) {
        live.end()
        throw error
      }
    },
    return: async () => {
      live.end()
      return items.return(undefined)
    },
    throw: async error => {
      live.end()
      return items.throw(error)
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
