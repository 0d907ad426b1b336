import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { encodeCursor } from '../../src/feed/cursor.js'
import { ExecutionIndex, type ExecutionFilter, type ExecutionIndexOptions } from '../../src/feed/execution-index.js'
import { ExecutionTable, type ExecutionOrder } from '../../src/feed/execution-table.js'
import { Publisher } from '../../src/feed/publisher.js'
import { FeedReader } from '../../src/feed/reader.js'
import { FeedStream, feedKeys } from '../../src/feed/stream.js'
import { Subscriber } from '../../src/feed/subscriber.js'
import type { ExecutionSummary } from '../../src/feed/update.js'
import type { Redis } from '../../src/redis.js'
import { afterFile } from '../support/dispose.js'
import { testRedis } from '../support/redis.js'
import { tmpDir } from '../support/tmp.js'
import { until } from '../support/until.js'
import { History, saga, swfOf, T0 } from './histories.js'
import { connected } from '../support/redis-connection.js'
import { log, sweptDomain } from './redis.js'

const { url, prefix } = testRedis()
let redis: Redis
let stream: FeedStream
let publisher: Publisher
beforeAll(async () => {
  redis = await connected(url)
  stream = new FeedStream(redis, prefix)
  publisher = new Publisher({ redis, swf: swfOf().swf, prefix, log })
})

async function newIndex(options: Partial<ExecutionIndexOptions> = {}): Promise<ExecutionIndex> {
  const index = new ExecutionIndex({ redis, prefix, log, ...options })
  afterFile(() => index.stop())
  await index.start()
  return index
}

