import { beforeEach, expect, test } from 'vitest'
import { monotonic } from '../../src/clock.js'
import { queueKey } from '../../src/queues/keys.js'
import { percentiles, readMeasures, sum } from '../../src/queues/measures.js'
import { DEFAULT_SETTINGS } from '../../src/queues/settings.js'
import { Slots } from '../../src/queues/slots.js'
import { readDue } from '../../src/queues/due.js'
import { taskId, taskBatch, TaskRecords, type TaskRecord } from '../../src/queues/task-record.js'
import { HANDED_BACK } from '../../src/swf/failure.js'
import { testRedis } from '../support/redis.js'
import { connected } from '../support/redis-connection.js'

const redis = await connected(testRedis().url)

let count = 0
let key = ''
const due = () => readDue(redis, key, 'finder', 'finder.1')
let a: TaskRecords
let b: TaskRecords
const tick = (process: string, lease = 60_000) =>
  new Slots(redis, key, process, taskBatch(redis, key)).tick({
    lease,
    first: false,
    observed: { version: 0, concurrency: 5, active: 0, capacity: 5, draining: false },
    settings: DEFAULT_SETTINGS,
    permits: [],
  })

beforeEach(async () => {
  key = queueKey('test', 'domain', `measures ${++count}`)
  a = new TaskRecords(redis, key, 'a')
  b = new TaskRecords(redis, key, 'b')
  await tick('a')
  await tick('b')
})

const task = (activityId: string, facts: Partial<TaskRecord> = {}): TaskRecord => ({
  id: taskId('run', activityId),
  taskToken: 'token',
  startedEventId: 7,
  workflowExecution: { workflowId: 'workflow', runId: 'run' },
  activityId,
  activityType: { name: 'Charge|x', version: '1' },
  beat: 0,
  ...facts,
})
const soon = () => monotonic() + 60_000
const admitted = async (facts: TaskRecord) => {
  await a.admit(facts, soon(), 'p')
  return facts.id
}
const claimed = async (records: TaskRecords, id: string) => {
  const claim = await records.claim(id, records.nonce())
  if (!('run' in claim)) throw new Error(`claim answered ${claim.kind}`)
  return claim.run
}
const measures = () => readMeasures(redis, key, 60_000)

test('outcomes, retries and times are counted by activity type and by process', async () => {
  const ship = { activityType: { name: 'Ship', version: '2' }, attempt: 3 }
  const first = await claimed(a, await admitted(task('1')))
  await a.commit(first, { kind: 'completed' })
  await a.commit(first, { kind: 'completed' })
  await a.done(first.task, first.nonce)
  await b.commit(await claimed(b, await admitted(task('2'))), { kind: 'failed', reason: 'OutOfStock' })
  await b.commit(await claimed(b, await admitted(task('3', ship))), { kind: 'failed', reason: HANDED_BACK })
  await admitted(task('4', ship))
  await a.take(task('4', ship), 'n', { kind: 'canceled' })

  const all = await measures()
  expect(all).toMatchObject({ completed: 1, failed: 1, canceled: 1, handedBack: 1, successRate: 0.5, retries: 1 })
  expect(all).toMatchObject({ takeovers: 0, fenced: 0, expired: 0, dropped: 0, lost: 0 })
  expect(all.wait?.count).toBe(3)
  expect(all.run?.count).toBe(3)
  expect(all.throughput).toBeGreaterThan(0)
  expect(all.activityTypes).toMatchObject([
    { name: 'Charge|x', version: '1', completed: 1, failed: 1, canceled: 0, retries: 0, wait: { count: 2 } },
    { name: 'Ship', version: '2', completed: 0, canceled: 1, handedBack: 1, retries: 1 },
  ])
  expect(all.activityTypes[1]).not.toHaveProperty('successRate')
  expect(all.processes).toMatchObject([
    { process: 'a', completed: 1, failed: 0, successRate: 1, retries: 0, meanRun: expect.any(Number) as number },
    { process: 'b', completed: 0, failed: 1, handedBack: 1, successRate: 0, retries: 1 },
  ])
})

test('takeovers, runs that are fenced off, expired tasks and runs without an outcome are counted, each once', async () => {
  const id = await admitted(task('1'))
  const first = await claimed(a, id)
  await tick('a', -1)
  await tick('b')
  await redis.hdel(`${key}:state`, 'grace')
  await due()
  await claimed(b, id)
  expect(await a.beat(first)).toBe('STALE')
  expect(await a.commit(first, { kind: 'completed' })).toBe('STALE')
  await a.admit(task('2'), monotonic(), 'p')
  await a.claim(task('2').id, 'n')
  await a.admit(task('3'), monotonic(), 'p')
  await redis.hdel(`${key}:state`, 'sweep')
  await due()
  const late = await claimed(b, await admitted(task('4')))
  await b.done(late.task, late.nonce)
  const all = await measures()
  expect(all.processes).toMatchObject([{ process: 'a', takeovers: 1, fenced: 1 }])
  expect(all).toMatchObject({
    takeovers: 1,
    fenced: 1,
    expired: 2,
    dropped: 1,
    completed: 0,
  })
})

test('minutes are added up, those before the window left out, and deleted after an hour', async () => {
  await a.commit(await claimed(a, await admitted(task('1'))), { kind: 'completed' })
  const [minute] = await redis.keys(`${key}:m:*`)
  const ttl = await redis.pttl(minute!)
  expect(ttl).toBeGreaterThan(60 * 60_000)
  expect(ttl).toBeLessThanOrEqual(65 * 60_000)
  const now = Number(minute!.split(':').at(-1))
  for (const ago of [1, 2]) await redis.hset(`${key}:m:${now - ago}`, 'a|completed|Charge|x\n1', 10)
  expect((await readMeasures(redis, key, 60_000)).completed).toBe(11)
  expect((await readMeasures(redis, key, 120_000)).completed).toBe(21)
})

test('a percentile is at most a tenth off, whatever the times', () => {
  const bucket = (ms: number) => (ms < 1 ? 0 : Math.floor(4 * Math.log2(ms) + 1e-9) + 1)
  for (const scale of [1, 37, 1_000, 86_400_000]) {
    const buckets = new Map<number, number>()
    const times = Array.from({ length: 1_000 }, (_, i) => scale * (1 + i))
    for (const ms of times) buckets.set(bucket(ms), (buckets.get(bucket(ms)) ?? 0) + 1)
    const found = percentiles(buckets)!
    expect(found.count).toBe(1_000)
    for (const [share, value] of [
      [500, found.p50],
      [950, found.p95],
      [990, found.p99],
    ] as const)
      expect(Math.abs(value / times[share - 1]! - 1)).toBeLessThan(0.1)
  }
  expect(percentiles(new Map())).toBeUndefined()
})

test('nothing was measured: no rates are made up', () => {
  expect(sum([{}], 0, 1_000)).toMatchObject({ throughput: 0, completed: 0, activityTypes: [], processes: [] })
  expect(sum([{}], 0, 1_000)).not.toHaveProperty('successRate')
})
