import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import Database from 'libsql'
import { expect, test } from 'vitest'
import { fingerprint } from '../../src/feed/execution-columns.js'
import {
  encodePlace,
  type ExecutionFilter,
  type ExecutionGrouping,
  type ExecutionOrder,
} from '../../src/feed/execution-query.js'
import { ExecutionTable } from '../../src/feed/execution-table.js'
import type { ExecutionSummary } from '../../src/feed/update.js'
import { summaryFilter } from '../../src/graphql/execution-filter.js'
import { afterFile } from '../support/dispose.js'
import { tmpDir } from '../support/tmp.js'
import { T0 } from './histories.js'

const DOMAIN = 'shop'

function summary(runId: string, changes: Partial<ExecutionSummary> = {}): ExecutionSummary {
  return {
    domain: DOMAIN,
    workflowId: `order-${runId}`,
    runId,
    type: { name: 'Order', version: '1.0' },
    status: 'OPEN',
    tags: [],
    taskList: 'orders',
    startedAt: T0,
    cancelRequested: false,
    eventId: 1,
    ...changes,
  }
}

function newTable(file = ':memory:'): ExecutionTable {
  const table = new ExecutionTable(file)
  afterFile(() => table.close())
  return table
}

const runIds = (table: ExecutionTable, filter: ExecutionFilter = {}) =>
  table
    .list(DOMAIN, { filter, first: 100 })
    .items.map(({ runId }) => runId)
    .sort()

// A world of executions made of one number, and the same world as an array.

function chance(seed: number) {
  const next = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }
  const below = (n: number) => Math.floor(next() * n)
  return { below, one: <T>(...of: T[]) => of[below(of.length)]!, is: (share: number) => next() < share }
}
type Chance = ReturnType<typeof chance>

/** Times are few, so that many executions start or close at the same one. */
const TIMES = 400

function anyExecution({ below, one, is }: Chance, runId: string, eventId: number): ExecutionSummary {
  const startedAt = T0 + below(TIMES)
  const status = is(0.2) ? 'OPEN' : one('COMPLETED', 'COMPLETED', 'COMPLETED', 'FAILED', 'TERMINATED', 'CANCELED')
  return summary(runId, {
    // A run keeps its workflowId; everything else may turn out to be something else.
    workflowId: `${['order-', 'order-1', 'o', 'refund-'][Number(runId.slice(4)) % 4]}${Number(runId.slice(4)) % 300}`,
    type: { name: one('Order', 'Order', 'Order', 'Refund'), version: one('1.0', '2.0') },
    status: status as ExecutionSummary['status'],
    ...(is(0.6) && { saga: { state: one('RUNNING', 'FAILED', 'COMPLETED'), attempt: 1, steps: [] } }),
    ...(is(0.01) && { stuck: { since: T0, reason: 'why' } }),
    tags: [...new Set(Array.from({ length: below(4) }, () => one('eu', 'eu', 'us', `customer-${below(500)}`)))],
    startedAt,
    ...(status !== 'OPEN' && { closedAt: startedAt + below(is(0.9) ? 20 : TIMES) }),
    ...(is(0.2) && { parent: { workflowId: 'parent', runId: `parent-${below(40)}` } }),
    eventId,
  })
}

function anyFilter({ below, one }: Chance): ExecutionFilter {
  const conditions: ExecutionFilter[] = [
    { type: one('Order', 'Refund', 'None') },
    { version: one('1.0', '2.0') },
    { status: one(['OPEN'], ['FAILED', 'TERMINATED'], ['COMPLETED'], []) },
    { sagaState: one(['RUNNING'], ['FAILED', 'COMPLETED']) },
    { tag: one('eu', 'us', 'none', `customer-${below(500)}`) },
    { workflowIdPrefix: one('o', 'order-', 'order-1', 'refund-29', 'order-299', '', 'x') },
    { startedAfter: T0 + below(TIMES) },
    { startedBefore: T0 + below(TIMES) },
    { closedAfter: T0 + below(TIMES) },
    { closedBefore: T0 + below(TIMES) },
    { stuck: one(true, false) },
    { parent: { workflowId: 'parent', runId: `parent-${below(42)}` } },
  ]
  return Object.assign({}, ...Array.from({ length: below(4) }, () => one(...conditions)))
}

