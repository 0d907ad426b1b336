import { expect, test } from 'vitest'
import { Queues } from '../../../src/queues/queue.js'
import { connectRedis } from '../../../src/redis.js'
import { createLog, createMetrics } from '../../../src/telemetry.js'
import { implement, type ActivityAborted, type ActivityContext } from '../../../src/workers/definitions.js'
import { afterFile } from '../../support/dispose.js'
import { testRedis } from '../../support/redis.js'
import { until } from '../../support/until.js'
import { activity, DOMAIN, stage } from './stage.js'

const redis = testRedis()
const log = createLog('test', 'silent')
const connection = connectRedis({ url: redis.url, name: 'test', log })
afterFile(() => connection.disconnect())
const { worker, execution, prefix } = await stage(redis, ['Work', 'Manual'])
const queues = new Queues({ redis: connection, prefix, log })

const stopped = (job: ActivityContext) =>
  new Promise<never>((_, reject) => job.signal.addEventListener('abort', () => reject(job.signal.reason)))
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
const reasons = new Map<string, string>()
const behave: Record<string, (job: ActivityContext) => unknown> = {
  async waits(job) {
    return stopped(job).catch((reason: ActivityAborted) => reasons.set(job.activityId, reason.code))
  },
  hangs: () => new Promise(() => {}),
  async blocks() {
    for (const end = Date.now() + 1_500; Date.now() < end;);
    return 'too late'
  },
  async 'beats 100,000 times'(job) {
    for (let i = 1; i <= 100_000; i++) job.heartbeat({ line: i })
    await stopped(job)
  },
  async 'beats and dies'(job) {
    job.heartbeat({ line: 1 })
    await pause(100)
    job.heartbeat({ line: 2 })
    await stopped(job)
  },
  async 'beats for a while'(job) {
    for (let i = 0; i < 9; i++) {
      job.heartbeat(i)
      await pause(500)
    }
    return 'beaten'
  },
}
const run = (input: string, job: ActivityContext) => behave[input]!(job) as Promise<unknown>
const handlers = [
  implement(activity('Work'), run),
  implement(activity('Manual', { heartbeat: '3s' }), run, { heartbeat: 'manual' }),
]
const metrics = createMetrics('worker')
await worker(handlers, { concurrency: 20, metrics })

const count = async (metric: 'heartbeats' | 'abandoned' | 'activityTasks', labels: object) =>
  (await metrics[metric].get()).values.find(each =>
    Object.entries(labels).every(([k, v]) => each.labels[k as never] === v),
  )?.value ?? 0
const timedOut = (timeoutType: string, details?: string) => ({
  eventType: 'ActivityTaskTimedOut',
  timeoutType,
  details,
})

test('a handler is told when its time is over, and what it returns then is told to nobody', async () => {
  const { schedule, closed } = await execution()
  const envelope = { startToClose: 1_000 }
  await schedule({
    a: { input: 'waits', envelope, startToClose: '3' },
    b: { input: 'blocks', envelope, startToClose: '3' },
  })
  expect(await closed('a')).toEqual(timedOut('START_TO_CLOSE'))
  expect(await closed('b')).toEqual(timedOut('START_TO_CLOSE'))
  expect(reasons.get('a')).toBe('DEADLINE')
  expect(await count('activityTasks', { outcome: 'expired' })).toBe(2)
})

test('a handler that does not stop is abandoned, and counted', async () => {
  const { schedule, closed, requestCancel, ...run } = await execution()
  await schedule({ a: { input: 'hangs' } })
  await until(async () => (await queues.get(DOMAIN, 'activities'))?.active, { what: 'it runs' })
  await requestCancel('a')
  await queues.hintCancel(DOMAIN, 'activities', run, 'a')
  expect(await closed('a')).toMatchObject({ eventType: 'ActivityTaskCanceled' })
  expect(await count('abandoned', { activityType: 'Work' })).toBe(1)
})

test('100,000 heartbeats are a handful, and the last arrives; so do details just before the end', async () => {
  const { schedule, closed } = await execution()
  const before = await count('heartbeats', { outcome: 'ok' })
  await schedule({
    many: { input: 'beats 100,000 times', envelope: { heartbeat: 60_000 }, startToClose: '3', heartbeat: '60' },
    late: {
      input: 'beats and dies',
      envelope: { heartbeat: 60_000, startToClose: 2_000 },
      startToClose: '2',
      heartbeat: '60',
    },
  })
  expect(await closed('many')).toEqual(timedOut('START_TO_CLOSE', '{"line":100000}'))
  expect(await closed('late')).toEqual(timedOut('START_TO_CLOSE', '{"line":2}'))
  expect((await count('heartbeats', { outcome: 'ok' })) - before).toBeLessThan(8)
})

test('who beats by himself is heard only when he does: one that hangs is timed out by SWF, one that beats is not', async () => {
  const { schedule, closed } = await execution()
  const manual = { type: 'Manual', heartbeat: '3', envelope: { heartbeat: 3_000, startToClose: 60_000 } }
  await schedule({ hangs: { input: 'hangs', ...manual }, beats: { input: 'beats for a while', ...manual } })
  expect(await closed('hangs')).toEqual(timedOut('HEARTBEAT'))
  expect(await closed('beats')).toEqual({ eventType: 'ActivityTaskCompleted', result: 'beaten' })
})

test('a handler cannot beat by itself where SWF waits for no beat', () => {
  expect(() => implement(activity('Silent'), () => 1, { heartbeat: 'manual' })).toThrow(/needs a heartbeat timeout/)
})
