// Searches in the columns of a domain: pages, counts and groups.

import { fingerprint, type ExecutionColumns, type Part, type Selection } from './execution-columns.js'
import {
  decodePlace,
  type ExecutionFilter,
  type ExecutionGrouping,
  type ExecutionGroups,
  type ExecutionPage,
  type ExecutionQuery,
} from './execution-query.js'
import { compareKeys, NEVER, type Key, type Segment } from './execution-segment.js'

/** Counting stops here, unless the count is known without. */
export const COUNTED = 10_000
/** Grouping stops here: it must not keep others waiting. */
export const GROUPED = 1_000_000

/** Where an execution stands in the order asked for, and its row's id. */
export interface Found {
  time: number
  tie: number
  id: number
}

/** Narrows a search to executions that are known already, by their keys. */
export interface Within {
  among?: readonly Key[]
}

/** Returns the executions of one page, and one more if there is one, and how many there are on all pages. Throws BadCursor. */
export function search(
  columns: ExecutionColumns,
  { filter = {}, orderBy = 'STARTED_DESC', first, after }: ExecutionQuery,
  within: Within = {},
): { found: Found[]; count: ExecutionPage['count'] } {
  const selection = { ...columns.selection(filter), ...within }
  const place = after === undefined ? undefined : decodePlace(after)
  const cursor = place && { time: place.time, tie: fingerprint(place.runId) }
  const descending = orderBy.endsWith('DESC')
  const known = isOfKinds(selection) ? countOfKinds(columns, selection) : undefined
  const tally = new Tally(known)
  const most = Math.min(first + 1, known ?? Infinity)
  if (orderBy.startsWith('CLOSED')) {
    const page = new ClosePage(most, descending, cursor, selection.closed)
    collect(columns, selection, page.arrange(columns.parts(selection)), [page, tally])
    return { found: page.found, count: tally.count }
  }
  const page = new StartPage(most, descending)
  const parts = (of: Selection) => (descending ? columns.parts(of).reverse() : columns.parts(of))
  if (cursor) {
    const rest = beyond(selection, cursor, descending)
    collect(columns, rest, parts(rest), [page])
  }
  collect(columns, selection, parts(selection), cursor ? [tally] : [page, tally])
  return { found: page.found, count: tally.count }
}

/** Counts by what executions have in common, those first that started last. */
export function groups(
  columns: ExecutionColumns,
  filter: ExecutionFilter,
  by: readonly ExecutionGrouping[],
  within: Within = {},
): ExecutionGroups {
  const selection = { ...columns.selection(filter), ...within }
  if (isOfKinds(selection)) {
    const counts = columns.counts.map((count, kind) => (selection.kinds?.[kind] === 0 ? 0 : count))
    return { groups: columns.kinds.groups(counts, by), truncated: false }
  }
  const counts = new Uint32Array(columns.kinds.all.length)
  let counted = 0
  for (const part of columns.parts(selection).reverse()) {
    const { kind } = part.segment
    const rows = columns.selectIn(part, selection)
    for (const i of rows.subarray(0, GROUPED - counted)) counts[kind[i]!]!++
    counted += rows.length
    if (counted > GROUPED) break
  }
  return { groups: columns.kinds.groups(counts, by), truncated: counted > GROUPED }
}

/** Tells whether a selection is of whole kinds: how many there are of each is known. */
function isOfKinds({ closed, tag, workflowIdPrefix, from, to, among }: Selection): boolean {
  return [closed, tag, workflowIdPrefix, from, to, among].every(condition => condition === undefined)
}

/** Counts executions of the kinds that a selection lets through. */
export function countOfKinds({ counts }: ExecutionColumns, { kinds }: Selection): number {
  return counts.reduce((sum, count, kind) => (kinds?.[kind] === 0 ? sum : sum + count), 0)
}

type Cursor = Pick<Found, 'time' | 'tie'>

/** Narrows a selection to what comes behind a cursor in the order of starts. */
function beyond(selection: Selection, { time, tie }: Cursor, descending: boolean): Selection {
  if (descending) {
    const to = { startedAt: time, tie, id: 0 }
    return selection.to && compareKeys(selection.to, to) < 0 ? selection : { ...selection, to }
  }
  const from = { startedAt: time, tie, id: Infinity }
  return selection.from && compareKeys(selection.from, from) > 0 ? selection : { ...selection, from }
}

/** Takes what passes, part by part, until it has enough. */
interface Collector {
  /** Once this says no, it says so of all parts that come after. */
  wants(part: Part): boolean
  take(segment: Segment, rows: Uint16Array): void
}

