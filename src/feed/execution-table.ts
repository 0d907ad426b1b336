// The table of executions: an SQLite database in this process, in memory or in a file, of what lists show; and beside it, in
// memory, columns of what they search by.

import type Database from 'libsql'
import { ExecutionColumns, fingerprint } from './execution-columns.js'
import {
  encodePlace,
  type ExecutionFilter,
  type ExecutionGrouping,
  type ExecutionGroups,
  type ExecutionPage,
  type ExecutionQuery,
  type ExecutionStats,
  type ExecutionStatsQuery,
} from './execution-query.js'
import { countOfKinds, groups, search, type Within } from './execution-search.js'
import type { Key } from './execution-segment.js'
import { stats } from './execution-stats.js'
import { openDatabase, removeDatabase } from './index-database.js'
import type { ExecutionSummary } from './update.js'

/** Rows that one call loads or drops: it must not keep others waiting. */
const AT_ONCE = 500
/** A beginning of workflowIds that fewer have than this is looked up; else the columns are searched. */
const NARROW = 1_000

/** What is known of a run before it is put again. */
interface Held {
  id: number
  started_at: number
  open: number
  event_id: number
  summary: string
}

export class ExecutionTable {
  #db: Database.Database
  readonly #statements = new Map<string, Database.Statement>()
  readonly #domains = new Map<string, ExecutionColumns>()

  /** @param file where it lies, or `:memory:`; it must be this table's alone */
  constructor(private readonly file: string) {
    this.#db = openDatabase(file)
  }

  /**
   * Takes up what the file holds, step by step; yields how much of it has been taken up. Throws, and begins anew with an
   * empty table, when the file cannot be read to its end.
   */
  *load(): Generator<{ done: number; total: number }> {
    try {
      yield* this.#load()
    } catch (error) {
      this.#beginAnew()
      throw error
    }
  }

