// The feed as it lies in Redis: a record a run, the runs by their last update, and one stream of entries a domain.
//
// F1. A record and the entries that brought it there are written in one script, and only if the record still is what the
//     writer derived from: of two writers who race, the second is told the new record and derives again (U1).
// F2. So the entries of a run are contiguous: nothing is skipped and nothing is there twice.
// F3. Every entry names the stream's entry before it (`c`) and its run's entry before it (`b`). A reader who holds an entry
//     and reads the next one knows whether something between them has gone: trimmed, emptied, or lost in a failover.
// F4. Everything here is derived: it may be lost, and is then taken from SWF again.
// F5. No id is given out twice, even where Redis has lost its last entries and its clock has gone back (a replica was promoted whose
//     clock is behind): beside the time an id holds chance. Otherwise an entry could seem to follow one that was lost.
//
// Keys, all in one slot: `<prefix>:{<domain>}:x:<run id>` HASH, `…:updated` ZSET, `…:stream` STREAM, `…:sweep` HASH.

import type { Redis } from '../redis.js'
import { DAY } from '../swf/duration.js'
import type { Saga } from '../swf/execution-context.js'
import { resyncReason, type ResyncReason } from './resync-reason.js'
import type { Change, ExecutionSummary, RunRecord } from './update.js'

export const DEFAULTS = {
  prefix: 'swf-gateway',
  /** Entries a stream keeps, about; one is at most 2 KB, 500 bytes as a rule. */
  maxLength: 100_000,
  /** How long the record of a closed run is kept, in milliseconds. */
  retention: 30 * DAY,
}

/** The names of a domain's keys. */
export function feedKeys(prefix: string, domain: string) {
  const d = `${prefix}:{${domain}}`
  return {
    run: (runId: string) => `${d}:x:${runId}`,
    updated: `${d}:updated`,
    stream: `${d}:stream`,
    sweep: `${d}:sweep`,
    unread: `${d}:unread`,
    /** Never written: a write that changes nothing is tried on it. */
    probe: `${d}:probe`,
  }
}

/**
 * One entry of a stream. `started`: a run is known of, no event is read. `snapshot`: a run's record was made from its
 * history as a whole; what subscribers have seen of it cannot be continued. `resync`: so it is for the whole domain.
 */
export type Entry = { streamId: string; previousStreamId: string } & (
  | Change
  | { kind: 'started'; summary: ExecutionSummary }
  | { kind: 'snapshot'; summary: ExecutionSummary; quiet: boolean }
  | { kind: 'resync'; reason: ResyncReason }
)

type NewEntry =
  | Change
  | { kind: 'started'; summary: ExecutionSummary }
  | { kind: 'snapshot'; summary: ExecutionSummary; quiet: boolean }

/** What Redis holds of a run: nothing, what a list said of it (no event read), or a record. */
export type Held = { at: '-' } | { at: ''; summary: ExecutionSummary } | { at: string; record: RunRecord }

// In scripts that append: adds an entry to a stream, under an id that nobody has had (F5). In: stream, id of its last entry, chance,
// max length, fields. Out: its id.
const ADD = `
local function add(stream, last, chance, most, ...)
  local time = redis.call('TIME')
  local ms, n = time[1] * 1000 + math.floor(time[2] / 1000), 0
  local last_ms, last_n = string.match(last, '^(%d+)-(%d+)$')
  if tonumber(last_ms) >= ms then ms, n = tonumber(last_ms), tonumber(last_n) + 1 end
  local id = redis.pcall('XADD', stream, 'MAXLEN', '~', most, string.format('%.0f-%.0f', ms, n + chance), ...)
  -- Somebody has deleted newer entries.
  if type(id) == 'table' then return redis.call('XADD', stream, 'MAXLEN', '~', most, '*', ...) end
  return id
end
`
/** How much chance there is in an id. */
const CHANCE = 1_000_000
const chance = () => Math.floor(Math.random() * CHANCE)

// KEYS record, updated, stream. ARGV expected version, version, updated, summary or '', held or '', run id, max length,
// milliseconds to live or '', chance, then five an entry: kind, event id, previous event id, at, summary or a flag.
// Returns {1}, or {0, version, updated, summary, held} when the record is not at the expected version.
const APPEND = `${ADD}
local version = redis.call('HGET', KEYS[1], 'v')
if not version then version = redis.call('EXISTS', KEYS[1]) == 1 and '' or '-' end
if version ~= ARGV[1] then
  local held = redis.call('HMGET', KEYS[1], 'u', 's', 'h')
  return {0, version, held[1] or '', held[2] or '', held[3] or ''}
end
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)
local previous = last[1] and last[1][1] or '0-0'
local before = redis.call('HGET', KEYS[1], 'l') or ''
for i = 10, #ARGV, 5 do
  local kind = ARGV[i]
  if kind == 'snapshot' then before = '' end
  local summary = kind == 'snapshot' and ARGV[4] or ARGV[i + 4]
  local flag = kind == 'snapshot' and ARGV[i + 4] or ''
  previous = add(KEYS[3], previous, ARGV[9], ARGV[7], 'k', kind, 'r', ARGV[6], 'e', ARGV[i + 1],
    'p', ARGV[i + 2], 't', ARGV[i + 3], 's', summary, 'q', flag, 'b', before, 'c', previous)
  if kind ~= 'started' then before = previous end
end
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'v', ARGV[2]) end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'u', ARGV[3]) end
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 's', ARGV[4]) end
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'h', ARGV[5]) else redis.call('HDEL', KEYS[1], 'h') end
if before ~= '' then redis.call('HSET', KEYS[1], 'l', before) end
if ARGV[8] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[8]) end
if ARGV[4] ~= '' then
  local time = redis.call('TIME')
  redis.call('ZADD', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[6])
end
return {1}
`