/** A table beside an array of what must be in it. */
class World {
  readonly table = newTable()
  readonly #expected = new Map<string, ExecutionSummary>()
  constructor(
    private readonly by: Chance,
    private readonly size: number,
  ) {}

  get all(): ExecutionSummary[] {
    return [...this.#expected.values()]
  }

  put(summaries: readonly ExecutionSummary[]): void {
    this.table.put(summaries)
    for (const one of summaries)
      if (one.eventId >= (this.#expected.get(one.runId)?.eventId ?? 0)) this.#expected.set(one.runId, one)
  }

  /** Fills it by puts of all sorts, prunes and walks. */
  fill(): this {
    const { by, size, table } = this
    const batch = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => anyExecution(by, `run-${from + i}`, 1 + by.below(5)))
    for (let n = 0; n < size; n += size / 10) this.put(batch(n, size / 10))
    for (let n = 0; n < 4; n++) this.put(batch(by.below(size / 2), size / 10))
    // Executions started one after the other, as they mostly do.
    this.put(batch(size, size / 10).map((one, i) => ({ ...one, startedAt: T0 + TIMES + i })))
    this.#prune(T0 + by.below(40))
    table.newGeneration(DOMAIN)
    const found = this.all.filter(() => !by.is(0.2))
    table.put(found)
    while (table.dropEarlier(DOMAIN));
    this.#expected.clear()
    for (const one of found) this.#expected.set(one.runId, one)
    return this
  }

  /** Changes some executions, and adds some. */
  change(): void {
    const { by, size } = this
    this.put(Array.from({ length: 5 }, () => anyExecution(by, `run-${by.below(size * 1.5)}`, 10)))
    if (by.is(0.2)) this.#prune(T0 + by.below(60))
  }

  #prune(before: number): void {
    while (this.table.prune(DOMAIN, before));
    for (const [runId, { closedAt = Infinity }] of this.#expected) if (closedAt < before) this.#expected.delete(runId)
  }
}

const ties = new Map<string, number>()
function tie({ runId }: ExecutionSummary): number {
  let known = ties.get(runId)
  if (known === undefined) ties.set(runId, (known = fingerprint(runId)))
  return known
}

function placeOf({ startedAt, closedAt }: ExecutionSummary, orderBy: ExecutionOrder): number {
  return orderBy.startsWith('STARTED') ? startedAt : (closedAt ?? Number.MAX_SAFE_INTEGER)
}

function inOrder(summaries: readonly ExecutionSummary[], orderBy: ExecutionOrder): ExecutionSummary[] {
  const sign = orderBy.endsWith('DESC') ? -1 : 1
  const placed = summaries.map(one => ({ one, time: placeOf(one, orderBy), tie: tie(one) }))
  return placed.sort((a, b) => sign * (a.time - b.time || a.tie - b.tie)).map(({ one }) => one)
}

const textOf = (one: ExecutionSummary) => JSON.stringify(one)
test.each([
  { size: 5_000, numRuns: 3, queries: 40 },
  { size: 10, numRuns: 40, queries: 15 },
])(
  'lists and counts by any filter, in any order, from any page on, as an array of $size executions does',
  ({ size, numRuns, queries }) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), seed => {
        const by = chance(seed)
        const world = new World(by, size).fill()
        for (let n = 0; n < queries; n++) {
          if (by.is(0.3)) world.change()
          checkPages(world, by)
        }
        expect(world.table.size(DOMAIN)).toBe(world.all.length)
      }),
      { numRuns },
    )
  },
)

