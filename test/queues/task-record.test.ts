import { beforeEach, expect, test } from 'vitest'
import { monotonic } from '../../src/clock.js'
import { readAbandoned, readDue } from '../../src/queues/due.js'
import { queueKey } from '../../src/queues/keys.js'
import { DEFAULT_SETTINGS, updateSettings, type SettingsChange } from '../../src/queues/settings.js'
import { Slots } from '../../src/queues/slots.js'
import { readNumbers } from '../../src/queues/stats.js'
import { firstRun, hintCancel, taskId, taskBatch, TaskRecords, type TaskRecord } from '../../src/queues/task-record.js'
import { testRedis } from '../support/redis.js'
import { connected } from '../support/redis-connection.js'

const redis = await connected(testRedis().url)

let count = 0
let key = ''
/** Outcomes that are found become those of `b`. */
const TELLER = 'b.teller'
const due = () => readDue(redis, key, 'b', TELLER)
/** Looks at all open tasks now, whoever has just done so. */
const sweep = async () => {
  await redis.hdel(`${key}:state`, 'sweep')
  return due()
}
/** A process on this test's queue: alive for a minute after `tick`, dead after `die`. */
function processNamed(name: string) {
  const slots = new Slots(redis, key, name, taskBatch(redis, key))
  const records = new TaskRecords(redis, key, name)
  const tick = (lease: number, draining = false) =>
    slots.tick({
      lease,
      first: false,
      observed: { version: 0, concurrency: 5, active: 0, capacity: draining ? 0 : 5, draining },
      settings: DEFAULT_SETTINGS,
      permits: [],
      answersFor: records.answersFor,
    })
  return {
    records,
    slots,
    alive: () => tick(60_000),
    drain: () => tick(60_000, true),
    async die() {
      await tick(-1)
      await redis.hdel(`${key}:state`, 'grace')
      await redis.hset(`${key}:state`, 'lease', '60000')
    },
  }
}
let a: ReturnType<typeof processNamed>
let b: ReturnType<typeof processNamed>
let c: ReturnType<typeof processNamed>

beforeEach(async () => {
  key = queueKey('test', 'domain', `list ${++count}`)
  ;[a, b, c] = ['a', 'b', 'c'].map(processNamed) as [typeof a, typeof a, typeof a]
  await a.alive()
  await b.alive()
})

const task = (activityId = '1.1', startedEventId = 7): TaskRecord => ({
  id: taskId('run', activityId),
  taskToken: `token of ${activityId}, start ${startedEventId}`,
  startedEventId,
  workflowExecution: { workflowId: 'workflow', runId: 'run' },
  activityId,
  activityType: { name: 'Work', version: '1' },
  beat: 0,
  input: '',
})
const soon = () => monotonic() + 60_000
const claimed = async (process: typeof a, id = task().id, nonce = process.records.nonce()) => {
  const claim = await process.records.claim(id, nonce)
  if (!('run' in claim)) throw new Error(`claim answered ${claim.kind}`)
  return claim
}

test('a task is admitted once, and the later start of an activity counts', async () => {
  expect(await a.records.admit(task(), soon(), 'p')).toBe('NEW')
  expect(await b.records.admit(task(), soon(), 'p')).toBe('SAME')
  expect(await a.records.admit(task('1.1', 9), soon(), 'p')).toBe('NEW')
  expect(await a.records.admit(task('1.1', 7), soon(), 'p')).toBe('CLOSED')
  const { run } = await claimed(a)
  expect(run.task).toEqual(task('1.1', 9))
  expect(run.fencingToken).toBe('0000000009.0')
})

test('one run at a time: a second claim finds it busy, the same nonce gets the same answer', async () => {
  await a.records.admit(task(), soon(), 'p')
  const { run } = await claimed(a, task().id, 'n')
  expect(await b.records.claim(task().id, b.records.nonce())).toEqual({ kind: 'BUSY' })
  const again = await claimed(a, task().id, 'n')
  expect({ ...again.run, deadline: 0 }).toEqual({ ...run, deadline: 0 })
  expect(await a.records.claim(taskId('run', 'other'), 'n')).toEqual({ kind: 'GONE' })
})

