// The reader: follows the streams of domains, once a process, for subscribers and the index.
//
// R1. Followers get a stream's entries in order, from the position that `ready` gives on, each once.
// R2. When an entry does not follow the one read before it (trimmed, emptied, a failover to a stale replica), followers
//     are told before they get it: `broken`. The same when the last entry read turns out not to be in the stream any more.
// R3. One connection a domain: a reader waits in Redis, and waits for Redis when it is away.

import { Backoff, type Service } from '../lifecycle.js'
import { connectRedis, type Redis } from '../redis.js'
import { SECOND } from '../swf/duration.js'
import type { Log } from '../telemetry.js'
import type { ResyncReason } from './resync-reason.js'
import { compareStreamIds } from './cursor.js'
import { decodeEntry, DEFAULTS, feedKeys, FeedStream, type Entry } from './stream.js'

/** Told of what is new in a domain. Neither method may throw. */
export interface Follower {
  entries(entries: readonly Entry[]): void
  /** What follows cannot be proved to follow what was given; it begins after `streamId`. */
  broken(streamId: string, reason: ResyncReason): void
  /** Everything that is in the stream has been given. */
  caughtUp?(): void
}

export interface Following {
  /** Where the reader is at the moment of asking: whoever is a follower then is given every entry after this id. */
  readonly ready: Promise<string>
  stop(): void
}

export interface FeedReaderOptions {
  redis: { url: string }
  /** @default 'swf-gateway' */
  prefix?: string
  log: Log
}

export class FeedReader implements Service {
  readonly #domains = new Map<string, DomainReader>()
  #stopped = false
  constructor(private readonly options: FeedReaderOptions) {}

  async start(): Promise<void> {}

  /** Follows a domain. One that comes `first` is told before the others. */
  follow(domain: string, follower: Follower, { first = false }: { first?: boolean } = {}): Following {
    if (this.#stopped) throw new Error('the reader has been stopped')
    let reader = this.#domains.get(domain)
    if (!reader) this.#domains.set(domain, (reader = new DomainReader(domain, this.options)))
    const { followers } = reader
    if (first) followers.unshift(follower)
    else followers.push(follower)
    const stop = () => {
      const place = followers.indexOf(follower)
      if (place >= 0) followers.splice(place, 1)
      if (followers.length > 0 || this.#domains.get(domain) !== reader) return
      this.#domains.delete(domain)
      void reader.stop()
    }
    return {
      get ready() {
        return reader.ready
      },
      stop,
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all([...this.#domains.values()].map(reader => reader.stop()))
    this.#domains.clear()
  }
}

/** How long a read waits, less than a connection may be silent for; then the last entry read is looked for. */
const BLOCK = 2 * SECOND

class DomainReader {
  /** Resolves to where the reader is; replaced whenever it moves. */
  ready: Promise<string>
  readonly followers: Follower[] = []
  readonly #redis: Redis
  readonly #stream: FeedStream
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  #positioned!: (streamId: string) => void
  #position: string | undefined

  constructor(
    private readonly domain: string,
    private readonly options: FeedReaderOptions,
  ) {
    const { redis, prefix, log } = options
    this.#redis = connectRedis({ url: redis.url, name: 'swf-gateway:feed', log }, 'blocking')
    this.#stream = new FeedStream(this.#redis, prefix)
    this.ready = new Promise(resolve => (this.#positioned = resolve))
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return
    this.#stopping.abort()
    this.#redis.disconnect()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const backoff = new Backoff(50, 2_000)
    while (!signal.aborted) {
      try {
        if (this.#position === undefined) this.#moveTo(await this.#stream.lastId(this.domain))
        const entries = await this.#read()
        if (entries.length > 0) this.#give(entries)
        else await this.#check()
        backoff.reset()
      } catch (error) {
        if (signal.aborted) return
        this.options.log.debug({ domain: this.domain, err: (error as Error).message }, 'feed not read')
        await backoff.wait(signal)
      }
    }
  }

  async #read(): Promise<Entry[]> {
    const { stream } = feedKeys(this.options.prefix ?? DEFAULTS.prefix, this.domain)
    const reply = await this.#redis.call(
      ...(['XREAD', 'COUNT', '500', 'BLOCK', String(BLOCK), 'STREAMS', stream, this.#position!] as const),
    )
    return entriesOf(reply as XreadReply)
  }

  #give(entries: Entry[]): void {
    let from = 0
    let last = this.#position!
    for (const [i, { streamId, previousStreamId }] of entries.entries()) {
      if (previousStreamId !== last) {
        this.#tell(entries.slice(from, i))
        this.#break(previousStreamId)
        from = i
      }
      last = streamId
    }
    this.#tell(entries.slice(from))
    this.#moveTo(last)
  }

  #tell(entries: Entry[]): void {
    if (entries.length > 0) for (const follower of [...this.followers]) follower.entries(entries)
  }

  // Nothing came. Either nothing was appended, or the stream is not the one that has been read.
  async #check(): Promise<void> {
    const last = await this.#stream.lastId(this.domain)
    const order = compareStreamIds(last, this.#position!)
    if (order < 0) {
      this.#break(last)
      this.#moveTo(last)
    }
    if (order <= 0) for (const follower of [...this.followers]) follower.caughtUp?.()
  }

  #break(streamId: string): void {
    this.options.log.warn({ domain: this.domain, streamId }, 'feed is not contiguous')
    for (const follower of [...this.followers]) follower.broken(streamId, 'FEED_LOST')
  }

  #moveTo(streamId: string): void {
    if (this.#position === undefined) this.#positioned(streamId)
    else this.ready = Promise.resolve(streamId)
    this.#position = streamId
  }
}

type RawEntry = [string, string[]]
/** Of one stream: RESP2 gives a list of pairs, RESP3 a map, which ioredis makes a flat list. */
type XreadReply = null | [[string, RawEntry[]]] | [string, RawEntry[]]

function entriesOf(reply: XreadReply): Entry[] {
  if (!reply) return []
  const raw = typeof reply[0] === 'string' ? (reply[1] as RawEntry[]) : reply[0][1]
  return raw.map(decodeEntry)
}
