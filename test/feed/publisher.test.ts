import { beforeAll, expect, test } from 'vitest'
import { Publisher } from '../../src/feed/publisher.js'
import { FeedStream } from '../../src/feed/stream.js'
import type { Redis } from '../../src/redis.js'
import { createMetrics } from '../../src/telemetry.js'
import { encodeExecutionContext } from '../../src/swf/execution-context.js'
import { testRedis } from '../support/redis.js'
import { History, saga, swfOf, T0 } from './histories.js'
import { connected } from '../support/redis-connection.js'
import { entriesOf, freshDomain, log, sweptDomain } from './redis.js'

const { url, prefix } = testRedis()
let redis: Redis
let stream: FeedStream
beforeAll(async () => {
  redis = await connected(url)
  stream = new FeedStream(redis, prefix)
})

let runs = 0
const newHistory = () => new History({ workflowId: 'order', runId: `run-${++runs}` })
const publisher = (swf = swfOf().swf) => new Publisher({ redis, swf, prefix, log })
const ids = async (domain: string) =>
  (await entriesOf(stream, domain)).map(entry => (entry.kind === 'changed' ? entry.eventId : entry.kind))
const heldOf = async (domain: string, history: History) => (await stream.read(domain, [history.execution.runId]))[0]!

test('appends what is new, and nothing of what is there', async () => {
  const domain = await sweptDomain(stream, redis)
  const history = newHistory()
  const decider = publisher()
  history.decisionStarted()
  await decider.publish(domain, history.execution, history.events)
  await decider.publish(domain, history.execution, history.events)
  history.decisionCompleted(3, saga('RUNNING'))
  history.signal()
  history.decisionStarted()
  await decider.publish(domain, history.execution, history.events)
  await publisher().publish(domain, history.execution, history.from(2, 5))
  expect(await ids(domain)).toEqual([1, 4])
  expect(await heldOf(domain, history)).toMatchObject({
    at: '7.0',
    record: { updated: 4, version: { eventId: 7, n: 0 } },
  })
})

test('a close is counted by the one publisher that wrote it, and not when a run is found closed', async () => {
  const domain = await sweptDomain(stream, redis)
  const history = newHistory()
  history.decision()
  const publishers = [1, 2, 3].map(() => {
    const metrics = createMetrics('test')
    return { metrics, publisher: new Publisher({ redis, swf: swfOf().swf, prefix, log, metrics }) }
  })
  for (const each of publishers) await each.publisher.publish(domain, history.execution, history.events)
  history.complete()
  await Promise.all(publishers.map(each => each.publisher.publish(domain, history.execution, history.events)))
  const old = newHistory()
  old.decision()
  old.complete()
  await publishers[0]!.publisher.publish(domain, old.execution, old.events, { unknown: 'quiet' })
  const counted = await Promise.all(
    publishers.map(async ({ metrics }) => (await metrics.executionsClosed.get()).values),
  )
  expect(counted.flat().map(({ labels, value }) => ({ ...labels, value }))).toEqual([
    { workflowType: 'Order', status: 'COMPLETED', value: 1 },
  ])
})

test('reads a gap from the end of the history, before it appends', async () => {
  const domain = await sweptDomain(stream, redis)
  const history = newHistory()
  const shown = swfOf(history)
  for (let i = 0; i < 40; i++) {
    history.decision(saga('RUNNING', `step ${i}`))
    history.signal()
    if (i === 1) await publisher(shown.swf).publish(domain, history.execution, history.events)
  }
  history.decisionStarted()
  const sticky = publisher(shown.swf)
  await sticky.publish(domain, history.execution, history.from(history.last - 2))
  const changed = history.events.filter(({ eventType }) => eventType === 'DecisionTaskCompleted')
  expect(await ids(domain)).toEqual([1, ...changed.map(({ eventId }) => eventId)])
  expect(shown.reads).toBe(4)
})

test('waits for a gap that SWF does not show yet', async () => {
  const domain = await sweptDomain(stream, redis)
  const history = newHistory()
  history.decisionStarted()
  const shown = swfOf(history)
  await publisher(shown.swf).publish(domain, history.execution, history.events)
  history.decisionCompleted(3, saga('RUNNING'))
  history.signal()
  history.decision(saga('RETRYING'))
  history.signal()
  history.decisionStarted()
  shown.shows = h => (shown.reads > 3 ? h.last : 5)
  await publisher(shown.swf).publish(domain, history.execution, history.from(9))
  expect(await ids(domain)).toEqual([1, 4, 8])
})

test('a run that an emptied Redis must have known is written as a snapshot, however much of it is given', async () => {
  const history = newHistory()
  history.decision(saga('RUNNING'))
  history.signal()
  history.decisionStarted()
  for (const from of [1, 6]) {
    const domain = freshDomain()
    await publisher(swfOf(history).swf).publish(domain, history.execution, history.from(from))
    expect(await entriesOf(stream, domain)).toMatchObject([{ kind: 'snapshot', summary: { eventId: 4 } }])
  }
})

test('a run that was never published has all its updates, however much of it is given', async () => {
  const history = newHistory()
  history.decision(saga('RUNNING'))
  history.signal()
  history.decisionStarted()
  for (const from of [1, 6]) {
    const domain = await sweptDomain(stream, redis)
    await publisher(swfOf(history).swf).publish(domain, history.execution, history.from(from))
    expect(await ids(domain)).toEqual([1, 4])
  }
})