test('a task begins as it is admitted, once, when its process has room for it', async () => {
  const nonce = a.records.nonce()
  expect(await a.records.admit(task(), soon(), 'p', nonce)).toBe('RUN')
  expect(await a.records.admit(task(), soon(), 'p', nonce)).toBe('RUN')
  expect(await b.records.admit(task(), soon(), 'p', b.records.nonce())).toBe('SAME')
  expect(await b.records.claim(task().id, b.records.nonce())).toEqual({ kind: 'BUSY' })
  expect(await readNumbers(redis, key)).toMatchObject({ depth: 0, active: 1, slotsHeld: 1 })
  const run = firstRun(task(), soon(), nonce)
  expect(run.fencingToken).toBe('0000000007.0')
  expect(await a.records.commit(run, { kind: 'completed' })).toBe('OK')
  await a.records.done(run.task, nonce)
  expect(await a.records.admit(task(), soon(), 'p', nonce)).toBe('CLOSED')
})

test('a run that began as its task was admitted is taken over like any other', async () => {
  await a.records.admit(task(), soon(), 'p', a.records.nonce())
  await a.die()
  expect(await due()).toMatchObject([{ kind: 'ADD', wakeup: { takeovers: 1 } }])
  expect((await claimed(b)).run).toMatchObject({ fencingToken: '0000000007.1', task: task() })
})

test('none begins before those that wait, nor when its time is over', async () => {
  await a.records.admit(task('1.1'), soon(), 'p')
  expect(await a.records.admit(task('2.1'), soon(), 'p', a.records.nonce())).toBe('NEW')
  const { run } = await claimed(a, taskId('run', '1.1'))
  expect(await a.records.admit(task('3.1'), soon(), 'p', a.records.nonce())).toBe('NEW')
  await claimed(b, taskId('run', '2.1'))
  await claimed(b, taskId('run', '3.1'))
  expect(await a.records.admit(task('4.1'), soon(), 'p', run.nonce)).toBe('RUN')
  expect(await a.records.admit(task('5.1'), monotonic(), 'p', a.records.nonce())).toBe('NEW')
})

test('no more run at a time than the fleet may, and none begins while the queue is paused', async () => {
  const set = (change: SettingsChange) => updateSettings(redis, key, change, 'test')
  await set({ concurrency: 1 })
  expect(await a.records.admit(task('1.1'), soon(), 'p', 'n1')).toBe('RUN')
  expect(await a.records.admit(task('2.1'), soon(), 'p', 'n2')).toBe('NEW')
  expect(await b.records.claim(taskId('run', '2.1'), 'n3')).toEqual({ kind: 'FULL' })
  await set({ concurrency: 2 })
  expect(await b.records.claim(taskId('run', '2.1'), 'n3')).toMatchObject({ kind: 'RUN' })
  await set({ concurrency: 9, paused: true })
  expect(await a.records.admit(task('3.1'), soon(), 'p', 'n4')).toBe('NEW')
  expect(await b.records.claim(taskId('run', '3.1'), 'n5')).toEqual({ kind: 'FULL' })
  // What runs already is none of it.
  expect(await b.records.claim(taskId('run', '2.1'), 'n3')).toMatchObject({ kind: 'RUN' })
  await set({ paused: false, concurrency: 1 })
  await a.die()
  expect(await b.records.claim(taskId('run', '1.1'), 'n6')).toMatchObject({ kind: 'RUN', run: { takeovers: 1 } })
})

test('texts of all kinds survive being gathered; what UTF-8 cannot hold becomes a replacement character', async () => {
  const inputs = ['', '"\\ud83d\\ude00"', '"😀 größe \u0000 \u2028"', '"half \ud83d"', '"\\\\ud800"', '[1.5e300,-0]']
  await Promise.all(inputs.map((input, n) => a.records.admit({ ...task(`text ${n}`), input }, undefined, 'permit')))
  const read = await Promise.all(inputs.map(async (_, n) => (await claimed(a, task(`text ${n}`).id)).run.task.input))
  expect(read).toEqual(inputs.map(input => input.replace('half \ud83d', 'half \ufffd')))
})

