import { expect, test } from 'vitest'
import { decodeFailure, NO_HANDLER } from '../../../src/swf/failure.js'
import { ActivityFailure, implement, type ActivityContext } from '../../../src/workers/definitions.js'
import { Queues } from '../../../src/queues/queue.js'
import { connectRedis } from '../../../src/redis.js'
import { createLog } from '../../../src/telemetry.js'
import { ActivityWorker } from '../../../src/workers/activity/activity-worker.js'
import { afterFile } from '../../support/dispose.js'
import { testRedis } from '../../support/redis.js'
import { until } from '../../support/until.js'
import { z } from 'zod'
import { activity, DOMAIN, stage } from './stage.js'

const redis = testRedis()
const log = createLog('test', 'silent')
const connection = connectRedis({ url: redis.url, name: 'test', log })
afterFile(() => connection.disconnect())

const seen: { job: ActivityContext; input: unknown }[] = []
let together = 0
let most = 0
const work = activity()
const strict = activity('Strict', { input: z.object({ amount: z.number() }) })

const handlers = [
  implement(work, async (input: { do?: string; ms?: number } | undefined, job) => {
    seen.push({ job, input })
    most = Math.max(most, ++together)
    try {
      return await behave(input?.do, input?.ms ?? 0, job)
    } finally {
      together--
    }
  }),
  implement(strict, async () => 'ran'),
]

async function behave(what: string | undefined, ms: number, job: ActivityContext): Promise<unknown> {
  switch (what) {
    case 'throw':
      throw new Error('the shelf is empty', { cause: Object.assign(new Error('disk full'), { code: 'ENOSPC' }) })
    case 'fail':
      throw new ActivityFailure('OutOfStock', 'nothing left', { left: 0 })
    case 'throw text':
      throw 'just text' // oxlint-disable-line no-throw-literal
    case 'too large':
      return 'x'.repeat(40_000)
    case 'cycle': {
      const cycle: Record<string, unknown> = {}
      return (cycle.self = cycle)
    }
    case 'beat':
      for (let i = 0; i <= 10_000; i++) job.heartbeat({ line: i })
      await new Promise(resolve => setTimeout(resolve, ms))
      return 'beaten'
    case 'until stopped':
      await new Promise((_, reject) => job.signal.addEventListener('abort', () => reject(job.signal.reason)))
      return 'never'
    case 'never stop':
      await new Promise(() => {})
      return 'never'
    default:
      await new Promise(resolve => setTimeout(resolve, ms))
      return { done: true, key: job.idempotencyKey }
  }
}

const { worker, execution, prefix, swf } = await stage(redis, ['Work', 'Strict', 'Unknown'])
const running = await worker(handlers, { concurrency: 3 })
const queues = new Queues({ redis: connection, prefix, log })

test('runs a handler with what the envelope tells, and completes the activity with its result', async () => {
  const run = await execution()
  const envelope = { attempt: 3, idempotencyKey: 'key-1', startToClose: 60_000, lastHeartbeat: { line: 7 } }
  await run.schedule({ '1.3': { input: { order: 1 }, envelope } })
  expect(await run.closed('1.3')).toEqual({ eventType: 'ActivityTaskCompleted', result: { done: true, key: 'key-1' } })
  const { job, input } = seen.at(-1)!
  expect(input).toEqual({ order: 1 })
  expect(job).toMatchObject({
    attempt: 3,
    idempotencyKey: 'key-1',
    lastHeartbeat: { line: 7 },
    activityId: '1.3',
    activityType: { name: 'Work', version: '1' },
    workflowExecution: { workflowId: run.workflowId, runId: run.runId },
  })
  expect(job.fencingToken).toMatch(/^\d+\.0$/)
  expect(job.deadline!.getTime()).toBeGreaterThan(Date.now())
  expect(job.signal.aborted).toBe(false)
})

test('runs tasks of deciders that know no envelope', async () => {
  const run = await execution()
  await run.schedule({ plain: { input: { ms: 1 }, envelope: {} } })
  const key = `${run.workflowId}/${run.runId}/plain`
  expect(await run.closed('plain')).toEqual({ eventType: 'ActivityTaskCompleted', result: { done: true, key } })
  expect(seen.at(-1)!.job).toMatchObject({ attempt: 1, lastHeartbeat: undefined, deadline: undefined })
})

test('fails an activity with the reason, the message and the causes of what its handler threw', async () => {
  const run = await execution()
  await run.schedule({
    a: { input: { do: 'throw' } },
    b: { input: { do: 'fail' } },
    c: { input: { do: 'throw text' } },
    d: { input: { do: 'too large' } },
    e: { input: { do: 'cycle' } },
  })
  const closed = await run.allClosed(5)
  const failure = (id: string) => decodeFailure('?', closed.get(id)!.reason, closed.get(id)!.details)
  expect(failure('a')).toEqual({
    code: 'APPLICATION',
    reason: 'Error',
    message: 'the shelf is empty',
    activityId: 'a',
    type: 'Work',
    cause: { code: 'APPLICATION', reason: 'ENOSPC', message: 'disk full' },
  })
  expect(failure('b')).toMatchObject({ reason: 'OutOfStock', message: 'nothing left', details: { left: 0 } })
  expect(failure('c')).toMatchObject({ reason: 'Error', message: 'just text' })
  expect(failure('d')).toMatchObject({ reason: 'PAYLOAD_TOO_LARGE' })
  expect(failure('e')).toMatchObject({ reason: 'TypeError' })
  expect([...closed.values()].map(({ reason }) => reason)).toEqual(
    expect.arrayContaining(['Error', 'OutOfStock', 'PAYLOAD_TOO_LARGE', 'TypeError']),
  )
})

