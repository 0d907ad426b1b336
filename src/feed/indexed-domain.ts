// One domain of the index: takes in what Redis holds, then follows its stream.
//
// X3. The index follows the stream before it walks the records, so nothing falls between; where the stream cannot be
//     followed on, it walks again. What a walk does not find is dropped only when Redis is whole.
// X5. A Redis that has fallen behind (its last writes were lost, a replica promoted without them) knows less than the index does:
//     older records, which are named to the sweeper, who reads those runs from SWF; and none of what has started since, which SWF's
//     lists tell the sweeper. Nothing is dropped for it.
// X4. It says that it is complete up to a time only once Redis has heard of every run, and it has all that Redis has.

import { setImmediate as turn } from 'node:timers/promises'
import { monotonic } from '../clock.js'
import { Backoff } from '../lifecycle.js'
import type { Redis } from '../redis.js'
import { SECOND } from '../swf/duration.js'
import type { Log } from '../telemetry.js'
import type { ExecutionTable } from './execution-table.js'
import type { FeedReader, Follower, Following } from './reader.js'
import { feedKeys, type Entry, type FeedStream, type Held } from './stream.js'
import type { ExecutionSummary } from './update.js'

/** How far the index is on its way to be complete. */
export interface IndexProgress {
  /** Executions that it has read, of `total`; else those that it has. */
  done: number
  /** How many there are to read, about; undefined while Redis itself has not heard of all. */
  total?: number
}

export interface IndexedDomainOptions {
  table: ExecutionTable
  /** Ends when the table holds again what its file does. */
  loaded: Promise<void>
  /** How far that is, until it has ended. */
  loading: () => IndexProgress | undefined
  stream: FeedStream
  redis: Redis
  prefix: string
  log: Log
  /** How long closed executions are kept, in milliseconds. */
  retention: number
  signal: AbortSignal
  /** There is something for the sweeper (X5). */
  onBehind?: () => void
}

/** Records read at a time. */
const BATCH = 250
/** How often closed executions are dropped, in milliseconds. */
const PRUNE = 10 * SECOND

export class IndexedDomain implements Follower {
  /** When the index was last known to be complete, in milliseconds since 1970. */
  upTo: number | undefined
  /** The stream's entry up to which it is filled; undefined before it has been for the first time. */
  streamId: string | undefined
  /** It holds what Redis holds, complete or not. */
  isReady = false
  /** Resolves when it is, or is stopped. */
  readonly ready: Promise<void>
  #resolveReady!: () => void
  #following: Following | undefined
  #walked: IndexProgress | undefined
  #walking: Promise<void> | undefined
  #walkAgain = false
  /** Redis had heard of every run when it was last asked. */
  #swept = false
  #waiting: Promise<void> | undefined
  #pruning: Promise<void> | undefined
  #pruneAt = 0
  /** Runs that have been named to the sweeper, and of which Redis still knew less: they are not named again. */
  #named = new Set<string>()

