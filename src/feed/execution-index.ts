// The index of executions: Redis' records as a local table that can be searched by anything.
//
// X1. It is a projection. The table may be lost, and is filled from Redis again; what it shows is what some history said.
// X2. A row is replaced by one that covers the same or later events. A row of which no event has been read never replaces
//     another, except that a list of SWF says that an open run has closed.
// X6. A domain is followed from when it is first asked for until nobody has asked for a while; those that are kept, always.

import { setImmediate as turn } from 'node:timers/promises'
import { monotonic } from '../clock.js'
import type { Redis } from '../redis.js'
import type { Service } from '../lifecycle.js'
import { MINUTE, SECOND } from '../swf/duration.js'
import type { Log } from '../telemetry.js'
import type {
  ExecutionFilter,
  ExecutionGrouping,
  ExecutionGroups,
  ExecutionPage,
  ExecutionQuery,
  ExecutionStats,
  ExecutionStatsQuery,
} from './execution-query.js'
import { ExecutionTable } from './execution-table.js'
import { IndexedDomain, type IndexProgress } from './indexed-domain.js'
import { PollingReader } from './polling-reader.js'
import type { FeedReader } from './reader.js'
import { FeedStream, DEFAULTS } from './stream.js'
import type { ExecutionSummary } from './update.js'

export interface ExecutionIndexOptions {
  redis: Redis
  /** @default 'swf-gateway' */
  prefix?: string
  log: Log
  /** Domains to index from the start, and as long as this lives; others are while they are asked for. @default none */
  domains?: readonly string[]
  /** How long a domain is followed that nobody asks for any more, in milliseconds. @default 10 * MINUTE */
  idle?: number
  /** Tells whether somebody listens to a domain: it is followed on then. @default nobody does */
  inUse?: (domain: string) => boolean
  /** Told when a domain is followed and when it is no longer; so Redis can be kept up to date with SWF meanwhile. */
  watch?: { open(domain: string): void; close(domain: string): void }
  /** Where the table lies; a file is taken up again after a restart, and is one process' alone. @default ':memory:' */
  file?: string
  /** How long closed executions are kept, in milliseconds. @default 30 * DAY, as records in Redis are */
  retention?: number
  /** Shares the reader of this process: the index then knows of an update before any subscriber does. @default it polls Redis */
  reader?: FeedReader
  /** Redis has been found to know less than this index does of some executions: a sweep reads them from SWF again. */
  onBehind?: () => void
  /** How long `start` waits for the first walk to end, in milliseconds; it goes on afterwards. @default 5 * SECOND */
  patience?: number
}

/** How long a domain is followed that nobody asks for, unless the options say otherwise. */
const IDLE = 10 * MINUTE

/** A domain that is followed. */
interface OpenDomain {
  readonly indexed: IndexedDomain
  readonly ending: AbortController
  /** When it was last asked for, by a clock that only goes forward. */
  askedAt: number
}

/** How complete an answer is. */
export interface Indexed {
  /** Up to when the index is known to be complete, in milliseconds since 1970; absent until it has been once. */
  indexedUpTo?: number
  /** How far it is; absent when it is complete. */
  indexing?: IndexProgress
}

export class ExecutionIndex implements Service {
  readonly #table: ExecutionTable
  readonly #stream: FeedStream
  readonly #reader: Pick<FeedReader, 'follow'>
  readonly #domains = new Map<string, OpenDomain>()
  readonly #stopping = new AbortController()
  readonly #loaded: Promise<void>
  #loading: IndexProgress | undefined
  #closing: NodeJS.Timeout | undefined

  constructor(private readonly options: ExecutionIndexOptions) {
    const { redis, prefix, file = ':memory:', reader } = options
    this.#table = new ExecutionTable(file)
    this.#stream = new FeedStream(redis, prefix)
    this.#reader = reader ?? new PollingReader(this.#stream, options.log, this.#stopping.signal)
    this.#loaded = this.#load()
  }