function summary(runId: string, changes: Partial<ExecutionSummary> = {}): ExecutionSummary {
  return {
    domain: 'shop',
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

describe('the table', () => {
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
  const time = fc.integer({ min: T0, max: T0 + 20 })
  const status = fc.constantFrom('OPEN', 'COMPLETED', 'FAILED', 'TERMINATED')
  const state = fc.constantFrom('RUNNING', 'FAILED')
  const name = fc.constantFrom('a', 'ab', 'b')
  const rows = fc.array(
    fc.record({
      workflowId: name,
      type: name,
      version: name,
      status,
      saga: maybe(state),
      tags: fc.uniqueArray(name),
      startedAt: time,
      closedAt: time,
      stuck: fc.boolean(),
      parent: maybe(name),
    }),
    { maxLength: 40 },
  )
  const filters: fc.Arbitrary<ExecutionFilter> = fc.record(
    {
      type: name,
      version: name,
      status: fc.uniqueArray(status),
      sagaState: fc.uniqueArray(state),
      tag: name,
      workflowIdPrefix: name,
      startedAfter: time,
      startedBefore: time,
      closedAfter: time,
      closedBefore: time,
      stuck: fc.boolean(),
      parent: name.map(runId => ({ workflowId: 'p', runId })),
    },
    { requiredKeys: [] },
  )

  const passes = (s: ExecutionSummary, f: ExecutionFilter) =>
    (f.type === undefined || s.type.name === f.type) &&
    (f.version === undefined || s.type.version === f.version) &&
    (!f.status || f.status.includes(s.status)) &&
    (!f.sagaState || (s.saga !== undefined && f.sagaState.includes(s.saga.state))) &&
    (f.tag === undefined || s.tags.includes(f.tag)) &&
    (f.workflowIdPrefix === undefined || s.workflowId.startsWith(f.workflowIdPrefix)) &&
    (f.startedAfter === undefined || s.startedAt >= f.startedAfter) &&
    (f.startedBefore === undefined || s.startedAt <= f.startedBefore) &&
    (f.closedAfter === undefined || (s.closedAt !== undefined && s.closedAt >= f.closedAfter)) &&
    (f.closedBefore === undefined || (s.closedAt !== undefined && s.closedAt <= f.closedBefore)) &&
    (f.stuck === undefined || (s.stuck !== undefined) === f.stuck) &&
    (f.parent === undefined || s.parent?.runId === f.parent.runId)

  test('lists by any filter, in any order, in pages that hold each execution once', () => {
    fc.assert(
      fc.property(
        rows,
        filters,
        fc.constantFrom<ExecutionOrder>('STARTED_DESC', 'STARTED_ASC', 'CLOSED_DESC', 'CLOSED_ASC'),
        fc.integer({ min: 1, max: 7 }),
        (given, filter, orderBy, first) => {
          const table = new ExecutionTable(':memory:')
          const all = given.map(
            ({ workflowId, type, version, status, saga: state, tags, startedAt, closedAt, stuck, parent }, i) =>
              summary(`run-${i}`, {
                workflowId,
                type: { name: type, version },
                status: status as 'OPEN',
                tags,
                startedAt,
                ...(state && { saga: { state, attempt: 1, steps: [] } as never }),
                ...(status !== 'OPEN' && { closedAt }),
                ...(stuck && { stuck: { since: 1, reason: 'why' } }),
                ...(parent && { parent: { workflowId: 'p', runId: parent } }),
              }),
          )
          table.put(all)
          const expected = all.filter(s => passes(s, filter))
          const seen: ExecutionSummary[] = []
          for (let after: string | undefined; ;) {
            const page = table.list('shop', { filter, orderBy, first, ...(after !== undefined && { after }) })
            expect(page.count).toEqual({ value: expected.length, truncated: false })
            seen.push(...page.items)
            after = page.cursors.at(-1)
            if (!page.hasNextPage) break
          }
          const place = (s: ExecutionSummary) =>
            orderBy.startsWith('STARTED') ? s.startedAt : (s.closedAt ?? Number.MAX_SAFE_INTEGER)
          const sign = orderBy.endsWith('DESC') ? -1 : 1
          const inOrder = (a: ExecutionSummary, b: ExecutionSummary) =>
            sign * (place(a) - place(b) || (a.runId < b.runId ? -1 : 1))
          expect(seen).toEqual([...expected].sort(inOrder))
          table.close()
        },
      ),
      { numRuns: 60 },
    )
  })

  test('finds the open run of a workflowId, else the latest', () => {
    const table = new ExecutionTable(':memory:')
    table.put([
      summary('1', { workflowId: 'order', status: 'COMPLETED', startedAt: T0 }),
      summary('2', { workflowId: 'order', status: 'FAILED', startedAt: T0 + 2 }),
    ])
    expect(table.find('shop', 'order')?.runId).toBe('2')
    table.put([summary('3', { workflowId: 'order', startedAt: T0 + 1 })])
    expect(table.find('shop', 'order')?.runId).toBe('3')
    expect(table.find('shop', 'order', '1')?.status).toBe('COMPLETED')
    expect(table.find('shop', 'other', '1')).toBeUndefined()
    expect(table.find('elsewhere', 'order')).toBeUndefined()
    table.close()
  })

  test('counts exactly up to 10,000', () => {
    const table = new ExecutionTable(':memory:')
    const rows = Array.from({ length: 10_001 }, (_, i) => summary(String(i)))
    table.put(rows.slice(0, 10_000))
    expect(table.list('shop', { first: 1 }).count).toEqual({ value: 10_000, truncated: false })
    table.put(rows.slice(10_000))
    expect(table.list('shop', { first: 1 }).count).toEqual({ value: 10_000, truncated: true })
    table.close()
  })

  test('keeps the newer row, and lets a list close an open one', () => {
    const table = new ExecutionTable(':memory:')
    table.put([
      summary('1', { eventId: 7, cancelRequested: true }),
      summary('1', { eventId: 3 }),
      summary('1', { eventId: 0 }),
    ])
    expect(table.find('shop', 'order-1')).toMatchObject({ eventId: 7, cancelRequested: true })
    table.put([summary('1', { eventId: 0, status: 'TERMINATED', closedAt: T0 })])
    expect(table.find('shop', 'order-1')?.status).toBe('TERMINATED')
    table.put([summary('1', { eventId: 9, status: 'TERMINATED', closedAt: T0, failureReason: 'enough' })])
    expect(table.find('shop', 'order-1')?.failureReason).toBe('enough')
    table.close()
  })

  test('drops what closed before a time, and nothing that is open', () => {
    const table = new ExecutionTable(':memory:')
    const closed = { status: 'COMPLETED' as const, tags: ['a'] }
    table.put([summary('1', { ...closed, closedAt: T0 }), summary('2', { ...closed, closedAt: T0 + 1 }), summary('3')])
    table.prune('shop', T0 + 1)
    expect(table.list('shop', { first: 9 }).items.map(({ runId }) => runId)).toEqual(['3', '2'])
    expect(table.list('shop', { first: 9, filter: { tag: 'a' } }).count.value).toBe(1)
    table.close()
  })

  test('refuses a cursor that is none', () => {
    const table = new ExecutionTable(':memory:')
    expect(() => table.list('shop', { first: 1, after: 'nonsense' })).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT' }),
    )
    table.close()
  })
})

let runs = 0
const newHistory = () => new History({ workflowId: `order-${++runs}`, runId: `run-${runs}` })
async function publishSome(domain: string, count: number): Promise<History[]> {
  const histories = Array.from({ length: count }, newHistory)
  await Promise.all(
    histories.map(history => {
      history.decision(saga('RUNNING'))
      history.signal()
      return publisher.publish(domain, history.execution, history.events)
    }),
  )
  return histories
}

test('is filled from Redis, then follows', async () => {
  const domain = await sweptDomain(stream, redis)
  const [first] = await publishSome(domain, 1_100)
  const index = await newIndex({ domains: [domain] })
  const { count, indexedUpTo } = index.list(domain, { first: 1 })
  expect(count.value).toBe(1_100)
  expect(indexedUpTo).toBeGreaterThan(Date.now() - 5_000)
  expect(index.active(domain)).toBe(1_100)
  expect(index.readiness()).toEqual([])
  first!.terminate()
  await publisher.publish(domain, first!.execution, first!.events)
  await until(() => index.active(domain) === 1_099, { what: 'the index follows' })
})

test('knows of a run as soon as it is told, and of an update before any subscriber', async () => {
  const domain = await sweptDomain(stream, redis)
  const reader = new FeedReader({ redis: { url }, prefix, log })
  afterFile(() => reader.stop())
  const index = await newIndex({ reader })
  const subscriber = new Subscriber({ redis: { url }, prefix, log, reader })
  afterFile(() => subscriber.stop())
  const gateway = new Publisher({ redis, swf: swfOf().swf, prefix, log, index })
  const subscription = subscriber.subscribe(domain, {})
  await subscription.ready
  const history = newHistory()
  const { workflowId } = history.execution
  const started = gateway.started(domain, summary('', { domain, ...history.execution, eventId: 0 }))
  expect(index.find(domain, workflowId)).toMatchObject(history.execution)
  await started
  for (let i = 0; i < 50; i++) {
    history.decision(saga('RUNNING', `step ${i}`))
    history.signal()
    await publisher.publish(domain, history.execution, history.events)
    const { value } = await subscription.next()
    if (i === 0) await subscription.next()
    expect(index.find(domain, workflowId)!.eventId).toBeGreaterThanOrEqual(value.update.eventId)
  }
})

test('a file is taken up again where it was left, or filled anew', async () => {
  const domain = await sweptDomain(stream, redis)
  const file = join(tmpDir('index'), 'index.db')
  const histories = await publishSome(domain, 5)
  const first = await newIndex({ file, domains: [domain] })
  await first.stop()
  expect(existsSync(file)).toBe(true)
  histories.push(...(await publishSome(domain, 5)))
  const walked = redis.zscan
  redis.zscan = () => Promise.reject(new Error('no walk is needed'))
  const second = await newIndex({ file, domains: [domain], patience: 2_000 })
  redis.zscan = walked
  expect(second.list(domain, { first: 1 }).count.value).toBe(10)
  await second.stop()
  await publishSome(domain, 5)
  await redis.xtrim(feedKeys(prefix, domain).stream, 'MAXLEN', 3)
  await redis.del(feedKeys(prefix, domain).run(histories[0]!.execution.runId))
  const third = await newIndex({ file, domains: [domain] })
  expect(third.list(domain, { first: 1 }).count.value).toBe(14)
})

test('starts without Redis, and is filled when it comes', async () => {
  const domain = await sweptDomain(stream, redis)
  await publishSome(domain, 3)
  const { zscan } = redis
  redis.zscan = () => Promise.reject(new Error('Connection is closed.'))
  const index = await newIndex({ domains: [domain], patience: 100 })
  expect(index.readiness()).toEqual([`the executions of domain ${domain} are being indexed`])
  expect(index.list(domain, { first: 1 })).not.toHaveProperty('indexedUpTo')
  redis.zscan = zscan
  await until(() => index.readiness().length === 0, { what: 'the index is filled' })
  expect(index.list(domain, { first: 1 }).count.value).toBe(3)
})

test('says from which entry on the feed has what a list does not show, and when it is whole again', async () => {
  const domain = await sweptDomain(stream, redis)
  const reader = new FeedReader({ redis: { url }, prefix, log })
  const index = await newIndex({ reader, domains: [domain] })
  const subscriber = new Subscriber({ redis: { url }, prefix, log, reader, index })
  afterFile(async () => {
    await subscriber.stop()
    await reader.stop()
  })
  const listed = index.list(domain, { first: 9 })
  const [history] = await publishSome(domain, 1)
  const updates = subscriber.subscribe(domain, {}, { after: encodeCursor({ streamId: listed.streamId! }) })
  expect([await updates.next(), await updates.next()]).toMatchObject([
    { value: { update: { eventId: 1, summary: history!.execution } } },
    { value: { update: { eventId: 4 } } },
  ])
  await index.whole(domain)

  const { zscan } = redis
  redis.zscan = () => Promise.reject(new Error('Connection is closed.'))
  await redis.del(feedKeys(prefix, domain).stream)
  const [later] = await publishSome(domain, 1)
  let whole = false
  const resync = updates.next().finally(() => (whole = true))
  await until(() => index.find(domain, later!.execution.workflowId), { what: 'the index hears of it' })
  expect(index.list(domain, { first: 9 }).streamId).not.toBe(await stream.lastId(domain))
  expect(whole).toBe(false)
  redis.zscan = zscan
  expect((await resync).value).toMatchObject({ kind: 'resync' })
  expect(index.list(domain, { first: 9 }).streamId).toBe(await stream.lastId(domain))
  await updates.return!()
})
