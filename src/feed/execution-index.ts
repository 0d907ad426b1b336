// The index of executions: Redis' records as a local table that can be searched by anything.
//
// X1. It is a projection. The table may be lost, and is filled from Redis again; what it shows is what some history said.
// X2. A row is replaced by one that covers the same or later events. A row of which no event has been read never replaces
//     another, except that a list of SWF says that an open run has closed.
// X3. The index follows the stream before it walks the records, so nothing falls between; where the stream cannot be
//     followed on, it walks again. What a walk does not find is dropped only when Redis is whole.

import type { Redis } from '../redis.js'
import { Backoff, type Service } from '../lifecycle.js'
import { SECOND } from '../swf/duration.js'
import type { Log } from '../telemetry.js'
import {
  ExecutionTable,
  type ExecutionFilter,
  type ExecutionGrouping,
  type ExecutionGroups,
  type ExecutionPage,
  type ExecutionQuery,
} from './execution-table.js'
import { PollingReader } from './polling-reader.js'
import type { FeedReader, Follower, Following } from './reader.js'
import { feedKeys, FeedStream, DEFAULTS, type Entry } from './stream.js'
import type { ExecutionSummary } from './update.js'

export type {
  ExecutionFilter,
  ExecutionGroup,
  ExecutionGrouping,
  ExecutionGroups,
  ExecutionOrder,
  ExecutionPage,
  ExecutionQuery,
} from './execution-table.js'

export interface ExecutionIndexOptions {
  redis: Redis
  /** @default 'swf-gateway' */
  prefix?: string
  log: Log
  /** Domains to index from the start; others are from when they are first asked for. @default none */
  domains?: readonly string[]
  /** Where the table lies; a file is taken up again after a restart. @default ':memory:' */
  file?: string
  /** How long closed executions are kept, in milliseconds. @default 30 * DAY, as records in Redis are */
  retention?: number
  /** Shares the reader of this process: the index then knows of an update before any subscriber does. @default it polls Redis */
  reader?: FeedReader
  /** How long `start` waits for the first walk to end, in milliseconds; it goes on afterwards. @default 5 * SECOND */
  patience?: number
}

export class ExecutionIndex implements Service {
  readonly #table: ExecutionTable
  readonly #stream: FeedStream
  readonly #reader: Pick<FeedReader, 'follow'>
  readonly #domains = new Map<string, IndexedDomain>()
  readonly #stopping = new AbortController()

  constructor(private readonly options: ExecutionIndexOptions) {
    const { redis, prefix, file = ':memory:', reader } = options
    this.#table = new ExecutionTable(file)
    this.#stream = new FeedStream(redis, prefix)
    this.#reader = reader ?? new PollingReader(this.#stream, options.log, this.#stopping.signal)
  }

