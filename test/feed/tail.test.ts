import { beforeAll, expect, test } from 'vitest'
import { Publisher } from '../../src/feed/publisher.js'
import { FeedStream } from '../../src/feed/stream.js'
import { Tail } from '../../src/feed/tail.js'
import { deriveUpdates } from '../../src/feed/update.js'
import type { WorkflowExecution } from '../../src/swf/history-event.js'
import { testRedis } from '../support/redis.js'
import { History, saga, swfOf } from './histories.js'
import { connected } from '../support/redis-connection.js'
import { entriesOf, freshDomain, log } from './redis.js'
import { Shop } from './shop.js'

const { url, prefix } = testRedis()
let shop: Shop
let stream: FeedStream
let publisher: Publisher
let tail: Tail
let make: (swf: Shop['swf'], patience?: number) => { publisher: Publisher; tail: Tail }
beforeAll(async () => {
  const redis = await connected(url)
  shop = await Shop.open('shop')
  stream = new FeedStream(redis, prefix)
  make = (swf, patience) => {
    const own = new Publisher({ redis, swf, prefix, log })
    return {
      publisher: own,
      tail: new Tail({ swf, publisher: own, redis, prefix, log, ...(patience && { patience }) }),
    }
  }
  ;({ publisher, tail } = make(shop.swf))
})

async function changesOf({ runId }: WorkflowExecution) {
  const entries = await entriesOf(stream, 'shop')
  return entries.flatMap(entry => (entry.kind === 'changed' && entry.summary.runId === runId ? [entry] : []))
}

test('publishes the close that a decision caused', async () => {
  const execution = await shop.start()
  const { events } = await shop.decide(execution, saga('RUNNING'))
  await publisher.publish('shop', execution, events)
  await shop.signal(execution)
  const task = await shop.complete(execution, saga('COMPLETED'))
  await publisher.publish('shop', execution, task.events)
  await tail.tail('shop', execution, { untilClosed: true })
  const changes = await changesOf(execution)
  expect(changes.map(({ summary }) => [summary.status, summary.saga?.state])).toEqual([
    ['OPEN', undefined],
    ['OPEN', 'RUNNING'],
    ['COMPLETED', 'COMPLETED'],
  ])
  const expected = deriveUpdates('shop', execution, undefined, await shop.history(execution)).changes
  expect(changes.map(({ streamId: _s, previousStreamId: _p, ...change }) => change)).toEqual(expected)
})

test('publishes a termination, of a run that nobody has published', async () => {
  const execution = await shop.start()
  await shop.terminate(execution)
  await tail.tail('shop', execution, { untilClosed: true })
  expect((await changesOf(execution)).map(({ summary }) => summary.status)).toEqual(['OPEN', 'TERMINATED'])
})

test('ends when the close was refused, and shows none', async () => {
  const execution = await shop.start()
  const task = await shop.poll(execution)
  await publisher.publish('shop', execution, task.events)
  await shop.signal(execution)
  await shop.respond(
    task,
    [{ decisionType: 'CompleteWorkflowExecution', completeWorkflowExecutionDecisionAttributes: {} } as never],
    saga('COMPLETED'),
  )
  await tail.tail('shop', execution, { untilClosed: true })
  expect((await changesOf(execution)).map(({ summary }) => summary.status)).toEqual(['OPEN'])
  const retry = await shop.complete(execution)
  await publisher.publish('shop', execution, retry.events)
  await tail.tail('shop', execution, { untilClosed: true })
  expect((await changesOf(execution)).at(-1)!.summary).toMatchObject({
    status: 'COMPLETED',
    saga: { state: 'COMPLETED' },
  })
})

test('races with the decider on one run', async () => {
  const execution = await shop.start()
  for (let i = 0; i < 15; i++) {
    const task = await shop.poll(execution)
    const context = saga('RUNNING', `step ${i}`)
    await Promise.all([publisher.publish('shop', execution, task.events), tail.tail('shop', execution)])
    await shop.respond(task, [], context)
    await Promise.all([
      publisher.state('shop', execution, task.startedEventId!, JSON.stringify({ 'swf-gateway': 1, ...context })),
      make(shop.swf).tail.tail('shop', execution),
      tail.tail('shop', execution),
    ])
    await shop.signal(execution)
  }
  await shop.complete(execution)
  await Promise.all([tail.tail('shop', execution, { untilClosed: true }), tail.tail('shop', execution)])
  const changes = await changesOf(execution)
  expect(changes.map(({ summary }) => summary.saga?.step)).toEqual([
    undefined,
    ...Array.from({ length: 15 }, (_, i) => `step ${i}`),
    'step 14',
  ])
  expect(changes.map(({ previousEventId }) => previousEventId)).toEqual([
    0,
    ...changes.slice(0, -1).map(({ eventId }) => eventId),
  ])
})

test('asks again for a close that SWF does not show yet, and gives up in the end', async () => {
  const domain = freshDomain()
  const history = new History({ workflowId: 'order', runId: 'late' })
  const shown = swfOf(history)
  history.decisionStarted()
  const late = make(shown.swf, 300)
  await late.publisher.publish(domain, history.execution, history.events)
  history.decisionCompleted(3)
  history.complete()
  shown.shows = () => 3
  await late.tail.tail(domain, history.execution, { untilClosed: true })
  expect(await entriesOf(stream, domain)).toHaveLength(1)
  shown.reads = 0
  shown.shows = h => (shown.reads > 3 ? h.last : shown.reads > 1 ? 4 : 3)
  await late.tail.tail(domain, history.execution, { untilClosed: true })
  expect((await entriesOf(stream, domain)).at(-1)).toMatchObject({ summary: { status: 'COMPLETED' } })
})
