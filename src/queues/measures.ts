// What happened on a queue, measured: counts and times, kept for an hour.
//
// M1. Measures are taken by the scripts that change a task anyway: they cost no round trip, and are written once a call.
// M2. One hash a minute, which deletes itself. A field is `a|measure|type` for an activity type or `p|measure|process` for a
//     process; those of the queue are the sums.
// M3. Times go into buckets, each 2^¼ = 19 % wider than the one before, so that minutes and types can be added up; a
//     percentile read from them is at most 10 % off (and a millisecond: Redis' clock is read in whole ones).

import type { Redis } from '../redis.js'
import { typeOfKey } from '../swf/type-key.js'

const MINUTE = 60_000
/** The longest time over which measures can be asked for, in milliseconds. */
export const LONGEST_WINDOW = 60 * MINUTE
const KEPT = LONGEST_WINDOW + 5 * MINUTE

/** In every script: `measure(field …)` counts, `bucket(ms)` says where a time belongs. */
export const MEASURE_FUNCTIONS = `
local counts = {}
local function bucket(ms)
  if ms < 1 then return 0 end
  return math.floor(4 * math.log(ms) / math.log(2) + 1e-9) + 1
end
local function measure(field, n) counts[field] = (counts[field] or 0) + (n or 1) end
`

/** At the end of every script: writes what was counted. */
export const WRITE_MEASURES = `
if next(counts) then
  local minute = q .. ':m:' .. math.floor(now / ${MINUTE})
  local fresh = redis.call('EXISTS', minute) == 0
  for field, n in pairs(counts) do redis.call('HINCRBY', minute, field, n) end
  if fresh then redis.call('PEXPIRE', minute, ${KEPT}) end
end
`

/** How a run ended, as it is counted; `handed_back`: given back to SWF for another try. */
const OUTCOMES = ['completed', 'failed', 'canceled', 'handed_back'] as const
export type CountedOutcome = (typeof OUTCOMES)[number]

type Counted = CountedOutcome | 'retry' | 'takeover' | 'fenced' | 'expired' | 'dropped' | 'lost' | 'ms'

/** Times at which a share of the runs were done, in milliseconds. */
export interface Percentiles {
  count: number
  p50: number
  p95: number
  p99: number
}

interface Outcomes {
  completed: number
  failed: number
  canceled: number
  handedBack: number
  /** Completed among those that completed or failed; undefined when there were none. */
  successRate?: number
}

export interface Measures extends Outcomes {
  /** From the poll to the beginning of the first run; undefined when nothing began. */
  wait?: Percentiles
  /** From the beginning of a run to its outcome; undefined when nothing ended. */
  run?: Percentiles
  /** Runs of a second or later try. */
  retries: number
  /** Tasks taken over from a process that was no longer alive. */
  takeovers: number
  /** Runs whose outcome, or whose heartbeat, was refused since another run owned the task. */
  fenced: number
  /** Tasks whose time was over before a process could run them. */
  expired: number
  /** Runs that ended without an outcome here: SWF had timed them out or closed them, or Redis was away. */
  dropped: number
  /** Tasks whose job was lost twice: left to SWF's timeout. */
  lost: number
}

export interface ProcessMeasures extends Outcomes {
  process: string
  /** Runs of a second or later try that it began. */
  retries: number
  /** Tasks taken over from it. */
  takeovers: number
  /** Its runs that were refused since another run owned the task. */
  fenced: number
  /** Mean run time in milliseconds. */
  meanRun?: number
}

export interface QueueMeasures extends Measures {
  /** Beginning of what was counted, in milliseconds since 1970: a whole minute. */
  since: number
  /** Outcomes a second. */
  throughput: number
  activityTypes: (Measures & { name: string; version: string })[]
  processes: ProcessMeasures[]
}