  /** Resolves when the domains given are indexed, or patience is over; then `ready` says how far it is. */
  async start(): Promise<void> {
    const { domains = [], patience = 5 * SECOND } = this.options
    const indexed = Promise.all(domains.map(domain => this.#open(domain)?.indexed))
    let timer: NodeJS.Timeout | undefined
    const enough = new Promise<void>(resolve => (timer = setTimeout(resolve, patience)))
    await Promise.race([indexed, enough])
    clearTimeout(timer)
  }

  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return
    this.#stopping.abort()
    await Promise.all([...this.#domains.values()].map(domain => domain.stop()))
    this.#table.close()
  }

  /**
   * Lists executions; an `after` that is no cursor of this index throws an error of code BAD_USER_INPUT. `streamId` is the
   * entry up to which the feed is in the list; absent while the index has never been filled.
   */
  list(domain: string, query: ExecutionQuery): ExecutionPage & { indexedUpTo?: number; streamId?: string } {
    const indexed = this.#open(domain)
    const page = this.#table.list(domain, query)
    const streamId = this.#table.position(domain)
    return {
      ...page,
      ...(indexed?.upTo !== undefined && { indexedUpTo: indexed.upTo }),
      ...(streamId !== undefined && { streamId }),
    }
  }

  /** Resolves when what the feed has told so far can be listed: at once, unless the index is being filled. */
  async whole(domain: string): Promise<void> {
    await this.#open(domain)?.whole()
  }

  /** Counts executions by what they have in common. */
  groups(
    domain: string,
    filter: ExecutionFilter,
    by: readonly ExecutionGrouping[],
  ): ExecutionGroups & { indexedUpTo?: number } {
    const indexed = this.#open(domain)
    const groups = this.#table.groups(domain, filter, by)
    return { ...groups, ...(indexed?.upTo !== undefined && { indexedUpTo: indexed.upTo }) }
  }

  /** Finds a run, or of a workflowId the open run, else the latest. */
  find(domain: string, workflowId: string, runId?: string): ExecutionSummary | undefined {
    this.#open(domain)
    return this.#table.find(domain, workflowId, runId)
  }

  /** Takes what somebody knows already, ahead of the feed. */
  learn(summary: ExecutionSummary): void {
    if (this.#open(summary.domain)) this.#table.put([summary])
  }

  /** How many executions of a domain are open. */
  active(domain: string): number {
    return this.#table.count(domain, 'OPEN')
  }

  /** Says which domains are not indexed yet; empty when all are. */
  readiness(): string[] {
    const behind = [...this.#domains].filter(([, indexed]) => indexed.upTo === undefined)
    return behind.map(([domain]) => `the executions of domain ${domain} are being indexed`)
  }

  #open(domain: string): IndexedDomain | undefined {
    let indexed = this.#domains.get(domain)
    if (indexed || this.#stopping.signal.aborted) return indexed
    const { redis, prefix = DEFAULTS.prefix, log, retention = DEFAULTS.retention } = this.options
    indexed = new IndexedDomain(domain, {
      table: this.#table,
      stream: this.#stream,
      redis,
      prefix,
      log,
      retention,
      signal: this.#stopping.signal,
    })
    this.#domains.set(domain, indexed)
    indexed.follow(this.#reader)
    return indexed
  }
}

/** Records read at a time. */
const BATCH = 500

class IndexedDomain implements Follower {
  /** When the index was last known to have everything, in milliseconds since 1970; undefined before its first walk. */
  upTo: number | undefined
  readonly indexed: Promise<void>
  #done!: () => void
  #following: Following | undefined
  #walking: Promise<void> | undefined
  #walkAgain = false
  #pruneAt = 0

  constructor(
    private readonly domain: string,
    private readonly has: {
      table: ExecutionTable
      stream: FeedStream
      redis: Redis
      prefix: string
      log: Log
      retention: number
      signal: AbortSignal
    },
  ) {
    this.indexed = new Promise(resolve => (this.#done = resolve))
  }

  follow(reader: Pick<FeedReader, 'follow'>): void {
    this.#following = reader.follow(this.domain, this, { first: true })
    void this.#following.ready.then(streamId => this.#takeUp(streamId))
  }

  async whole(): Promise<void> {
    await this.indexed
    while (this.#walking) await this.#walking
  }

  async stop(): Promise<void> {
    this.#following?.stop()
    await this.#walking
  }

  entries(entries: readonly Entry[]): void {
    const { table } = this.has
    table.put(entries.flatMap(entry => (entry.kind === 'resync' ? [] : [entry.summary])))
    if (entries.some(({ kind }) => kind === 'resync')) this.#walk()
    else if (!this.#walking) this.#reached(entries.at(-1)!.streamId)
  }

  broken(): void {
    this.#walk()
  }

  caughtUp(): void {
    if (!this.#walking && this.upTo !== undefined) this.upTo = Date.now()
    this.#prune()
  }

  /** Goes on where a table that was kept left off, if that is still in the stream; else walks. */
  async #takeUp(streamId: string): Promise<void> {
    const { table, stream, signal } = this.has
    let position = table.position(this.domain)
    if (position === undefined) return this.#walk()
    try {
      for (;;) {
        const page = await stream.after(this.domain, position)
        if (signal.aborted) return
        if (!page || page.some(({ kind }) => kind === 'resync')) return this.#walk()
        table.put(page.flatMap(entry => (entry.kind === 'resync' ? [] : [entry.summary])))
        if (page.length === 0) break
        position = page.at(-1)!.streamId
      }
      this.#reached(position === '0-0' ? streamId : position)
      this.#done()
    } catch {
      this.#walk()
    }
  }

  #reached(streamId: string): void {
    this.has.table.setPosition(this.domain, streamId)
    this.upTo = Date.now()
    this.#prune()
  }

  #prune(): void {
    const now = Date.now()
    if (now < this.#pruneAt) return
    this.#pruneAt = now + 10 * SECOND
    this.has.table.prune(this.domain, now - this.has.retention)
  }

  #walk(): void {
    this.#walkAgain = true
    this.#walking ??= this.#walkUntilDone().finally(() => (this.#walking = undefined))
  }

  async #walkUntilDone(): Promise<void> {
    const { signal, log } = this.has
    const backoff = new Backoff(100, 5_000)
    while (this.#walkAgain && !signal.aborted) {
      this.#walkAgain = false
      try {
        await this.#walkOnce()
      } catch (error) {
        if (signal.aborted) return
        log.debug({ domain: this.domain, err: (error as Error).message }, 'index not filled')
        this.#walkAgain = true
        await backoff.wait(signal)
      }
    }
    this.#done()
  }

  async #walkOnce(): Promise<void> {
    const { table, stream, redis, prefix, signal } = this.has
    const keys = feedKeys(prefix, this.domain)
    const position = await stream.lastId(this.domain)
    const generation = table.newGeneration(this.domain)
    let cursor = '0'
    do {
      const [next, members] = await redis.zscan(keys.updated, cursor, 'COUNT', BATCH)
      cursor = String(next)
      const runIds = (members as string[]).filter((_, i) => i % 2 === 0)
      const held = runIds.length > 0 ? await stream.read(this.domain, runIds) : []
      if (signal.aborted) return
      const summaries = held.flatMap(h => ('record' in h ? [h.record.summary] : 'summary' in h ? [h.summary] : []))
      table.put(summaries, generation)
    } while (cursor !== '0')
    const whole = await stream.isWhole(this.domain)
    if (signal.aborted) return
    if (whole) table.dropBefore(this.domain, generation)
    this.#reached(position)
  }
}
