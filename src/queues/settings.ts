// Settings of a queue: an operator's record, versioned.
//
// S1. Version 0 are the deployment's defaults: the worker that starts last writes them. An operator's change makes
//     version 1 and higher, which no default overwrites.
// S2. A change is made by compare-and-set on the version. Changes without an expected version are merged into the newest.
// S3. Every worker sends what it obeys with its sign of life; when Redis has lost the settings, or holds an older
//     version, the worker's stand again (see TICK).
// S4. What changes nothing is no change: the version stays, and nothing is recorded. Every change is recorded with who, when, from and to, by the script that makes it; the newest CHANGES_KEPT are kept.

import { monotonic } from '../clock.js'
import type { Redis } from '../redis.js'
import { DAY, durationText } from '../swf/duration.js'
import { run, script } from './script.js'

/** At most `tasks` activities are polled in `per` milliseconds; unused ones are saved up to `tasks`. */
export interface RateLimit {
  tasks: number
  /** In milliseconds. */
  per: number
}

export interface QueueSettings {
  /** 0: never changed by an operator. */
  version: number
  /** Activities that the whole fleet holds at a time; 0 is the same as paused. */
  concurrency: number
  /** Activities that one process runs at a time. */
  workerConcurrency: number
  /** Tasks polled beyond those that can run at once: their clocks run while they wait. */
  prefetch: number
  paused: boolean
  rateLimit?: RateLimit
  changedBy?: string
  /** Milliseconds since 1970. */
  changedAt?: number
}

export const DEFAULT_SETTINGS = {
  version: 0,
  concurrency: 50,
  workerConcurrency: 20,
  prefetch: 0,
  paused: false,
} satisfies QueueSettings

/** What an operator may change; `rateLimit: null` takes the limit away. */
export type SettingsChange = Partial<
  Pick<QueueSettings, 'concurrency' | 'workerConcurrency' | 'prefetch' | 'paused'>
> & { rateLimit?: RateLimit | null }

/** Somebody changed the settings first. */
export class VersionConflict extends Error {
  override readonly name = 'VersionConflict'
  readonly code = 'VERSION_CONFLICT'
  constructor(
    readonly expected: number,
    readonly actual: number,
  ) {
    super(`The settings are at version ${actual}, not ${expected}: read them again, then change them`)
  }
}

/** A change that cannot be made, such as a number out of range. */
export class SettingsRefused extends RangeError {
  override readonly name = 'SettingsRefused'
  readonly code = 'BAD_USER_INPUT'
}

/** Changes of a queue's settings that are remembered. */
export const CHANGES_KEPT = 200

const RANGES = { concurrency: [0, 100_000], workerConcurrency: [1, 10_000], prefetch: [0, 10_000] } as const
const RATE_TASKS = [1, 1_000_000] as const
const RATE_PER = [100, DAY] as const

/** Returns the settings after a change, at the next version. Throws SettingsRefused. */
export function changeSettings(
  settings: QueueSettings,
  change: SettingsChange,
  changedBy: string,
  changedAt: number,
): QueueSettings {
  for (const [name, [least, most]] of Object.entries(RANGES))
    checkRange(name, change[name as keyof typeof RANGES], least, most)
  if (change.rateLimit) {
    checkRange('rateLimit.tasks', change.rateLimit.tasks, ...RATE_TASKS)
    checkPer(change.rateLimit.per)
  }
  const { rateLimit: former, ...rest } = settings
  const { rateLimit = former, ...others } = change
  const given = Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined && value !== null))
  return { ...rest, ...given, ...(rateLimit && { rateLimit }), version: settings.version + 1, changedBy, changedAt }
}

function checkRange(name: string, value: number | null | undefined, least: number, most: number): void {
  if (value === undefined || value === null) return
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new SettingsRefused(`${name} must be a whole number from ${least} to ${most}, not ${value}`)
}

function checkPer(per: number): void {
  const [least, most] = RATE_PER
  if (Number.isInteger(per) && per >= least && per <= most) return
  const [from, to, given] = [least, most, per].map(durationText)
  throw new SettingsRefused(`rateLimit.per must be ${from} or longer, up to ${to}, not ${given}`)
}