test('one outcome a task: the first that its run commits; then it is closed for good', async () => {
  await a.records.admit(task(), soon(), 'p')
  const { run } = await claimed(a)
  expect(await a.records.commit(run, { kind: 'completed', result: '1' })).toBe('OK')
  expect(await a.records.commit(run, { kind: 'completed', result: '1' })).toBe('OK')
  expect(await b.records.commit({ ...run, nonce: 'another' }, { kind: 'completed', result: '2' })).toBe('STALE')
  await a.records.done(run.task, run.nonce)
  expect(await a.records.commit(run, { kind: 'completed', result: '3' })).toBe('STALE')
  expect(await a.records.beat(run)).toBe('STALE')
  expect(await a.records.admit(task(), soon(), 'p')).toBe('CLOSED')
  expect(await b.records.claim(task().id, 'n')).toEqual({ kind: 'GONE' })
  expect(await readNumbers(redis, key)).toMatchObject({ depth: 0, active: 0, slotsHeld: 0 })
})

test('a run of a dead process is taken over, and fenced off; details of its last heartbeat are passed on', async () => {
  await a.records.admit(task(), soon(), 'p')
  const { run: first } = await claimed(a)
  expect(await a.records.beat(first, '{"line":3}')).toBe('OK')
  await a.die()
  expect(await due()).toMatchObject([
    { kind: 'ADD', wakeup: { id: task().id, startedEventId: 7, takeovers: 1, again: false } },
  ])
  expect(await due()).toEqual([])
  const { run: second } = await claimed(b)
  expect(second).toMatchObject({ fencingToken: '0000000007.1', takeovers: 1, details: '{"line":3}' })
  expect(await a.records.beat(first)).toBe('STALE')
  expect(await a.records.commit(first, { kind: 'completed' })).toBe('STALE')
  await a.records.done(first.task, first.nonce)
  expect(await b.records.commit(second, { kind: 'completed' })).toBe('OK')
})

test('an outcome that was committed but not told is told by another process', async () => {
  await a.records.admit(task(), soon(), 'p')
  const { run } = await claimed(a)
  await a.records.commit(run, { kind: 'failed', reason: 'OutOfStock' })
  await a.die()
  const { taskToken } = task()
  expect(await b.records.claim(task().id, b.records.nonce())).toEqual({ kind: 'BUSY' })
  await updateSettings(redis, key, { paused: true }, 'test')
  expect(await due()).toMatchObject([{ kind: 'TELL', taskToken, outcome: { kind: 'failed', reason: 'OutOfStock' } }])
  expect(await due()).toEqual([])
  // Should whoever was to tell it die as well, somebody else does.
  await redis.zadd(`${key}:alive`, '1', 'b')
  expect(await readDue(redis, key, 'c', 'another')).toMatchObject([{ kind: 'TELL' }])
  await c.records.done(task(), 'another')
  expect(await redis.zcard(`${key}:out`)).toBe(0)
})

test('a task whose workers die one after the other is given up', async () => {
  await a.records.admit(task(), soon(), 'p')
  const processes = [a, b, c, processNamed('d')]
  const kinds = []
  for (const process of processes) {
    await process.alive()
    kinds.push((await claimed(process)).kind)
    await process.die()
  }
  expect(kinds).toEqual(['RUN', 'RUN', 'RUN', 'GIVE_UP'])
})

test('nobody is taken over while Redis has just come back: all leases have run out at once', async () => {
  await a.records.admit(task(), soon(), 'p')
  await claimed(a)
  await a.die()
  await redis.hset(`${key}:state`, 'tick', '1')
  expect(await b.records.claim(task().id, 'n')).toEqual({ kind: 'BUSY' })
  await b.alive()
  expect(await due()).toEqual([])
  expect(await b.records.claim(task().id, 'n')).toEqual({ kind: 'BUSY' })
})

test('no run begins after the deadline', async () => {
  await a.records.admit(task(), monotonic(), 'p')
  expect(await a.records.claim(task().id, 'n')).toMatchObject({ kind: 'EXPIRED', facts: { activityId: '1.1' } })
  await a.records.admit(task('2.1'), monotonic(), 'p')
  expect(await due()).toMatchObject([{ kind: 'EXPIRED', facts: { activityId: '2.1' } }])
  expect((await readNumbers(redis, key)).slotsHeld).toBe(0)
})

