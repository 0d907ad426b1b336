// The sweeper: finds what nobody published: runs that others started, terminations, timeouts, closes whose decider died.
//
// Z1. SWF's lists only nominate a run; what is published is read from its history.
// Z2. A sweep goes back to the newest start and close that the last whole sweep saw, and some time further: lists are
//     eventually consistent. The marks move only when everything that the sweep found has been dealt with.
// Z3. One gateway sweeps a domain at a time, by a lease. The lease saves calls; two sweepers at once do no harm.
// Z5. What Redis was seen to know it may forget: where the stream's last entry of a sweep is gone by the next one, Redis has fallen
//     behind (or trimmed much), and everything within the sweep's reach is looked at again. Runs that an index knows more of are
//     named by it (X5) and read at once.
// Z4. Where Redis has no marks (it is new, or was emptied) everything is listed. Records are made of the lists first, so that
//     the index shows every run soon, then of the histories, newest first, as snapshots. Subscribers are told after each.

import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { monotonic } from '../clock.js'
import type { Service } from '../lifecycle.js'
import { isRedisAway, type Redis } from '../redis.js'
import type { SwfClient, WorkflowExecutionInfo } from '../swf/client.js'
import { HOUR, MINUTE, SECOND } from '../swf/duration.js'
import { SwfFault } from '../swf/errors.js'
import { HistoryIncomplete } from '../swf/history.js'
import type { WorkflowExecution } from '../swf/history-event.js'
import type { Log } from '../telemetry.js'
import { listedAt, listedSummary, listPages, type List } from './listing.js'
import type { PublishOptions, Publisher } from './publisher.js'
import { DEFAULTS, feedKeys, FeedStream, type Held } from './stream.js'
import type { Tail } from './tail.js'

export interface SweeperOptions {
  swf: SwfClient
  redis: Redis
  publisher: Publisher
  tail: Tail
  /** @default 'swf-gateway' */
  prefix?: string
  /** Entries that a domain's stream keeps, about. @default 100_000 */
  maxLength?: number
  log: Log
  /** Swept from the start to the end; others between `open` and `close`. */
  domains: readonly string[]
  /** How often a domain is swept, in milliseconds: about 5 seconds suits a local SWF. @default 60 * SECOND */
  interval?: number
  /** How far a sweep goes back beyond what the last one saw, in milliseconds. @default 12 intervals, at most 10 * MINUTE */
  lookback?: number
  /** The most calls to SWF a second. @default 20; for an interval under 30 seconds, which only a local SWF bears, 1_000 */
  callsPerSecond?: number
}

type Script = { feedLease(sweep: string, holder: string, milliseconds: number): Promise<[number, string, string]> }

