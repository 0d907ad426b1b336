// A Redis that comes back without its last writes: the end of its log was lost, an older copy put back, or a replica promoted
// that had not got them.

import { expect, test } from 'vitest'
import { completeActivity } from '../../../src/queues/open-task.js'
import { Queues } from '../../../src/queues/queue.js'
import { createLog, createMetrics } from '../../../src/telemetry.js'
import { implement, type ActivityContext } from '../../../src/workers/definitions.js'
import { connected } from '../../support/redis-connection.js'
import { ownRedis, redisCommand } from '../../support/redis.js'
import { tcpProxy } from '../../support/tcp-proxy.js'
import { until } from '../../support/until.js'
import { activity, DOMAIN, stage } from './stage.js'

const log = createLog('test', 'silent')
const primary = await ownRedis({ persistence: 'always' })
let port = primary.port
const proxy = await tcpProxy(() => port)
const url = `redis://127.0.0.1:${proxy.port}`
const { swf, worker, execution, prefix } = await stage({ url, prefix: 'behind' })
const queues = new Queues({ redis: await connected(url), prefix, log })

/** Handlers wait here until the test lets them end; `runs` counts how often one began. */
const waiting = new Map<string, { job: ActivityContext; end: () => void; stopped: boolean }>()
const runs = new Map<string, number>()
const handlers = [
  implement(activity('Work'), async (input: { leave?: 'open' } | undefined, job) => {
    runs.set(job.activityId, (runs.get(job.activityId) ?? 0) + 1)
    await new Promise<void>((resolve, reject) => {
      waiting.set(job.activityId, { job, end: resolve, stopped: false })
      job.signal.addEventListener('abort', () => reject(job.signal.reason))
    }).finally(() => waiting.delete(job.activityId))
    return input?.leave ? job.leaveOpen() : job.activityId
  }),
]
const metrics = createMetrics('test')
await worker(handlers, { concurrency: 3, metrics })
await worker(handlers, { concurrency: 3, metrics })

/** Without a heartbeat, and with a start-to-close that no test waits for. */
const tasks = (...ids: string[]) => Object.fromEntries(ids.map(id => [id, { startToClose: '3600' }]))
const queue = async () => (await queues.get(DOMAIN, 'activities'))!
const active = (count: number, what: string) => until(async () => (await queue()).active === count, { what })
const all = (count: number) => until(() => waiting.size === count, { what: `${count} run` })
const endAll = () => [...waiting.values()].forEach(({ end }) => end())
const counted = () => Object.fromEntries([...runs].sort())

test('the end of the log is lost: tasks that had ended hold no slot, and what comes next is run', async () => {
  const run = await execution()
  const ids = ['a', 'b', 'c', 'd', 'e', 'f']
  await run.schedule(tasks(...ids))
  await all(6)
  const fallBack = primary.mark()
  endAll()
  await run.allClosed(6)
  await active(0, 'all have ended')
  await fallBack()
  await run.schedule(tasks('g', 'h', 'i', 'j', 'k', 'l'))
  await all(6)
  expect((await queue()).active).toBe(6)
  const held = async () => (await metrics.slotsHeld.get()).values.find(({ labels }) => labels.by === 'running')!.value
  await until(async () => (await held()) === 6, { what: 'the metric says what runs' })
  endAll()
  const closed = await run.allClosed(12)
  expect([...closed.values()].every(({ eventType }) => eventType === 'ActivityTaskCompleted')).toBe(true)
  await active(0, 'no slot is held')
  expect(new Set(runs.values())).toEqual(new Set([1]))
})

test('runs that an older copy does not know are counted again while they go on, and end once', async () => {
  runs.clear()
  const run = await execution()
  const fallBack = primary.mark()
  await run.schedule(tasks('a', 'b'))
  await all(2)
  await fallBack()
  await active(2, 'both count again')
  endAll()
  const closed = await run.allClosed(2)
  expect([...closed.values()].map(({ result }) => result).sort()).toEqual(['a', 'b'])
  expect(counted()).toEqual({ a: 1, b: 1 })
  await active(0, 'no slot is held')
})