test('SWF is to hear of a run that goes back before it is begun again, with the details it was last told', async () => {
  await a.records.admit({ ...task(), beat: 60_000 }, soon(), 'p')
  const { run } = await claimed(a)
  expect(await a.records.beat(run, '{"line":3}')).toBe('OK')
  await a.die()
  expect(await due()).toMatchObject([
    { kind: 'ADD', wakeup: { takeovers: 1 }, taskToken: task().taskToken, details: '{"line":3}' },
  ])
  expect(await due()).toEqual([])
})

test('a run that its live process does not answer for is doubted, not taken over, until SWF has said that it waits', async () => {
  await a.records.admit(task(), soon(), 'p', a.records.nonce())
  const nonce = `a.1`
  await a.alive()
  expect(await due()).toEqual([])
  // It has ended, and Redis has lost that.
  a.records.giveUp(nonce)
  await a.alive()
  expect(await sweep()).toMatchObject([{ kind: 'DOUBT', nonce, task: { id: task().id }, taskToken: task().taskToken }])
  expect(await sweep()).toEqual([])
  await b.records.orphan(task(), 'a.2')
  expect(await sweep()).toEqual([])
  await b.records.orphan(task(), nonce)
  expect(await sweep()).toMatchObject([{ kind: 'ADD', wakeup: { takeovers: 1 } }])
})

test('an outcome that its live process does not answer for is told; what began after its last tick is its own', async () => {
  const { run } = await (async () => {
    await a.records.admit(task(), soon(), 'p')
    return claimed(a)
  })()
  await a.records.commit(run, { kind: 'completed', result: '1' })
  a.records.giveUp(run.nonce)
  await a.alive()
  await a.records.admit(task('2.1'), soon(), 'p', a.records.nonce())
  expect(await sweep()).toMatchObject([{ kind: 'TELL', outcome: { kind: 'completed', result: '1' } }])
  await b.records.done(task(), TELLER)
  expect(await readNumbers(redis, key)).toMatchObject({ active: 1 })
})

test('a record that knows less than a run is taken for lost: the run is put back, or its outcome taken', async () => {
  const nonce = a.records.nonce()
  const run = { ...firstRun(task(), soon(), nonce), takeovers: 1 }
  // Before its job was claimed; under the worker that died; as an earlier start.
  const before = [
    () => a.records.admit(task(), soon(), 'p'),
    () => c.records.admit(task(), soon(), 'p', 'c.9'),
    () => c.records.admit(task('1.1', 5), soon(), 'p', 'c.9'),
  ]
  for (const admit of before) {
    await admit()
    expect(await a.records.beat(run)).toBe('LOST')
    expect(await a.records.restore(run)).toBe('OK')
    expect(await a.records.beat(run)).toBe('OK')
    expect(await readNumbers(redis, key)).toMatchObject({ depth: 0, active: 1 })
    await redis.del(`${key}:t:${task().id}`, `${key}:tasks`, `${key}:waiting`)
  }
  await a.records.admit(task(), soon(), 'p')
  expect(await a.records.commit(run, { kind: 'completed' })).toBe('OK')
  expect(await b.records.claim(task().id, b.records.nonce())).toEqual({ kind: 'BUSY' })
  await a.records.done(task(), nonce)
  expect(await readNumbers(redis, key)).toMatchObject({ depth: 0, active: 0 })
})

test('a waiting task is beaten, by one process at a time, and ended only while it waits', async () => {
  await a.records.admit({ ...task(), beat: 1 }, soon(), 'p')
  await hintCancel(redis, key, 'run', '1.1')
  expect(await due()).toMatchObject([{ kind: 'BEAT', task: { id: task().id }, taskToken: task().taskToken }])
  expect(await due()).toEqual([])
  expect(await a.records.take(task(), 'n', { kind: 'canceled' })).toBe(true)
  expect(await b.records.take(task(), 'm', { kind: 'canceled' })).toBe(false)
  expect(await b.records.claim(task().id, 'm')).toEqual({ kind: 'BUSY' })
  await a.records.done(task(), 'n')
  expect((await readNumbers(redis, key)).slotsHeld).toBe(0)
})

