// Figures of executions over a window of time, by type.

import { keyBefore, keyBehind, type ExecutionColumns, type Selection } from './execution-columns.js'
import type { Kind } from './execution-kind.js'
import type {
  Durations,
  ExecutionFigures,
  ExecutionStats,
  ExecutionStatsQuery,
  TypeFigures,
} from './execution-query.js'
import type { Within } from './execution-search.js'
import { compareKeys, NEVER } from './execution-segment.js'

/** Takes figures of what started, and of what closed, within a window. */
export function stats(
  columns: ExecutionColumns,
  { from, to, filter = {}, versions = false }: ExecutionStatsQuery,
  within: Within = {},
): ExecutionStats {
  const { all } = columns.kinds
  const types = new Map<string, { kind: Kind; figures: Figures }>()
  const figuresOf = all.map(kind => {
    const key = JSON.stringify([kind.type, versions && kind.version])
    let type = types.get(key)
    if (!type) types.set(key, (type = { kind, figures: new Figures() }))
    return type.figures
  })

  const selection = { ...columns.selection(filter), ...within }
  const durations = all.map(({ status }, id) => (status === 'COMPLETED' ? figuresOf[id]!.durations : undefined))
  const starts = startedWithin(columns, selection, { from, to })
  const closes = closedWithin(columns, selection, { from, to }, durations)
  for (const [id, { status }] of all.entries()) figuresOf[id]!.take(status, starts[id]!, closes[id]!)

  const busy = [...types.values()].filter(({ figures }) => figures.count > 0)
  const total = new Figures()
  for (const { figures } of busy) total.add(figures)
  return {
    total: total.result(),
    types: busy
      .sort((one, other) => other.figures.count - one.figures.count)
      .map(({ kind, figures }): TypeFigures => ({
        type: kind.type,
        ...(versions && { version: kind.version }),
        ...figures.result(),
      })),
  }
}

interface Window {
  from: number
  to: number
}

/** Counts what started within a window, by kind. */
function startedWithin(columns: ExecutionColumns, selection: Selection, window: Window): Uint32Array {
  const [from, to] = [keyBefore(window.from), keyBehind(window.to)]
  const started = {
    ...selection,
    from: selection.from && compareKeys(selection.from, from) > 0 ? selection.from : from,
    to: selection.to && compareKeys(selection.to, to) < 0 ? selection.to : to,
  }
  const counts = new Uint32Array(columns.kinds.all.length)
  for (const part of columns.parts(started)) {
    const { kind } = part.segment
    for (const i of columns.selectIn(part, started)) counts[kind[i]!]!++
  }
  return counts
}

/** Counts what closed within a window, by kind; those kinds that have `durations` put in there how long it took. */
function closedWithin(
  columns: ExecutionColumns,
  selection: Selection,
  { from, to }: Window,
  durations: readonly (DurationCounts | undefined)[],
): Uint32Array {
  const within = selection.closed ?? { from: 0, to: NEVER - 1 }
  const closed = { ...selection, closed: { from: Math.max(within.from, from), to: Math.min(within.to, to) } }
  const counts = new Uint32Array(columns.kinds.all.length)
  for (const part of columns.parts(closed)) {
    const { kind, startedAt, closedAt } = part.segment
    for (const i of columns.selectIn(part, closed)) {
      const id = kind[i]!
      counts[id]!++
      durations[id]?.take(closedAt[i]! - startedAt[i]!)
    }
  }
  return counts
}

const COUNTED = {
  COMPLETED: 'completed',
  FAILED: 'failed',
  TIMED_OUT: 'timedOut',
  TERMINATED: 'terminated',
  CANCELED: 'canceled',
  CONTINUED_AS_NEW: 'continuedAsNew',
} as const satisfies Record<Exclude<Kind['status'], 'OPEN'>, keyof ExecutionFigures>

class Figures {
  /** Started or closed. */
  count = 0
  readonly durations = new DurationCounts()
  #started = 0
  readonly #closed = { completed: 0, failed: 0, timedOut: 0, terminated: 0, canceled: 0, continuedAsNew: 0 }

  take(status: Kind['status'], started: number, closed: number): void {
    this.count += started + closed
    this.#started += started
    if (status !== 'OPEN') this.#closed[COUNTED[status]] += closed
  }

  add(other: Figures): void {
    this.count += other.count
    this.#started += other.#started
    for (const member of Object.values(COUNTED)) this.#closed[member] += other.#closed[member]
    this.durations.add(other.durations)
  }

  result(): ExecutionFigures {
    const { completed, timedOut, terminated } = this.#closed
    const failed = this.#closed.failed + timedOut + terminated
    const ended = completed + failed
    const duration = this.durations.result()
    return {
      started: this.#started,
      ...this.#closed,
      failed,
      ...(ended > 0 && { successRate: completed / ended }),
      ...(duration && { duration }),
    }
  }
}

/** Durations in buckets, each 1/16 of a power of two wide, as the bits of the numbers have it. */
class DurationCounts {
  #counts: Uint32Array | undefined

  take(duration: number): void {
    this.#counts ??= new Uint32Array(BUCKETS)
    this.#counts[bucketOf(Math.max(0, duration))]!++
  }

  add(other: DurationCounts): void {
    if (!other.#counts) return
    this.#counts ??= new Uint32Array(BUCKETS)
    for (let bucket = 0; bucket < BUCKETS; bucket++) this.#counts[bucket]! += other.#counts[bucket]!
  }

  result(): Durations | undefined {
    const counts = this.#counts
    if (!counts) return undefined
    const count = counts.reduce((sum, n) => sum + n, 0)
    const percentile = (share: number) => {
      let rest = Math.ceil(count * share)
      return middleOf(counts.findIndex(n => (rest -= n) <= 0))
    }
    return { count, p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99) }
  }
}

const bits = new DataView(new ArrayBuffer(8))
/** What 1 begins with. */
const ONE = 0x3ff0

/** Sign, exponent and the first four bits of the fraction are a number's first 16 bits. */
function bucketOf(duration: number): number {
  bits.setFloat64(0, duration + 1)
  return bits.getUint16(0) - ONE
}

function startOf(bucket: number): number {
  bits.setFloat64(0, 0)
  bits.setUint16(0, bucket + ONE)
  return bits.getFloat64(0) - 1
}

/** Returns the whole number in the middle of those that a bucket holds. */
function middleOf(bucket: number): number {
  return Math.floor((Math.ceil(startOf(bucket)) + Math.ceil(startOf(bucket + 1)) - 1) / 2)
}

const BUCKETS = bucketOf(NEVER) + 1