/** How many activities one process runs at a time under these settings; 0 when the queue is paused. */
export function allowedHere({ paused, concurrency, workerConcurrency }: QueueSettings): number {
  return paused ? 0 : Math.min(concurrency, workerConcurrency)
}

/** Returns the settings that Redis holds. */
export function parseSettings(text: string | null | undefined): QueueSettings | undefined {
  return text ? (JSON.parse(text) as QueueSettings) : undefined
}

export async function readSettings(redis: Redis, key: string): Promise<QueueSettings | undefined> {
  return parseSettings(await redis.get(`${key}:settings`))
}

// Shared by UPDATE and TICK: puts a change on record. In: settings before (JSON, false for none) and after, who, why.
export const RECORD_FUNCTION = `
local function record(from, to, by, why)
  local parts = { '{"at":', now, ',"by":', cjson.encode(by), ',"why":"', why, '","from":', from or 'null', ',"to":', to, '}' }
  redis.call('LPUSH', q .. ':changes', table.concat(parts))
  redis.call('LTRIM', q .. ':changes', 0, ${CHANGES_KEPT - 1})
end
`

// UPDATE: changes the settings if they are still those that the caller has read.
// In: expected version (-1: none stored), settings (JSON), who. Out: 1, or 0 when the version is another. Keeps S2, S4.
const UPDATE = script(
  'UPDATE',
  `${RECORD_FUNCTION}
local text = redis.call('GET', q .. ':settings')
local version = text and cjson.decode(text).version or -1
if version ~= tonumber(ARGV[1]) then return 0 end
redis.call('SET', q .. ':settings', ARGV[2])
record(text, ARGV[2], ARGV[3], 'OPERATOR')
return 1
`,
)

/** How long an operator's change waits for a live worker to put lost settings back, in milliseconds. */
const PATIENCE = 1_500

/** Reads the settings; when they are lost although a worker may be alive, gives it time to put them back. */
async function readStanding(redis: Redis, key: string): Promise<QueueSettings | undefined> {
  for (const end = monotonic() + PATIENCE; ; await new Promise(resolve => setTimeout(resolve, 100))) {
    const settings = await readSettings(redis, key)
    if (settings || monotonic() >= end) return settings
  }
}

/**
 * Changes the settings of a queue; resolves to those before and after.
 * Rejects with VersionConflict when `expectedVersion` is given and another stands, and with SettingsRefused.
 */
export async function updateSettings(
  redis: Redis,
  key: string,
  change: SettingsChange,
  changedBy: string,
  expectedVersion?: number,
): Promise<{ settings: QueueSettings; previous: QueueSettings }> {
  for (;;) {
    const stored = await readStanding(redis, key)
    const previous = stored ?? DEFAULT_SETTINGS
    if (expectedVersion !== undefined && previous.version !== expectedVersion)
      throw new VersionConflict(expectedVersion, previous.version)
    const settings = changeSettings(previous, change, changedBy, Date.now())
    if (same(settings, previous)) return { settings: previous, previous }
    const done = await run(redis, UPDATE, key, [stored?.version ?? -1, JSON.stringify(settings), changedBy])
    if (done === 1) return { settings, previous }
  }
}

/** Tells whether an operator finds the same in both. */
function same(a: QueueSettings, b: QueueSettings): boolean {
  const what = ({ concurrency, workerConcurrency, prefetch, paused, rateLimit }: QueueSettings) =>
    JSON.stringify([concurrency, workerConcurrency, prefetch, paused, rateLimit?.tasks, rateLimit?.per])
  return what(a) === what(b)
}

/** One change of a queue's settings. */
export interface RecordedChange {
  /** Milliseconds since 1970. */
  at: number
  /** An operator, or the worker that brought the defaults or put lost settings back. */
  by: string
  why: 'OPERATOR' | 'DEFAULTS' | 'RESTORED'
  /** Null when Redis held none. */
  from: QueueSettings | null
  to: QueueSettings
}

/** Returns the newest changes of a queue's settings, the newest first. */
export async function readChanges(redis: Redis, key: string, count: number): Promise<RecordedChange[]> {
  if (count === 0) return []
  const texts = await redis.lrange(`${key}:changes`, 0, count - 1)
  return texts.map(text => JSON.parse(text) as RecordedChange)
}