test('a run that Redis has lost is put back, unless another has begun', async () => {
  await a.records.admit(task(), soon(), 'p')
  const { run } = await claimed(a)
  await redis.del(`${key}:t:${run.task.id}`, `${key}:tasks`)
  expect(await a.records.beat(run)).toBe('LOST')
  expect(await a.records.restore(run)).toBe('OK')
  expect(await a.records.beat(run)).toBe('OK')
  expect(await readNumbers(redis, key)).toMatchObject({ active: 1, depth: 0 })
  await redis.del(`${key}:t:${run.task.id}`)
  await b.records.admit(task(), soon(), 'p')
  await claimed(b)
  expect(await a.records.restore(run)).toBe('STALE')
})

test('what waits is abandoned only when no other process could run it', async () => {
  await a.records.admit(task(), soon(), 'p')
  await a.drain()
  expect(await readAbandoned(redis, key, 'a')).toEqual([])
  await b.drain()
  expect(await readAbandoned(redis, key, 'a')).toMatchObject([{ task: { id: task().id, startedEventId: 7 } }])
})

test('an open task holds no slot, is never run again, and its answer is told by somebody when who brought it cannot', async () => {
  await a.records.admit({ ...task(), beat: 1 }, soon(), 'p')
  const { run } = await claimed(a)
  expect(await a.records.open(run, 30_000, 1)).toBe('OK')
  expect(await a.records.open(run, 30_000, 1)).toBe('OK')
  expect(await readNumbers(redis, key)).toMatchObject({ depth: 0, active: 0, slotsHeld: 0 })
  await a.die()
  expect(await b.records.claim(task().id, 'n')).toEqual({ kind: 'GONE' })
  expect(await a.records.commit(run, { kind: 'completed' })).toBe('STALE')
  expect(await hintCancel(redis, key, 'run')).toBeUndefined()
  expect(await due()).toMatchObject([{ kind: 'BEAT', state: 'OPEN', taskToken: task().taskToken }])
  expect(await b.records.take(task(), 'n', { kind: 'canceled' }, 'WAIT')).toBe(false)

  const answer = (name: string) => b.records.answer(task(), name, { kind: 'completed', result: name }, 60_000)
  expect(await answer('yes')).toBe('OK')
  expect(await answer('yes')).toBe('OK')
  expect(await answer('no')).toBe('CLOSED')
  expect(await a.records.commit(run, { kind: 'completed' })).toBe('ENDED')
  expect(await due()).toEqual([])
  await redis.zadd(`${key}:alive`, '1', 'yes')
  expect(await due()).toMatchObject([{ kind: 'TELL', outcome: { result: 'yes' } }])
  await b.records.done(task(), TELLER)
  expect(await answer('yes')).toBe('SAME')
  expect(await answer('no')).toBe('CLOSED')
})

test('an open task whose time is over is ended by one process, and closed when SWF has timed it out', async () => {
  for (const [id, ms] of [
    ['1.1', 60_000],
    ['2.1', 1],
  ] as const) {
    await a.records.admit(task(id), monotonic() + ms + 50, 'p')
    await a.records.open((await claimed(a, task(id).id)).run, 0, 0)
  }
  await new Promise(resolve => setTimeout(resolve, 60))
  const found = await due()
  expect(found).toHaveLength(2)
  expect(found.find(({ kind }) => kind === 'OVERDUE')).toMatchObject({ facts: { activityId: '1.1' } })
  expect(found.find(({ kind }) => kind === 'EXPIRED')).toMatchObject({ facts: { activityId: '2.1' } })
  expect(await due()).toEqual([])
  expect(await b.records.take(task(), 'n', { kind: 'failed', reason: 'LeftOpen' }, 'OPEN')).toBe(true)
  await b.records.done(task(), 'n')
  expect((await readNumbers(redis, key)).slotsHeld).toBe(0)
})
