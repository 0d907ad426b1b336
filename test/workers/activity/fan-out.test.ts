// Who runs what was polled: the process that polled it while it has room, others where it has none, in the order of the polls.

import { afterAll, expect, test } from 'vitest'
import { queueKey } from '../../../src/queues/keys.js'
import { Queues } from '../../../src/queues/queue.js'
import { connectRedis } from '../../../src/redis.js'
import { createLog } from '../../../src/telemetry.js'
import { implement } from '../../../src/workers/definitions.js'
import { afterFile } from '../../support/dispose.js'
import { testRedis } from '../../support/redis.js'
import { until } from '../../support/until.js'
import { activity, DOMAIN, stage } from './stage.js'

const redis = testRedis()
const log = createLog('test', 'silent')
const connection = connectRedis({ url: redis.url, name: 'test', log })
afterFile(() => connection.disconnect())
const { worker, execution, prefix, swf } = await stage(redis)
const queues = new Queues({ redis: connection, prefix, log })
/** An SWF that takes outcomes only when it is told to. */
const unheard: (() => void)[] = []
const slowToHear = new Proxy(swf, {
  get: (target, name) =>
    name === 'respondActivityTaskCompleted'
      ? async (...args: Parameters<typeof swf.respondActivityTaskCompleted>) => {
          await new Promise<void>(hear => unheard.push(hear))
          return swf.respondActivityTaskCompleted(...args)
        }
      : (Reflect.get(target, name) as unknown),
})

/** What runs, in the order in which it began: who runs it, and how to let it end. */
const running = new Map<string, { by: string; end: () => void }>()
const begun: string[] = []
afterAll(() => running.forEach(({ end }) => end()))
const handler = (by: string, taskList: string) =>
  implement(activity('Work', { taskList }), async (_input, job) => {
    begun.push(job.activityId)
    await new Promise<void>(end => running.set(job.activityId, { by, end }))
    running.delete(job.activityId)
    return by
  })
const tasks = (taskList: string, ...ids: string[]) => Object.fromEntries(ids.map(id => [id, { taskList }]))
const end = (...ids: string[]) => ids.forEach(id => running.get(id)!.end())
const runs = (...ids: string[]) =>
  until(() => ids.every(id => running.has(id)), { what: `${ids.join(', ')} run`, within: 10_000 })
const jobs = async (taskList: string) =>
  (await connection.xrange(`${queueKey(prefix, DOMAIN, taskList)}:jobs:events`, '-', '+')).filter(([, fields]) =>
    fields.includes('added'),
  ).length

test('a task that is polled where there is room begins there, without a job', async () => {
  await worker([handler('only', 'roomy')], { concurrency: 5 })
  const run = await execution()
  await run.schedule(tasks('roomy', 'a', 'b', 'c', 'd', 'e'))
  await runs('a', 'b', 'c', 'd', 'e')
  end('a', 'b', 'c', 'd', 'e')
  await run.allClosed(5)
  expect(await jobs('roomy')).toBe(0)
})

test('what one process has polled and has no room for, others run', async () => {
  await worker([handler('poller', 'shared')], { concurrency: 2, pollers: 4 })
  await until(() => queues.get(DOMAIN, 'shared'), { what: 'the queue is known' })
  // Either may poll all four; it has room for two.
  await worker([handler('helper', 'shared')], { concurrency: 2, pollers: 1 })
  await queues.update(DOMAIN, 'shared', { concurrency: 4, prefetch: 2 }, 'test')
  const run = await execution()
  await run.schedule(tasks('shared', '1', '2', '3', '4'))
  await runs('1', '2', '3', '4')
  const by = [...running.values()].map(({ by }) => by).sort()
  expect(by).toEqual(['helper', 'helper', 'poller', 'poller'])
  end('1', '2', '3', '4')
  await run.allClosed(4)
})

test('what waits begins in its order, before what is polled later', async () => {
  await worker([handler('only', 'narrow')], { concurrency: 1, pollers: 1 })
  await until(() => queues.get(DOMAIN, 'narrow'), { what: 'the queue is known' })
  await queues.update(DOMAIN, 'narrow', { prefetch: 3 }, 'test')
  const run = await execution()
  const ids = ['w1', 'w2', 'w3', 'w4']
  await run.schedule(tasks('narrow', ...ids))
  await runs('w1')
  await until(async () => (await queues.get(DOMAIN, 'narrow'))!.depth === 3, { what: 'three wait' })
  for (const id of ids) {
    await runs(id)
    expect(running.size).toBe(1)
    end(id)
  }
  await run.allClosed(4)
  expect(begun.filter(id => id.startsWith('w'))).toEqual(ids)
})

test('the order holds where many run at a time, and each ends alone', async () => {
  await worker([handler('only', 'wide')], { concurrency: 4, pollers: 1 })
  await until(() => queues.get(DOMAIN, 'wide'), { what: 'the queue is known' })
  await queues.update(DOMAIN, 'wide', { prefetch: 8 }, 'test')
  const run = await execution()
  const ids = Array.from({ length: 12 }, (_, n) => `x${n + 1}`)
  await run.schedule(tasks('wide', ...ids))
  await until(async () => (await queues.get(DOMAIN, 'wide'))!.depth === 8, { what: 'eight wait' })
  for (const [n, id] of ids.entries()) {
    await runs(...ids.slice(n, n + 4))
    expect(running.size).toBe(Math.min(4, ids.length - n))
    end(id)
  }
  await run.allClosed(12)
  expect(begun.filter(id => id.startsWith('x'))).toEqual(ids)
})

test('an outcome that SWF has yet to hear of holds up nothing', async () => {
  await worker([handler('only', 'slow')], { concurrency: 1, pollers: 1, swf: slowToHear })
  const run = await execution()
  await run.schedule(tasks('slow', 'y1', 'y2'))
  await runs('y1')
  end('y1')
  await runs('y2')
  expect(unheard).toHaveLength(1)
  unheard.forEach(hear => hear())
  end('y2')
  await until(() => unheard.length === 2, { what: 'the second outcome is on its way' })
  unheard.forEach(hear => hear())
  await run.allClosed(2)
})
