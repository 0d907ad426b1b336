import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { ExecutionIndex, type ExecutionIndexOptions } from '../../src/feed/execution-index.js'
import { Publisher } from '../../src/feed/publisher.js'
import { feedKeys, FeedStream } from '../../src/feed/stream.js'
import { Sweeper } from '../../src/feed/sweeper.js'
import { Tail } from '../../src/feed/tail.js'
import { deriveUpdates, type ExecutionSummary } from '../../src/feed/update.js'
import type { Redis } from '../../src/redis.js'
import { afterFile } from '../support/dispose.js'
import { connected } from '../support/redis-connection.js'
import { testRedis } from '../support/redis.js'
import { tmpDir } from '../support/tmp.js'
import { until } from '../support/until.js'
import { History, saga, swfOf, T0 } from './histories.js'
import { freshDomain, log, sweptDomain } from './redis.js'

const { url, prefix } = testRedis()
let redis: Redis
let stream: FeedStream
beforeAll(async () => {
  redis = await connected(url)
  stream = new FeedStream(redis, prefix)
})

async function newIndex(domain: string, options: Partial<ExecutionIndexOptions> = {}): Promise<ExecutionIndex> {
  const index = new ExecutionIndex({ redis, prefix, log, domains: [domain], ...options })
  afterFile(() => index.stop())
  await index.start()
  return index
}

/** Takes everything of a domain out of Redis. */
async function empty(domain: string): Promise<void> {
  const keys = await redis.keys(`${prefix}:{${domain}}*`)
  for (let n = 0; n < keys.length; n += 500) await redis.del(...keys.slice(n, n + 500))
}

let runs = 0
/** A history of one of several courses. */
function newHistory(): History {
  const n = ++runs
  const history = new History(
    { workflowId: `order-${n % 700}`, runId: `run-${n}` },
    {
      type: n % 3 ? 'Order' : 'Refund',
      tags: n % 4 ? [`tag-${n % 10}`] : [],
      at: T0 + n * 100,
      ...(n % 6 === 0 && { parent: { workflowId: 'parent', runId: `run-${n % 40}` } }),
    },
  )
  go(history, n % 7)
  return history
}

function go(history: History, course: number): void {
  if (course === 0) return
  if (course === 1) history.add('WorkflowExecutionCancelRequested', {})
  history.decision(saga(course === 2 ? 'COMPENSATING' : 'RUNNING', `step ${course}`))
  if (course === 3) history.decision({ stuck: { since: T0, reason: 'diverged' } })
  if (course === 4) history.complete()
  else if (course === 5) history.terminate()
  else history.signal()
}

describe('an index of 1,000 executions equals what their histories say', () => {
  const domain = freshDomain()
  const histories = Array.from({ length: 1_000 }, newHistory)
  const shown = swfOf(...histories)
  const publisher = () => new Publisher({ redis, swf: shown.swf, prefix, log })
  const publish = (some: readonly History[], by = publisher()) =>
    Promise.all(some.map(history => by.publish(domain, history.execution, history.events)))
  const file = join(tmpDir('index'), 'index.db')
  let index: ExecutionIndex

  const said = () =>
    histories
      .map(({ execution, events }) => deriveUpdates(domain, execution, undefined, events).record.summary)
      .map(summary => JSON.stringify(summary))
      .sort()
  const held = () => {
    const found: ExecutionSummary[] = []
    for (let after: string | undefined; ;) {
      const page = index.list(domain, { first: 200, ...(after && { after }) })
      found.push(...page.items)
      if (!page.hasNextPage) return found
      after = page.cursors.at(-1)
    }
  }
  const texts = () =>
    held()
      .map(summary => JSON.stringify(summary))
      .sort()
  const equals = async () => {
    await until(() => JSON.stringify(texts()) === JSON.stringify(said()), {
      what: 'the index equals the histories',
      within: 15_000,
    }).catch(() => expect(texts()).toEqual(said()))
    const byStatus = (status: string) => said().filter(text => text.includes(`"status":"${status}"`)).length
    for (const status of ['OPEN', 'COMPLETED', 'TERMINATED'])
      expect(index.list(domain, { filter: { status: [status] }, first: 1 }).count.value).toBe(byStatus(status))
  }
  /** Takes every nth history on, and adds some. */
  const goOn = (n: number) => {
    const changed = histories.filter(
      (history, i) => i % n === 0 && history.events.at(-1)?.eventType === 'DecisionTaskScheduled',
    )
    for (const [i, history] of changed.entries()) go(history, 2 + (i % 5))
    const added = Array.from({ length: 20 }, newHistory)
    histories.push(...added)
    shown.histories.push(...added)
    return [...changed, ...added]
  }

  test('after it was built', async () => {
    await redis.hset(feedKeys(prefix, domain).sweep, 'opened', 0, 'closed', 0)
    await publish(histories)
    index = await newIndex(domain, { file })
    await equals()
    expect(index.list(domain, { first: 1 })).toMatchObject({ indexedUpTo: expect.any(Number) })
  })

  test('after it was restarted from its file, others having gone on meanwhile', async () => {
    await index.stop()
    await publish(goOn(9))
    index = await newIndex(domain, { file })
    await equals()
  })

  test('after it was restarted, the stream having been trimmed meanwhile', async () => {
    await index.stop()
    await publish(goOn(8))
    await redis.xtrim(feedKeys(prefix, domain).stream, 'MAXLEN', 3)
    index = await newIndex(domain, { file })
    await equals()
  })

  test('after the stream was trimmed under it', async () => {
    const changed = goOn(11)
    await publish(changed)
    await redis.xtrim(feedKeys(prefix, domain).stream, 'MAXLEN', 1)
    await equals()
  })

  test('after Redis was emptied; until SWF has been asked, it shows what it had, and says so', async () => {
    const before = texts()
    await empty(domain)
    goOn(7)
    const { indexing } = await until(
      () => {
        const page = index.list(domain, { first: 1 })
        return page.indexing && page.indexing.total === undefined && (page as { indexing: object })
      },
      { what: 'the index knows that it may lack something' },
    )
    expect(indexing).toEqual({ done: before.length })
    expect(texts()).toEqual(before)
    const tail = new Tail({ swf: shown.swf, publisher: publisher(), redis, prefix, log })
    const sweeper = new Sweeper({
      ...{ swf: shown.swf, redis, publisher: publisher(), tail, prefix, log, domains: [domain], interval: 20_000 },
    })
    await sweeper.sweep(domain)
    await equals()
    await until(() => index.list(domain, { first: 1 }).indexing === undefined, { what: 'the index is complete' })
    await sweeper.stop()
  })
})

