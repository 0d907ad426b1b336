import { expect, test } from 'vitest'
import { queueKey } from '../../../src/queues/keys.js'
import { DEFAULT_SETTINGS } from '../../../src/queues/settings.js'
import { Slots } from '../../../src/queues/slots.js'
import { readNumbers } from '../../../src/queues/stats.js'
import { firstRun, taskBatch, TaskRecords, type TaskRecord } from '../../../src/queues/task-record.js'
import { SlotPool } from '../../../src/workers/activity/slot-pool.js'
import { testRedis } from '../../support/redis.js'
import { connected } from '../../support/redis-connection.js'

const redis = await connected(testRedis().url)

async function open(taskList: string, concurrency: number) {
  const key = queueKey('test', 'domain', taskList)
  const batch = taskBatch(redis, key)
  const slots = new Slots(redis, key, 'a', batch)
  const records = new TaskRecords(redis, key, 'a', batch)
  const pool = new SlotPool(slots)
  const tick = async () => {
    const observed = { version: 0, concurrency, active: 0, capacity: concurrency, draining: false }
    const { free } = await slots.tick({
      lease: 60_000,
      first: true,
      observed,
      settings: DEFAULT_SETTINGS,
      permits: pool.permits,
    })
    pool.refresh(free, true)
  }
  await tick()
  let tasks = 0
  /** Begins a task in the place of a permit; resolves to what ends it. */
  const begin = async (permit: string) => {
    pool.spend(permit)
    const task: TaskRecord = {
      id: `task-${++tasks}`,
      taskToken: 'token',
      startedEventId: 5,
      workflowExecution: { workflowId: 'workflow', runId: 'run' },
      activityId: String(tasks),
      activityType: { name: 'Work', version: '1' },
      beat: 0,
    }
    const run = firstRun(task, undefined, records.nonce())
    expect(await records.admit(task, undefined, permit, run.nonce)).toBe('RUN')
    return async () => {
      const committed = records.commit(run, { kind: 'completed' })
      pool.slotFreed()
      await committed
    }
  }
  const held = async () => (await readNumbers(redis, key)).slotsHeld
  return { pool, begin, held, tick }
}

/** Resolves to `waits` when a poller has not been given a permit by now. */
const now = (permit: Promise<string | undefined>) =>
  Promise.race([permit, new Promise(resolve => setTimeout(() => resolve('waits'), 100))])

test('a slot that a task gives up is the permit of the poller that waits, without a tick', async () => {
  const { pool, begin, held } = await open('handed over', 2)
  const permits = (await Promise.all([pool.take(), pool.take()])) as [string, string]
  const end = await Promise.all(permits.map(begin))
  const waiting = [pool.take(), pool.take(), pool.take()]
  expect(await now(Promise.race(waiting))).toBe('waits')
  await Promise.all(end.map(each => each()))
  expect((await Promise.all(waiting.map(now))).filter(permit => permit === 'waits')).toHaveLength(1)
  expect(await held()).toBe(2)
})

test('a refusal that was on its way while a slot was given up is asked about again', async () => {
  const { pool, begin } = await open('crossed', 1)
  const end = await begin((await pool.take())!)
  const waiting = pool.take()
  await new Promise(resolve => setImmediate(resolve))
  await end()
  expect(await now(waiting)).not.toBe('waits')
})

test('no more is asked for than pollers wait: what nobody would poll with is left to others', async () => {
  const { pool, held } = await open('no more', 9)
  await Promise.all([pool.take(), pool.take()])
  const third = pool.take()
  pool.slotFreed()
  pool.slotFreed()
  expect(await now(third)).not.toBe('waits')
  expect(pool.permits).toHaveLength(3)
  expect(await held()).toBe(3)
})

test('after a refusal nothing is asked until the next tick', async () => {
  const { pool, held, tick } = await open('refused', 1)
  const first = (await pool.take())!
  const second = pool.take()
  expect(await now(second)).toBe('waits')
  pool.giveBack(first)
  expect(await now(second)).toBe('waits')
  await tick()
  expect(await now(second)).not.toBe('waits')
  expect(await held()).toBe(1)
})

test('a closed pool gives none, and keeps none', async () => {
  const { pool, held } = await open('closed', 2)
  const first = (await pool.take())!
  const asked = pool.take()
  pool.close()
  expect(await pool.take()).toBeUndefined()
  expect(await asked).toBeUndefined()
  pool.giveBack(first)
  await expect.poll(held).toBe(0)
})