function checkPages({ table, all }: World, by: Chance): void {
  const filter = anyFilter(by)
  const orderBy = by.one<ExecutionOrder>('STARTED_DESC', 'STARTED_ASC', 'CLOSED_DESC', 'CLOSED_ASC')
  const first = by.one(1, 7, 50, 200)
  const expected = inOrder(all.filter(summaryFilter(filter)), orderBy)
  // From the first page on, or from the middle of the list.
  let at = by.is(0.5) ? 0 : by.below(expected.length)
  const before = expected[at - 1]
  let after = before && encodePlace({ time: placeOf(before, orderBy), runId: before.runId })
  for (let page = 0; page < 3; page++) {
    const query = { filter, orderBy, first, ...(after !== undefined && { after }) }
    const { items, cursors, count, hasNextPage } = table.list(DOMAIN, query)
    const asked = JSON.stringify({ query, at })
    expect(items.map(textOf), asked).toEqual(expected.slice(at, at + first).map(textOf))
    expect(hasNextPage, asked).toBe(at + first < expected.length)
    expect(count, asked).toEqual({ value: expected.length, truncated: false })
    if (!hasNextPage) return
    at += first
    after = cursors.at(-1)
  }
}

test('lists by close from any close on, wherever executions are cut into segments', () => {
  const table = newTable()
  const row = (i: number) => summary(String(i), { status: 'COMPLETED', startedAt: T0 + i, closedAt: T0 + i })
  table.put(Array.from({ length: 3_000 }, (_, i) => row(i)))
  for (let at = 2_000; at < 2_100; at++) {
    const before = table.list(DOMAIN, { filter: { closedBefore: T0 + at }, orderBy: 'CLOSED_DESC', first: 2 })
    const after = table.list(DOMAIN, { filter: { closedAfter: T0 + at }, orderBy: 'CLOSED_ASC', first: 2 })
    const seen = [before, after].map(({ items }) => items.map(({ closedAt }) => closedAt! - T0))
    expect(seen).toEqual([
      [at, at - 1],
      [at, at + 1],
    ])
  }
})

test('two tables that were filled in another order go on behind the same cursors alike', () => {
  const by = chance(7)
  const all = Array.from({ length: 3_000 }, (_, i) => anyExecution(by, `run-${i}`, 1))
  const [one, other] = [newTable(), newTable()]
  one.put(all)
  other.put([...all].reverse())
  for (const orderBy of ['STARTED_DESC', 'CLOSED_ASC'] as const) {
    const seen: string[] = []
    for (let after: string | undefined; ;) {
      const table = seen.length % 2 ? one : other
      const page = table.list(DOMAIN, { orderBy, first: 99, ...(after && { after }) })
      seen.push(...page.items.map(({ runId }) => runId))
      if (!page.hasNextPage) break
      after = page.cursors.at(-1)!
    }
    expect(seen).toEqual(inOrder(all, orderBy).map(({ runId }) => runId))
  }
})

test('counts by what executions have in common as an array of them does', () => {
  const by = chance(2_030)
  const { table, all } = new World(by, 5_000).fill()
  const value = (one: ExecutionSummary) => ({
    TYPE: { type: one.type.name },
    VERSION: { version: one.type.version },
    STATUS: { status: one.status },
    SAGA_STATE: one.saga ? { sagaState: one.saga.state } : {},
    STUCK: { stuck: one.stuck !== undefined },
  })
  const groupings: ExecutionGrouping[][] = [[], ['STATUS'], ['TYPE', 'VERSION'], ['SAGA_STATE', 'STUCK', 'STATUS']]
  for (let n = 0; n < 40; n++) {
    const [filter, grouping] = [anyFilter(by), by.one(...groupings)]
    const expected = new Map<string, number>()
    for (const one of all.filter(summaryFilter(filter))) {
      const key = JSON.stringify(Object.assign({}, ...grouping.map(part => value(one)[part])))
      expected.set(key, (expected.get(key) ?? 0) + 1)
    }
    const { groups, truncated } = table.groups(DOMAIN, filter, grouping)
    expect(truncated).toBe(false)
    expect(new Map(groups.map(({ count, ...common }) => [JSON.stringify(common), count]))).toEqual(expected)
    expect(groups.map(({ count }) => count)).toEqual([...expected.values()].sort((a, b) => b - a))
  }
})