test('says how far it is while it reads what Redis holds', async () => {
  const domain = await sweptDomain(stream, redis)
  const publisher = new Publisher({ redis, swf: swfOf().swf, prefix, log })
  await Promise.all(
    Array.from({ length: 1_200 }, newHistory).map(({ execution, events }) =>
      publisher.publish(domain, execution, events),
    ),
  )
  const { zscan } = redis
  let go: (() => void) | undefined
  let walked = 0
  redis.zscan = (async (...args: Parameters<typeof zscan>) => {
    // Indexes of other tests may still be at work.
    if (args[0] === feedKeys(prefix, domain).updated && walked++ > 0) await new Promise<void>(resolve => (go = resolve))
    return zscan.apply(redis, args)
  }) as typeof zscan
  const index = await newIndex(domain, { patience: 0 })
  await until(() => go, { what: 'some of it has been read' })
  const page = index.list(domain, { first: 1 })
  expect(page.indexing).toEqual({ done: page.count.value, total: 1_200 })
  expect(page.count.value).toBeGreaterThan(0)
  expect(page.count.value).toBeLessThan(1_200)
  expect(page).not.toHaveProperty('indexedUpTo')
  const done = page.count.value.toLocaleString('en-US')
  expect(index.readiness()).toEqual([`the executions of domain ${domain} are being indexed: ${done} of 1,200`])
  expect(index.stats(domain, { from: 0, to: 1 }).indexing).toEqual(page.indexing)
  expect(index.groups(domain, {}, []).indexing).toEqual(page.indexing)
  redis.zscan = zscan
  go!()
  await until(() => index.readiness().length === 0, { what: 'the rest has been read' })
  expect(index.list(domain, { first: 1 })).toMatchObject({ count: { value: 1_200 }, indexedUpTo: expect.any(Number) })
  expect(index.list(domain, { first: 1 })).not.toHaveProperty('indexing')
})

test('is ready, and not complete, where Redis has not heard of every run', async () => {
  const domain = freshDomain()
  const index = await newIndex(domain)
  expect(index.readiness()).toEqual([])
  expect(index.list(domain, { first: 1 })).toMatchObject({ indexing: { done: 0 } })
  expect(index.list(domain, { first: 1 })).not.toHaveProperty('indexedUpTo')
  await redis.hset(feedKeys(prefix, domain).sweep, 'opened', 0, 'closed', 0)
  const page = await until(
    () => {
      const now = index.list(domain, { first: 1 })
      return now.indexedUpTo !== undefined && now
    },
    { what: 'the index learns that it is complete' },
  )
  expect(page).not.toHaveProperty('indexing')
})

test('drops all that is long closed, however much there is', async () => {
  const domain = await sweptDomain(stream, redis)
  const publisher = new Publisher({ redis, swf: swfOf().swf, prefix, log })
  const closed = Array.from({ length: 1_300 }, () => {
    const history = new History({ workflowId: 'old', runId: `old-${++runs}` }, { at: Date.now() - 90_000 })
    history.terminate()
    return history
  })
  await Promise.all(closed.map(({ execution, events }) => publisher.publish(domain, execution, events)))
  const index = await newIndex(domain, { retention: 60_000 })
  await until(() => index.list(domain, { first: 1 }).count.value === 0, { what: 'all have been dropped' })
})