test('goes on from a snapshot with updates', async () => {
  const domain = freshDomain()
  const history = newHistory()
  history.decision(saga('RUNNING'))
  history.signal()
  history.decision(saga('COMPENSATING'))
  history.signal()
  history.decisionStarted()
  const decider = publisher(swfOf(history).swf)
  await decider.publish(domain, history.execution, history.from(9))
  expect(await entriesOf(stream, domain)).toMatchObject([
    { kind: 'snapshot', quiet: false, summary: { eventId: 8, saga: { state: 'COMPENSATING' } } },
  ])
  history.decision(saga('FAILED'))
  history.add('WorkflowExecutionFailed', { reason: 'OutOfStock', decisionTaskCompletedEventId: history.last })
  await decider.publish(domain, history.execution, history.from(12))
  expect((await entriesOf(stream, domain)).at(-1)).toMatchObject({
    kind: 'changed',
    previousEventId: 8,
    summary: { status: 'FAILED', failureReason: 'OutOfStock' },
  })
})

test('a decider that lost its turn appends nothing', async () => {
  const domain = await sweptDomain(stream, redis)
  const history = newHistory()
  history.decisionStarted()
  const [stale, successor] = [publisher(), publisher()]
  await stale.publish(domain, history.execution, history.events)
  const seen = [...history.events]
  history.add('DecisionTaskTimedOut', { timeoutType: 'START_TO_CLOSE', scheduledEventId: 2, startedEventId: 3 })
  history.add('DecisionTaskScheduled', { taskList: { name: 'orders' } })
  history.decision(saga('RUNNING'))
  history.signal()
  history.decisionStarted()
  await successor.publish(domain, history.execution, history.events)
  await stale.publish(domain, history.execution, seen)
  await stale.state(domain, history.execution, 3, encodeExecutionContext(saga('RETRYING')))
  expect(await ids(domain)).toEqual([1, 7])
})

test('the state of an accepted decision is there at once, and is not told again', async () => {
  const domain = await sweptDomain(stream, redis)
  const history = newHistory()
  const [decider, tail] = [publisher(), publisher(swfOf(history).swf)]
  history.decisionStarted()
  await decider.publish(domain, history.execution, history.events)
  const context = saga('RUNNING')
  await decider.state(domain, history.execution, 3, encodeExecutionContext(context))
  await decider.state(domain, history.execution, 3, encodeExecutionContext(context))
  expect(await ids(domain)).toEqual([1, 3])
  history.decisionCompleted(3, context)
  history.signal()
  await tail.publish(domain, history.execution, history.events)
  expect(await ids(domain)).toEqual([1, 3])
  history.decision(saga('RETRYING'))
  await decider.publish(domain, history.execution, history.from(5))
  expect((await entriesOf(stream, domain)).at(-1)).toMatchObject({ eventId: 8, previousEventId: 3 })
})

test('a run that has been started is known before its first event, and has all its updates after', async () => {
  const domain = await sweptDomain(stream, redis)
  const history = newHistory()
  const learned: string[] = []
  const gateway = new Publisher({ redis, swf: swfOf().swf, prefix, log, index: { learn: s => learned.push(s.runId) } })
  await gateway.started(domain, {
    domain,
    ...history.execution,
    type: { name: 'Order', version: '1.0' },
    status: 'OPEN',
    tags: [],
    taskList: 'orders',
    startedAt: T0,
    cancelRequested: false,
    eventId: 0,
  })
  expect(learned).toEqual([history.execution.runId])
  expect(await heldOf(domain, history)).toMatchObject({ at: '0.0', record: { summary: { status: 'OPEN' } } })
  history.decisionStarted()
  await publisher().publish(domain, history.execution, history.events)
  expect(await ids(domain)).toEqual(['started', 1])
})

test('publishers that race on one run leave each update once, in order', async () => {
  const domain = await sweptDomain(stream, redis)
  const history = newHistory()
  const shown = swfOf(history)
  for (let i = 0; i < 30; i++) {
    history.decision(saga('RUNNING', `step ${i}`))
    history.signal()
  }
  history.decision(saga('COMPLETED'))
  history.complete()
  const whole = publisher(shown.swf)
  await Promise.all(
    Array.from({ length: 30 }, async (_, i) => {
      const from = i % 3 === 0 ? 1 : i * 4
      await publisher(shown.swf).publish(domain, history.execution, history.from(from, i * 4 + 5), {
        unknown: 'updates',
      })
      await whole.publish(domain, history.execution, history.from(1, i * 4 + 3))
    }),
  )
  await whole.publish(domain, history.execution, history.events)
  const changed = history.events.filter(({ eventType }) => eventType === 'DecisionTaskCompleted').slice(0, -1)
  expect(await ids(domain)).toEqual([1, ...changed.map(({ eventId }) => eventId), history.last])
  const entries = await entriesOf(stream, domain)
  expect(entries.map(e => (e.kind === 'changed' ? e.previousEventId : -1))).toEqual([
    0,
    ...entries.slice(0, -1).map(e => (e.kind === 'changed' ? e.eventId : -1)),
  ])
  expect(await heldOf(domain, history)).toMatchObject({ record: { summary: { status: 'COMPLETED' } } })
})

test('refuses events with a gap between them', async () => {
  const history = newHistory()
  history.decision()
  const events = [...history.from(1, 2), ...history.from(4)]
  await expect(publisher().publish(freshDomain(), history.execution, events)).rejects.toThrow(RangeError)
})

test('the record of a closed run is kept for the retention, that of an open one for good', async () => {
  const domain = await sweptDomain(stream, redis)
  const history = newHistory()
  const decider = new Publisher({ redis, swf: swfOf().swf, prefix, log, retention: 60_000 })
  await decider.publish(domain, history.execution, history.events)
  const key = `${prefix}:{${domain}}:x:${history.execution.runId}`
  expect(await redis.pttl(key)).toBe(-1)
  history.terminate()
  await decider.publish(domain, history.execution, history.events)
  expect(await redis.pttl(key)).toBeGreaterThan(50_000)
})
