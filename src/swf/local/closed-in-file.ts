// The closed executions of the store on disk.

import type { CloseStatus } from '../history-event.js'
import type { ClosedExecution, ClosedExecutions, ClosedQuery } from './store.js'

/** Reads rows from the database. */
export type Read = <T>(sql: string, ...parameters: unknown[]) => Promise<T[]>

interface Row {
  id: number
  domain: string
  workflow_id: string
  run_id: string
  type_name: string
  type_version: string
  started_at: number
  closed_at: number
  close_status: CloseStatus
  tags: string | null
  last_event: number
  description: string
}

const closed = (row: Row): ClosedExecution => ({
  serial: row.id,
  domain: row.domain,
  workflowId: row.workflow_id,
  runId: row.run_id,
  workflowType: { name: row.type_name, version: row.type_version },
  startedAt: row.started_at,
  closedAt: row.closed_at,
  closeStatus: row.close_status,
  tagList: row.tags === null ? undefined : (JSON.parse(row.tags) as string[]),
  lastEventId: row.last_event,
  description: row.description,
})

/** The time that is filtered and sorted by. A workflowId has an index of its own: the + keeps SQLite from taking the time's. */
const timeOf = ({ by, workflowId }: ClosedQuery) =>
  `${workflowId === undefined ? '' : '+'}${by === 'startedAt' ? 'started_at' : 'closed_at'}`

export class ClosedInFile implements ClosedExecutions {
  constructor(private readonly read: Read) {}

  async find(domain: string, workflowId: string, runId: string): Promise<ClosedExecution | undefined> {
    const sql = 'SELECT * FROM closed WHERE domain = ? AND workflow_id = ? AND run_id = ?'
    const [row] = await this.read<Row>(sql, domain, workflowId, runId)
    return row && closed(row)
  }

  async events({ serial }: ClosedExecution, first: number, last: number): Promise<readonly string[]> {
    const from = serial * 32_768
    const rows = await this.read<{ key: number; lines: string }>(
      `SELECT key, lines FROM events WHERE key <= ? AND key >=
        (SELECT max(key) FROM events WHERE key BETWEEN ? AND ?) ORDER BY key`,
      from + last,
      from,
      from + first,
    )
    if (rows.length === 0) return []
    const lines = rows.flatMap(row => row.lines.split('\n'))
    const skipped = first - (rows[0]!.key - from)
    return lines.slice(skipped, skipped + last - first + 1)
  }

  async list(query: ClosedQuery): Promise<readonly ClosedExecution[]> {
    const { from, where, parameters } = scope(query)
    const at = timeOf(query)
    const [order, beyond] = query.newestFirst ? ['DESC', '<'] : ['ASC', '>']
    if (query.after) parameters.push(...query.after)
    // The filter is answered from an index; only the rows of the page are read whole.
    const rows = await this.read<Row>(
      `SELECT closed.* FROM closed JOIN (
         SELECT id AS found FROM ${from} WHERE ${where} ${query.after ? `AND (${at}, id) ${beyond} (?, ?)` : ''}
         ORDER BY ${at} ${order}, id ${order} LIMIT ?
       ) ON id = found ORDER BY ${at} ${order}, id ${order}`,
      ...parameters,
      query.limit,
    )
    return rows.map(closed)
  }

  async count(query: ClosedQuery): Promise<number> {
    const { from, where, parameters } = scope(query)
    const sql = `SELECT count(*) AS count FROM ${from} WHERE ${where}`
    const [row] = await this.read<{ count: number }>(sql, ...parameters)
    return row!.count
  }
}

/** Where a query looks: each filter has an index for each of the two times. */
function scope(query: ClosedQuery): { from: string; where: string; parameters: unknown[] } {
  const where = ['domain = ?', `${timeOf(query)} BETWEEN ? AND ?`]
  const parameters: unknown[] = [query.domain, query.oldest, query.latest]
  const and = (condition: string, value: string | undefined) => {
    if (value === undefined) return
    where.push(condition)
    parameters.push(value)
  }
  and('workflow_id = ?', query.workflowId)
  and('type_name = ?', query.typeName)
  and('type_version = ?', query.typeVersion)
  and('close_status = ?', query.closeStatus)
  // The database reads both sides from JSON: half a character is one only there.
  and('tag = (SELECT value FROM json_each(?))', query.tag === undefined ? undefined : JSON.stringify(query.tag))
  return { from: query.tag === undefined ? 'closed' : 'tagged', where: where.join(' AND '), parameters }
}
