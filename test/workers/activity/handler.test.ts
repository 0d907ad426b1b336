import { describe, expect, test } from 'vitest'
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
const { worker, execution, prefix, swf } = await stage(redis, ['Work', 'Manual', 'Hangs'])
const queues = new Queues({ redis: connection, prefix, log })

const stopped = (job: ActivityContext) =>
  new Promise<never>((_, reject) => job.signal.addEventListener('abort', () => reject(job.signal.reason)))
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
const reasons = new Map<string, string>()
const hanging = new Set<string>()
const behave: Record<string, (job: ActivityContext) => unknown> = {
  async waits(job) {
    return stopped(job).catch((reason: ActivityAborted) => reasons.set(job.activityId, reason.code))
  },
  hangs(job) {
    hanging.add(job.workflowExecution.runId)
    return new Promise(() => {})
  },
  async blocks() {
    for (const end = Date.now() + 1_200; Date.now() < end;);
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
  implement(activity('Hangs'), run),
  implement(activity('Manual', { heartbeat: '3s' }), run, { heartbeat: 'manual' }),
]
const metrics = createMetrics('worker')
/** Details that SWF was told. */
const told: string[] = []
const heard = new Proxy(swf, {
  get(target, name) {
    if (name !== 'recordActivityTaskHeartbeat') return target[name as keyof typeof swf]
    return (input: { taskToken: string; details?: string }) => {
      if (input.details) told.push(input.details)
      return target.recordActivityTaskHeartbeat(input)
    }
  },
})
await worker(handlers, { concurrency: 20, metrics, swf: heard })

const count = async (metric: 'abandoned' | 'activityTasks', labels: object) =>
  (await metrics[metric].get()).values.find(each =>
    Object.entries(labels).every(([k, v]) => each.labels[k as never] === v),
  )?.value ?? 0
const timedOut = (timeoutType: string, details?: string) => ({
  eventType: 'ActivityTaskTimedOut',
  timeoutType,
  details,
})

describe.concurrent('a handler', () => {
  test('is told when its time is over', async () => {
    const { schedule, closed } = await execution()
    await schedule({ a: { input: 'waits', envelope: { startToClose: 1_000 }, startToClose: '2' } })
    expect(await closed('a')).toEqual(timedOut('START_TO_CLOSE'))
    expect(reasons.get('a')).toBe('DEADLINE')
  })

  test('that does not stop is abandoned, and counted', async () => {
    const { schedule, closed, requestCancel, ...run } = await execution()
    await schedule({ a: { type: 'Hangs', input: 'hangs' } })
    await until(() => hanging.has(run.runId), { what: 'it runs' })
    await requestCancel('a')
    await queues.hintCancel(DOMAIN, 'activities', run, 'a')
    expect(await closed('a')).toMatchObject({ eventType: 'ActivityTaskCanceled' })
    expect(await count('abandoned', { activityType: 'Hangs' })).toBe(1)
  })

  test('that beats 100,000 times is a handful of heartbeats, and the last arrives; so do details just before the end', async () => {
    const { schedule, closed } = await execution()
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
    expect(told.filter(details => /^."line":\d{3}/.test(details)).length).toBeLessThan(5)
  })

  test('that beats by itself is heard only when it does: one that hangs is timed out by SWF, one that beats is not', async () => {
    const { schedule, closed } = await execution()
    const manual = { type: 'Manual', heartbeat: '3', envelope: { heartbeat: 3_000, startToClose: 60_000 } }
    await schedule({ hangs: { input: 'hangs', ...manual }, beats: { input: 'beats for a while', ...manual } })
    expect(await closed('hangs')).toEqual(timedOut('HEARTBEAT'))
    expect(await closed('beats')).toEqual({ eventType: 'ActivityTaskCompleted', result: 'beaten' })
  })
})

test('what a handler returns when its time is over is told to nobody', async () => {
  const { schedule, closed } = await execution()
  const before = await count('activityTasks', { outcome: 'expired' })
  await schedule({ b: { input: 'blocks', envelope: { startToClose: 1_000 }, startToClose: '2' } })
  expect(await closed('b')).toEqual(timedOut('START_TO_CLOSE'))
  expect(await count('activityTasks', { outcome: 'expired' })).toBe(before + 1)
})

test('a handler cannot beat by itself where SWF waits for no beat', () => {
  expect(() => implement(activity('Silent'), () => 1, { heartbeat: 'manual' })).toThrow(/needs a heartbeat timeout/)
})