// KEYS stream. ARGV reason, max length, chance. Appends an entry that concerns the whole domain.
const RESYNC = `${ADD}
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local previous = last[1] and last[1][1] or '0-0'
return add(KEYS[1], previous, ARGV[3], ARGV[2], 'k', 'resync', 'q', ARGV[1], 'c', previous)
`

// KEYS record, stream. ARGV the event id of the update that a subscriber has, the stream id to walk back from or '', steps.
// Returns {found: 1, gone: 0, not yet: 2, the stream id to go on from, the run's last entry, entries newest first}.
const MISSED = `
local have = tonumber(ARGV[1])
local record = redis.call('HMGET', KEYS[1], 'l', 'u')
local last = record[1] or ''
local id = ARGV[2] ~= '' and ARGV[2] or last
local entries = {}
for step = 1, tonumber(ARGV[3]) do
  local found = id ~= '' and redis.call('XRANGE', KEYS[2], id, id)[1]
  if not found then return {tonumber(record[2] or 0) == have and 1 or 0, '', last, entries} end
  local field = {}
  for i = 1, #found[2], 2 do field[found[2][i]] = found[2][i + 1] end
  if field.k == 'snapshot' then return {0, '', last, entries} end
  if field.k == 'changed' then
    local at = tonumber(field.e)
    if at == have then return {1, '', last, entries} end
    if at < have then return {0, '', last, entries} end
  end
  entries[#entries + 1] = found
  if field.k == 'changed' and tonumber(field.p) == have then return {1, '', last, entries} end
  id = field.b
end
return {2, id, last, entries}
`

type Scripts = {
  feedAppend(...args: (string | number)[]): Promise<[number, string, string, string, string]>
  feedResync(...args: (string | number)[]): Promise<string>
  feedMissed(...args: (string | number)[]): Promise<[number, string, string, RawEntry[]]>
}
type RawEntry = [id: string, fields: string[]]

const PAGE = 500

/** Reads and writes the feed of any domain. */
export class FeedStream {
  readonly #redis: Redis & Scripts
  constructor(
    redis: Redis,
    readonly prefix: string = DEFAULTS.prefix,
    private readonly limits: { maxLength?: number; retention?: number } = {},
  ) {
    if (!('feedAppend' in redis)) {
      redis.defineCommand('feedAppend', { lua: APPEND, numberOfKeys: 3 })
      redis.defineCommand('feedResync', { lua: RESYNC, numberOfKeys: 1 })
      redis.defineCommand('feedMissed', { lua: MISSED, numberOfKeys: 2 })
    }
    this.#redis = redis as Redis & Scripts
  }

  /** Reads what is held of runs, in the order asked. */
  async read(domain: string, runIds: readonly string[]): Promise<Held[]> {
    const keys = feedKeys(this.prefix, domain)
    const pipeline = this.#redis.pipeline()
    for (const runId of runIds) pipeline.hmget(keys.run(runId), 'v', 'u', 's', 'h')
    const replies = await pipeline.exec()
    return (replies ?? []).map(([error, reply]) => {
      if (error) throw error
      const [v, u, s, h] = reply as (string | null)[]
      return decodeHeld(v ?? (s ? '' : '-'), u ?? '', s ?? '', h ?? '')
    })
  }