// KEYS sweep. ARGV holder, milliseconds. Returns {1, newest start seen, newest close seen} to the holder, else {0}.
const LEASE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = redis.call('HMGET', KEYS[1], 'holder', 'until')
-- A lease that ends later than any could was taken before the clock of Redis was set back.
local left = tonumber(lease[2] or 0) - now
if lease[1] and lease[1] ~= ARGV[1] and left > 0 and left <= 2 * ARGV[2] then return {0} end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', now + ARGV[2])
local marks = redis.call('HMGET', KEYS[1], 'opened', 'closed')
return {1, marks[1] or '', marks[2] or ''}
`

/** Runs that are remembered as settled. */
const SETTLED = 100_000
/** How long a start waits for the first sweep, in milliseconds. */
const FIRST_SWEEP = SECOND
/** Histories read at a time, and how many of them at once. */
const BATCH = 50
const AT_ONCE = 8

export class Sweeper implements Service {
  readonly #id = randomUUID()
  readonly #redis: Redis & Script
  readonly #stream: FeedStream
  readonly #stopping = new AbortController()
  readonly #interval: number
  readonly #lookback: number
  readonly #pause: number
  readonly #prefix: string
  /** Listed runs that Redis was seen to know as they are listed: a sweep sees most runs many times. */
  readonly #settled = new Set<string>()
  #settledUntil = 0
  #nextCall = 0
  readonly #swept = new Map<string, { ending: AbortController; signal: AbortSignal; running: Promise<void> }>()
  readonly #closing = new Map<string, Promise<void>>()
  /** By domain: the stream's last entry as a sweep ended. */
  readonly #seen = new Map<string, string>()
  /** Ends the waits for the next sweep; replaced as it does. */
  #wake = new AbortController()

  constructor(private readonly options: SweeperOptions) {
    const { redis, prefix = DEFAULTS.prefix, interval = 60 * SECOND, lookback, callsPerSecond } = options
    if (!('feedLease' in redis)) redis.defineCommand('feedLease', { lua: LEASE, numberOfKeys: 1 })
    this.#redis = redis as Redis & Script
    this.#stream = new FeedStream(redis, prefix, options)
    this.#prefix = prefix
    this.#interval = interval
    this.#lookback = lookback ?? Math.min(12 * interval, 10 * MINUTE)
    this.#pause = SECOND / (callsPerSecond ?? (interval < 30 * SECOND ? 1_000 : 20))
  }

  /**
   * Resolves when every domain has been swept once, after a second at the latest: what is started once a gateway listens
   * is then no news to the first sweep of a new domain.
   */
  async start(): Promise<void> {
    const swept = this.options.domains.map(domain => new Promise<void>(resolve => this.open(domain, resolve)))
    const { signal } = this.#stopping
    await Promise.race([Promise.all(swept), delay(FIRST_SWEEP, undefined, { signal }).catch(() => undefined)])
  }

  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return
    this.#stopping.abort()
    const domains = new Set([...this.options.domains, ...this.#swept.keys()])
    await Promise.all([...domains].map(domain => this.close(domain)))
  }

  /** Sweeps a domain from now on; `swept` is called when it has been once. */
  open(domain: string, swept: () => void = () => {}): void {
    const closing = this.#closing.get(domain)
    if (closing) return void closing.then(() => this.open(domain, swept))
    if (this.#stopping.signal.aborted || this.#swept.has(domain)) return
    const ending = new AbortController()
    const signal = AbortSignal.any([this.#stopping.signal, ending.signal])
    // The signal has to be there before the first sweep asks for it.
    const running = Promise.resolve().then(() => this.#run(domain, signal, swept))
    this.#swept.set(domain, { ending, signal, running })
  }

  /** Ends that, and gives its lease back; never rejects. */
  async close(domain: string): Promise<void> {
    let closing = this.#closing.get(domain)
    if (!closing) this.#closing.set(domain, (closing = this.#close(domain).finally(() => this.#closing.delete(domain))))
    await closing
  }

  async #close(domain: string): Promise<void> {
    const { ending, running } = this.#swept.get(domain) ?? {}
    ending?.abort()
    await running
    this.#swept.delete(domain)
    const { sweep } = feedKeys(this.#prefix, domain)
    const holder = await this.#redis.hget(sweep, 'holder').catch(() => undefined)
    if (holder === this.#id) await this.#redis.hdel(sweep, 'holder', 'until').catch(() => undefined)
  }

  /** Aborted when a domain is to be swept no more. */
  #signalOf(domain: string): AbortSignal {
    return this.#swept.get(domain)?.signal ?? this.#stopping.signal
  }

  async #run(domain: string, signal: AbortSignal, swept: () => void): Promise<void> {
    let failing = false
    while (!signal.aborted) {
      const next = monotonic() + this.#interval
      const wake = this.#wake
      try {
        await this.sweep(domain)
        swept()
        failing = false
      } catch (error) {
        if (signal.aborted) return
        this.options.log[failing ? 'debug' : 'warn']({ domain, err: (error as Error).message }, 'sweep failed')
        failing = true
      }
      const woken = AbortSignal.any([signal, wake.signal])
      await delay(Math.max(next - monotonic(), 100), undefined, { signal: woken }).catch(() => undefined)
    }
  }

  /** Sweeps next as soon as it can: there are runs to read. */
  soon(): void {
    this.#wake.abort()
    this.#wake = new AbortController()
  }

  /** Sweeps a domain once, unless another sweeper does. Rejects when SWF or Redis is out of reach. */
  async sweep(domain: string): Promise<void> {
    const enough = monotonic() + this.#interval
    const marks = await this.#lease(domain)
    if (!marks) return
    const anew = marks.closed === undefined
    const seen = this.#seen.get(domain)
    const behind = seen !== undefined && !(await this.#stream.has(domain, seen))
    if (anew || behind || this.#settled.size > SETTLED || monotonic() > this.#settledUntil) {
      this.#settled.clear()
      this.#settledUntil = monotonic() + HOUR
    }
    const opened = await this.#list(domain, 'open', marks.opened, anew)
    const closed = await this.#list(domain, 'closed', marks.closed, anew)
    if (anew && opened.found + closed.found > 0) await this.#stream.resync(domain, 'ALL_READ_ANEW')
    const { sweep } = feedKeys(this.#prefix, domain)
    await this.#redis.hset(sweep, 'opened', opened.newest, 'closed', closed.newest)
    await this.#readUnread(domain, enough)
    await this.#forget(domain)
    this.#seen.set(domain, await this.#stream.lastId(domain))
  }

  /** Pages a list back to its mark, and deals with the runs that Redis does not know so. */
  async #list(
    domain: string,
    list: List,
    mark: number | undefined,
    anew: boolean,
  ): Promise<{ newest: number; found: number }> {
    const { swf, publisher } = this.options
    const { unread } = feedKeys(this.#prefix, domain)
    const oldestDate = new Date(Math.max(0, (mark ?? 0) - this.#lookback))
    let newest = mark ?? 0
    let found = 0
    await this.#pace(domain)
    for await (const infos of listPages(swf, domain, list, oldestDate)) {
      for (const info of infos) newest = Math.max(newest, listedAt(list, info))
      const unknown = await this.#news(domain, list, infos)
      found += unknown.length
      const executions = unknown.map(({ execution }) => execution as WorkflowExecution)
      if (anew && executions.length > 0) {
        await publisher.listed(
          domain,
          unknown.map(info => listedSummary(domain, info)),
        )
        await this.#redis.rpush(unread, ...executions.map(execution => JSON.stringify(execution)))
      } else {
        await this.#tailAll(domain, executions, { untilClosed: list === 'closed' })
      }
      await this.#keepLease(domain)
      await this.#pace(domain)
    }
    return { newest, found }
  }

  /** Returns those listed runs of which Redis does not know what the list says. */
  async #news(
    domain: string,
    list: List,
    infos: readonly WorkflowExecutionInfo[],
  ): Promise<readonly WorkflowExecutionInfo[]> {
    const key = (info: WorkflowExecutionInfo) => `${list} ${info.execution!.runId}`
    const unsettled = infos.filter(info => !this.#settled.has(key(info)))
    const held = await this.#stream.read(
      domain,
      unsettled.map(({ execution }) => execution!.runId!),
    )
    return unsettled.filter((info, i) => {
      if (isNews(list, held[i]!)) return true
      this.#settled.add(key(info))
      return false
    })
  }

  /** Makes records of the histories of runs that have been listed only, for as long as the time allows. */
  async #readUnread(domain: string, enough: number): Promise<void> {
    const { unread } = feedKeys(this.#prefix, domain)
    while (monotonic() < enough) {
      const batch = await this.#redis.lrange(unread, 0, BATCH - 1)
      if (batch.length === 0) return
      const executions = batch.map(text => JSON.parse(text) as WorkflowExecution)
      await this.#tailAll(domain, executions, { unknown: 'quiet' })
      if (batch.length < BATCH) await this.#stream.resync(domain, 'ALL_READ_ANEW')
      await this.#redis.ltrim(unread, batch.length, -1)
      await this.#keepLease(domain)
    }
  }

  async #tailAll(
    domain: string,
    executions: readonly WorkflowExecution[],
    options: { untilClosed?: boolean } & PublishOptions,
  ): Promise<void> {
    const { tail, log } = this.options
    const rest = executions.values()
    const work = async () => {
      for (const execution of rest) {
        this.#signalOf(domain).throwIfAborted()
        await this.#pace(domain)
        try {
          await tail.tail(domain, execution, options)
        } catch (error) {
          if (comesBack(error)) throw error
          // Its retention has ended since it was listed, or its history is beyond us: neither may hold up the others.
          log.warn({ domain, ...execution, err: (error as Error).message }, 'run not read')
        }
      }
    }
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, executions.length) }, work))
  }

  /** Takes runs out of the order of updates whose records are past their retention. */
  async #forget(domain: string): Promise<void> {
    const { updated } = feedKeys(this.#prefix, domain)
    const old = Date.now() - DEFAULTS.retention
    const runIds = await this.#redis.zrangebyscore(updated, '-inf', old, 'LIMIT', 0, 1_000)
    if (runIds.length === 0) return
    const held = await this.#stream.read(domain, runIds)
    for (const [i, runId] of runIds.entries()) {
      if (held[i]!.at === '-') await this.#redis.zrem(updated, runId)
      else await this.#redis.zadd(updated, 'XX', Date.now(), runId)
    }
  }

  async #lease(domain: string): Promise<{ opened?: number; closed?: number } | undefined> {
    const { sweep } = feedKeys(this.#prefix, domain)
    const [mine, opened, closed] = await this.#redis.feedLease(sweep, this.#id, 2 * this.#interval + SECOND)
    if (!mine) return undefined
    return { ...(opened && { opened: Number(opened) }), ...(closed && { closed: Number(closed) }) }
  }

  async #keepLease(domain: string): Promise<void> {
    this.#signalOf(domain).throwIfAborted()
    if (!(await this.#lease(domain))) throw new Error('another sweeper took over')
  }

  /** Waits until the next call to SWF is due. */
  async #pace(domain: string): Promise<void> {
    const now = monotonic()
    this.#nextCall = Math.max(now, this.#nextCall + this.#pause)
    if (this.#nextCall > now + 1) await delay(this.#nextCall - now, undefined, { signal: this.#signalOf(domain) })
  }
}

/** Tells whether what failed may work later. */
function comesBack(error: unknown): boolean {
  return isRedisAway(error) || error instanceof HistoryIncomplete || (error instanceof SwfFault && error.retryable)
}

/** Tells whether a list knows of a run what Redis does not. One that has only been listed is going to be read anyway. */
function isNews(list: List, held: Held): boolean {
  if (held.at === '-') return true
  return list === 'closed' && 'record' in held && held.record.summary.status === 'OPEN'
}
