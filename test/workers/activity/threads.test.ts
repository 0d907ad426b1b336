import { describe, expect, test } from 'vitest'
import { Queues } from '../../../src/queues/queue.js'
import { connectRedis } from '../../../src/redis.js'
import { decodeFailure } from '../../../src/swf/failure.js'
import { createLog, createMetrics } from '../../../src/telemetry.js'
import { implement } from '../../../src/workers/definitions.js'
import type * as ThreadHandler from '../../../src/workers/thread-handler.js'
import { afterFile } from '../../support/dispose.js'
import { testRedis } from '../../support/redis.js'
import { until } from '../../support/until.js'
import { activity, DOMAIN, stage } from './stage.js'

// Threads run what is built.
const built = new URL('../../../dist/workers/thread-handler.js', import.meta.url).href
const { implementInThread } = (await import(built)) as typeof ThreadHandler

const redis = testRedis()
const log = createLog('test', 'silent')
const connection = connectRedis({ url: redis.url, name: 'test', log })
afterFile(() => connection.disconnect())
const { worker, execution, prefix } = await stage(redis, ['Work', 'Busy'])
const queues = new Queues({ redis: connection, prefix, log })

const busy = activity('Busy', { heartbeat: '3s' })
const module = new URL('./fixtures/threads.mjs', import.meta.url)
const handlers = [implementInThread(busy, module, { threads: 8 }), implement(activity('Work'), () => process.pid)]
const metrics = createMetrics('worker')
const running = await worker(handlers, { concurrency: 10, metrics, drain: 5_000 })

const task = (input: object, startToClose = 60) => ({
  type: 'Busy',
  input,
  heartbeat: '3',
  startToClose: String(startToClose),
  envelope: { attempt: 2, startToClose: startToClose * 1_000, heartbeat: 3_000, lastHeartbeat: { line: 7 } },
})
/** Resolves when the handler of an activity has beaten with these details. */
const beaten = (details: string) =>
  until(
    async () => {
      const keys = await connection.keys('*:t:*')
      const kept = await Promise.all(keys.map(key => connection.hget(key, 'details')))
      return kept.includes(JSON.stringify(details))
    },
    { what: `it beats: ${details}` },
  )

describe.concurrent('a thread', () => {
  test('a handler that keeps its thread busy holds up neither heartbeats nor others', async () => {
    const run = await execution()
    await run.schedule({ blocks: task({ do: 'block', ms: 3_300 }) })
    await run.started('blocks')
    await run.schedule(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`n${i}`, {}])))
    const others = await run.allClosed(20)
    expect(others.has('blocks')).toBe(false)
    const { eventType, result } = await run.closed('blocks')
    expect(eventType).toBe('ActivityTaskCompleted')
    expect((result as { threadId: number }).threadId).toBeGreaterThan(0)
  })

  test('a handler in a thread is given the same, and what it does counts the same', async () => {
    const run = await execution()
    await run.schedule({
      tells: task({}),
      fails: task({ do: 'fail' }),
      dies: task({ do: 'die' }),
      leaves: task({ do: 'leave' }),
    })
    expect(await run.closed('tells')).toMatchObject({
      result: {
        attempt: 2,
        lastHeartbeat: { line: 7 },
        idempotencyKey: `${run.workflowId}/${run.runId}/tells`,
        fencingToken: expect.stringMatching(/^\d+\.0$/),
        activityId: 'tells',
        activityType: { name: 'Busy', version: '1' },
        workflowId: run.workflowId,
        bounded: true,
      },
    })
    const failure = async (id: string) => {
      const { reason, details } = await run.closed(id)
      return decodeFailure('?', reason, details)
    }
    expect(await failure('fails')).toMatchObject({
      reason: 'OutOfStock',
      message: 'nothing left',
      details: { left: 0 },
      cause: { reason: 'RangeError', message: 'shelf 3' },
    })
    expect((await failure('dies')).message).toMatch(/exit/)
    const open = await until(
      async () => {
        for (const key of await connection.keys('*:t:*')) {
          const [state, taskToken, text, startedEventId] = await connection.hmget(
            key,
            'state',
            'token',
            'task',
            'startedEventId',
          )
          if (state === 'OPEN') return { taskToken, startedEventId, ...(JSON.parse(text!) as { activityId: string }) }
        }
        return undefined
      },
      { what: 'one is left open' },
    )
    expect(open.activityId).toBe('leaves')
  })

  test('a stop reaches a thread: one that looks ends, one that never does is ended with its thread', async () => {
    const run = await execution()
    await run.schedule({
      looks: task({ do: 'look' }),
      blind: task({ do: 'never look' }),
      counts: task({ do: 'count' }, 3),
    })
    await beaten('looking')
    await beaten('blind')
    for (const id of ['looks', 'blind']) {
      await run.requestCancel(id)
      await queues.hintCancel(DOMAIN, 'activities', run, id)
    }
    expect(await run.closed('looks')).toEqual({ eventType: 'ActivityTaskCanceled', details: undefined })
    expect(await run.closed('blind')).toMatchObject({ eventType: 'ActivityTaskCanceled' })
    expect((await metrics.abandoned.get()).values).toMatchObject([{ value: 1 }])
    expect(await run.closed('counts')).toMatchObject({ eventType: 'ActivityTaskTimedOut', details: '{"line":100000}' })
  })
})

test('a handler in a thread hears that its worker shuts down', async () => {
  const run = await execution()
  await run.schedule({ drains: task({ do: 'drain' }) })
  await beaten('draining')
  await running.stop()
  expect(await run.closed('drains')).toMatchObject({ result: 'drained' })
})

test('refuses what is no module, and no number of threads', () => {
  expect(() => implementInThread(busy, './handler.js')).toThrow(/Invalid URL/)
  expect(() => implementInThread(busy, module, { threads: 0 })).toThrow(/at least 1/)
})