test('counts exactly what status, type and their like say, and others up to 10,000', () => {
  const table = newTable()
  const rows = Array.from({ length: 10_001 }, (_, i) => summary(String(i), { startedAt: T0 + i, tags: ['a'] }))
  table.put(rows.slice(0, 10_000))
  const count = (filter: ExecutionFilter) => table.list(DOMAIN, { filter, first: 1 }).count
  for (const filter of [{}, { tag: 'a' }, { startedAfter: T0 }])
    expect(count(filter)).toEqual({ value: 10_000, truncated: false })
  table.put(rows.slice(10_000))
  for (const filter of [{}, { status: ['OPEN'], type: 'Order' }])
    expect(count(filter)).toEqual({ value: 10_001, truncated: false })
  for (const filter of [{ tag: 'a' }, { startedAfter: T0 }, { workflowIdPrefix: 'order' }])
    expect(count(filter)).toEqual({ value: 10_000, truncated: true })
})

test('finds the open run of a workflowId, else the latest', () => {
  const table = newTable()
  table.put([
    summary('1', { workflowId: 'order', status: 'COMPLETED', startedAt: T0 }),
    summary('2', { workflowId: 'order', status: 'FAILED', startedAt: T0 + 2 }),
  ])
  expect(table.find(DOMAIN, 'order')?.runId).toBe('2')
  table.put([summary('3', { workflowId: 'order', startedAt: T0 + 1 })])
  expect(table.find(DOMAIN, 'order')?.runId).toBe('3')
  expect(table.find(DOMAIN, 'order', '1')?.status).toBe('COMPLETED')
  expect(table.find(DOMAIN, 'other', '1')).toBeUndefined()
  expect(table.find('elsewhere', 'order')).toBeUndefined()
})

test('keeps domains apart', () => {
  const table = newTable()
  const there = summary('1', { domain: 'elsewhere', workflowId: 'order', parent: { workflowId: 'p', runId: 'p' } })
  table.put([summary('1', { workflowId: 'order', parent: { workflowId: 'p', runId: 'p' } }), there])
  for (const filter of [{}, { parent: { workflowId: 'p', runId: 'p' } }, { workflowIdPrefix: 'o' }])
    expect(table.list('elsewhere', { filter, first: 9 }).items).toEqual([there])
  table.newGeneration(DOMAIN)
  table.dropEarlier(DOMAIN)
  expect(runIds(table)).toEqual([])
  expect(table.find('elsewhere', 'order')).toEqual(there)
})

test('keeps the newer row, and lets a list close an open one', () => {
  const table = newTable()
  table.put([
    summary('1', { eventId: 7, cancelRequested: true }),
    summary('1', { eventId: 3 }),
    summary('1', { eventId: 0 }),
  ])
  expect(table.find(DOMAIN, 'order-1')).toMatchObject({ eventId: 7, cancelRequested: true })
  table.put([summary('1', { eventId: 0, status: 'TERMINATED', closedAt: T0 })])
  expect(table.find(DOMAIN, 'order-1')?.status).toBe('TERMINATED')
  expect(runIds(table, { status: ['TERMINATED'] })).toEqual(['1'])
  expect(runIds(table, { status: ['OPEN'] })).toEqual([])
  table.put([summary('1', { eventId: 9, status: 'TERMINATED', closedAt: T0, failureReason: 'enough' })])
  expect(table.find(DOMAIN, 'order-1')?.failureReason).toBe('enough')
})

test('shows an execution once although its start turns out to be another time', () => {
  const table = newTable()
  table.put([summary('1', { eventId: 0, startedAt: T0 + 5 })])
  table.put([summary('1', { startedAt: T0 })])
  expect(table.list(DOMAIN, { first: 9 })).toMatchObject({ items: [{ startedAt: T0 }], count: { value: 1 } })
  expect(runIds(table, { startedAfter: T0 + 1 })).toEqual([])
})

