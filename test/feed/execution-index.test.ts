import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { encodeCursor } from '../../src/feed/cursor.js'
import { ExecutionIndex, type ExecutionIndexOptions } from '../../src/feed/execution-index.js'
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
  expect(index.readiness()).toEqual([`the executions of domain ${domain} are being indexed: 0 of 3`])
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
