import { beforeAll, expect, test } from 'vitest'
import { ExecutionIndex } from '../../src/feed/execution-index.js'
import { Publisher } from '../../src/feed/publisher.js'
import { FeedStream, feedKeys } from '../../src/feed/stream.js'
import { Subscriber } from '../../src/feed/subscriber.js'
import { Sweeper } from '../../src/feed/sweeper.js'
import { Tail } from '../../src/feed/tail.js'
import { deriveUpdates } from '../../src/feed/update.js'
import type { Redis } from '../../src/redis.js'
import { afterFile } from '../support/dispose.js'
import { testRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { saga } from './histories.js'
import { connected } from '../support/redis-connection.js'
import { entriesOf, log } from './redis.js'
import { Shop } from './shop.js'

const { url, prefix } = testRedis()
let redis: Redis
let stream: FeedStream
let shared: Shop
beforeAll(async () => {
  redis = await connected(url)
  stream = new FeedStream(redis, prefix)
  shared = await Shop.open('first')
})

let shops = 0
async function newShop() {
  const shop = await shared.register(`shop-${++shops}`)
  const { swf, domain } = shop
  const publisher = new Publisher({ redis, swf, prefix, log })
  const tail = new Tail({ swf, publisher, redis, prefix, log })
  const newSweeper = (interval = 1_000) =>
    new Sweeper({ swf, redis, publisher, tail, prefix, log, domains: [domain], interval, lookback: 600_000 })
  return { shop, domain, publisher, tail, newSweeper }
}
const newIndex = async (domain: string) => {
  const index = new ExecutionIndex({ redis, prefix, log, domains: [domain] })
  afterFile(() => index.stop())
  await index.start()
  return index
}
const statuses = async (domain: string) =>
  (await entriesOf(stream, domain)).flatMap(entry => (entry.kind === 'changed' ? [entry.summary.status] : entry.kind))

test('finds the termination of a run that is known, and a run that others started', async () => {
  const { shop, domain, publisher, newSweeper } = await newShop()
  const sweeper = newSweeper()
  await sweeper.sweep(domain)
  const known = await shop.start()
  await publisher.publish(domain, known, (await shop.decide(known, saga('RUNNING'))).events)
  await shop.terminate(known)
  const others = await shop.start(['theirs'])
  await sweeper.sweep(domain)
  expect(await statuses(domain)).toEqual(['OPEN', 'OPEN', 'OPEN', 'TERMINATED'])
  const index = await newIndex(domain)
  expect(index.find(domain, known.workflowId)).toMatchObject({ status: 'TERMINATED', failureReason: 'enough' })
  expect(index.list(domain, { filter: { tag: 'theirs' }, first: 10 }).items).toMatchObject([others])
  await sweeper.sweep(domain)
  expect(await statuses(domain)).toHaveLength(4)
})

test('reaches subscribers by itself', async () => {
  const { shop, domain, newSweeper } = await newShop()
  const subscriber = new Subscriber({ redis: { url }, prefix, log })
  const sweeper = newSweeper(100)
  await sweeper.start()
  await until(() => redis.hget(feedKeys(prefix, domain).sweep, 'closed'), { what: 'the first sweep has ended' })
  const subscription = subscriber.subscribe(domain, {})
  await subscription.ready
  const execution = await shop.start()
  await shop.terminate(execution)
  const items = [(await subscription.next()).value, (await subscription.next()).value]
  expect(items).toMatchObject([
    { kind: 'changed', update: { eventId: 1 } },
    { kind: 'changed', update: { previousEventId: 1, summary: { status: 'TERMINATED' } } },
  ])
  await sweeper.stop()
  await subscriber.stop()
})

test('fills an emptied Redis from SWF: the index equals what the histories say', async () => {
  const { shop, domain, newSweeper } = await newShop()
  const run = async (i: number) => {
    const execution = await shop.start([`tag-${i % 3}`])
    if (i % 2) await shop.decide(execution, saga('COMPENSATING', `step ${i}`))
    if (i % 3 === 1) await shop.terminate(execution)
    return execution
  }
  const runs = await Promise.all(Array.from({ length: 60 }, (_, i) => run(i)))
  const subscriber = new Subscriber({ redis: { url }, prefix, log })
  const subscription = subscriber.subscribe(domain, {})
  await subscription.ready
  const index = await newIndex(domain)
  await newSweeper(5_000).sweep(domain)
  const histories = new Map<string, object>()
  for (const execution of runs)
    histories.set(
      execution.runId,
      deriveUpdates(domain, execution, undefined, await shop.history(execution)).record.summary,
    )
  await until(() => index.list(domain, { first: 1, filter: { sagaState: ['COMPENSATING'] } }).count.value === 20, {
    what: 'the open runs are indexed with their sagas',
  })
  await until(() => index.list(domain, { first: 100 }).items.every(({ eventId }) => eventId > 0), {
    what: 'of no run is known only what a list says',
  })
  const { items, count } = index.list(domain, { first: 100 })
  expect(count).toEqual({ value: 60, truncated: false })
  expect(new Map(items.map(item => [item.runId, item]))).toEqual(histories)
  expect((await subscription.next()).value).toMatchObject({ kind: 'resync', reason: 'ALL_READ_ANEW' })
  expect((await subscription.next()).value).toMatchObject({ kind: 'resync', reason: 'ALL_READ_ANEW' })
  await subscriber.stop()
})

test('one sweeper at a time has a domain; another takes over when it stops', async () => {
  const { shop, domain, newSweeper } = await newShop()
  const [first, second] = [newSweeper(60_000), newSweeper(60_000)]
  await first.sweep(domain)
  await shop.start()
  await second.sweep(domain)
  expect(await statuses(domain)).toEqual([])
  await first.stop()
  await second.sweep(domain)
  expect(await statuses(domain)).toEqual(['OPEN'])
  await second.stop()
})

test('its marks do not move past what it could not read', async () => {
  const { shop, domain, newSweeper, publisher, tail } = await newShop()
  await newSweeper().sweep(domain)
  const marks = () => redis.hmget(feedKeys(prefix, domain).sweep, 'opened', 'closed')
  const before = await marks()
  const execution = await shop.start()
  const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  const broken = new Sweeper({
    swf: shop.swf,
    redis,
    publisher,
    tail: { tail: () => Promise.reject(away) } as unknown as Tail,
    prefix,
    log,
    domains: [domain],
    interval: 100,
  })
  await redis.hdel(feedKeys(prefix, domain).sweep, 'holder')
  await expect(broken.sweep(domain)).rejects.toBe(away)
  expect(await marks()).toEqual(before)
  await broken.stop()
  const sweeper = new Sweeper({ swf: shop.swf, redis, publisher, tail, prefix, log, domains: [domain], interval: 100 })
  await sweeper.sweep(domain)
  expect(await statuses(domain)).toEqual(['OPEN'])
  expect((await stream.read(domain, [execution.runId]))[0]).toMatchObject({ at: '2.0' })
})

test('keeps as many entries as it is told when it lists everything anew', async () => {
  const { shop, domain, publisher, tail } = await newShop()
  const limits = { prefix, log, domains: [domain], interval: 1_000, lookback: 600_000, maxLength: 10 }
  const sweeper = new Sweeper({ swf: shop.swf, redis, publisher, tail, ...limits })
  const length = () => redis.xlen(feedKeys(prefix, domain).stream)
  for (let n = 0; n < 300; n++) await stream.resync(domain, 'ALL_READ_ANEW')
  expect(await length()).toBe(300)
  await shop.start()
  await sweeper.sweep(domain)
  expect(await length()).toBeLessThan(250)
})

test('a domain that is closed in the middle of its first sweep is let go at once, and swept again when it is opened', async () => {
  const { shop, domain, publisher, tail } = await newShop()
  for (let n = 0; n < 30; n++) await shop.start()
  const slow = { prefix, log, domains: [], interval: 60_000, callsPerSecond: 2 }
  const sweeper = new Sweeper({ swf: shop.swf, redis, publisher, tail, ...slow })
  const holder = () => redis.hget(feedKeys(prefix, domain).sweep, 'holder')
  sweeper.open(domain)
  await until(async () => (await holder()) !== null, { what: 'it is being swept' })
  const closed = sweeper.close(domain)
  sweeper.open(domain)
  await closed
  await until(async () => (await holder()) !== null, { what: 'it is being swept again' })
  await sweeper.stop()
  expect(await holder()).toBeNull()
})
