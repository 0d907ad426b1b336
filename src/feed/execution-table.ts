// The table of executions: an SQLite database in this process, in memory or in a file.
// One row a run, with what lists filter and sort by in columns, and the summary as JSON.

import Database from 'libsql'
import { BadCursor } from './cursor.js'
import type { ExecutionSummary } from './update.js'

/** Times are milliseconds since 1970, both ends included. Members that are absent do not filter. */
export interface ExecutionFilter {
  type?: string
  version?: string
  status?: readonly string[]
  sagaState?: readonly string[]
  tag?: string
  workflowIdPrefix?: string
  startedAfter?: number
  startedBefore?: number
  closedAfter?: number
  closedBefore?: number
  stuck?: boolean
  parent?: { workflowId: string; runId: string }
}

/** Open executions count as closed last. */
export type ExecutionOrder = 'STARTED_DESC' | 'STARTED_ASC' | 'CLOSED_DESC' | 'CLOSED_ASC'

export interface ExecutionQuery {
  filter?: ExecutionFilter
  /** @default 'STARTED_DESC' */
  orderBy?: ExecutionOrder
  first: number
  after?: string
}

export interface ExecutionPage {
  items: ExecutionSummary[]
  /** One an item, to pass as `after`. */
  cursors: string[]
  hasNextPage: boolean
  /** Of all that the filter lets through; exact up to 10,000. */
  count: { value: number; truncated: boolean }
}

/** What executions are counted by. */
export type ExecutionGrouping = 'TYPE' | 'VERSION' | 'STATUS' | 'SAGA_STATE' | 'STUCK'

/** How many executions have these in common; a member is there when it was grouped by. */
export interface ExecutionGroup {
  type?: string
  version?: string
  status?: string
  /** Absent also for executions without a saga. */
  sagaState?: string
  stuck?: boolean
  count: number
}

export interface ExecutionGroups {
  /** The largest first. */
  groups: ExecutionGroup[]
  /** Only so many executions were counted, those that started last. */
  truncated: boolean
}

/** Counting stops here. */
const COUNTED = 10_000
/** Grouping stops here: it must not keep others waiting. */
const GROUPED = 100_000
const GROUP_COLUMNS = {
  TYPE: 'type',
  VERSION: 'version',
  STATUS: 'status',
  SAGA_STATE: 'saga_state',
  STUCK: 'stuck',
} as const satisfies Record<ExecutionGrouping, string>
/** Executions that one call drops: it must not keep others waiting. */
const PRUNED = 1_000
/** When an open execution closes, to the order of closing. */
const NEVER = Number.MAX_SAFE_INTEGER

const SCHEMA = `
CREATE TABLE IF NOT EXISTS execution (
  domain TEXT NOT NULL, run_id TEXT NOT NULL, workflow_id TEXT NOT NULL, type TEXT NOT NULL, version TEXT NOT NULL,
  status TEXT NOT NULL, saga_state TEXT, stuck INTEGER NOT NULL, started_at INTEGER NOT NULL, closed_at INTEGER NOT NULL,
  parent_run_id TEXT, event_id INTEGER NOT NULL, generation INTEGER NOT NULL, summary TEXT NOT NULL,
  PRIMARY KEY (domain, run_id)
);
CREATE INDEX IF NOT EXISTS by_start ON execution (domain, started_at, run_id);
CREATE INDEX IF NOT EXISTS by_close ON execution (domain, closed_at, run_id);
CREATE INDEX IF NOT EXISTS by_workflow ON execution (domain, workflow_id, started_at);
CREATE INDEX IF NOT EXISTS by_status ON execution (domain, status, started_at, run_id);
CREATE INDEX IF NOT EXISTS by_type ON execution (domain, type, started_at, run_id);
CREATE INDEX IF NOT EXISTS by_saga ON execution (domain, saga_state, started_at, run_id) WHERE saga_state IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_stuck ON execution (domain, started_at, run_id) WHERE stuck = 1;
CREATE INDEX IF NOT EXISTS by_parent ON execution (domain, parent_run_id, started_at, run_id) WHERE parent_run_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS tag (
  domain TEXT NOT NULL, tag TEXT NOT NULL, run_id TEXT NOT NULL, PRIMARY KEY (domain, tag, run_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tags_of ON tag (run_id);
CREATE TABLE IF NOT EXISTS position (domain TEXT PRIMARY KEY, stream_id TEXT, generation INTEGER NOT NULL);
`
const VERSION = 1