test('a task that waits in the older copy, and has begun since, is not run again beside its run', async () => {
  runs.clear()
  await queues.update(DOMAIN, 'activities', { concurrency: 1, prefetch: 1 }, 'test')
  await until(async () => (await queue()).observed.every(({ version }) => version === 1), { what: 'the fleet obeys' })
  const run = await execution()
  await run.schedule(tasks('a', 'b'))
  await until(async () => waiting.size === 1 && (await queue()).depth === 1, { what: 'one runs and one waits' })
  const [first] = waiting.keys()
  const fallBack = primary.mark()
  endAll()
  await until(() => waiting.size === 1 && !waiting.has(first!), { what: 'the other runs' })
  await fallBack()
  await until(async () => (await queue()).active === 1 && (await queue()).depth === 0, { what: 'one runs, none waits' })
  expect(waiting.size).toBe(1)
  endAll()
  const closed = await run.allClosed(2)
  expect([...closed.values()].every(({ eventType }) => eventType === 'ActivityTaskCompleted')).toBe(true)
  expect(counted()).toEqual({ a: 1, b: 1 })
  await queues.update(DOMAIN, 'activities', { concurrency: 50, prefetch: 0 }, 'test')
  await active(0, 'no slot is held')
})

test('a task that was left open since is open again, and is not run a second time', async () => {
  runs.clear()
  const run = await execution()
  await run.schedule({ open: { input: { leave: 'open' }, startToClose: '3600' } })
  await all(1)
  const { token } = waiting.get('open')!.job.leaveOpen()
  const fallBack = primary.mark()
  endAll()
  await active(0, 'it is left open')
  await fallBack()
  await active(0, 'it holds no slot')
  await completeActivity({ swf, redis: await connected(url), prefix }, token, 'by hand')
  expect(await run.closed('open')).toMatchObject({ result: 'by hand' })
  expect(counted()).toEqual({ open: 1 })
})

test('a replica is promoted that had not got the last writes', async () => {
  runs.clear()
  const replica = await ownRedis({ persistence: 'none' })
  const link = await tcpProxy(() => primary.port)
  await redisCommand(replica.url, 'CONFIG', 'SET', 'repl-diskless-load', 'on-empty-db')
  await redisCommand(replica.url, 'REPLICAOF', '127.0.0.1', String(link.port))
  const run = await execution()
  await run.schedule(tasks('ends', 'goes on'))
  await all(2)
  const offset = async (url: string) => (await redisCommand(url, 'WAIT', '1', '1000')) === ':1'
  await until(() => offset(primary.url), { what: 'the replica has got everything', within: 30_000 })
  link.cut(true)
  waiting.get('ends')!.end()
  await run.closed('ends')
  await run.schedule(tasks('new'))
  await until(() => waiting.has('new'), { what: 'another has begun that the replica does not know' })
  await active(2, 'two run')
  await redisCommand(replica.url, 'REPLICAOF', 'NO', 'ONE')
  port = replica.port
  await primary.kill()
  proxy.cut(true)
  proxy.cut(false)
  const seen = await connected(`redis://127.0.0.1:${port}`)
  const there = new Queues({ redis: seen, prefix, log })
  const running = async () =>
    (
      await there.places(
        DOMAIN,
        'activities',
        ['ends', 'goes on', 'new'].map(activityId => ({ runId: run.runId, activityId })),
      )
    ).map(({ place }) => place?.state)
  await until(async () => JSON.stringify(await running()) === JSON.stringify([undefined, 'RUN', 'RUN']), {
    what: 'the replica knows what runs, and nothing else',
  })
  endAll()
  const closed = await run.allClosed(3)
  expect([...closed.values()].every(({ eventType }) => eventType === 'ActivityTaskCompleted')).toBe(true)
  expect(counted()).toEqual({ ends: 1, 'goes on': 1, new: 1 })
})