/** Reads what happened within the last `window` milliseconds, to the whole minute. Rejects as Redis does. */
export async function readMeasures(redis: Redis, key: string, window: number): Promise<QueueMeasures> {
  const [seconds, micros] = await redis.time()
  const now = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)
  const last = Math.floor(now / MINUTE)
  const first = last - Math.ceil(Math.min(window, LONGEST_WINDOW) / MINUTE)
  const minutes = await Promise.all(
    Array.from({ length: last - first + 1 }, (_, i) => redis.hgetall(`${key}:m:${first + i}`)),
  )
  return sum(minutes, first * MINUTE, now)
}

/** Adds minutes up. */
export function sum(minutes: readonly Record<string, string>[], since: number, now: number): QueueMeasures {
  const types = new Map<string, Tally>()
  const processes = new Map<string, Tally>()
  const all = new Tally()
  for (const minute of minutes)
    for (const [field, text] of Object.entries(minute)) {
      const [kind, measure, ...rest] = field.split('|')
      const tallies = kind === 'a' ? types : processes
      const subject = rest.join('|')
      let tally = tallies.get(subject)
      if (!tally) tallies.set(subject, (tally = new Tally()))
      tally.add(measure!, Number(text))
      if (kind === 'a') all.add(measure!, Number(text))
    }
  const ended = OUTCOMES.reduce((total, outcome) => total + all.count(outcome), 0)
  return {
    since,
    throughput: ended / Math.max(1, (now - since) / 1_000),
    ...all.measures(),
    activityTypes: sorted(types).map(([type, tally]) => ({ ...typeOfKey(type), ...tally.measures() })),
    processes: sorted(processes).map(([process, tally]) => {
      const ran = OUTCOMES.reduce((total, outcome) => total + tally.count(outcome), 0)
      const [retries, takeovers, fenced] = [tally.count('retry'), tally.count('takeover'), tally.count('fenced')]
      const mean = ran > 0 && { meanRun: tally.count('ms') / ran }
      return { process, ...tally.outcomes(), retries, takeovers, fenced, ...mean }
    }),
  }
}

function sorted(tallies: Map<string, Tally>): [string, Tally][] {
  return [...tallies].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Counts and times of one subject. */
class Tally {
  readonly #counts = new Map<string, number>()
  readonly #times = { w: new Map<number, number>(), r: new Map<number, number>() }

  add(measure: string, count: number): void {
    const [, kind, number] = /^([wr])(\d+)$/.exec(measure) ?? []
    const counts: Map<string | number, number> = kind ? this.#times[kind as 'w' | 'r'] : this.#counts
    const name = number === undefined ? measure : Number(number)
    counts.set(name, (counts.get(name) ?? 0) + count)
  }

  count(what: Counted): number {
    return this.#counts.get(what) ?? 0
  }

  outcomes(): Outcomes {
    const [completed, failed] = [this.count('completed'), this.count('failed')]
    return {
      completed,
      failed,
      canceled: this.count('canceled'),
      handedBack: this.count('handed_back'),
      ...(completed + failed > 0 && { successRate: completed / (completed + failed) }),
    }
  }

  measures(): Measures {
    const [wait, run] = [percentiles(this.#times.w), percentiles(this.#times.r)]
    return {
      ...this.outcomes(),
      ...(wait && { wait }),
      ...(run && { run }),
      retries: this.count('retry'),
      takeovers: this.count('takeover'),
      fenced: this.count('fenced'),
      expired: this.count('expired'),
      dropped: this.count('dropped'),
      lost: this.count('lost'),
    }
  }
}

/** Reads percentiles from buckets; undefined when they are empty. */
export function percentiles(buckets: ReadonlyMap<number, number>): Percentiles | undefined {
  const ordered = [...buckets].sort(([a], [b]) => a - b)
  const count = ordered.reduce((total, [, n]) => total + n, 0)
  if (count === 0) return undefined
  const at = (share: number): number => {
    let below = 0
    for (const [index, n] of ordered) {
      below += n
      if (below >= share * count) return middle(index)
    }
    return middle(ordered.at(-1)![0])
  }
  return { count, p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

/** The geometric middle of a bucket, in milliseconds, rounded to three digits. */
function middle(index: number): number {
  return index === 0 ? 0 : Number((2 ** ((index - 0.5) / 4)).toPrecision(3))
}
