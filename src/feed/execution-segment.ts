// A segment: up to 2,048 executions that follow each other in the order of their starts, in columns.
// A condition runs over one column at a time, at about a nanosecond an execution.

export const CAPACITY = 2_048

/** When an open execution closes, to the order of closing. */
export const NEVER = Number.MAX_SAFE_INTEGER

/** Where an execution stands in the order of starts; `tie` is made of its run, so that it is the same in every index. */
export interface Key {
  startedAt: number
  tie: number
  id: number
}

/** One execution. Texts that are only compared are numbers, made by `fingerprint`. */
export interface Row extends Key {
  closedAt: number
  kind: number
  /** Which walk has found it. */
  mark: number
  workflowId: string
  tags: readonly number[]
}

/** What rows must have. Members that are absent do not filter. */
export interface RowTest {
  /** Holds 1 for each kind that passes. */
  kinds?: Uint8Array
  /** Both ends included. */
  closed?: { from: number; to: number }
  tag?: number
  workflowIdPrefix?: string
}

/** When those of a segment closed that have, and whether others are open. */
export interface Closing {
  /** NEVER when none has closed. */
  first: number
  /** 0 when none has closed. */
  last: number
  open: boolean
}

/** Orders by start: negative when the row at `i` comes before the key. */
export function compareKeys(a: Key, b: Key): number {
  return a.startedAt - b.startedAt || a.tie - b.tie || a.id - b.id
}

export class Segment {
  length = 0
  readonly startedAt = new Float64Array(CAPACITY)
  readonly tie = new Float64Array(CAPACITY)
  readonly id = new Float64Array(CAPACITY)
  readonly closedAt = new Float64Array(CAPACITY)
  readonly kind = new Uint32Array(CAPACITY)
  readonly mark = new Uint16Array(CAPACITY)
  /** The first tags of all, the second ones, and so on; 0 for none. */
  readonly #tags: Float64Array[] = []
  /** A bit for each tag that may be here, by its last 16 bits: most segments need not be searched for a rare one. */
  readonly #tagBits = new Uint32Array(2_048)
  readonly #workflowId: string[] = []
  readonly #columns: (Float64Array | Uint32Array | Uint16Array)[]
  #closing: Closing | undefined

  constructor() {
    this.#columns = [this.startedAt, this.tie, this.id, this.closedAt, this.kind, this.mark]
  }

  get closing(): Closing {
    if (this.#closing) return this.#closing
    const closing = { first: NEVER, last: 0, open: false }
    for (let i = 0; i < this.length; i++) {
      const at = this.closedAt[i]!
      if (at === NEVER) closing.open = true
      else {
        if (at < closing.first) closing.first = at
        if (at > closing.last) closing.last = at
      }
    }
    return (this.#closing = closing)
  }

  keyAt(i: number): Key {
    return { startedAt: this.startedAt[i]!, tie: this.tie[i]!, id: this.id[i]! }
  }

  /** Returns where the first row stands that does not come before a key. */
  seek({ startedAt, tie, id }: Key): number {
    let [from, to] = [0, this.length]
    while (from < to) {
      const i = (from + to) >>> 1
      const order = this.startedAt[i]! - startedAt || this.tie[i]! - tie || this.id[i]! - id
      if (order < 0) from = i + 1
      else to = i
    }
    return from
  }

  insert(i: number, row: Row): void {
    for (const column of this.#columns) column.copyWithin(i + 1, i, this.length)
    this.#workflowId.splice(i, 0, '')
    this.length++
    this.set(i, row)
  }

  set(i: number, row: Row): void {
    this.startedAt[i] = row.startedAt
    this.tie[i] = row.tie
    this.id[i] = row.id
    this.closedAt[i] = row.closedAt
    this.kind[i] = row.kind
    this.mark[i] = row.mark
    this.#workflowId[i] = row.workflowId
    while (this.#tags.length < row.tags.length) this.#addTags()
    for (const [n, column] of this.#tags.entries()) column[i] = row.tags[n] ?? 0
    for (const tag of row.tags) this.#tagBits[(tag >>> 5) & 2_047]! |= 1 << (tag & 31)
    this.#closing = undefined
  }

  remove(i: number): void {
    for (const column of this.#columns) column.copyWithin(i, i + 1, this.length)
    this.#workflowId.splice(i, 1)
    this.length--
    this.#closing = undefined
  }

  /** Moves the rows from `i` on to the end of another segment, which has room for them. */
  moveTo(other: Segment, i: number): void {
    while (other.#tags.length < this.#tags.length) other.#addTags()
    for (const [n, column] of this.#columns.entries())
      other.#columns[n]!.set(column.subarray(i, this.length), other.length)
    for (const column of other.#tags.slice(this.#tags.length))
      column.fill(0, other.length, other.length + this.length - i)
    for (const workflowId of this.#workflowId.splice(i)) other.#workflowId.push(workflowId)
    other.length += this.length - i
    this.length = i
    this.#renew()
    other.#renew()
  }

  /** Keeps of the first `count` places in `rows` those that pass, in their order; returns how many. */
  refine(rows: Uint16Array, count: number, { kinds, closed, tag, workflowIdPrefix }: RowTest): number {
    let kept = count
    if (closed && !this.#closesWithin(closed)) return 0
    if (tag !== undefined && !this.#mayHave(tag)) return 0
    if (kinds) {
      const { kind } = this
      count = kept
      kept = 0
      for (let n = 0; n < count; n++) if (kinds[kind[rows[n]!]!]) rows[kept++] = rows[n]!
    }
    if (closed) {
      const { closedAt } = this
      const { from, to } = closed
      count = kept
      kept = 0
      for (let n = 0; n < count; n++) {
        const at = closedAt[rows[n]!]!
        if (at >= from && at <= to) rows[kept++] = rows[n]!
      }
    }
    if (tag !== undefined) {
      const tags = this.#tags
      count = kept
      kept = 0
      for (let n = 0; n < count; n++) {
        const i = rows[n]!
        for (let t = 0; t < tags.length; t++)
          if (tags[t]![i] === tag) {
            rows[kept++] = i
            break
          }
      }
    }
    if (workflowIdPrefix) {
      const workflowId = this.#workflowId
      count = kept
      kept = 0
      for (let n = 0; n < count; n++) if (workflowId[rows[n]!]!.startsWith(workflowIdPrefix)) rows[kept++] = rows[n]!
    }
    return kept
  }

  #closesWithin({ from, to }: { from: number; to: number }): boolean {
    const { first, last } = this.closing
    return first <= to && last >= from
  }

  #mayHave(tag: number): boolean {
    return (this.#tagBits[(tag >>> 5) & 2_047]! & (1 << (tag & 31))) !== 0
  }

  #renew(): void {
    this.#closing = undefined
    this.#tagBits.fill(0)
    for (const column of this.#tags)
      for (const tag of column.subarray(0, this.length))
        if (tag !== 0) this.#tagBits[(tag >>> 5) & 2_047]! |= 1 << (tag & 31)
  }

  #addTags(): void {
    const column = new Float64Array(CAPACITY)
    this.#tags.push(column)
    this.#columns.push(column)
  }
}
