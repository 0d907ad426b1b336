import { expect, test } from 'vitest'
import { Queues } from '../../../src/queues/queue.js'
import { connectRedis } from '../../../src/redis.js'
import { createLog, createMetrics } from '../../../src/telemetry.js'
import { implement, type ActivityContext } from '../../../src/workers/definitions.js'
import { afterFile } from '../../support/dispose.js'
import { ownRedis } from '../../support/redis.js'
import { until } from '../../support/until.js'
import { activity, DOMAIN, stage } from './stage.js'

const redis = await ownRedis({ persistence: 'always' })
const log = createLog('test', 'silent')
const connection = connectRedis({ url: redis.url, name: 'test', log })
afterFile(() => connection.disconnect())
const { worker, execution, prefix } = await stage({ url: redis.url, prefix: 'away' })
const queues = new Queues({ redis: connection, prefix, log })

/** Handlers wait here until the test lets them end; `runs` counts how often one began. */
const waiting = new Map<string, { job: ActivityContext; end: () => void }>()
const runs = new Map<string, number>()
const work = activity('Work', { heartbeat: '5s' })
const handlers = [
  implement(work, async (input: { at?: 'once'; leave?: 'open' } | undefined, job) => {
    runs.set(job.activityId, (runs.get(job.activityId) ?? 0) + 1)
    if (input?.at === 'once') return 'at once'
    await new Promise<void>((resolve, reject) => {
      waiting.set(job.activityId, { job, end: resolve })
      job.signal.addEventListener('abort', () => reject(job.signal.reason))
    })
    waiting.delete(job.activityId)
    return input?.leave ? job.leaveOpen() : job.fencingToken
  }),
]
const metrics = createMetrics('test')
const running = await worker(handlers, { concurrency: 5, metrics })
const other = await worker(handlers, { concurrency: 5, metrics })
const envelope = { startToClose: 60_000, heartbeat: 5_000 }
const tasks = (...ids: string[]) => Object.fromEntries(ids.map(id => [id, { envelope, heartbeat: '5' }]))
const lacks = async (worker = running) => (await worker.readiness()).map(({ what }) => what)
const isReady = async () => (await lacks(running)).length + (await lacks(other)).length === 0

test('Redis killed: what runs ends at SWF all the same, and polling comes back by itself', async () => {
  const run = await execution()
  await run.schedule(tasks('before', 'during', 'after'))
  await until(() => waiting.size === 3, { what: 'all run' })
  await redis.kill()
  await until(async () => (await lacks()).some(missing => /Redis/.test(missing)), {
    what: 'the worker says what it lacks',
  })
  waiting.get('during')!.end()
  expect(await run.closed('during')).toMatchObject({ eventType: 'ActivityTaskCompleted' })
  await run.schedule({ meanwhile: { input: { at: 'once' }, envelope } })
  await redis.restart()
  expect(await run.closed('meanwhile')).toMatchObject({ result: 'at once' })
  await until(isReady, { what: 'the workers are ready again' })
  for (const { end } of waiting.values()) end()
  const closed = await run.allClosed(4)
  expect([...closed.values()].map(({ eventType }) => eventType)).toEqual(Array(4).fill('ActivityTaskCompleted'))
  expect(Object.fromEntries(runs)).toEqual({ before: 1, during: 1, after: 1, meanwhile: 1 })
  await idle()
})

test('Redis emptied: runs go on and are counted again, settings and pauses stand', async () => {
  const run = await execution()
  runs.clear()
  await run.schedule(tasks('a', 'b'))
  await until(() => waiting.size === 2, { what: 'both run' })
  await queues.update(DOMAIN, 'activities', { paused: true }, 'operator')
  await observedVersion(1)
  await redis.empty()
  await observedVersion(1)
  const queue = (await queues.get(DOMAIN, 'activities'))!
  expect(queue.settings).toMatchObject({ version: 1, paused: true, changedBy: 'operator' })
  await until(async () => (await queues.get(DOMAIN, 'activities'))!.active === 2, { what: 'both runs count again' })
  for (const { end } of waiting.values()) end()
  const closed = await run.allClosed(2)
  expect([...closed.values()].map(({ eventType }) => eventType)).toEqual(Array(2).fill('ActivityTaskCompleted'))
  expect(Object.fromEntries(runs)).toEqual({ a: 1, b: 1 })
  await idle()
  await queues.update(DOMAIN, 'activities', { paused: false }, 'operator')
  await run.schedule({ c: { input: { at: 'once' }, envelope } })
  expect(await run.closed('c')).toMatchObject({ result: 'at once' })
})

test('Redis emptied while a task waits: it is admitted again by the process that polled it', async () => {
  const run = await execution()
  runs.clear()
  await queues.update(DOMAIN, 'activities', { concurrency: 1, prefetch: 1 }, 'operator')
  await observedVersion(3)
  await run.schedule(tasks('a', 'b'))
  await until(async () => (await queues.get(DOMAIN, 'activities'))!.depth === 1, { what: 'one runs and one waits' })
  await redis.empty()
  await until(() => [...waiting.values()].forEach(({ end }) => end()) ?? runs.size === 2, { what: 'both have begun' })
  for (const { end } of waiting.values()) end()
  const closed = await run.allClosed(2)
  expect([...closed.values()].map(({ eventType }) => eventType)).toEqual(Array(2).fill('ActivityTaskCompleted'))
  expect(Object.fromEntries(runs)).toEqual({ a: 1, b: 1 })
})

test('a task that could not be left open before SWF closed it holds no slot when Redis is back', async () => {
  const run = await execution()
  await run.schedule({ open: { input: { leave: 'open' }, envelope, heartbeat: '5' } })
  await until(() => waiting.size === 1, { what: 'it runs' })
  await redis.kill()
  waiting.get('open')!.end()
  await run.terminate()
  await until(
    async () => (await metrics.activityTasks.get()).values.some(({ labels }) => labels.outcome === 'closed'),
    { what: 'SWF has said that it is closed' },
  )
  await redis.restart()
  await until(isReady, { what: 'the workers are ready again' })
  await idle()
})

test('a worker stops cleanly while Redis is away', async () => {
  await redis.kill()
  await until(async () => (await lacks(other)).length > 0, { what: 'the worker has noticed' })
  await Promise.all([running.stop(), other.stop()])
  expect(await lacks()).toEqual(['the activity worker has not started'])
})

async function observedVersion(version: number): Promise<void> {
  await until(
    async () => {
      const observed = (await queues.get(DOMAIN, 'activities'))?.observed ?? []
      return observed.length === 2 && observed.every(seen => seen.version === version)
    },
    { what: `both obey version ${version}` },
  )
}

/** No slot is leaked: all that is held are open polls. */
async function idle(): Promise<void> {
  await until(
    async () => {
      const queue = (await queues.get(DOMAIN, 'activities'))!
      return queue.active === 0 && queue.depth === 0
    },
    { what: 'no task is left in Redis' },
  )
}
