// The executions of a domain as lists search them: in columns, in the order of their starts.
//
// C1. A search reads a few numbers of each execution and hardly any text, so that it is done with a million executions in
//     milliseconds, whatever the conditions and however they go together. No condition needs an index.
// C2. Runs and tags are compared as fingerprints of 52 bits. That any two of a million are alike has a chance of one in
//     10,000; that another one is like the one that is looked for, of less than one in 10 to the 9.

import { hash } from 'node:crypto'
import { Kinds } from './execution-kind.js'
import type { ExecutionFilter } from './execution-query.js'
import { CAPACITY, compareKeys, NEVER, Segment, type Key, type Row, type RowTest } from './execution-segment.js'
import type { ExecutionSummary } from './update.js'

/** A segment, or some places in it. */
export interface Part {
  segment: Segment
  places?: readonly number[]
}

/** Which rows. */
export interface Selection extends RowTest {
  /** The first key that belongs to it, and the first one behind it that does not. */
  from?: Key
  to?: Key
  /** Only these, in the order of their starts. */
  among?: readonly Key[]
}

/** Two segments that hold no more than this become one. */
const SPARSE = CAPACITY / 2

export class ExecutionColumns {
  readonly kinds = new Kinds()
  /** How many there are of each kind. */
  readonly counts: number[] = []
  #generation = 0
  readonly #segments: Segment[] = []

  get size(): number {
    return this.counts.reduce((sum, count) => sum + count, 0)
  }

  /** Adds an execution, or replaces the one that stood at `before`. */
  put(id: number, summary: ExecutionSummary, before?: Key): void {
    const row = this.#row(id, summary)
    if (before && compareKeys(before, row) !== 0) this.remove(before)
    this.counts[row.kind] = (this.counts[row.kind] ?? 0) + 1
    const [place, i] = this.#find(row)
    const segment = this.#segments[place]
    if (segment && this.#isAt(segment, i, row)) {
      this.counts[segment.kind[i]!]!--
      segment.set(i, row)
    } else this.#insert(place, i, row)
  }

  /** Begins a generation: rows that are put or touched from now on belong to it. */
  nextGeneration(): void {
    this.#generation = (this.#generation + 1) % 2 ** 16
  }

