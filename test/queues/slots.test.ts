import { beforeEach, expect, test } from 'vitest'
import { monotonic } from '../../src/clock.js'
import { queueKey } from '../../src/queues/keys.js'
import {
  DEFAULT_SETTINGS,
  readChanges,
  updateSettings,
  type QueueSettings,
  type SettingsChange,
} from '../../src/queues/settings.js'
import { Slots } from '../../src/queues/slots.js'
import { readNumbers } from '../../src/queues/stats.js'
import { taskId, taskBatch, TaskRecords } from '../../src/queues/task-record.js'
import { testRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { connected } from '../support/redis-connection.js'

const redis = await connected(testRedis().url)

let count = 0
let key = ''
let slots: Slots
beforeEach(async () => {
  key = queueKey('test', 'domain', `slots ${++count}`)
  slots = new Slots(redis, key, 'a', taskBatch(redis, key))
})

const tick = (
  process = slots,
  capacity = 20,
  settings: QueueSettings = DEFAULT_SETTINGS,
  permits: string[] = [],
  first = true,
) =>
  process.tick({
    lease: 60_000,
    first,
    observed: { version: settings.version, concurrency: capacity, active: 0, capacity, draining: false },
    settings,
    permits,
  })
const set = (change: SettingsChange) => updateSettings(redis, key, change, 'test')
const admit = (records: TaskRecords, activityId: string, permit: string) =>
  records.admit(
    {
      id: taskId('run', activityId),
      taskToken: 'token',
      startedEventId: 5,
      workflowExecution: { workflowId: 'workflow', runId: 'run' },
      activityId,
      activityType: { name: 'Work', version: '1' },
      beat: 0,
    },
    monotonic() + 60_000,
    permit,
  )

test('no permit without a sign of life, nor beyond what is allowed and can be run', async () => {
  expect(await slots.acquire(3)).toEqual([])
  await tick(slots, 4)
  expect(await slots.acquire(3)).toHaveLength(3)
  expect(await slots.acquire(3)).toHaveLength(1)
  await tick(new Slots(redis, key, 'b', taskBatch(redis, key)), 4)
  await set({ concurrency: 6 })
  expect(await slots.acquire(9)).toHaveLength(2)
  await set({ prefetch: 2 })
  expect(await slots.acquire(9)).toHaveLength(2)
  expect(await slots.acquire(9)).toEqual([])
})

test('a permit becomes the slot of its task, and the slot a permit again', async () => {
  const records = new TaskRecords(redis, key, 'a')
  await tick(slots, 1)
  const [permit] = await slots.acquire(1)
  await admit(records, '1.1', permit!)
  expect(await readNumbers(redis, key)).toMatchObject({ depth: 1, active: 0, slotsHeld: 1 })
  expect(await slots.acquire(1)).toEqual([])
  const claim = await records.claim(taskId('run', '1.1'), 'n')
  if (claim.kind !== 'RUN') throw new Error(`claim answered ${claim.kind}`)
  expect(await readNumbers(redis, key)).toMatchObject({ depth: 0, active: 1, slotsHeld: 1 })
  // SWF has yet to hear of the outcome.
  expect(await records.commit(claim.run, { kind: 'completed' })).toBe('OK')
  const handedOver = await slots.acquire(1)
  expect(handedOver).toHaveLength(1)
  await records.done(claim.run.task, 'n')
  expect(await slots.acquire(1)).toEqual([])
  expect(await readNumbers(redis, key)).toMatchObject({ depth: 0, active: 0, slotsHeld: 1 })
  await slots.release(handedOver)
  expect((await readNumbers(redis, key)).slotsHeld).toBe(0)
})

test('what ends without an outcome gives its slot back as it is closed', async () => {
  const records = new TaskRecords(redis, key, 'a')
  await tick(slots, 1)
  const [permit] = await slots.acquire(1)
  await admit(records, '1.1', permit!)
  await records.claim(taskId('run', '1.1'), 'n')
  expect(await slots.acquire(1)).toEqual([])
  await records.done({ id: taskId('run', '1.1'), startedEventId: 5 }, 'n')
  expect(await slots.acquire(1)).toHaveLength(1)
})

test('a paused queue gives no permit, nor one with concurrency 0', async () => {
  await tick()
  await set({ paused: true })
  expect(await slots.acquire(1)).toEqual([])
  await set({ paused: false, concurrency: 0 })
  expect(await slots.acquire(1)).toEqual([])
})

test('a permit costs a token of the rate; one that brought no task gives it back', async () => {
  await tick()
  await set({ rateLimit: { tasks: 3, per: 86_400_000 } })
  const permits = await slots.acquire(9)
  expect(permits).toHaveLength(3)
  expect(await slots.acquire(1)).toEqual([])
  await slots.release(permits.slice(1))
  expect(await slots.acquire(9)).toHaveLength(2)
})

test('what open polls were given counts as saved: a quiet time does not let more through', async () => {
  await tick()
  await set({ rateLimit: { tasks: 3, per: 100 } })
  const permits = await slots.acquire(2)
  await new Promise(resolve => setTimeout(resolve, 250))
  expect(await slots.acquire(9)).toHaveLength(1)
  await slots.release(permits)
  expect((await slots.acquire(9)).length).toBeGreaterThanOrEqual(2)
})

test('a process hears of every hint, however many there are', async () => {
  const hints = Array.from({ length: 5_000 }, (_, n) => [String(Date.now() + 5_000), `task ${n}`]).flat()
  await redis.zadd(`${key}:hints`, ...hints)
  expect((await tick()).hints).toHaveLength(5_000)
})

test('permits live with their process, and are counted as long', async () => {
  await tick(slots, 2)
  const permits = await slots.acquire(2)
  await redis.zadd(`${key}:permits`, '1', permits[0]!)
  expect((await readNumbers(redis, key)).slotsHeld).toBe(1)
  const { free, lapsed } = await tick(slots, 2, DEFAULT_SETTINGS, permits, false)
  expect({ free, lapsed }).toEqual({ free: 0, lapsed: false })
  await slots.leave(permits)
  expect(await readNumbers(redis, key)).toMatchObject({ slotsHeld: 0, processes: [] })
})

test('settings: defaults of the last start, then the operator, and what a worker obeyed outlives their loss', async () => {
  await tick(slots, 1, { ...DEFAULT_SETTINGS, concurrency: 7 })
  expect((await tick(slots, 1, { ...DEFAULT_SETTINGS, concurrency: 9 })).settings.concurrency).toBe(9)
  expect((await tick(slots, 1, DEFAULT_SETTINGS, [], false)).settings.concurrency).toBe(9)
  const { settings, previous } = await set({ concurrency: 4, paused: true })
  expect(previous.concurrency).toBe(9)
  expect(settings).toMatchObject({ version: 1, concurrency: 4, paused: true, changedBy: 'test' })
  expect((await tick(slots, 1, DEFAULT_SETTINGS)).settings).toEqual(settings)
  await redis.del(`${key}:settings`)
  expect((await tick(slots, 1, settings, [], false)).settings).toEqual(settings)
})

test('tells when Redis has lost its data, and when a lease had run out', async () => {
  const { epoch } = await tick()
  expect(await tick(slots, 1, DEFAULT_SETTINGS, [], false)).toMatchObject({ epoch, lapsed: false })
  await redis.zadd(`${key}:alive`, '1', 'a')
  expect(await tick(slots, 1, DEFAULT_SETTINGS, [], false)).toMatchObject({ epoch, lapsed: true })
  await redis.del(...(await redis.keys(`*slots%20${count}*`)))
  expect((await tick(slots, 1, DEFAULT_SETTINGS, [], false)).epoch).not.toBe(epoch)
})

test('every change of settings is on record: who, when, from and to', async () => {
  await tick(slots, 1, { ...DEFAULT_SETTINGS, concurrency: 7 })
  await tick(slots, 1, { ...DEFAULT_SETTINGS, concurrency: 7 })
  const { settings } = await set({ concurrency: 4 })
  await tick(slots, 1, { ...DEFAULT_SETTINGS, concurrency: 9 })
  await redis.del(`${key}:settings`)
  await tick(new Slots(redis, key, 'b', taskBatch(redis, key)), 1, settings, [], false)
  const changes = await readChanges(redis, key, 10)
  expect(changes.map(({ by, why, from, to }) => [by, why, from?.concurrency, to.concurrency])).toEqual([
    ['b', 'RESTORED', undefined, 4],
    ['test', 'OPERATOR', 7, 4],
    ['a', 'DEFAULTS', undefined, 7],
  ])
  expect(Math.abs(changes[1]!.at - settings.changedAt!)).toBeLessThan(60_000)
  expect(await readChanges(redis, key, 1)).toHaveLength(1)
})

test('a change that finds the settings lost waits for a live worker to put them back', async () => {
  await tick()
  const { settings } = await set({ concurrency: 4 })
  await redis.del(`${key}:settings`)
  const changing = set({ paused: true })
  await tick(slots, 1, settings, [], false)
  expect((await changing).settings).toMatchObject({ version: 2, concurrency: 4, paused: true })
})

test('a clock of Redis that is set back stops nothing: the time of a queue goes on', async () => {
  const state = `${key}:state`
  await tick()
  const [before] = await redis.hmget(state, 'tick')
  // As if Redis had been an hour ahead.
  const ahead = Number(before) + 3_600_000
  await redis.hset(state, 'tick', ahead, 'sweep', ahead, 'tokensAt', ahead)
  await redis.zadd(`${key}:alive`, ahead + 200, 'dead')
  await redis.hset(`${key}:processes`, 'dead', JSON.stringify({ capacity: 7 }))
  await tick(slots, 5, DEFAULT_SETTINGS, [], false)
  const later = async () => {
    const { free } = await tick(slots, 5, DEFAULT_SETTINGS, [], false)
    return free === 5
  }
  await until(later, { what: 'the lease of a process that died then runs out' })
  const [now, shift] = (await redis.hmget(state, 'tick', 'shift')).map(Number) as [number, number]
  expect(now).toBeGreaterThan(ahead)
  expect(shift).toBeGreaterThan(3_500_000)
  // The clock of Redis is right again.
  await redis.hset(state, 'tick', Number(before))
  await tick(slots, 5, DEFAULT_SETTINGS, [], false)
  expect(await redis.hget(state, 'shift')).toBe('0')
})