  /** Resolves when the domains given are indexed, or patience is over; then `readiness` says how far it is. */
  async start(): Promise<void> {
    const { domains = [], idle = IDLE, patience = 5 * SECOND } = this.options
    this.#closing = setInterval(() => this.#closeIdle(), idle / 10).unref()
    const indexed = Promise.all(domains.map(domain => this.#open(domain)?.ready))
    let timer: NodeJS.Timeout | undefined
    const enough = new Promise<void>(resolve => (timer = setTimeout(resolve, patience)))
    await Promise.race([indexed, enough])
    clearTimeout(timer)
  }

  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return
    this.#stopping.abort()
    clearInterval(this.#closing)
    await Promise.all([this.#loaded, ...[...this.#domains.values()].map(({ indexed }) => indexed.stop())])
    this.#table.close()
  }

  /**
   * Lists executions; an `after` that is no cursor of this index throws an error of code BAD_USER_INPUT. `streamId` is the
   * entry up to which the feed is in the list; absent while the index is being filled.
   */
  list(domain: string, query: ExecutionQuery): ExecutionPage & Indexed & { streamId?: string } {
    const { streamId, progress } = this.#open(domain) ?? {}
    const isWhole = streamId !== undefined && progress === undefined
    return { ...this.#indexed(domain), ...this.#table.list(domain, query), ...(isWhole && { streamId }) }
  }

  /** Follows a domain from now on. */
  open(domain: string): void {
    this.#open(domain)
  }

  /** Resolves when what the feed has told so far can be listed: at once, unless the index is being filled. */
  async whole(domain: string): Promise<void> {
    await this.#open(domain)?.whole()
  }

  /** Counts executions by what they have in common. */
  groups(domain: string, filter: ExecutionFilter, by: readonly ExecutionGrouping[]): ExecutionGroups & Indexed {
    return { ...this.#indexed(domain), ...this.#table.groups(domain, filter, by) }
  }

  /** Takes figures of executions over a window, by type. */
  stats(domain: string, query: ExecutionStatsQuery): ExecutionStats & Indexed {
    return { ...this.#indexed(domain), ...this.#table.stats(domain, query) }
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

  /** Says which of the domains that are kept are not indexed yet, and how far they are; empty when all are. */
  readiness(): string[] {
    const { domains = [] } = this.options
    const behind = domains.flatMap(domain => {
      const indexed = this.#open(domain)
      return indexed && !indexed.isReady ? [{ domain, progress: indexed.progress }] : []
    })
    return behind.map(({ domain, progress }) => {
      const text = `the executions of domain ${domain} are being indexed`
      if (progress?.total === undefined) return text
      const [done, total] = [progress.done, progress.total].map(n => n.toLocaleString('en-US'))
      return `${text}: ${done} of ${total}`
    })
  }

  #indexed(domain: string): Indexed {
    const { upTo, progress } = this.#open(domain) ?? {}
    return { ...(upTo !== undefined && { indexedUpTo: upTo }), ...(progress && { indexing: progress }) }
  }

  #open(domain: string): IndexedDomain | undefined {
    const open = this.#domains.get(domain)
    if (open) open.askedAt = monotonic()
    if (open || this.#stopping.signal.aborted) return open?.indexed
    const { redis, prefix = DEFAULTS.prefix, log, retention = DEFAULTS.retention, watch, onBehind } = this.options
    const ending = new AbortController()
    const indexed = new IndexedDomain(domain, {
      table: this.#table,
      loaded: this.#loaded,
      loading: () => this.#loading,
      stream: this.#stream,
      redis,
      prefix,
      log,
      retention,
      signal: AbortSignal.any([this.#stopping.signal, ending.signal]),
      ...(onBehind && { onBehind }),
    })
    this.#domains.set(domain, { indexed, ending, askedAt: monotonic() })
    indexed.follow(this.#reader)
    watch?.open(domain)
    return indexed
  }

  /** Stops following domains that nobody has asked for; what is known of them is taken up again when somebody does. */
  #closeIdle(): void {
    const { domains = [], idle = IDLE, inUse, watch } = this.options
    const since = monotonic() - idle
    for (const [domain, { indexed, ending, askedAt }] of this.#domains) {
      if (askedAt > since || domains.includes(domain) || inUse?.(domain)) continue
      this.#domains.delete(domain)
      ending.abort()
      void indexed.stop()
      watch?.close(domain)
    }
  }

  /** Takes up what the file holds, in turns with everything else. */
  async #load(): Promise<void> {
    try {
      for (const progress of this.#table.load()) {
        this.#loading = progress
        await turn()
        if (this.#stopping.signal.aborted) break
      }
    } catch (error) {
      const { log, file } = this.options
      log.warn({ file, err: (error as Error).message }, 'index file damaged: begun anew')
    }
    this.#loading = undefined
  }
}