  *#load(): Generator<{ done: number; total: number }> {
    const { total } = this.#statement('SELECT count(*) AS total FROM execution').get() as { total: number }
    const read = this.#statement('SELECT id, summary FROM execution WHERE id > ? ORDER BY id LIMIT ?')
    for (let [done, last] = [0, 0]; ;) {
      const rows = read.all(last, AT_ONCE) as { id: number; summary: string }[]
      if (rows.length === 0) return
      for (const { id, summary: text } of rows) {
        const summary = JSON.parse(text) as ExecutionSummary
        this.#columns(summary.domain).put(id, summary)
      }
      last = rows.at(-1)!.id
      yield { done: (done += rows.length), total }
    }
  }

  /** Adds rows, or replaces those that they are newer than (X2 of the index). Returns those that know less than their rows. */
  put(summaries: readonly ExecutionSummary[]): ExecutionSummary[] {
    if (summaries.length === 0) return []
    const changes: (() => unknown)[] = []
    const behind: ExecutionSummary[] = []
    this.#db.transaction(() => {
      for (const summary of summaries) changes.push(this.#putOne(summary, behind))
    })()
    for (const change of changes) change()
    return behind
  }

  /** Writes a row; returns what is to be done in the columns once that is committed. */
  #putOne(summary: ExecutionSummary, behind: ExecutionSummary[]): () => unknown {
    const { domain, runId, workflowId, startedAt, parent, eventId } = summary
    const columns = this.#columns(domain)
    const text = JSON.stringify(summary)
    const open = summary.status === 'OPEN' ? 1 : 0
    const held = this.#statement(
      'SELECT id, started_at, open, event_id, summary FROM execution WHERE domain = ? AND run_id = ?',
    ).get(domain, runId) as Held | undefined
    if (!held) {
      const { lastInsertRowid } = this.#statement('INSERT INTO execution VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)').run(
        ...[domain, runId, workflowId, parent?.runId ?? null, open, startedAt, eventId, text],
      )
      return () => columns.put(Number(lastInsertRowid), summary)
    }
    const { id } = held
    const before = keyOf({ id, run_id: runId, started_at: held.started_at })
    const closes = held.open === 1 && open === 0
    const newer = eventId > held.event_id || (eventId === held.event_id && eventId > 0) || closes
    if (eventId < held.event_id || (held.open === 0 && open === 1)) behind.push(summary)
    if (!newer || text === held.summary)
      return () => columns.touch(before) || columns.put(id, JSON.parse(held.summary) as ExecutionSummary)
    this.#statement(
      'UPDATE execution SET parent_run_id = ?, open = ?, started_at = ?, event_id = ?, summary = ? WHERE id = ?',
    ).run(parent?.runId ?? null, open, startedAt, Math.max(eventId, held.event_id), text, id)
    return () => columns.put(id, summary, before)
  }

  list(domain: string, query: ExecutionQuery): ExecutionPage {
    const columns = this.#columns(domain)
    const { filter = {}, first } = query
    const { found, count } = search(columns, query, this.#within(domain, filter))
    const shown = found.slice(0, first)
    const items = shown.map(one => this.#summary(one))
    return {
      items,
      cursors: items.map(({ runId }, i) => encodePlace({ time: shown[i]!.time, runId })),
      hasNextPage: found.length > first,
      count,
    }
  }

  /** Counts executions by what they have in common. */
  groups(domain: string, filter: ExecutionFilter, by: readonly ExecutionGrouping[]): ExecutionGroups {
    return groups(this.#columns(domain), filter, by, this.#within(domain, filter))
  }

  /** Takes figures of executions over a window, by type. */
  stats(domain: string, query: ExecutionStatsQuery): ExecutionStats {
    return stats(this.#columns(domain), query, this.#within(domain, query.filter ?? {}))
  }

  find(domain: string, workflowId: string, runId?: string): ExecutionSummary | undefined {
    const row = (
      runId === undefined
        ? this.#statement(
            `SELECT summary FROM execution WHERE domain = ? AND workflow_id = ?
             ORDER BY open DESC, started_at DESC LIMIT 1`,
          ).get(domain, workflowId)
        : this.#statement('SELECT summary FROM execution WHERE domain = ? AND run_id = ? AND workflow_id = ?').get(
            ...[domain, runId, workflowId],
          )
    ) as { summary: string } | undefined
    return row && (JSON.parse(row.summary) as ExecutionSummary)
  }

  /** How many executions of a domain have a status. */
  count(domain: string, status: string): number {
    const columns = this.#columns(domain)
    return countOfKinds(columns, columns.selection({ status: [status] }))
  }

  /** How many executions of a domain there are. */
  size(domain: string): number {
    return this.#columns(domain).size
  }

  /** The stream entry up to which this table is filled; undefined when it never was. */
  position(domain: string): string | undefined {
    const row = this.#statement('SELECT stream_id FROM position WHERE domain = ?').get(domain) as
      { stream_id: string } | undefined
    return row?.stream_id
  }

  setPosition(domain: string, streamId: string): void {
    this.#statement(
      'INSERT INTO position VALUES (?, ?) ON CONFLICT (domain) DO UPDATE SET stream_id = excluded.stream_id',
    ).run(domain, streamId)
  }

  /** Begins a generation: rows put from now on belong to it, whether they are news or not. */
  newGeneration(domain: string): void {
    this.#columns(domain).nextGeneration()
  }

  /** Drops some of the rows of earlier generations, but for those that are to be kept; returns whether there are more. */
  dropEarlier(domain: string, keeps: (summary: ExecutionSummary) => boolean = () => false): boolean {
    const columns = this.#columns(domain)
    const earlier = columns.earlier(AT_ONCE)
    const kept = earlier.filter(key => keeps(this.#summary(key)))
    for (const key of kept) columns.touch(key)
    this.#drop(
      domain,
      earlier.filter(key => !kept.includes(key)),
    )
    return earlier.length === AT_ONCE
  }

  /** Drops some of the executions that closed before a time; returns whether there are more. */
  prune(domain: string, closedBefore: number): boolean {
    return this.#drop(domain, this.#columns(domain).closedBefore(closedBefore, AT_ONCE))
  }

  close(): void {
    this.#db.close()
  }

  #beginAnew(): void {
    this.#db.close()
    this.#statements.clear()
    this.#domains.clear()
    removeDatabase(this.file)
    this.#db = openDatabase(this.file)
  }

  #drop(domain: string, keys: readonly Key[]): boolean {
    if (keys.length === 0) return false
    const columns = this.#columns(domain)
    this.#db.transaction(() => {
      for (const { id } of keys) this.#statement('DELETE FROM execution WHERE id = ?').run(id)
    })()
    for (const key of keys) columns.remove(key)
    return keys.length === AT_ONCE
  }

  #summary({ id }: { id: number }): ExecutionSummary {
    const { summary } = this.#statement('SELECT summary FROM execution WHERE id = ?').get(id) as { summary: string }
    return JSON.parse(summary) as ExecutionSummary
  }

  /** Looks up what only few executions have: the children of one, or a workflowId that begins so. */
  #within(domain: string, { parent, workflowIdPrefix }: ExecutionFilter): Within {
    if (parent) {
      const sql = 'SELECT id, run_id, started_at FROM execution WHERE domain = ? AND parent_run_id = ?'
      return { among: (this.#statement(sql).all(domain, parent.runId) as RowKey[]).map(keyOf) }
    }
    if (!workflowIdPrefix) return {}
    // A workflowId has at most 256 characters: nothing with this prefix comes after.
    const range = [domain, workflowIdPrefix, workflowIdPrefix + '\u{10ffff}'.repeat(257)]
    const begins = 'FROM execution WHERE domain = ? AND workflow_id >= ? AND workflow_id < ?'
    if (this.#statement(`SELECT 1 ${begins} LIMIT 1 OFFSET ?`).get(...range, NARROW)) return {}
    return { among: (this.#statement(`SELECT id, run_id, started_at ${begins}`).all(...range) as RowKey[]).map(keyOf) }
  }

  #columns(domain: string): ExecutionColumns {
    let columns = this.#domains.get(domain)
    if (!columns) this.#domains.set(domain, (columns = new ExecutionColumns()))
    return columns
  }

  #statement(sql: string): Database.Statement {
    let statement = this.#statements.get(sql)
    if (!statement) this.#statements.set(sql, (statement = this.#db.prepare(sql)))
    return statement
  }
}

interface RowKey {
  id: number
  run_id: string
  started_at: number
}

function keyOf({ id, run_id: runId, started_at: startedAt }: RowKey): Key {
  return { startedAt, tie: fingerprint(runId), id }
}
