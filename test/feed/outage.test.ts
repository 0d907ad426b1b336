import { expect, test } from 'vitest'
import { ExecutionIndex } from '../../src/feed/execution-index.js'
import { Publisher } from '../../src/feed/publisher.js'
import { FeedReader } from '../../src/feed/reader.js'
import { feedKeys, FeedStream } from '../../src/feed/stream.js'
import { Subscriber, type FeedItem, type Subscription } from '../../src/feed/subscriber.js'
import { Sweeper } from '../../src/feed/sweeper.js'
import { Tail } from '../../src/feed/tail.js'
import { isRedisAway, redisReady } from '../../src/redis.js'
import { afterFile } from '../support/dispose.js'
import { ownRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { saga } from './histories.js'
import { connected } from '../support/redis-connection.js'
import { log } from './redis.js'
import { Shop } from './shop.js'

const prefix = 'test'

async function open(domain: string) {
  const server = await ownRedis({ persistence: 'always' })
  const { url } = server
  const redis = await connected(url)
  const shop = await Shop.open(domain)
  const { swf } = shop
  const reader = new FeedReader({ redis: { url }, prefix, log })
  const index = new ExecutionIndex({ redis, prefix, log, reader, domains: [domain] })
  const subscriber = new Subscriber({ redis: { url }, prefix, log, reader })
  const publisher = new Publisher({ redis, swf, prefix, log, index })
  const tail = new Tail({ swf, publisher, redis, prefix, log })
  const sweeper = new Sweeper({ swf, redis, publisher, tail, prefix, log, domains: [domain], interval: 300 })
  await index.start()
  afterFile(async () => {
    await subscriber.stop()
    await index.stop()
    await reader.stop()
  })
  await sweeper.sweep(domain)
  return { server, redis, shop, index, subscriber, publisher, tail, sweeper, stream: new FeedStream(redis, prefix) }
}

/** Gathers what a subscription gives. */
function gather(subscription: Subscription): FeedItem[] {
  const items: FeedItem[] = []
  void (async () => {
    for await (const item of subscription) items.push(item)
  })()
  return items
}
const told = (items: FeedItem[]) => items.map(item => (item.kind === 'changed' ? item.update.eventId : item.kind))

test('a Redis that was killed and came back has lost nothing: no gap, no duplicate, no RESYNC', async () => {
  const { server, redis, shop, subscriber, publisher, index } = await open('killed')
  const { domain } = shop
  const one = await shop.start()
  const all = subscriber.subscribe(domain, {})
  const mine = subscriber.subscribe(domain, one)
  await Promise.all([all.ready, mine.ready])
  const [gotAll, gotMine] = [gather(all), gather(mine)]
  await publisher.publish(domain, one, (await shop.decide(one, saga('RUNNING'))).events)
  await server.kill()
  await shop.signal(one)
  const lost = await shop.decide(one, saga('RETRYING'))
  const refused = await publisher.publish(domain, one, lost.events).catch((error: unknown) => error)
  expect(isRedisAway(refused)).toBe(true)
  const during = await shop.start()
  await expect(publisher.publish(domain, during, (await shop.decide(during, saga('RUNNING'))).events)).rejects.toThrow()
  await server.restart()
  await redisReady(redis)
  await shop.signal(one)
  await publisher.publish(domain, one, (await shop.decide(one)).events.slice(-1))
  await shop.signal(during)
  await publisher.publish(domain, during, (await shop.decide(during)).events)
  await until(() => gotAll.length >= 5, { what: 'the subscription has caught up' })
  expect(told(gotMine)).toEqual([1, 4, 9])
  expect(told(gotAll)).toEqual([1, 4, 9, 1, 4])
  expect(index.find(domain, during.workflowId)).toMatchObject({ saga: { state: 'RUNNING' } })
})

test('an emptied Redis gives RESYNC, never silence, and is filled from SWF again', async () => {
  const { server, redis, shop, subscriber, publisher, index, sweeper, stream } = await open('emptied')
  const { domain } = shop
  const runs = [await shop.start(), await shop.start()] as const
  for (const run of runs) await publisher.publish(domain, run, (await shop.decide(run, saga('RUNNING'))).events)
  await until(() => index.active(domain) === 2, { what: 'the index is filled' })
  const subscriptions = [subscriber.subscribe(domain, {}), subscriber.subscribe(domain, runs[0])]
  await Promise.all(subscriptions.map(({ ready }) => ready))
  const [all, mine] = subscriptions.map(gather) as [FeedItem[], FeedItem[]]
  await shop.signal(runs[0])
  await publisher.publish(domain, runs[0], (await shop.decide(runs[0], saga('RETRYING'))).events)
  await until(() => all.length === 1 && mine.length === 1, { what: 'the update has come' })
  const cursor = (all[0] as { update: { cursor: string } }).update.cursor

  await server.empty()
  await until(() => all.length === 2 && mine.length === 2, { what: 'an idle subscription hears of it' })
  expect([all[1]!.kind, mine[1]!.kind]).toEqual(['resync', 'resync'])
  expect(index.active(domain)).toBe(2)

  await shop.signal(runs[0])
  await publisher.publish(domain, runs[0], (await shop.decide(runs[0])).events.slice(-1))
  await until(() => mine.length === 3, { what: 'the run is read anew' })
  expect(mine[2]).toMatchObject({ kind: 'resync', summary: { saga: { state: 'RETRYING' } } })

  await shop.terminate(runs[1])
  await sweeper.sweep(domain)
  await until(() => index.find(domain, runs[1].workflowId)?.status === 'TERMINATED', { what: 'the index is whole' })
  expect((await stream.read(domain, [runs[1].runId]))[0]).toMatchObject({
    record: { summary: { status: 'TERMINATED' } },
  })
  expect(told(all).slice(2)).toEqual(['resync', 'resync', 'resync'])

  const late = subscriber.subscribe(domain, {}, { after: cursor })
  expect((await late.next()).value).toMatchObject({ kind: 'resync' })
  await late.return!()
  expect(await redis.exists(feedKeys(prefix, domain).unread)).toBe(0)
})

test('subscribing while Redis is away waits for it', async () => {
  const { server, redis, shop, subscriber, publisher } = await open('away')
  const { domain } = shop
  const run = await shop.start()
  const before = subscriber.subscribe(domain, run)
  await before.ready
  await shop.decide(run, saga('RUNNING'))
  await publisher.publish(domain, run, await shop.history(run))
  const { cursor } = ((await before.next()).value as { update: { cursor: string } }).update
  await before.return!()
  await server.kill()
  const late = subscriber.subscribe(domain, run, { after: cursor })
  const next = late.next()
  await server.restart()
  await redisReady(redis)
  expect(((await next).value as { update: { eventId: number } }).update.eventId).toBe(4)
  await late.return!()
})
