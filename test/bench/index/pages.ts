// Pages of every combination of filters, in every order, the first one and one from the middle of all.

import { performance } from 'node:perf_hooks'
import type { ExecutionOrder } from '../../../src/feed/execution-query.js'
import type { ExecutionTable } from '../../../src/feed/execution-table.js'
import { cpu } from '../decider/figures.js'
import { percentile } from '../local-swf/table.js'
import { COMBINATIONS } from './combinations.js'
import { DOMAIN, startedAt } from './population.js'

const ORDERS: readonly ExecutionOrder[] = ['STARTED_DESC', 'STARTED_ASC', 'CLOSED_DESC', 'CLOSED_ASC']
const FIRST = 50

/** Milliseconds that pages of one combination took. */
export interface Measured {
  combination: string
  /** The slowest case: its order, and whether the page is the first or a deep one. */
  slowest: string
  matches: string
  first: number[]
  deep: number[]
  /** CPU of both: on a busy machine, what tells work from waiting. */
  cpu: number[]
}

/** Measures each case some times; a slow one at least `least` times, but no longer than `enough` milliseconds. */
export function pages(table: ExecutionTable, { least, enough }: { least: number; enough: number }): Measured[] {
  const middle = new Map(ORDERS.map(orderBy => [orderBy, cursorInTheMiddle(table, orderBy)]))
  return Object.entries(COMBINATIONS).map(([combination, filter]) => {
    const measured: Measured = { combination, slowest: '', matches: '', first: [], deep: [], cpu: [] }
    let worst = 0
    for (const orderBy of ORDERS)
      for (const after of [undefined, middle.get(orderBy)!]) {
        const times: number[] = []
        const query = { filter, orderBy, first: FIRST, ...(after !== undefined && { after }) }
        for (let spent = 0; times.length < least || (spent < enough && times.length < 50);) {
          const [before, used] = [performance.now(), cpu()]
          const { count } = table.list(DOMAIN, query)
          times.push(performance.now() - before)
          measured.cpu.push(cpu() - used)
          spent += times.at(-1)!
          measured.matches = `${count.value.toLocaleString('en-US')}${count.truncated ? '+' : ''}`
        }
        measured[after === undefined ? 'first' : 'deep'].push(...times)
        const typical = percentile(times, 0.5)
        if (typical > worst) {
          worst = typical
          measured.slowest = `${orderBy}${after === undefined ? '' : ', deep'}`
        }
      }
    return measured
  })
}

function cursorInTheMiddle(table: ExecutionTable, orderBy: ExecutionOrder): string {
  const half = startedAt(0.5)
  const [descending, ascending] = orderBy.startsWith('STARTED')
    ? [{ startedBefore: half }, { startedAfter: half }]
    : [{ closedBefore: half }, { closedAfter: half }]
  const filter = orderBy.endsWith('DESC') ? descending : ascending
  return table.list(DOMAIN, { filter, orderBy, first: 1 }).cursors[0]!
}