test('drops what closed before a time, and nothing that is open', () => {
  const table = newTable()
  const closed = { status: 'COMPLETED' as const, tags: ['a'] }
  table.put([summary('1', { ...closed, closedAt: T0 }), summary('2', { ...closed, closedAt: T0 + 1 }), summary('3')])
  table.prune(DOMAIN, T0 + 1)
  expect(runIds(table)).toEqual(['2', '3'])
  expect(runIds(table, { tag: 'a' })).toEqual(['2'])
  expect(table.find(DOMAIN, 'order-1')).toBeUndefined()
})

test('drops a little at a time, and says when there is more', () => {
  const table = newTable()
  table.put(Array.from({ length: 1_200 }, (_, i) => summary(String(i), { status: 'COMPLETED', closedAt: T0 })))
  const left = () => table.size(DOMAIN)
  expect([table.prune(DOMAIN, T0 + 1), left()]).toEqual([true, 700])
  table.newGeneration(DOMAIN)
  expect([table.dropEarlier(DOMAIN), left()]).toEqual([true, 200])
  expect([table.dropEarlier(DOMAIN), left()]).toEqual([false, 0])
})

test('refuses a cursor that is none', () => {
  expect(() => newTable().list(DOMAIN, { first: 1, after: 'nonsense' })).toThrow(
    expect.objectContaining({ code: 'BAD_USER_INPUT' }),
  )
})

test('a file holds everything for the next process', () => {
  const file = join(tmpDir('table'), 'index.db')
  const first = new ExecutionTable(file)
  const { all } = new World(chance(11), 5_000).fill()
  first.put(all)
  first.setPosition(DOMAIN, '7-1')
  first.close()
  const second = newTable(file)
  expect(second.position(DOMAIN)).toBe('7-1')
  const news = summary('news', { startedAt: T0 + 50 })
  let steps = 0
  for (const { total } of second.load()) {
    // What comes in meanwhile is neither lost nor there twice.
    if (steps++ === 1) second.put([news, { ...all[0]!, eventId: 99 }, { ...all.at(-1)!, startedAt: T0, eventId: 99 }])
    expect(total).toBe(all.length)
  }
  expect(steps).toBeGreaterThan(5)
  expect(second.size(DOMAIN)).toBe(all.length + 1)
  const changed = new Map([...all, news].map(one => [one.runId, one]))
  changed.set(all[0]!.runId, { ...all[0]!, eventId: 99 })
  changed.set(all.at(-1)!.runId, { ...all.at(-1)!, startedAt: T0, eventId: 99 })
  const expected = inOrder([...changed.values()], 'STARTED_DESC').map(({ runId, eventId }) => [runId, eventId])
  const seen: unknown[] = []
  for (let after: string | undefined; seen.length < expected.length;) {
    const page = second.list(DOMAIN, { first: 200, ...(after && { after }) })
    seen.push(...page.items.map(({ runId, eventId }) => [runId, eventId]))
    after = page.cursors.at(-1)
    if (after === undefined) break
  }
  expect(seen).toEqual(expected)
})

test('a file that is no database, or a damaged one, is begun anew', () => {
  const file = join(tmpDir('table'), 'index.db')
  writeFileSync(file, 'not a database '.repeat(1_000))
  const first = new ExecutionTable(file)
  first.put(Array.from({ length: 3_000 }, (_, i) => summary(String(i))))
  first.setPosition(DOMAIN, '7-1')
  first.close()
  const writer = new Database(file)
  writer.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  writer.close()
  const bytes = readFileSync(file)
  bytes.fill(0xff, Math.floor(bytes.length / 3), Math.floor((bytes.length * 2) / 3))
  writeFileSync(file, bytes)
  const second = newTable(file)
  expect(() => [...second.load()]).toThrow()
  expect(second.position(DOMAIN)).toBeUndefined()
  expect(second.list(DOMAIN, { first: 9 }).items).toEqual([])
  second.put([summary('1')])
  expect(runIds(second)).toEqual(['1'])
})