// X2 of the index: the newer row wins; the same row only gets the generation of the walk that found it.
const PUT = `
INSERT INTO execution VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (domain, run_id) DO UPDATE SET
  type = excluded.type, version = excluded.version, status = excluded.status, saga_state = excluded.saga_state,
  stuck = excluded.stuck, started_at = excluded.started_at, closed_at = excluded.closed_at,
  parent_run_id = excluded.parent_run_id, event_id = max(event_id, excluded.event_id), summary = excluded.summary,
  generation = excluded.generation
WHERE excluded.event_id > event_id OR (excluded.event_id = event_id AND event_id > 0)
  OR (status = 'OPEN' AND excluded.status <> 'OPEN')
`

export class ExecutionTable {
  readonly #db: Database.Database
  readonly #statements = new Map<string, Database.Statement>()
  readonly #generations = new Map<string, number>()

  constructor(file: string) {
    this.#db = openDatabase(file)
  }

  /** Adds rows, or replaces those that they are newer than. */
  put(summaries: readonly ExecutionSummary[], generation?: number): void {
    if (summaries.length === 0) return
    this.#db.transaction(() => {
      for (const summary of summaries) this.#putOne(summary, generation)
    })()
  }

  #putOne(summary: ExecutionSummary, generation: number | undefined): void {
    const { domain, runId, workflowId, type, status, saga, stuck, tags, startedAt, closedAt, parent, eventId } = summary
    const current = generation ?? this.#generation(domain)
    this.#statement(PUT).run(
      ...[domain, runId, workflowId, type.name, type.version, status, saga?.state ?? null, stuck ? 1 : 0],
      ...[startedAt, closedAt ?? NEVER, parent?.runId ?? null, eventId, current, JSON.stringify(summary)],
    )
    if (generation !== undefined) {
      const sql = 'UPDATE execution SET generation = ? WHERE domain = ? AND run_id = ? AND generation < ?'
      this.#statement(sql).run(generation, domain, runId, generation)
    }
    for (const tag of tags) this.#statement('INSERT OR IGNORE INTO tag VALUES (?, ?, ?)').run(domain, tag, runId)
  }

  list(domain: string, { filter = {}, orderBy = 'STARTED_DESC', first, after }: ExecutionQuery): ExecutionPage {
    const where = conditions(domain, filter)
    const column = orderBy.startsWith('STARTED') ? 'started_at' : 'closed_at'
    const [direction, beyond] = orderBy.endsWith('DESC') ? ['DESC', '<'] : ['ASC', '>']
    const rest = after === undefined ? where : where.and(`(${column}, run_id) ${beyond} (?, ?)`, ...decodePlace(after))
    const rows = this.#statement(
      `SELECT summary, ${column} AS place FROM execution WHERE ${rest.sql} ORDER BY ${column} ${direction}, run_id ${direction} LIMIT ?`,
    ).all(...rest.values, first + 1) as { summary: string; place: number }[]
    const found = this.#statement(`SELECT count(*) AS n FROM (SELECT 1 FROM execution WHERE ${where.sql} LIMIT ?)`).get(
      ...where.values,
      COUNTED + 1,
    ) as { n: number }
    const shown = rows.slice(0, first)
    const items = shown.map(({ summary }) => JSON.parse(summary) as ExecutionSummary)
    return {
      items,
      cursors: items.map(({ runId }, i) => encodePlace(shown[i]!.place, runId)),
      hasNextPage: rows.length > first,
      count: { value: Math.min(found.n, COUNTED), truncated: found.n > COUNTED },
    }
  }

  /** Counts executions by what they have in common. */
  groups(domain: string, filter: ExecutionFilter, by: readonly ExecutionGrouping[]): ExecutionGroups {
    const where = conditions(domain, filter)
    const columns = by.map(grouping => GROUP_COLUMNS[grouping])
    const list = columns.join(', ')
    const rows = this.#statement(
      `SELECT ${list ? `${list}, ` : ''}count(*) AS count FROM (
         SELECT ${list || '1'} FROM execution WHERE ${where.sql} ORDER BY started_at DESC LIMIT ?
       ) ${list && `GROUP BY ${list}`} ORDER BY count DESC${list && `, ${list}`}`,
    ).all(...where.values, GROUPED + 1) as Record<string, string | number | null>[]
    const total = rows.reduce((sum, { count }) => sum + Number(count), 0)
    return {
      truncated: total > GROUPED,
      groups: rows
        .filter(({ count }) => Number(count) > 0)
        .map(({ type, version, status, saga_state: sagaState, stuck, count }) => ({
          ...(type != null && { type: String(type) }),
          ...(version != null && { version: String(version) }),
          ...(status != null && { status: String(status) }),
          ...(sagaState != null && { sagaState: String(sagaState) }),
          ...(stuck != null && { stuck: stuck === 1 }),
          count: Number(count),
        })),
    }
  }

  find(domain: string, workflowId: string, runId?: string): ExecutionSummary | undefined {
    const row = (
      runId === undefined
        ? this.#statement(
            `SELECT summary FROM execution WHERE domain = ? AND workflow_id = ?
             ORDER BY status = 'OPEN' DESC, started_at DESC, event_id DESC LIMIT 1`,
          ).get(domain, workflowId)
        : this.#statement('SELECT summary FROM execution WHERE domain = ? AND run_id = ? AND workflow_id = ?').get(
            ...[domain, runId, workflowId],
          )
    ) as { summary: string } | undefined
    return row && (JSON.parse(row.summary) as ExecutionSummary)
  }

  count(domain: string, status: string): number {
    const sql = 'SELECT count(*) AS n FROM execution WHERE domain = ? AND status = ?'
    return (this.#statement(sql).get(domain, status) as { n: number }).n
  }

  /** The stream entry up to which this table is filled; undefined when it never was. */
  position(domain: string): string | undefined {
    const row = this.#statement('SELECT stream_id FROM position WHERE domain = ?').get(domain) as
      { stream_id: string | null } | undefined
    return row?.stream_id ?? undefined
  }

  setPosition(domain: string, streamId: string): void {
    this.#statement(
      'INSERT INTO position VALUES (?, ?, 0) ON CONFLICT (domain) DO UPDATE SET stream_id = excluded.stream_id',
    ).run(domain, streamId)
  }

  /** Begins a generation: rows put from now on belong to it. */
  newGeneration(domain: string): number {
    this.#statement(
      'INSERT INTO position VALUES (?, NULL, 1) ON CONFLICT (domain) DO UPDATE SET generation = generation + 1',
    ).run(domain)
    this.#generations.delete(domain)
    return this.#generation(domain)
  }

  /** Drops what has not been put since a generation began. */
  dropBefore(domain: string, generation: number): void {
    this.#statement('DELETE FROM execution WHERE domain = ? AND generation < ?').run(domain, generation)
    this.#statement(
      'DELETE FROM tag WHERE domain = ? AND run_id NOT IN (SELECT run_id FROM execution WHERE domain = tag.domain)',
    ).run(domain)
  }

  /** Drops executions that closed before a time, some of them at a call. */
  prune(domain: string, closedBefore: number): void {
    const sql = 'SELECT run_id FROM execution WHERE domain = ? AND closed_at < ? LIMIT ?'
    const rows = this.#statement(sql).all(domain, closedBefore, PRUNED) as { run_id: string }[]
    if (rows.length === 0) return
    this.#db.transaction(() => {
      for (const { run_id: runId } of rows) {
        this.#statement('DELETE FROM execution WHERE domain = ? AND run_id = ?').run(domain, runId)
        this.#statement('DELETE FROM tag WHERE run_id = ? AND domain = ?').run(runId, domain)
      }
    })()
  }

  close(): void {
    this.#db.close()
  }

  #generation(domain: string): number {
    let generation = this.#generations.get(domain)
    if (generation === undefined) {
      const sql = 'SELECT generation FROM position WHERE domain = ?'
      generation = (this.#statement(sql).get(domain) as { generation: number } | undefined)?.generation ?? 0
      this.#generations.set(domain, generation)
    }
    return generation
  }

  #statement(sql: string): Database.Statement {
    let statement = this.#statements.get(sql)
    if (!statement) this.#statements.set(sql, (statement = this.#db.prepare(sql)))
    return statement
  }
}

