import { expect, test } from 'vitest'
import { Queues } from '../../../src/queues/queue.js'
import { connectRedis } from '../../../src/redis.js'
import { createLog, createMetrics } from '../../../src/telemetry.js'
import { implement, type ActivityContext } from '../../../src/workers/definitions.js'
import { afterFile } from '../../support/dispose.js'
import { ownRedis, redisCommand } from '../../support/redis.js'
import { until } from '../../support/until.js'
import { activity, DOMAIN, stage } from './stage.js'

const redis = await ownRedis({ persistence: 'none' })
const log = createLog('test', 'silent')
const connection = connectRedis({ url: redis.url, name: 'test', log })
afterFile(() => connection.disconnect())
const { worker, execution, prefix } = await stage({ url: redis.url, prefix: 'troubles' })
const queues = new Queues({ redis: connection, prefix, log })

/** Handlers wait here until the test lets them end; `runs` counts how often one began. */
const waiting = new Map<string, { job: ActivityContext; end: () => void }>()
const runs: string[] = []
const handlers = [
  implement(activity('Work', { heartbeat: '3s' }), async (input: { at?: 'once' } | undefined, job) => {
    runs.push(job.activityId)
    if (input?.at === 'once') return 'at once'
    await new Promise<void>((resolve, reject) => {
      waiting.set(job.activityId, { job, end: resolve })
      job.signal.addEventListener('abort', () => reject(job.signal.reason))
    })
    waiting.delete(job.activityId)
    return job.fencingToken
  }),
]
const metrics = createMetrics('worker')
const value = async (metric: { get(): Promise<{ values: { value: number }[] }> }) =>
  (await metric.get()).values.reduce((sum, each) => sum + each.value, 0)
const envelope = { startToClose: 60_000, heartbeat: 3_000 }
const tasks = (...ids: string[]) => Object.fromEntries(ids.map(id => [id, { envelope, heartbeat: '3' }]))
const meanwhile = { input: { at: 'once' }, envelope }

test('a worker that starts without Redis says so, and polls when Redis is there; or stops', async () => {
  await redis.kill()
  const [early, stopped] = [worker(handlers, { metrics, concurrency: 1 }), worker(handlers)]
  const run = await execution()
  await run.schedule({ early: meanwhile })
  const [running, other] = await Promise.all([early, stopped])
  expect(await running.readiness()).toEqual([{ what: 'Redis does not answer', stops: true }])
  expect(await value(metrics.redisAway)).toBe(1)
  await other.stop()
  await redis.restart()
  expect(await run.closed('early')).toMatchObject({ result: 'at once' })
  await until(async () => (await running.readiness()).length === 0 && (await queues.get(DOMAIN, 'activities')), {
    what: 'the worker is ready and announced',
  })
  expect(await value(metrics.redisAway)).toBe(0)
})

test('Redis hangs: SWF hears of what runs and of what waits, and outcomes reach it', async () => {
  await queues.update(DOMAIN, 'activities', { prefetch: 1 }, 'test')
  const run = await execution()
  await run.schedule(tasks('runs', 'waits'))
  await until(async () => waiting.size === 1 && (await queues.get(DOMAIN, 'activities'))!.depth === 1, {
    what: 'one runs and one waits',
  })
  const [first, second] = waiting.has('runs') ? ['runs', 'waits'] : ['waits', 'runs']
  process.kill(redis.pid, 'SIGSTOP')
  const before = await value(metrics.heartbeats)
  await until(async () => (await value(metrics.heartbeats)) >= before + 4, {
    what: 'SWF has heard for longer than 3 s',
  })
  waiting.get(first!)!.end()
  expect(await run.closed(first!)).toMatchObject({ eventType: 'ActivityTaskCompleted' })
  process.kill(redis.pid, 'SIGCONT')
  await until(() => waiting.get(second!), { what: 'the other runs' })
  waiting.get(second!)!.end()
  expect(await run.closed(second!)).toMatchObject({ eventType: 'ActivityTaskCompleted' })
  expect(runs.slice(1).sort()).toEqual(['runs', 'waits'])
})

test('Redis is full: nothing is polled and it is said why; what runs ends at SWF, and runs once', async () => {
  const run = await execution()
  runs.length = 0
  const running = await worker(handlers, { concurrency: 2 })
  await queues.update(DOMAIN, 'activities', { prefetch: 0 }, 'test')
  await run.schedule(tasks('during', 'after'))
  await until(() => waiting.size === 2, { what: 'both run' })
  await redisCommand(redis.url, 'CONFIG', 'SET', 'maxmemory', '1')
  const why = await until(async () => (await running.readiness())[0], { what: 'it says what it lacks' })
  expect(why).toEqual({ what: expect.stringContaining('Redis is full and takes no writes (OOM)'), stops: true })
  waiting.get('during')!.end()
  expect(await run.closed('during')).toMatchObject({ eventType: 'ActivityTaskCompleted' })
  await run.schedule({ meanwhile })
  // Longer than a lease: when Redis takes writes again, every process has been silent for too long.
  await new Promise(resolve => setTimeout(resolve, 2_000))
  expect((await run.history()).filter(({ eventType }) => eventType === 'ActivityTaskStarted').length).toBeLessThan(4)
  await redisCommand(redis.url, 'CONFIG', 'SET', 'maxmemory', '0')
  expect(await run.closed('meanwhile')).toMatchObject({ result: 'at once' })
  waiting.get('after')!.end()
  expect(await run.closed('after')).toMatchObject({ eventType: 'ActivityTaskCompleted' })
  expect(runs.sort()).toEqual(['after', 'during', 'meanwhile'])
})
