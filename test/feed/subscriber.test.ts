import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { encodeCursor } from '../../src/feed/cursor.js'
import { Publisher } from '../../src/feed/publisher.js'
import { Subscriber, type FeedItem, type SubscriberOptions, type Subscription } from '../../src/feed/subscriber.js'
import { FeedStream, feedKeys } from '../../src/feed/stream.js'
import type { ExecutionUpdate } from '../../src/feed/update.js'
import type { Redis } from '../../src/redis.js'
import { afterFile } from '../support/dispose.js'
import { testRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { History, saga, swfOf } from './histories.js'
import { connected } from '../support/redis-connection.js'
import { freshDomain, log, sweptDomain } from './redis.js'

const { url, prefix } = testRedis()
let redis: Redis
let publisher: Publisher
let stream: FeedStream
let subscriber: Subscriber
beforeAll(async () => {
  redis = await connected(url)
  publisher = new Publisher({ redis, swf: swfOf().swf, prefix, log })
  stream = new FeedStream(redis, prefix)
  subscriber = newSubscriber()
})

const open: Subscription[] = []
afterEach(async () => {
  for (const subscription of open.splice(0)) await subscription.return!()
})

function newSubscriber(options: Partial<SubscriberOptions> = {}): Subscriber {
  const made = new Subscriber({ redis: { url }, prefix, log, ...options })
  afterFile(() => made.stop())
  return made
}

function subscribe(domain: string, topic: Parameters<Subscriber['subscribe']>[1], after?: string, from = subscriber) {
  const subscription = from.subscribe(domain, topic, after === undefined ? {} : { after })
  open.push(subscription)
  return subscription
}

let runs = 0
const newHistory = (workflowId = 'order') => new History({ workflowId, runId: `run-${++runs}` })

/** Makes one more update of a run. */
async function step(domain: string, history: History, state = `step ${history.last}`): Promise<void> {
  history.decision(saga('RUNNING', state))
  history.signal()
  await publisher.publish(domain, history.execution, history.events)
}

async function take(subscription: Subscription, count: number): Promise<FeedItem[]> {
  const items: FeedItem[] = []
  while (items.length < count) {
    const { value, done } = await subscription.next()
    if (done) break
    items.push(value as FeedItem)
  }
  return items
}
const updates = (items: FeedItem[]): ExecutionUpdate[] =>
  items.map(item => {
    if (item.kind !== 'changed') throw new Error(`got ${item.kind}`)
    return item.update
  })
const ids = (items: FeedItem[]) => items.map(item => (item.kind === 'changed' ? item.update.eventId : item.kind))
const takeUpdates = async (subscription: Subscription, count: number) => updates(await take(subscription, count))

describe('live', () => {
  test('gives what happens to one run, to the runs of a workflowId, and to those a filter lets through', async () => {
    const domain = await sweptDomain(stream, redis)
    const [mine, sibling, other] = [newHistory('order-1'), newHistory('order-1'), newHistory('order-2')]
    const one = subscribe(domain, { workflowId: 'order-1', runId: mine.execution.runId })
    const both = subscribe(domain, { workflowId: 'order-1' })
    const closed = subscribe(domain, { filter: summary => summary.status !== 'OPEN' })
    const all = subscribe(domain, {})
    await Promise.all([one.ready, both.ready, closed.ready, all.ready])
    await step(domain, mine)
    await step(domain, sibling)
    await step(domain, other)
    sibling.terminate()
    await publisher.publish(domain, sibling.execution, sibling.events)
    expect(ids(await take(one, 2))).toEqual([1, 4])
    expect(ids(await take(both, 5))).toEqual([1, 4, 1, 4, 7])
    expect((await takeUpdates(closed, 1))[0]!.summary).toMatchObject({ status: 'TERMINATED', workflowId: 'order-1' })
    expect(ids(await take(all, 7))).toEqual([1, 4, 1, 4, 1, 4, 7])
  })

  test('tells of a run that is stuck, and that it is healed', async () => {
    const domain = await sweptDomain(stream, redis)
    const history = newHistory()
    const subscription = subscribe(domain, { runId: history.execution.runId })
    await subscription.ready
    const stuck = { since: 1, reason: 'TypeError' }
    history.decision({ stuck })
    history.signal()
    history.decision({})
    await publisher.publish(domain, history.execution, history.events)
    expect((await take(subscription, 3)).slice(1)).toMatchObject([
      { kind: 'stuck', stuck },
      { kind: 'stuck', summary: { runId: history.execution.runId } },
    ])
  })

  test('ends by its signal, by return, and by stop', async () => {
    const domain = await sweptDomain(stream, redis)
    const mine = newSubscriber()
    const controller = new AbortController()
    const bySignal = mine.subscribe(domain, {}, { signal: controller.signal })
    const byReturn = mine.subscribe(domain, {})
    const byStop = mine.subscribe(domain, {})
    const pending = [bySignal, byReturn, byStop].map(subscription => subscription.next())
    expect(mine.size).toBe(3)
    controller.abort()
    await byReturn.return!()
    expect(mine.size).toBe(1)
    await mine.stop()
    expect(await Promise.all(pending)).toEqual(pending.map(() => ({ value: undefined, done: true })))
    expect(mine.size).toBe(0)
  })

  test('a filter that throws ends its own subscription only', async () => {
    const domain = await sweptDomain(stream, redis)
    const bad = subscribe(domain, {
      filter: () => {
        throw new Error('not my day')
      },
    })
    const good = subscribe(domain, {})
    await Promise.all([bad.ready, good.ready])
    await step(domain, newHistory())
    expect(ids(await take(good, 2))).toEqual([1, 4])
    await expect(bad.next()).rejects.toThrow('not my day')
  })

  test('a slow subscription gets one RESYNC for what it did not take, then goes on; others miss nothing', async () => {
    const domain = await sweptDomain(stream, redis)
    const few = newSubscriber({ ring: 10 })
    const slow = subscribe(domain, {}, undefined, few)
    const quick = subscribe(domain, {}, undefined, few)
    await Promise.all([slow.ready, quick.ready])
    const history = newHistory()
    for (let i = 0; i < 15; i++) {
      await step(domain, history)
      if (i === 0) expect(ids(await take(quick, 2))).toEqual([1, 4])
      else expect(ids(await take(quick, 1))).toHaveLength(1)
    }
    const [resync, ...rest] = await take(slow, 5)
    expect(resync).toMatchObject({ kind: 'resync', reason: 'TOO_SLOW' })
    expect(ids(rest)).toEqual([44, 48, 52, 56])
  })
})

test('a RESYNC waits until what it makes clients read again is there', async () => {
  const domain = await sweptDomain(stream, redis)
  let filled!: () => void
  const filling = new Promise<void>(resolve => (filled = resolve))
  const asked: string[] = []
  const whole = (name: string) => (asked.push(name), filling)
  const mine = newSubscriber({ index: { whole } })
  const [patient, gone] = [subscribe(domain, {}, undefined, mine), subscribe(domain, {}, undefined, mine)]
  await Promise.all([patient.ready, gone.ready])
  await stream.resync(domain, 'ALL_READ_ANEW')
  let given = false
  const next = patient.next().finally(() => (given = true))
  const ending = gone.next()
  await until(() => asked.length === 2, { what: 'both ask whether the index is whole' })
  await gone.return!()
  await ending
  expect(given).toBe(false)
  filled()
  expect((await next).value).toMatchObject({ kind: 'resync', reason: 'ALL_READ_ANEW' })
})

test('a stream that is lost under its subscriptions gives each a RESYNC, before what is new', async () => {
  const domain = await sweptDomain(stream, redis)
  const history = newHistory()
  const subscriptions = [subscribe(domain, {}), subscribe(domain, { runId: history.execution.runId })]
  await Promise.all(subscriptions.map(({ ready }) => ready))
  await step(domain, history)
  for (const subscription of subscriptions) await take(subscription, 2)
  await redis.del(feedKeys(prefix, domain).stream)
  // Ids begin with the millisecond: those of another millisecond are later ones.
  await delay(5)
  await step(domain, history)
  for (const subscription of subscriptions) expect(ids(await take(subscription, 2))).toEqual(['resync', 8])
})

describe('resuming', () => {
  test('one run: exactly what was missed, in order, then live', async () => {
    const domain = await sweptDomain(stream, redis)
    const [history, noise] = [newHistory(), newHistory('noise')]
    const topic = { workflowId: 'order', runId: history.execution.runId }
    const first = subscribe(domain, topic)
    await first.ready
    await step(domain, history)
    const seen = await takeUpdates(first, 2)
    await first.return!()
    for (let i = 0; i < 5; i++) {
      await step(domain, history)
      await step(domain, noise)
    }
    for (const [i, { cursor }] of seen.entries()) {
      const late = subscribe(domain, topic, cursor)
      const missed = await takeUpdates(late, 6)
      expect(missed.map(({ eventId }) => eventId)).toEqual([4, 8, 12, 16, 20, 24, 28].slice(i, 6 + i))
      expect(missed[0]!.previousEventId).toBe(seen[i]!.eventId)
      await step(domain, history)
      const [next] = await takeUpdates(late, 1)
      expect(next!.previousEventId).toBe(24 + 4 * i)
    }
  })

  test('one run, closed meanwhile or with nothing missed', async () => {
    const domain = await sweptDomain(stream, redis)
    const history = newHistory()
    const topic = { runId: history.execution.runId }
    const first = subscribe(domain, topic)
    await first.ready
    await step(domain, history)
    const [, last] = await takeUpdates(first, 2)
    const again = subscribe(domain, topic, last!.cursor)
    const next = again.next()
    history.terminate()
    await publisher.publish(domain, history.execution, history.events)
    expect(updates([(await next).value as FeedItem])[0]!.summary.status).toBe('TERMINATED')
    const late = subscribe(domain, topic, last!.cursor)
    expect(ids(await take(late, 1))).toEqual([7])
  })

  test('many runs: over several pages, through a filter, with what happens while it catches up', async () => {
    const domain = await sweptDomain(stream, redis)
    const histories = Array.from({ length: 40 }, (_, i) => newHistory(`order-${i % 2}`))
    const topic = { filter: (summary: { workflowId: string }) => summary.workflowId === 'order-0' }
    const first = subscribe(domain, topic)
    await first.ready
    for (const history of histories) await step(domain, history)
    const [{ cursor }] = (await takeUpdates(first, 1)) as [ExecutionUpdate]
    const steps = (n: number) =>
      Promise.all(
        histories.map(async history => {
          for (let i = 0; i < n; i++) await step(domain, history)
        }),
      )
    await steps(20)
    const late = subscribe(domain, topic, cursor)
    const during = steps(5)
    const got = await takeUpdates(late, 20 * 27 - 1)
    await during
    for (const history of histories.filter((_, i) => i % 2 === 0)) {
      const own = got.filter(({ summary }) => summary.runId === history.execution.runId)
      const all = [1, ...Array.from({ length: 26 }, (_, i) => 4 + 4 * i)]
      const expected = history === histories[0] ? all.slice(1) : all
      expect(own.map(({ eventId }) => eventId)).toEqual(expected)
    }
  })

  test('with the cursor of another run, and with one of a RESYNC', async () => {
    const domain = await sweptDomain(stream, redis)
    const [a, b] = [newHistory('a'), newHistory('b')]
    const all = subscribe(domain, {})
    await all.ready
    await step(domain, a)
    const [{ cursor }] = (await takeUpdates(all, 1)) as [ExecutionUpdate]
    await step(domain, b)
    expect(ids(await take(subscribe(domain, { runId: b.execution.runId }, cursor), 2))).toEqual([1, 4])
    await stream.resync(domain, 'ALL_READ_ANEW')
    const [, , , resync] = await take(all, 4)
    await step(domain, b)
    expect(resync).toMatchObject({ kind: 'resync', reason: 'ALL_READ_ANEW' })
    const after = (resync as { cursor: string }).cursor
    expect(ids(await take(subscribe(domain, { runId: b.execution.runId }, after), 1))).toEqual([8])
  })

  test('from before the first update of a run', async () => {
    const domain = await sweptDomain(stream, redis)
    const history = newHistory()
    await step(domain, history)
    const cursor = encodeCursor({ streamId: '0-0', run: { runId: history.execution.runId, eventId: 0 } })
    expect(ids(await take(subscribe(domain, { runId: history.execution.runId }, cursor), 2))).toEqual([1, 4])
  })

  test.each(['', 'nonsense', Buffer.from('1.x.3.run').toString('base64url')])(
    'refuses the cursor "%s"',
    async cursor => {
      const before = subscriber.size
      const subscription = subscriber.subscribe(freshDomain(), {}, { after: cursor })
      await expect(subscription.next()).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
      expect(subscriber.size).toBe(before)
    },
  )

  test('a trimmed stream gives RESYNC, then what is new', async () => {
    const domain = await sweptDomain(stream, redis)
    const [history, other] = [newHistory(), newHistory()]
    const topic = { runId: history.execution.runId }
    const subscriptions = [subscribe(domain, topic), subscribe(domain, {})]
    await Promise.all(subscriptions.map(({ ready }) => ready))
    await step(domain, history)
    const [one, many] = await Promise.all(subscriptions.map(async s => (await takeUpdates(s, 1))[0]!.cursor))
    await step(domain, history)
    await step(domain, other)
    await redis.xtrim(feedKeys(prefix, domain).stream, 'MAXLEN', 2)
    for (const late of [subscribe(domain, topic, one), subscribe(domain, {}, many)]) {
      expect((await take(late, 1))[0]).toMatchObject({ kind: 'resync' })
      await step(domain, history)
      const [update] = await takeUpdates(late, 1)
      expect(update!.eventId).toBe(history.last - 2)
    }
  })

  test('a lost stream gives RESYNC once its reader, and with it the index, has noticed', async () => {
    const domain = await sweptDomain(stream, redis)
    const history = newHistory()
    const idle = subscribe(domain, {})
    await idle.ready
    await step(domain, history)
    const [{ cursor }] = (await takeUpdates(idle, 2)) as [ExecutionUpdate]
    await redis.del(feedKeys(prefix, domain).stream)
    const given = await Promise.all(
      [{}, { runId: history.execution.runId }].map(topic => take(subscribe(domain, topic, cursor), 1)),
    )
    const nowhere = encodeCursor({ streamId: '0-0' })
    expect(given.flat()).toMatchObject([
      { kind: 'resync', cursor: nowhere },
      { kind: 'resync', cursor: nowhere },
    ])
    expect((await take(idle, 1))[0]).toMatchObject({ kind: 'resync' })
  })

  test('a trimmed stream gives no RESYNC to one who missed nothing', async () => {
    const domain = await sweptDomain(stream, redis)
    const history = newHistory()
    const topic = { runId: history.execution.runId }
    const first = subscribe(domain, topic)
    await first.ready
    await step(domain, history)
    const [, { cursor }] = (await takeUpdates(first, 2)) as [ExecutionUpdate, ExecutionUpdate]
    await step(domain, newHistory())
    await redis.xtrim(feedKeys(prefix, domain).stream, 'MAXLEN', 1)
    const late = subscribe(domain, topic, cursor)
    const next = late.next()
    await step(domain, history)
    expect(ids([(await next).value as FeedItem])).toEqual([8])
  })
})