  /**
   * Takes a run from the version `expected` to a record, with the entries that brought it there (F1).
   * Returns undefined when done, else what Redis holds instead.
   */
  async append(
    domain: string,
    runId: string,
    expected: string,
    record: Pick<RunRecord, 'summary'> & Partial<RunRecord>,
    entries: readonly NewEntry[],
  ): Promise<Held | undefined> {
    const keys = feedKeys(this.prefix, domain)
    const { maxLength = DEFAULTS.maxLength, retention = DEFAULTS.retention } = this.limits
    const changed = entries.length > 0 || expected === '-'
    const [done, ...held] = await this.#redis.feedAppend(
      keys.run(runId),
      keys.updated,
      keys.stream,
      expected,
      record.version ? encodeVersion(record.version) : '',
      record.updated === undefined ? '' : String(record.updated),
      changed ? JSON.stringify(record.summary) : '',
      record.held ? JSON.stringify(record.held) : '',
      runId,
      maxLength,
      changed && record.summary.status !== 'OPEN' ? Math.ceil(retention) : '',
      chance(),
      ...entries.flatMap(encodeEntry),
    )
    return done ? undefined : decodeHeld(...held)
  }

  /** Tells every subscriber of a domain, and every index, that what they have cannot be continued. */
  async resync(domain: string, reason: ResyncReason): Promise<void> {
    const { maxLength = DEFAULTS.maxLength } = this.limits
    await this.#redis.feedResync(feedKeys(this.prefix, domain).stream, reason, maxLength, chance())
  }

  /** Tells whether Redis has heard of every run of a domain: false while it is new or was emptied, until a sweep has listed all. */
  async isWhole(domain: string): Promise<boolean> {
    return (await this.#redis.hexists(feedKeys(this.prefix, domain).sweep, 'closed')) === 1
  }

  /** Tells whether an entry is in the stream. */
  async has(domain: string, streamId: string): Promise<boolean> {
    const { stream } = feedKeys(this.prefix, domain)
    return ((await this.#redis.call('XRANGE', stream, streamId, streamId)) as RawEntry[]).length > 0
  }

  /** The id of the stream's last entry; `0-0` when it has none. */
  async lastId(domain: string): Promise<string> {
    const found = await this.#redis.call('XREVRANGE', feedKeys(this.prefix, domain).stream, '+', '-', 'COUNT', '1')
    return (found as RawEntry[])[0]?.[0] ?? '0-0'
  }

  /** The entries after an id, oldest first, 500 at most; undefined when it cannot be proved that none is missing (F3). */
  async after(domain: string, streamId: string): Promise<Entry[] | undefined> {
    const { stream } = feedKeys(this.prefix, domain)
    const found = (await this.#redis.call('XRANGE', stream, `(${streamId}`, '+', 'COUNT', String(PAGE))) as RawEntry[]
    const entries = found.map(decodeEntry)
    if (entries[0]) return entries[0].previousStreamId === streamId ? entries : undefined
    return (await this.lastId(domain)) === streamId ? entries : this.#grown(domain, streamId)
  }

  // Nothing followed, yet the last entry is another: one was appended between the two reads, or the stream was lost.
  async #grown(domain: string, streamId: string): Promise<Entry[] | undefined> {
    const { stream } = feedKeys(this.prefix, domain)
    const found = (await this.#redis.call('XRANGE', stream, `(${streamId}`, '+', 'COUNT', String(PAGE))) as RawEntry[]
    const entries = found.map(decodeEntry)
    return entries[0]?.previousStreamId === streamId ? entries : undefined
  }

  /**
   * The entries of one run after its update `eventId`, oldest first, and the id of the run's last one;
   * undefined when they are not all there.
   */
  async missed(
    domain: string,
    runId: string,
    eventId: number,
  ): Promise<{ entries: Entry[]; lastId: string } | undefined> {
    const keys = feedKeys(this.prefix, domain)
    const entries: Entry[] = []
    let lastId: string | undefined
    for (let from = ''; ;) {
      const [found, next, last, page] = await this.#redis.feedMissed(keys.run(runId), keys.stream, eventId, from, PAGE)
      lastId ??= last
      entries.push(...page.map(decodeEntry))
      if (found === 0) return undefined
      if (found === 1) return { entries: entries.reverse(), lastId: lastId || '0-0' }
      from = next
    }
  }
}

/** Returns a version as text: `7.1`. */
export function encodeVersion({ eventId, n }: RunRecord['version']): string {
  return `${eventId}.${n}`
}

function decodeHeld(v: string, u: string, s: string, h: string): Held {
  if (v === '-') return { at: '-' }
  const summary = JSON.parse(s) as ExecutionSummary
  if (v === '') return { at: '', summary }
  const [eventId, n] = v.split('.').map(Number) as [number, 0 | 1]
  const record: RunRecord = { version: { eventId, n }, updated: Number(u), summary }
  if (h) record.held = JSON.parse(h) as Saga
  return { at: v, record }
}

function encodeEntry(entry: NewEntry): (string | number)[] {
  if (entry.kind === 'started') return ['started', '', '', '', JSON.stringify(entry.summary)]
  if (entry.kind === 'snapshot') return ['snapshot', entry.summary.eventId, '', '', entry.quiet ? '1' : '']
  return [entry.kind, entry.eventId, entry.previousEventId, entry.at, JSON.stringify(entry.summary)]
}

/** Returns what an entry of the stream says. */
export function decodeEntry([streamId, fields]: RawEntry): Entry {
  const field: Record<string, string> = {}
  for (let i = 0; i < fields.length; i += 2) field[fields[i]!] = fields[i + 1]!
  // Spread last: a literal that goes on after a spread is fifty times slower.
  const place = { streamId, previousStreamId: field.c! }
  const kind = field.k as Entry['kind']
  if (kind === 'resync') return { kind, reason: resyncReason(field.q), ...place }
  const summary = JSON.parse(field.s!) as ExecutionSummary
  if (kind === 'started') return { kind, summary, ...place }
  if (kind === 'snapshot') return { kind, summary, quiet: field.q === '1', ...place }
  return { kind, eventId: Number(field.e), previousEventId: Number(field.p), at: Number(field.t), summary, ...place }
}