function openDatabase(file: string): Database.Database {
  const db = new Database(file)
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
  if (version !== 0 && version !== VERSION) {
    for (const table of ['execution', 'tag', 'position']) db.exec(`DROP TABLE IF EXISTS ${table}`)
  }
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF')
  db.exec(SCHEMA)
  db.exec(`PRAGMA user_version = ${VERSION}`)
  return db
}

class Conditions {
  constructor(
    readonly sql: string,
    readonly values: readonly (string | number)[],
  ) {}
  and(sql: string, ...values: (string | number)[]): Conditions {
    return new Conditions(`${this.sql} AND ${sql}`, [...this.values, ...values])
  }
}

function conditions(domain: string, filter: ExecutionFilter): Conditions {
  let where = new Conditions('domain = ?', [domain])
  const anyOf = (column: string, values: readonly string[] | undefined) => {
    if (values) where = where.and(`${column} IN (${values.map(() => '?').join(', ')})`, ...values)
  }
  const compare = (sql: string, value: string | number | undefined) => {
    if (value !== undefined) where = where.and(sql, value)
  }
  compare('type = ?', filter.type)
  compare('version = ?', filter.version)
  anyOf('status', filter.status)
  anyOf('saga_state', filter.sagaState)
  if (filter.tag !== undefined)
    where = where.and('run_id IN (SELECT run_id FROM tag WHERE domain = ? AND tag = ?)', domain, filter.tag)
  if (filter.workflowIdPrefix)
    where = where.and(
      'workflow_id >= ? AND workflow_id < ?',
      filter.workflowIdPrefix,
      // A workflowId has at most 256 characters: nothing with this prefix comes after.
      filter.workflowIdPrefix + '\u{10ffff}'.repeat(257),
    )
  compare('started_at >= ?', filter.startedAfter)
  compare('started_at <= ?', filter.startedBefore)
  compare('closed_at >= ?', filter.closedAfter)
  compare('closed_at <= ?', filter.closedBefore)
  if (filter.closedAfter !== undefined || filter.closedBefore !== undefined) where = where.and("status <> 'OPEN'")
  if (filter.stuck !== undefined) where = where.and(filter.stuck ? 'stuck = 1' : 'stuck = 0')
  compare('parent_run_id = ?', filter.parent?.runId)
  return where
}

function encodePlace(place: number, runId: string): string {
  return Buffer.from(`1.${place}.${runId}`).toString('base64url')
}

function decodePlace(cursor: string): [number, string] {
  const match = /^1\.(\d{1,16})\.(.+)$/.exec(Buffer.from(cursor, 'base64url').toString())
  if (!match) throw new BadCursor(cursor)
  return [Number(match[1]), match[2]!]
}
