import { expect, test } from 'vitest'
import { ExecutionIndex } from '../../src/feed/execution-index.js'
import { Publisher } from '../../src/feed/publisher.js'
import { FeedReader } from '../../src/feed/reader.js'
import { feedKeys, FeedStream } from '../../src/feed/stream.js'
import { Subscriber, type FeedItem, type Subscription } from '../../src/feed/subscriber.js'
import { Sweeper } from '../../src/feed/sweeper.js'
import { Tail } from '../../src/feed/tail.js'
import { isRedisAway, redisReady } from '../../src/redis.js'
import type { ExecutionContext } from '../../src/swf/execution-context.js'
import type { WorkflowExecution } from '../../src/swf/history-event.js'
import { afterFile } from '../support/dispose.js'
import { ownRedis, redisCommand, type OwnRedis } from '../support/redis.js'
import { tcpProxy } from '../support/tcp-proxy.js'
import { until } from '../support/until.js'
import { saga } from './histories.js'
import { connected } from '../support/redis-connection.js'
import { log } from './redis.js'
import { Shop } from './shop.js'

const prefix = 'test'

async function open(domain: string, through: (server: OwnRedis) => Promise<string> = async ({ url }) => url) {
  const server = await ownRedis({ persistence: 'always' })
  const url = await through(server)
  const redis = await connected(url)
  const shop = await Shop.open(domain)
  const { swf } = shop
  const reader = new FeedReader({ redis: { url }, prefix, log })
  const onBehind = () => sweeper.soon()
  const index = new ExecutionIndex({ redis, prefix, log, reader, domains: [domain], onBehind })
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

/** Decides, and publishes all that SWF shows then. */
const deciding = (shop: Shop, publisher: Publisher) => async (run: WorkflowExecution, context: ExecutionContext) => {
  await shop.decide(run, context)
  await publisher.publish(shop.domain, run, await shop.history(run))
}
/** The saga's state in the last update. */
function stateOf(items: FeedItem[]): string | undefined {
  const last = items.at(-1)
  return last?.kind === 'changed' ? last.update.summary.saga?.state : undefined
}

test('the last writes are lost: a RESYNC, nothing that was shown goes back, and Redis gets it again from SWF', async () => {
  const { server, redis, shop, subscriber, publisher, index, sweeper, tail, stream } = await open('behind')
  const { domain } = shop
  await sweeper.start()
  afterFile(() => sweeper.stop())
  const decided = deciding(shop, publisher)
  const [goesOn, ends] = [await shop.start(), await shop.start()] as const
  for (const run of [goesOn, ends]) await decided(run, saga('RUNNING'))
  const all = subscriber.subscribe(domain, {})
  const mine = subscriber.subscribe(domain, goesOn)
  await Promise.all([all.ready, mine.ready])
  const [gotAll, gotMine] = [gather(all), gather(mine)]
  await until(() => index.active(domain) === 2, { what: 'the index is filled' })

  const fallBack = server.mark()
  await shop.signal(goesOn)
  await decided(goesOn, saga('RETRYING'))
  await shop.terminate(ends)
  await tail.tail(domain, ends, { untilClosed: true })
  const started = await shop.start()
  await decided(started, saga('RUNNING'))
  await sweeper.sweep(domain)
  const shown = () => ({
    goesOn: index.find(domain, goesOn.workflowId, goesOn.runId)?.saga?.state,
    ends: index.find(domain, ends.workflowId, ends.runId)?.status,
    started: index.find(domain, started.workflowId, started.runId)?.status,
  })
  const newest = { goesOn: 'RETRYING', ends: 'TERMINATED', started: 'OPEN' }
  await until(() => JSON.stringify(shown()) === JSON.stringify(newest), { what: 'the index shows the newest' })
  await until(() => gotAll.length >= 4 && gotMine.length >= 1, { what: 'the subscriptions have been told' })
  const lost = gotAll.at(-1) as Extract<FeedItem, { kind: 'changed' }>

  await fallBack()
  await redisReady(redis)
  const resynced = (items: FeedItem[]) => items.some(({ kind }) => kind === 'resync')
  await until(() => resynced(gotAll) && resynced(gotMine), { what: 'subscribers are told' })
  expect(shown()).toEqual(newest)
  await until(
    async () => {
      const held = await stream.read(domain, [goesOn.runId, ends.runId, started.runId])
      const told = held.map(each => 'record' in each && [each.record.summary.status, each.record.summary.saga?.state])
      return JSON.stringify(told) === '[["OPEN","RETRYING"],["TERMINATED","FAILED"],["OPEN","RUNNING"]]'
    },
    { what: 'Redis knows again what SWF does' },
  )
  expect(shown()).toEqual(newest)
  const late = subscriber.subscribe(domain, {}, { after: lost.update.cursor })
  expect((await late.next()).value).toMatchObject({ kind: 'resync' })
  await late.return!()
})

test('a replica is promoted that had not got the last writes: no gap and no silence', async () => {
  let port = 0
  const proxy = await tcpProxy(() => port)
  const { server, redis, shop, subscriber, publisher, index } = await open('promoted', async server => {
    port = server.port
    return `redis://127.0.0.1:${proxy.port}`
  })
  const replica = await ownRedis({ persistence: 'none' })
  const link = await tcpProxy(() => server.port)
  await redisCommand(replica.url, 'REPLICAOF', '127.0.0.1', String(link.port))
  const { domain } = shop
  const decided = deciding(shop, publisher)
  const run = await shop.start()
  const subscription = subscriber.subscribe(domain, run)
  await subscription.ready
  const got = gather(subscription)
  await decided(run, saga('RUNNING'))
  await until(async () => (await redisCommand(server.url, 'WAIT', '1', '1000')) === ':1', {
    what: 'the replica has got everything',
  })
  link.cut(true)
  await shop.signal(run)
  await decided(run, saga('RETRYING'))
  await until(() => stateOf(got) === 'RETRYING', { what: 'the update that will be lost has come' })
  const before = got.length
  const lost = got.at(-1) as Extract<FeedItem, { kind: 'changed' }>

  await redisCommand(replica.url, 'REPLICAOF', 'NO', 'ONE')
  port = replica.port
  await server.kill()
  proxy.cut(true)
  proxy.cut(false)
  await until(async () => redis.status === 'ready' && (await redis.ping()), { what: 'the replica answers' })
  await shop.signal(run)
  await until(() => decided(run, saga('COMPENSATING')).then(() => true), { what: 'the next is published' })
  await until(() => stateOf(got) === 'COMPENSATING', { what: 'the subscription has the newest' })
  expect(got.slice(before).map(({ kind }) => kind)).toContain('resync')
  expect(index.find(domain, run.workflowId)?.saga?.state).toBe('COMPENSATING')
  const late = subscriber.subscribe(domain, {}, { after: lost.update.cursor })
  expect((await late.next()).value).toMatchObject({ kind: 'resync' })
  await late.return!()
})

test('no two entries have the same id, not in streams that know nothing of each other', async () => {
  const { redis, stream } = await open('ids')
  // As a replica and the primary that it has lost do, whose clocks differ.
  const add = (domain: string) => stream.resync(domain, 'ALL_READ_ANEW')
  await Promise.all(Array.from({ length: 400 }, (_, n) => add(n % 2 ? 'one' : 'other')))
  const ids = async (domain: string) =>
    ((await redis.xrange(feedKeys(prefix, domain).stream, '-', '+')) as [string, unknown][]).map(([id]) => id)
  const all = [...(await ids('one')), ...(await ids('other'))]
  expect(all).toHaveLength(400)
  expect(new Set(all).size).toBe(400)
})