  /** Returns some rows of earlier generations. */
  earlier(most: number): Key[] {
    const found: Key[] = []
    for (const segment of this.#segments)
      for (let i = 0; i < segment.length; i++) {
        if (segment.mark[i] === this.#generation) continue
        found.push(segment.keyAt(i))
        if (found.length === most) return found
      }
    return found
  }

  /** Returns some of the executions that closed before a time. */
  closedBefore(time: number, most: number): Key[] {
    const found: Key[] = []
    const selection = { closed: { from: 0, to: time - 1 } }
    for (const part of this.parts(selection)) {
      const { segment } = part
      for (const i of this.selectIn(part, selection).subarray(0, most - found.length)) found.push(segment.keyAt(i))
      if (found.length === most) break
    }
    return found
  }

  /** Lets an execution belong to this generation as it is; returns whether it is here. */
  touch(key: Key): boolean {
    const [place, i] = this.#find(key)
    const segment = this.#segments[place]
    if (!segment || !this.#isAt(segment, i, key)) return false
    segment.mark[i] = this.#generation
    return true
  }

  remove(key: Key): void {
    const [place, i] = this.#find(key)
    const segment = this.#segments[place]
    if (!segment || !this.#isAt(segment, i, key)) return
    this.counts[segment.kind[i]!]!--
    segment.remove(i)
    const next = this.#segments[place + 1]
    if (next && segment.length + next.length <= SPARSE) {
      next.moveTo(segment, 0)
      this.#segments.splice(place + 1, 1)
    }
    if (segment.length === 0) this.#segments.splice(place, 1)
  }

  /** Returns where a selection has to look, in the order of starts. */
  parts({ from, to, among }: Selection): Part[] {
    const first = from ? this.#find(from)[0] : 0
    const segments = this.#segments.slice(first, to && this.#find(to)[0] + 1)
    if (!among) return segments.map(segment => ({ segment }))
    const places = this.#placesOf(among)
    return segments.flatMap(segment => (places.has(segment) ? [{ segment, places: places.get(segment)! }] : []))
  }

  /** Returns the places in one part that pass, in the order of starts; they hold until this is called again. */
  selectIn({ segment, places }: Part, { from, to, ...test }: Selection): Uint16Array {
    const first = from ? segment.seek(from) : 0
    const end = to ? segment.seek(to) : segment.length
    let count = 0
    if (places) for (const i of places.filter(place => place >= first && place < end)) scratch[count++] = i
    else for (let i = first; i < end; i++) scratch[count++] = i
    return scratch.subarray(0, segment.refine(scratch, count, test))
  }

  /** Returns the conditions of a filter, but for its parent. */
  selection(filter: ExecutionFilter): Selection {
    const { tag, workflowIdPrefix, startedAfter, startedBefore, closedAfter, closedBefore } = filter
    const { type, version, status, sagaState, stuck } = filter
    const anyKind = [type, version, status, sagaState, stuck].every(value => value === undefined)
    return {
      ...(!anyKind && { kinds: this.kinds.passing(filter) }),
      ...((closedAfter !== undefined || closedBefore !== undefined) && {
        closed: { from: closedAfter ?? 0, to: Math.min(closedBefore ?? NEVER, NEVER - 1) },
      }),
      ...(tag !== undefined && { tag: fingerprint(tag) }),
      ...(workflowIdPrefix && { workflowIdPrefix }),
      ...(startedAfter !== undefined && { from: keyBefore(startedAfter) }),
      ...(startedBefore !== undefined && { to: keyBehind(startedBefore) }),
    }
  }

  #row(id: number, summary: ExecutionSummary): Row {
    const { runId, workflowId, startedAt, closedAt = NEVER, tags } = summary
    return {
      startedAt,
      tie: fingerprint(runId),
      id,
      closedAt,
      kind: this.kinds.idOf(summary),
      mark: this.#generation,
      workflowId,
      tags: tags.map(fingerprint),
    }
  }

  /** Returns the segment that a key belongs to, and its place there. */
  #find(key: Key): [place: number, i: number] {
    let [from, to] = [0, this.#segments.length]
    while (to - from > 1) {
      const middle = (from + to) >>> 1
      if (compareKeys(this.#segments[middle]!.keyAt(0), key) > 0) to = middle
      else from = middle
    }
    return [from, this.#segments[from]?.seek(key) ?? 0]
  }

  #isAt(segment: Segment, i: number, key: Key): boolean {
    return i < segment.length && compareKeys(segment.keyAt(i), key) === 0
  }

  #insert(place: number, i: number, row: Row): void {
    let segment = this.#segments[place]
    if (!segment) this.#segments.push((segment = new Segment()))
    if (segment.length === CAPACITY) {
      const next = new Segment()
      this.#segments.splice(place + 1, 0, next)
      // Executions mostly come in the order of their starts: what is full then stays full.
      const half = i === CAPACITY ? CAPACITY : CAPACITY / 2
      segment.moveTo(next, half)
      if (i >= half) [segment, i] = [next, i - half]
    }
    segment.insert(i, row)
  }

  #placesOf(keys: readonly Key[]): Map<Segment, number[]> {
    const places = new Map<Segment, number[]>()
    for (const key of keys) {
      const [place, i] = this.#find(key)
      const segment = this.#segments[place]
      if (!segment || !this.#isAt(segment, i, key)) continue
      const known = places.get(segment)
      if (known) known.push(i)
      else places.set(segment, [i])
    }
    for (const found of places.values()) found.sort((a, b) => a - b)
    return places
  }
}

/** The places that a search is at: one search at a time goes through a segment. */
const scratch = new Uint16Array(CAPACITY)

/** The key before all executions that started at a time, and the one behind them. */
export const keyBefore = (startedAt: number): Key => ({ startedAt, tie: -1, id: 0 })
export const keyBehind = (startedAt: number): Key => ({ startedAt, tie: Infinity, id: 0 })

/** Returns a number that stands for a text: the same everywhere, and another one for another text. */
export function fingerprint(text: string): number {
  return Number.parseInt(hash('sha1', text).slice(0, 13), 16)
}
