import { afterAll, expect, test } from 'vitest'
import { HANDED_BACK } from '../../../src/swf/failure.js'
import { Queues, type QueueState } from '../../../src/queues/queue.js'
import { connectRedis } from '../../../src/redis.js'
import { createLog } from '../../../src/telemetry.js'
import { implement, type ActivityContext } from '../../../src/workers/definitions.js'
import { afterFile } from '../../support/dispose.js'
import { testRedis } from '../../support/redis.js'
import { until } from '../../support/until.js'
import { activity, DOMAIN, stage } from './stage.js'

const redis = testRedis()
const log = createLog('test', 'silent')
const connection = connectRedis({ url: redis.url, name: 'test', log })
afterFile(() => connection.disconnect())
const { worker, execution, prefix } = await stage(redis)
const queues = new Queues({ redis: connection, prefix, log })

/** Handlers wait here until the test lets them end. */
const waiting = new Map<string, { job: ActivityContext; end: () => void }>()
const work = activity('Work', { heartbeat: '3s' })
const handlers = [
  implement(work, async (_input, job) => {
    await new Promise<void>((resolve, reject) => {
      waiting.set(job.activityId, { job, end: resolve })
      job.signal.addEventListener('abort', () => reject(job.signal.reason))
    })
    waiting.delete(job.activityId)
    return job.fencingToken
  }),
]
afterAll(() => waiting.forEach(({ end }) => end()))

const first = await worker(handlers, { concurrency: 2 })
const second = await worker(handlers, { concurrency: 2 })

const envelope = { startToClose: 60_000, heartbeat: 3_000 }
const tasks = (...ids: string[]) => Object.fromEntries(ids.map(id => [id, { envelope, heartbeat: '3' }]))
const set = async (change: Parameters<Queues['update']>[2]) => {
  const { queue } = await queues.update(DOMAIN, 'activities', change, 'test')
  return converged(queue.settings.version)
}
const converged = (version: number): Promise<QueueState> =>
  until(
    async () => {
      const queue = (await queues.get(DOMAIN, 'activities'))!
      return queue.observed.length === 2 && queue.observed.every(seen => seen.version === version) && queue
    },
    { what: `the fleet obeys version ${version}` },
  )
const running = (count: number) => until(() => waiting.size === count, { what: `${count} handlers run` })
const queue = async (): Promise<QueueState> => (await queues.get(DOMAIN, 'activities'))!

test('obeys the settings of the fleet while it runs, and reports what it obeys', async () => {
  const run = await execution()
  const limited = await set({ concurrency: 1 })
  expect(limited.observed.map(({ worker, concurrency }) => [worker.id, concurrency]).sort()).toEqual(
    [first.id, second.id].sort().map(id => [id, 1]),
  )
  // Polls that were open when the limit was lowered may still bring a task each.
  await until(async () => (await queue()).slotsHeld === 1, { what: 'polls over the limit have ended' })
  await run.schedule(tasks('a', 'b', 'c', 'd', 'e', 'f'))
  await running(1)
  expect(await queue()).toMatchObject({ active: 1, depth: 0 })

  await set({ concurrency: 3 })
  await running(3)
  expect((await queue()).slotsHeld).toBeLessThanOrEqual(3)

  await set({ paused: true })
  for (const { end } of waiting.values()) end()
  await until(async () => (await queue()).slotsHeld === 0, { what: 'a paused queue holds no slot' })
  expect(waiting.size).toBe(0)

  await set({ paused: false })
  await running(3)
  for (const { end } of waiting.values()) end()
  expect((await run.allClosed(6)).size).toBe(6)
})

test('refuses a change that is out of date, out of range, or of a queue that nobody knows', async () => {
  const { settings } = await queue()
  const update = (change: object, version?: number) => queues.update(DOMAIN, 'activities', change, 'test', version)
  await expect(update({ concurrency: 5 }, settings.version - 1)).rejects.toMatchObject({ code: 'VERSION_CONFLICT' })
  await expect(update({ concurrency: -1 })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
  await expect(update({ rateLimit: { tasks: 0, per: 1_000 } })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
  await expect(queues.update(DOMAIN, 'typo', {}, 'test')).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
  expect(await queues.get(DOMAIN, 'typo')).toBeUndefined()
  const { previous, queue: changed } = await update({ prefetch: 1 }, settings.version)
  expect(previous).toEqual(settings)
  expect(changed.settings).toMatchObject({ version: settings.version + 1, changedBy: 'test', concurrency: 3 })
  expect((await queues.list(DOMAIN)).map(({ taskList }) => taskList)).toEqual(['activities'])
})

test('what waits is kept alive, canceled, or handed back when its time is nearly over', async () => {
  const run = await execution()
  await set({ concurrency: 1, prefetch: 3 })
  await run.schedule(tasks('runs'))
  await running(1)
  await run.schedule({
    ...tasks('waits', 'canceled'),
    short: { envelope: { startToClose: 6_000 }, startToClose: '6' },
  })
  await until(async () => (await queue()).depth === 3, { what: 'three tasks wait' })
  await run.requestCancel('canceled')
  await queues.hintCancel(DOMAIN, 'activities', run, 'canceled')
  expect(await run.closed('canceled')).toEqual({ eventType: 'ActivityTaskCanceled', details: undefined })
  expect(await run.closed('short')).toMatchObject({ eventType: 'ActivityTaskFailed', reason: HANDED_BACK })
  await until(async () => ((await queue()).oldestAge ?? 0) > 3_500, {
    what: 'one has waited beyond its heartbeat timeout',
  })
  waiting.get('runs')!.end()
  await until(() => waiting.has('waits'), { what: 'the one that waited runs' })
  waiting.get('waits')!.end()
  expect(await run.closed('waits')).toMatchObject({ eventType: 'ActivityTaskCompleted' })
})

test('wakes somebody again for a task whose job was lost', async () => {
  const run = await execution()
  await set({ concurrency: 2, prefetch: 2 })
  await run.schedule(tasks('a', 'b', 'c'))
  await running(2)
  await until(async () => (await queue()).depth === 1, { what: 'one task waits' })
  const [wait] = await connection.keys('*:jobs:wait')
  for (const job of await connection.lrange(wait!, '0', '-1')) await connection.del(wait!, wait!.replace(/wait$/, job))
  for (const { end } of waiting.values()) end()
  await running(1)
  for (const { end } of waiting.values()) end()
  const closed = await run.allClosed(3)
  expect([...closed.values()].map(({ eventType }) => eventType)).toEqual(Array(3).fill('ActivityTaskCompleted'))
})

test('polls no faster than the rate', async () => {
  const run = await execution()
  await set({ concurrency: 50, prefetch: 0, rateLimit: { tasks: 2, per: 60_000 } })
  const [permits] = await connection.keys('*:permits')
  const rated = async () => {
    const names = await connection.zrange(permits!, '0', '-1')
    return names.length === 2 && names.every(name => name.endsWith('r'))
  }
  await until(rated, { what: 'only the two polls that the rate allows are open' })
  await run.schedule(tasks('a', 'b', 'c', 'd'))
  await running(2)
  for (const { end } of waiting.values()) end()
  await run.allClosed(2)
  expect(waiting.size).toBe(0)
  expect(await queue()).toMatchObject({ active: 0, depth: 0, slotsHeld: 0 })
  await set({ rateLimit: null })
  await running(2)
  for (const { end } of waiting.values()) end()
  await run.allClosed(4)
})