  constructor(
    private readonly domain: string,
    private readonly has: IndexedDomainOptions,
  ) {
    this.ready = new Promise(resolve => (this.#resolveReady = resolve))
  }

  /** Undefined when the index is complete. */
  get progress(): IndexProgress | undefined {
    const step = this.#walked ?? this.has.loading()
    if (step) return step
    return this.#swept ? undefined : { done: this.has.table.size(this.domain) }
  }

  follow(reader: Pick<FeedReader, 'follow'>): void {
    this.#following = reader.follow(this.domain, this, { first: true })
    void Promise.all([this.#following.ready, this.has.loaded]).then(() => this.#takeUp())
  }

  async stop(): Promise<void> {
    this.#following?.stop()
    this.#resolveReady()
    await Promise.all([this.#walking, this.#waiting, this.#pruning])
  }

  /** Resolves when it holds everything that it has been told of. */
  async whole(): Promise<void> {
    await this.ready
    while (this.#walking) await this.#walking
  }

  entries(entries: readonly Entry[]): void {
    try {
      this.has.table.put(entries.flatMap(entry => (entry.kind === 'resync' ? [] : [entry.summary])))
    } catch (error) {
      // The file cannot be written: what it lacks is read again when it can.
      this.has.log.warn({ domain: this.domain, err: (error as Error).message }, 'index not written')
      return this.#walk()
    }
    if (entries.some(({ kind }) => kind === 'resync')) this.#walk()
    else if (this.isReady && !this.#walking) this.#reached(entries.at(-1)!.streamId)
  }

  broken(): void {
    this.#walk()
  }

  caughtUp(): void {
    if (this.#swept && !this.#walking) this.upTo = Date.now()
    this.#prune()
  }

  /** Goes on where a table that was kept left off, if that is still in the stream; else walks. */
  async #takeUp(): Promise<void> {
    const { table, stream, signal } = this.has
    if (signal.aborted) return
    let position = table.position(this.domain)
    try {
      while (position !== undefined) {
        const page = await stream.after(this.domain, position)
        if (signal.aborted) return
        if (!page || page.some(({ kind }) => kind === 'resync')) break
        table.put(page.flatMap(entry => (entry.kind === 'resync' ? [] : [entry.summary])))
        if (page.length > 0) {
          position = page.at(-1)!.streamId
          continue
        }
        this.#swept = await stream.isWhole(this.domain)
        if (signal.aborted) return
        if (!this.#swept) break
        this.#reached(position)
        return this.#becomeReady()
      }
    } catch (error) {
      this.has.log.debug({ domain: this.domain, err: (error as Error).message }, 'index not taken up')
    }
    this.#walk()
  }

  #becomeReady(): void {
    this.isReady = true
    this.#resolveReady()
  }

  #reached(streamId: string): void {
    this.streamId = streamId
    if (this.#swept) {
      this.has.table.setPosition(this.domain, streamId)
      this.upTo = Date.now()
    }
    this.#prune()
  }

  #prune(): void {
    const now = monotonic()
    if (this.#pruning || now < this.#pruneAt) return
    this.#pruneAt = now + PRUNE
    const { table, retention, log } = this.has
    this.#pruning = this.#inTurns(() => table.prune(this.domain, Date.now() - retention))
      .catch((error: Error) => log.warn({ domain: this.domain, err: error.message }, 'index not pruned'))
      .finally(() => (this.#pruning = undefined))
  }

  /** Takes steps until one says that there are no more, and lets others have their turn between them. */
  async #inTurns(step: () => boolean): Promise<void> {
    const { signal } = this.has
    while (!signal.aborted && step()) await turn()
  }

  #walk(): void {
    if (this.has.signal.aborted) return
    this.#walkAgain = true
    this.#walking ??= this.#walkUntilDone().finally(() => {
      this.#walking = undefined
      this.#walked = undefined
    })
  }

  async #walkUntilDone(): Promise<void> {
    const { signal, log, loaded } = this.has
    const backoff = new Backoff(100, 5_000)
    await loaded
    while (this.#walkAgain && !signal.aborted) {
      this.#walkAgain = false
      try {
        await this.#walkOnce()
        this.#becomeReady()
      } catch (error) {
        if (signal.aborted) return
        log.debug({ domain: this.domain, err: (error as Error).message }, 'index not filled')
        this.#walkAgain = true
        await backoff.wait(signal)
      }
    }
  }

  async #walkOnce(): Promise<void> {
    const { table, stream, redis, prefix, signal } = this.has
    const keys = feedKeys(prefix, this.domain)
    const position = await stream.lastId(this.domain)
    const total = await redis.zcard(keys.updated)
    if (signal.aborted) return
    table.newGeneration(this.domain)
    let done = 0
    const behind: ExecutionSummary[] = []
    this.#walked = { done, total }
    let cursor = '0'
    do {
      const [next, members] = await redis.zscan(keys.updated, cursor, 'COUNT', BATCH)
      cursor = String(next)
      const runIds = (members as string[]).filter((_, i) => i % 2 === 0)
      const held = runIds.length > 0 ? await stream.read(this.domain, runIds) : []
      if (signal.aborted) return
      const older = new Set(table.put(held.flatMap(summaryOf)))
      // What is only listed is going to be read anyway.
      behind.push(...held.flatMap(h => ('record' in h && older.has(h.record.summary) ? [h.record.summary] : [])))
      done += runIds.length
      this.#walked = { done, total: Math.max(done, total) }
    } while (cursor !== '0')
    const knewAll = this.#swept
    this.#swept = await stream.isWhole(this.domain)
    // Where Redis has just heard of every run, what it does not know is gone; where it had before, it may have forgotten it.
    let kept = false
    const keeps = ({ closedAt = Infinity }: ExecutionSummary) => {
      const keep = knewAll && closedAt > Date.now() - this.has.retention
      kept ||= keep
      return keep
    }
    if (this.#swept) {
      await this.#inTurns(() => table.dropEarlier(this.domain, keeps))
      if ((await this.#nameBehind(behind)) || kept) this.has.onBehind?.()
    } else this.#waiting ??= this.#waitUntilSwept().finally(() => (this.#waiting = undefined))
    if (signal.aborted) return
    this.#pruneAt = 0
    this.#reached(position)
  }

  /** Names runs to the sweeper of which Redis still knows less (X5); resolves to whether there are any. */
  async #nameBehind(suspects: readonly ExecutionSummary[]): Promise<boolean> {
    const { table, stream, redis, prefix, log } = this.has
    const { unread } = feedKeys(prefix, this.domain)
    const still = new Set<string>()
    let named = 0
    for (let i = 0; i < suspects.length; i += BATCH) {
      const some = suspects.slice(i, i + BATCH)
      const held = await stream.read(
        this.domain,
        some.map(({ runId }) => runId),
      )
      // It may have been read before somebody wrote it.
      const behind = table.put(held.flatMap(summaryOf))
      for (const { runId } of behind) still.add(runId)
      const news = behind.filter(({ runId }) => !this.#named.has(runId))
      const executions = news.map(({ workflowId, runId }) => JSON.stringify({ workflowId, runId }))
      if (executions.length > 0) await redis.rpush(unread, ...executions)
      named += news.length
    }
    this.#named = still
    if (named > 0)
      log.warn(
        { domain: this.domain, executions: named },
        'redis has fallen behind: executions are read from SWF again',
      )
    return named > 0
  }

  /** Walks again once Redis has heard of every run. */
  async #waitUntilSwept(): Promise<void> {
    const { stream, signal } = this.has
    const backoff = new Backoff(20, 2_000)
    for (;;) {
      await backoff.wait(signal)
      if (signal.aborted || this.#swept) return
      // A walk at work finds out by itself.
      if (!this.#walking && (await stream.isWhole(this.domain).catch(() => false))) return this.#walk()
    }
  }
}

function summaryOf(held: Held): ExecutionSummary[] {
  return 'record' in held ? [held.record.summary] : 'summary' in held ? [held.summary] : []
}