test('does not run a handler with an input that its contract refuses', async () => {
  const run = await execution()
  await run.schedule({
    bad: { type: 'Strict', input: { amount: 'ten' } },
    good: { type: 'Strict', input: { amount: 1 } },
  })
  const closed = await run.allClosed(2)
  expect(closed.get('bad')).toMatchObject({ eventType: 'ActivityTaskFailed', reason: 'ValidationFailed' })
  expect(decodeFailure('?', undefined, closed.get('bad')!.details).message).toMatch(/amount/)
  expect(closed.get('good')).toEqual({ eventType: 'ActivityTaskCompleted', result: 'ran' })
})

test('answers a polled type without a handler, and says which', async () => {
  const run = await execution()
  await run.schedule({ what: { type: 'Unknown' } })
  const closed = await run.closed('what')
  expect(closed.reason).toBe(NO_HANDLER)
  expect(decodeFailure('?', undefined, closed.details).message).toMatch(
    /No handler for Unknown 1 on task list activities/,
  )
})

test('keeps an activity alive beyond its heartbeat timeout, and sends the newest details', async () => {
  const run = await execution()
  const envelope = { startToClose: 60_000, heartbeat: 3_000 }
  await run.schedule({ long: { input: { do: 'beat', ms: 4_000 }, heartbeat: '3', envelope } })
  await run.schedule({ dies: { input: { do: 'beat', ms: 9_000 }, heartbeat: '3', startToClose: '4', envelope } })
  expect(await run.closed('long')).toEqual({ eventType: 'ActivityTaskCompleted', result: 'beaten' })
  expect(await run.closed('dies')).toEqual({
    eventType: 'ActivityTaskTimedOut',
    timeoutType: 'START_TO_CLOSE',
    details: '{"line":10000}',
  })
})

test('a cancel reaches the handler, and is reported as canceled, even when the handler does not stop', async () => {
  const run = await execution()
  await run.schedule({ stops: { input: { do: 'until stopped' } }, hangs: { input: { do: 'never stop' } } })
  await until(() => together >= 2, { what: 'both run' })
  for (const id of ['stops', 'hangs']) {
    await run.requestCancel(id)
    await queues.hintCancel(DOMAIN, undefined, run, id)
  }
  expect(await run.closed('stops')).toEqual({ eventType: 'ActivityTaskCanceled', details: undefined })
  expect(await run.closed('hangs')).toEqual({ eventType: 'ActivityTaskCanceled', details: undefined })
  together = 0
})

test('stops the handlers of an execution that was closed', async () => {
  const run = await execution()
  await run.schedule({ left: { input: { do: 'until stopped' } } })
  await until(() => together === 1, { what: 'it runs' })
  await run.terminate()
  await queues.hintCancel(DOMAIN, 'activities', run)
  await until(() => together === 0, { what: 'it stops' })
  expect(seen.at(-1)!.job.signal.reason).toMatchObject({ code: 'CLOSED' })
})

test('never runs more than its concurrency, and leaves nothing behind', async () => {
  const run = await execution()
  most = 0
  await run.schedule(Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`n${i}`, { input: { ms: 5 } }])))
  const closed = await run.allClosed(40)
  expect([...closed.values()].every(({ eventType }) => eventType === 'ActivityTaskCompleted')).toBe(true)
  expect(most).toBeLessThanOrEqual(3)
  const idle = await until(
    async () => {
      const queue = await queues.get(DOMAIN, 'activities')
      return queue?.active === 0 && queue
    },
    { what: 'all slots are free' },
  )
  expect(idle).toMatchObject({ depth: 0, active: 0, settings: { version: 0, workerConcurrency: 3 } })
  expect(idle.slotsHeld).toBeLessThanOrEqual(4)
  expect(idle.observed).toMatchObject([{ version: 0, concurrency: 3, worker: { id: running.id, pid: process.pid } }])
  expect(await queues.workers(DOMAIN)).toMatchObject([
    {
      activityTypes: [
        { name: 'Work', version: '1' },
        { name: 'Strict', version: '1' },
      ],
    },
  ])
  const jobs = await until(
    async () => {
      const keys = await connection.keys(`*:jobs:*`)
      const left = keys.filter(key => !/:(meta|id|events|stalled-check|stalled|marker)$/.test(key))
      return left.length === 0 && 'none'
    },
    { what: 'no job is left' },
  )
  expect(jobs).toBe('none')
})

test('says what it lacks, and refuses what cannot work', async () => {
  expect(await running.readiness()).toEqual([])
  const options = { swf, redis, prefix, domain: DOMAIN, log, metrics: undefined as never }
  const idle = new ActivityWorker({ ...options, handlers })
  expect(await idle.readiness()).toEqual([{ what: 'the activity worker has not started', stops: true }])
  expect(() => new ActivityWorker({ ...options, handlers: [handlers[0]!, handlers[0]!] })).toThrow(/Two handlers/)
  const hasty = implement(activity('Hasty', { heartbeat: '1s' }), () => 1)
  expect(() => new ActivityWorker({ ...options, handlers: [hasty] })).toThrow(/at least 3 s/)
})
