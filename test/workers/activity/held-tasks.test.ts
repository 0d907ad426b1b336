import { expect, test } from 'vitest'
import { monotonic } from '../../../src/clock.js'
import { JobQueue } from '../../../src/queues/job.js'
import { queueKey } from '../../../src/queues/keys.js'
import { DEFAULT_SETTINGS } from '../../../src/queues/settings.js'
import { Slots } from '../../../src/queues/slots.js'
import { taskBatch, TaskRecords, type Run, type TaskRecord } from '../../../src/queues/task-record.js'
import { ADMIT } from '../../../src/queues/task-scripts.js'
import { redisReady, type Redis } from '../../../src/redis.js'
import type { SwfClient } from '../../../src/swf/client.js'
import { createLog, createMetrics } from '../../../src/telemetry.js'
import { HeldTasks } from '../../../src/workers/activity/held-tasks.js'
import { Room } from '../../../src/workers/activity/room.js'
import { afterFile } from '../../support/dispose.js'
import { redisProxy } from '../../support/redis-proxy.js'
import { testRedis } from '../../support/redis.js'
import { connected } from '../../support/redis-connection.js'
import { until } from '../../support/until.js'

const log = createLog('test', 'silent')
const { url } = testRedis()
const { port, pathname } = new URL(url)
const redis = await connected(url)

/** What a process remembers of its polls, over a connection on which answers of ADMIT can be lost. */
async function open(taskList: string) {
  const proxy = await redisProxy(Number(port), { path: pathname })
  const connection = await connected(proxy.url)
  const key = queueKey('test', 'domain', taskList)
  const jobs = new JobQueue(connection, key, log)
  afterFile(() => jobs.close())
  await alive(redis, key)
  const records = new TaskRecords(connection, key, 'a')
  const room = new Room(() => {})
  room.limit = 1
  const begun: Run[] = []
  const unsure: { id: string; nonce: string }[] = []
  const beats: string[] = []
  const swf = {
    async recordActivityTaskHeartbeat({ taskToken }: { taskToken: string }) {
      beats.push(taskToken)
      return { cancelRequested: false }
    },
  } as unknown as SwfClient
  const held = new HeldTasks({
    ...{ records, jobs, room, swf, log, metrics: createMetrics('test') },
    onBegun: run => begun.push(run),
    onUnsure: ({ id }, nonce) => unsure.push({ id, nonce }),
  })
  /** Loses the answers of this many admissions from now on. */
  const lose = (count: number) => {
    let left = count
    proxy.unheard = words => words.includes(ADMIT.sha) && left-- > 0
  }
  const state = async (id: string) => (await new TaskRecords(redis, key, 'test').states([id]))[0]?.state
  const jobCount = async () => (await redis.keys(`${key}:jobs:task-*`)).length
  return { proxy, connection, held, room, begun, unsure, beats, lose, state, jobCount, key }
}

async function alive(redis: Redis, key: string): Promise<void> {
  const observed = { version: 0, concurrency: 9, active: 0, capacity: 9, draining: false }
  const slots = new Slots(redis, key, 'a', taskBatch(redis, key))
  await slots.tick({ lease: 60_000, first: true, observed, settings: DEFAULT_SETTINGS, permits: [] })
}

const polled = (n: number, { left = 60_000, beat = 0 } = {}) => {
  const record: TaskRecord = {
    id: `task-${n}`,
    taskToken: `token ${n}`,
    startedEventId: 5,
    workflowExecution: { workflowId: 'workflow', runId: 'run' },
    activityId: String(n),
    activityType: { name: 'Work', version: '1' },
    beat,
  }
  return { record, payload: { value: undefined, envelope: {} }, deadline: monotonic() + left }
}

/** Looks after the tasks, as ticks do, until something is so. */
const lookUntil = (held: HeldTasks, so: () => unknown, what: string) =>
  until(
    async () => {
      await held.lookAfter(false)
      return so()
    },
    { what, within: 8_000 },
  )

test('a task whose admission was not heard of begins once, when it is asked about again', async () => {
  const { held, room, begun, unsure, lose, state, connection } = await open('not heard')
  lose(1)
  await held.add(polled(1), 'permit')
  expect(begun).toEqual([])
  expect(held.homeless).toBe(true)
  expect(await state('task-1')).toBe('RUN')
  await redisReady(connection)
  await lookUntil(held, () => begun.length > 0, 'it has begun')
  await held.lookAfter(false)
  expect(begun).toHaveLength(1)
  expect(held.homeless).toBe(false)
  expect({ taken: room.taken, unsure }).toEqual({ taken: 1, unsure: [] })
})

test('a task whose time is over before its admission was heard of gives its room back, and is to be closed', async () => {
  const { held, room, begun, unsure, lose } = await open('too late')
  lose(Infinity)
  await held.add(polled(1, { left: 1_500 }), 'permit')
  expect(room.taken).toBe(1)
  await lookUntil(held, () => room.taken === 0, 'its room is given back')
  expect(begun).toEqual([])
  expect(unsure).toEqual([{ id: 'task-1', nonce: 'a.1' }])
  expect(held.homeless).toBe(false)
})

test('a task that is polled anew while its admission is not heard of leaves the room to its new start', async () => {
  const { held, room, begun, unsure, lose, connection } = await open('anew')
  lose(1)
  await held.add(polled(1), 'permit')
  await redisReady(connection)
  const anew = polled(1)
  anew.record.startedEventId = 9
  await held.add(anew, 'permit 2')
  expect(begun.map(({ fencingToken }) => fencingToken)).toEqual(['0000000009.0'])
  expect(unsure).toMatchObject([{ id: 'task-1' }])
  expect(room.taken).toBe(1)
})

test('a task for which there is no room waits with a job, and is remembered until somebody has begun it', async () => {
  const { held, room, begun, state, jobCount, key } = await open('no room')
  room.take()
  await held.add(polled(2), 'permit')
  expect({ begun, taken: room.taken }).toEqual({ begun: [], taken: 1 })
  expect(await state('task-2')).toBe('WAIT')
  expect(await jobCount()).toBe(1)
  // Redis loses the record: it is put there again, and goes on waiting.
  await redis.del(`${key}:t:task-2`)
  await redis.zrem(`${key}:waiting`, 'task-2')
  await until(
    async () => {
      await held.lookAfter(false)
      return (await state('task-2')) === 'WAIT'
    },
    { what: 'it is admitted again', within: 8_000 },
  )
  expect((await new TaskRecords(redis, key, 'b').claim('task-2', 'b.1')).kind).toBe('RUN')
  await held.lookAfter(false)
  await redis.del(`${key}:t:task-2`)
  await held.lookAfter(false)
  expect(held.homeless).toBe(false)
})

test('SWF hears of a task that Redis does not take, for as long as it has not', async () => {
  const { held, begun, beats, lose, connection } = await open('beaten')
  lose(2)
  await held.add(polled(3, { beat: 400 }), 'permit')
  await until(
    async () => {
      await held.lookAfter(true)
      return beats.length >= 2
    },
    { what: 'it is beaten', within: 8_000 },
  )
  expect(begun).toEqual([])
  await redisReady(connection)
  await lookUntil(held, () => begun.length === 1, 'it has begun')
})