function collect(
  columns: ExecutionColumns,
  selection: Selection,
  parts: readonly Part[],
  collectors: readonly Collector[],
): void {
  for (const part of parts) {
    const wanting = collectors.filter(collector => collector.wants(part))
    if (wanting.length === 0) return
    const rows = columns.selectIn(part, selection)
    if (rows.length > 0) for (const collector of wanting) collector.take(part.segment, rows)
  }
}

class Tally implements Collector {
  #value = 0
  /** @param known how many there are, where that is known without counting */
  constructor(private readonly known: number | undefined) {}

  get count(): ExecutionPage['count'] {
    if (this.known !== undefined) return { value: this.known, truncated: false }
    return { value: Math.min(this.#value, COUNTED), truncated: this.#value > COUNTED }
  }

  wants(): boolean {
    return this.known === undefined && this.#value <= COUNTED
  }

  take(_segment: Segment, { length }: Uint16Array): void {
    this.#value += length
  }
}

class StartPage implements Collector {
  readonly found: Found[] = []
  constructor(
    private readonly most: number,
    private readonly descending: boolean,
  ) {}

  wants(): boolean {
    return this.found.length < this.most
  }

  take({ startedAt, tie, id }: Segment, rows: Uint16Array): void {
    const from = this.descending ? rows.length - 1 : 0
    const step = this.descending ? -1 : 1
    for (let n = from; n >= 0 && n < rows.length && this.wants(); n += step) {
      const i = rows[n]!
      this.found.push({ time: startedAt[i]!, tie: tie[i]!, id: id[i]! })
    }
  }
}

// Segments are in the order of starts, and closes follow starts loosely. Those with the closes nearest to where the page
// begins come first: when one has none that would better what has been found, none has.
class ClosePage implements Collector {
  readonly found: Found[] = []
  readonly #sign: 1 | -1
  readonly #begin: number
  readonly #nearest = new Map<Segment, number>()
  constructor(
    private readonly most: number,
    private readonly descending: boolean,
    private readonly cursor: Cursor | undefined,
    closed: Selection['closed'],
  ) {
    this.#sign = descending ? -1 : 1
    const { from = 0, to = NEVER } = closed ?? {}
    this.#begin = descending ? Math.min(to, cursor?.time ?? NEVER) : Math.max(from, cursor?.time ?? 0)
  }

  arrange(parts: Part[]): Part[] {
    if (this.descending) parts.reverse()
    for (const { segment } of parts) this.#nearest.set(segment, this.#nearestIn(segment))
    const order = ({ segment }: Part) => this.#sign * this.#nearest.get(segment)!
    return parts.sort((a, b) => order(a) - order(b))
  }

  wants({ segment }: Part): boolean {
    const worst = this.#worst()
    return worst ? this.#sign * (this.#nearest.get(segment)! - worst.time) <= 0 : this.most > 0
  }

  take({ closedAt, tie, id }: Segment, rows: Uint16Array): void {
    const sign = this.#sign
    let worst = this.#worst()
    for (const i of rows) {
      const time = closedAt[i]!
      if (worst && sign * (time - worst.time) > 0) continue
      const one = { time, tie: tie[i]!, id: id[i]! }
      if (worst && this.#order(one, worst) >= 0) continue
      if (this.cursor && this.#order(one, this.cursor) <= 0) continue
      this.#add(one)
      worst = this.#worst()
    }
  }

  /** What one more has to better: nothing while there is room. */
  #worst(): Found | undefined {
    return this.found.length < this.most ? undefined : this.found.at(-1)
  }

  /** Returns the place nearest to the begin at which a segment may have one; behind all others when it has none there. */
  #nearestIn({ closing: { first, last, open } }: Segment): number {
    if (this.descending) {
      if (open && this.#begin === NEVER) return NEVER
      return first <= this.#begin ? Math.min(last, this.#begin) : -Infinity
    }
    if (last >= this.#begin) return Math.max(first, this.#begin)
    return open ? NEVER : Infinity
  }

  #order(a: Cursor, b: Cursor): number {
    return this.#sign * (a.time - b.time || a.tie - b.tie)
  }

  #add(one: Found): void {
    const { found } = this
    let [from, to] = [0, found.length]
    while (from < to) {
      const i = (from + to) >>> 1
      if (this.#order(found[i]!, one) < 0) from = i + 1
      else to = i
    }
    found.splice(from, 0, one)
    if (found.length > this.most) found.pop()
  }
}
