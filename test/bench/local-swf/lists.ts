// Pages and counts of executions, with each filter.

import { performance } from 'node:perf_hooks'
import { Connection } from './load.js'
import { DOMAIN, filters } from './population.js'
import type { ServerProcess } from './process.js'
import { median, table } from './table.js'

const TIMES = 7
const SIZE = 100

type Page = { executionInfos: unknown[]; nextPageToken?: string }

/** Asks servers for pages and counts; the worst median of the first, the next and the oldest page counts. */
export async function lists(
  kind: 'open' | 'closed',
  servers: Record<string, ServerProcess>,
  size: number,
): Promise<void> {
  const Kind = kind === 'open' ? 'Open' : 'Closed'
  const orders = kind === 'open' ? ['startTimeFilter'] : ['startTimeFilter', 'closeTimeFilter']
  const connections = Object.entries(servers).map(([name, server]) => ({
    name,
    connection: new Connection(server.port),
  }))
  const rows: string[][] = []
  for (const [filter, value] of Object.entries(filters)) {
    if (kind === 'open' && 'closeStatusFilter' in value) continue
    const row = [filter]
    for (const { connection } of connections) {
      for (const order of orders) {
        const input = { domain: DOMAIN, ...value, [order]: { oldestDate: 0 } }
        const list = { ...input, maximumPageSize: SIZE }
        const action = `List${Kind}WorkflowExecutions`
        const { nextPageToken } = await connection.call<Page>(action, list)
        const pages = [list, { ...list, reverseOrder: true }, ...(nextPageToken ? [{ ...list, nextPageToken }] : [])]
        const times: number[] = []
        for (const page of pages) times.push(await time(connection, action, page))
        row.push(`${Math.max(...times).toFixed(1)} ms`)
        row.push(`${(await time(connection, `Count${Kind}WorkflowExecutions`, input)).toFixed(1)} ms`)
      }
    }
    rows.push(row)
  }
  const heads = connections.flatMap(({ name }) =>
    orders.flatMap(order => [
      `${name}${orders.length > 1 ? (order === 'startTimeFilter' ? ', by start' : ', by close') : ''}`,
      'count',
    ]),
  )
  table(
    `Pages of ${SIZE} and counts over ${size.toLocaleString('en-US')} ${kind} executions (aim of a page: a few ms)`,
    ['filter', ...heads],
    rows,
  )
  for (const { connection } of connections) connection.close()
}

async function time(connection: Connection, action: string, input: object): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < TIMES; i++) {
    const start = performance.now()
    await connection.call(action, input)
    times.push(performance.now() - start)
  }
  return median(times)
}
