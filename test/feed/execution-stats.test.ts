import { expect, test } from 'vitest'
import type { ExecutionStatsQuery } from '../../src/feed/execution-query.js'
import { ExecutionTable } from '../../src/feed/execution-table.js'
import type { ExecutionSummary } from '../../src/feed/update.js'
import { afterFile } from '../support/dispose.js'
import { T0 } from './histories.js'

const DOMAIN = 'shop'

let runs = 0
function execution(status: ExecutionSummary['status'], started: number, closed?: number, more: object = {}) {
  const runId = `run-${++runs}`
  return {
    domain: DOMAIN,
    workflowId: runId,
    runId,
    type: { name: 'Order', version: '1.0' },
    status,
    tags: [],
    taskList: 'orders',
    startedAt: T0 + started,
    ...(closed !== undefined && { closedAt: T0 + closed }),
    cancelRequested: false,
    eventId: 1,
    ...more,
  } satisfies ExecutionSummary
}

function statsOf(executions: ExecutionSummary[], query: Partial<ExecutionStatsQuery> = {}) {
  const table = new ExecutionTable(':memory:')
  afterFile(() => table.close())
  table.put(executions)
  return table.stats(DOMAIN, { from: T0, to: T0 + 100, ...query })
}

const NONE = { started: 0, completed: 0, failed: 0, timedOut: 0, terminated: 0, canceled: 0, continuedAsNew: 0 }

test('counts what started and what closed within the window, both ends included', () => {
  const { total, types } = statsOf([
    execution('OPEN', -1),
    execution('OPEN', 0),
    execution('OPEN', 100),
    execution('OPEN', 101),
    execution('FAILED', -5, -1),
    execution('FAILED', -5, 0),
    execution('FAILED', 50, 100),
    execution('FAILED', 50, 101),
  ])
  expect(total).toEqual({ ...NONE, started: 4, failed: 2, successRate: 0 })
  expect(types).toEqual([{ type: 'Order', ...total }])
})

test('tells how executions closed, and which share of them completed', () => {
  const closed = (status: ExecutionSummary['status'], times: number) =>
    Array.from({ length: times }, () => execution(status, -10, 10))
  const { total } = statsOf([
    ...closed('COMPLETED', 12),
    ...closed('FAILED', 1),
    ...closed('TIMED_OUT', 1),
    ...closed('TERMINATED', 2),
    ...closed('CANCELED', 5),
    ...closed('CONTINUED_AS_NEW', 7),
  ])
  expect(total).toEqual({
    started: 0,
    completed: 12,
    failed: 4,
    timedOut: 1,
    terminated: 2,
    canceled: 5,
    continuedAsNew: 7,
    successRate: 0.75,
    duration: { count: 12, p50: 20, p95: 20, p99: 20 },
  })
})

test('is by type, the busiest first, and by version when asked', () => {
  const typed = (name: string, version: string) => execution('OPEN', 1, undefined, { type: { name, version } })
  const executions = [typed('Refund', '1'), typed('Order', '1'), typed('Order', '2'), typed('Order', '2')]
  const types = (query?: Partial<ExecutionStatsQuery>) =>
    statsOf(executions, query).types.map(({ type, version, started }) => [type, version, started])
  expect(types()).toEqual([
    ['Order', undefined, 3],
    ['Refund', undefined, 1],
  ])
  expect(types({ versions: true, filter: { type: 'Order' } })).toEqual([
    ['Order', '2', 2],
    ['Order', '1', 1],
  ])
  expect(types({ from: T0 + 2 })).toEqual([])
})

test('takes figures of those that a filter lets through, its own times included', () => {
  const tagged = { tags: ['gold'], parent: { workflowId: 'p', runId: 'p1' } }
  const executions = [
    execution('COMPLETED', 10, 20, tagged),
    execution('COMPLETED', 10, 90, tagged),
    execution('COMPLETED', 60, 90, tagged),
    execution('COMPLETED', 10, 20),
  ]
  const counts = (filter: ExecutionStatsQuery['filter']) => {
    const { started, completed } = statsOf(executions, { filter: filter! }).total
    return [started, completed]
  }
  expect(counts({ tag: 'gold' })).toEqual([3, 3])
  expect(counts({ tag: 'gold', startedAfter: T0 + 50 })).toEqual([1, 1])
  expect(counts({ tag: 'gold', closedBefore: T0 + 50 })).toEqual([1, 1])
  expect(counts({ parent: { workflowId: 'p', runId: 'p1' }, startedBefore: T0 + 50 })).toEqual([2, 2])
  expect(counts({ status: ['FAILED'] })).toEqual([0, 0])
})

test('durations are within 4 % of what they were, from a millisecond to a year', () => {
  const YEAR = 365 * 86_400_000
  const durations = Array.from({ length: 1_000 }, (_, i) => Math.round(YEAR ** (i / 999)) - 1)
  const { total } = statsOf(
    durations.map(duration => execution('COMPLETED', 50 - duration, 50)),
    { from: T0, to: T0 + 100 },
  )
  const { count, ...percentiles } = total.duration!
  expect(count).toBe(1_000)
  for (const [name, share] of Object.entries({ p50: 0.5, p95: 0.95, p99: 0.99 })) {
    const exact = durations[1_000 * share - 1]!
    const found = percentiles[name as keyof typeof percentiles]
    expect(Math.abs(found - exact) / exact, `${name} is ${found} for ${exact}`).toBeLessThan(0.04)
  }
  const short = (duration: number) => statsOf([execution('COMPLETED', 50 - duration, 50)]).total.duration?.p99
  for (const exact of [0, 1, 2, 7, 15, 31]) expect(short(exact)).toBe(exact)
})
