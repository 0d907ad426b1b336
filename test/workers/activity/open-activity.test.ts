import { expect, test } from 'vitest'
import { ActivityClosed, completeActivity, failActivity } from '../../../src/queues/open-task.js'
import { Queues } from '../../../src/queues/queue.js'
import { loadScripts } from '../../../src/queues/script.js'
import { connectRedis } from '../../../src/redis.js'
import { decodeFailure, LEFT_OPEN } from '../../../src/swf/failure.js'
import { createLog, createMetrics } from '../../../src/telemetry.js'
import { implement, type OpenActivity } from '../../../src/workers/definitions.js'
import { afterFile } from '../../support/dispose.js'
import { redisCommand, testRedis } from '../../support/redis.js'
import { until } from '../../support/until.js'
import { activity, DOMAIN, stage } from './stage.js'

const { url, prefix } = testRedis()
const log = createLog('test', 'silent')
const redis = connectRedis({ url, name: 'test', log })
afterFile(() => redis.disconnect())
loadScripts(redis)
const { worker, execution, swf } = await stage({ url, prefix })
const queues = new Queues({ redis, prefix, log })
const fleet = { swf, redis, prefix }

/** What handlers have left open, by activity; how often they began. */
const left = new Map<string, OpenActivity>()
const runs: string[] = []
let mayReturn = () => {}
const handlers = [
  implement(activity('Work', { heartbeat: '3s' }), async (input: { for?: '1s'; waits?: true } | undefined, job) => {
    const open = job.leaveOpen(input?.for ? { for: input.for } : {})
    runs.push(job.activityId)
    left.set(job.activityId, open)
    job.heartbeat({ asked: 'the boss' })
    if (input?.waits) await new Promise<void>(resolve => (mayReturn = resolve))
    return open
  }),
]
const first = { metrics: createMetrics('worker'), worker: await worker(handlers, { concurrency: 1 }) }
const second = createMetrics('worker')
const token = (id: string) => left.get(id)!.token
const task = (input?: object) => ({ input, envelope: { startToClose: 60_000, heartbeat: 3_000 }, heartbeat: '3' })
const beats = async () =>
  (await second.heartbeats.get()).values.find(({ labels }) => labels.outcome === 'ok')?.value ?? 0
const allLeft = (...ids: string[]) =>
  until(async () => ids.every(id => left.has(id)) && (await queues.get(DOMAIN, 'activities'))!.active === 0, {
    what: 'all are left open, and hold no slot',
  })

test('open tasks hold no slot and outlive their worker; tokens, cancels and the time end them', async () => {
  const run = await execution()
  await run.schedule({ a: task(), b: task(), c: task(), d: task(), e: task({ for: '1s' }) })
  await allLeft('a', 'b', 'c', 'd', 'e')
  expect(left.get('a')!.until!.getTime()).toBeGreaterThan(Date.now() + 50_000)
  await worker(handlers, { concurrency: 1, metrics: second })
  await first.worker.stop()
  await until(async () => (await beats()) >= 12, {
    what: 'the other has kept them alive beyond their heartbeat timeout',
  })
  await run.requestCancel('c')
  await queues.hintCancel(DOMAIN, undefined, run, 'c')
  expect(await run.closed('c')).toMatchObject({ eventType: 'ActivityTaskCanceled' })
  await completeActivity(fleet, token('a'), { by: 'the boss' })
  expect(await run.closed('a')).toEqual({ eventType: 'ActivityTaskCompleted', result: { by: 'the boss' } })
  await failActivity(fleet, token('b'), 'Refused', { message: 'not today', details: { until: 'May' } })
  const { reason, details } = await run.closed('b')
  expect(decodeFailure('?', reason, details)).toMatchObject({
    reason: 'Refused',
    message: 'not today',
    activityId: 'b',
  })
  // Without Redis, SWF takes it.
  await completeActivity({ swf }, token('d'))
  expect(await run.closed('d')).toMatchObject({ eventType: 'ActivityTaskCompleted' })
  expect(await run.closed('e')).toMatchObject({ eventType: 'ActivityTaskFailed', reason: LEFT_OPEN })
  expect(runs.sort()).toEqual(['a', 'b', 'c', 'd', 'e'])

  await expect(completeActivity(fleet, token('a'), { by: 'the boss' })).resolves.toBeUndefined()
  await expect(completeActivity(fleet, token('a'), { by: 'a thief' })).rejects.toBeInstanceOf(ActivityClosed)
  for (const id of ['c', 'd', 'e'])
    await expect(failActivity(fleet, token(id), 'Late')).rejects.toMatchObject({ code: 'ACTIVITY_CLOSED' })
  await expect(completeActivity(fleet, 'typo')).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
})

test('a token counts before its handler has returned, whose own outcome is then refused', async () => {
  const run = await execution()
  left.clear()
  await run.schedule({ early: task({ waits: true }) })
  await until(() => left.has('early'), { what: 'its token is known' })
  await completeActivity(fleet, token('early'), 'soon')
  mayReturn()
  expect(await run.closed('early')).toMatchObject({ result: 'soon' })
  await until(async () => (await queues.get(DOMAIN, 'activities'))!.active === 0, { what: 'nothing is left' })
})

test('an outcome that comes after SWF has closed the task is refused, as often as it is brought', async () => {
  const run = await execution()
  left.clear()
  await run.schedule({ gone: task() })
  await allLeft('gone')
  await run.terminate()
  for (let i = 0; i < 2; i++)
    await expect(completeActivity(fleet, token('gone'), 'late')).rejects.toMatchObject({ code: 'ACTIVITY_CLOSED' })
})

test('an open task that Redis forgot is put back by the worker that left it', async () => {
  const run = await execution()
  left.clear()
  await run.schedule({ kept: task() })
  await allLeft('kept')
  await redisCommand(url, 'FLUSHDB')
  const before = await beats()
  await until(async () => (await beats()) >= before + 2, { what: 'it is kept alive again' })
  await completeActivity(fleet, token('kept'), 'kept')
  expect(await run.closed('kept')).toMatchObject({ result: 'kept' })
})
