import { beforeEach, expect, test } from 'vitest'
import { monotonic } from '../../src/clock.js'
import { queueKey } from '../../src/queues/keys.js'
import { DEFAULT_SETTINGS, updateSettings } from '../../src/queues/settings.js'
import { Slots } from '../../src/queues/slots.js'
import { taskId, taskBatch, TaskRecords } from '../../src/queues/task-record.js'
import { look, waitingReason, type QueuePressure, type TaskPlace } from '../../src/queues/waiting.js'
import { testRedis } from '../support/redis.js'
import { connected } from '../support/redis-connection.js'

const FREE: QueuePressure = {
  paused: false,
  concurrency: 5,
  prefetch: 0,
  open: 0,
  waiting: 0,
  polls: 0,
  workers: 2,
  capacity: 4,
}
const WAITS: TaskPlace = { state: 'WAIT', startedEventId: 7, position: 1, takeovers: 0 }

test.each<[string | undefined, Partial<QueuePressure>, TaskPlace | undefined]>([
  [undefined, {}, undefined],
  ['PAUSED', { paused: true }, undefined],
  ['PAUSED', { concurrency: 0, workers: 0 }, WAITS],
  ['NO_POLLER', { workers: 0, capacity: 0 }, undefined],
  ['NO_POLLER', { workers: 0, capacity: 0 }, WAITS],
  ['CONCURRENCY', { open: 5, capacity: 9 }, undefined],
  [undefined, { open: 5, capacity: 9, prefetch: 1 }, undefined],
  ['CONCURRENCY', { open: 6, waiting: 1, capacity: 9, prefetch: 1 }, WAITS],
  ['WORKER_CONCURRENCY', { open: 4 }, undefined],
  ['WORKER_CONCURRENCY', { open: 5, waiting: 1, prefetch: 1 }, WAITS],
  [undefined, { capacity: 0 }, undefined],
  ['RATE_LIMIT', { tokens: 0 }, undefined],
  [undefined, { tokens: 0, polls: 1 }, undefined],
  [undefined, { tokens: 0 }, WAITS],
  [undefined, { paused: true }, { ...WAITS, state: 'RUN' }],
])('%s holds an activity on a queue with %j', (reason, pressure, place) => {
  expect(waitingReason({ ...FREE, ...pressure }, place)).toBe(reason)
})

const redis = await connected(testRedis().url)

let count = 0
let key = ''
let slots: Slots
let records: TaskRecords
beforeEach(() => {
  key = queueKey('test', 'domain', `waiting ${++count}`)
  slots = new Slots(redis, key, 'a', taskBatch(redis, key))
  records = new TaskRecords(redis, key, 'a')
})
const tick = (draining = false) =>
  slots.tick({
    lease: 60_000,
    first: true,
    observed: { version: 0, concurrency: 5, active: 0, capacity: draining ? 0 : 5, draining },
    settings: DEFAULT_SETTINGS,
    permits: [],
  })
const admit = (activityId: string) =>
  records.admit(
    {
      id: taskId('run', activityId),
      taskToken: 'token',
      startedEventId: 7,
      workflowExecution: { workflowId: 'workflow', runId: 'run' },
      activityId,
      activityType: { name: 'Work', version: '1' },
      beat: 0,
    },
    monotonic() + 60_000,
    'p',
  )
const see = (...ids: string[]) =>
  look(
    redis,
    key,
    ids.map(activityId => ({ runId: 'run', activityId })),
  )

test('tells for many activities at once where each stands, who runs it and what its heartbeat said', async () => {
  await tick()
  for (const id of ['1', '2', '3', '4']) await admit(id)
  const running = await records.claim(taskId('run', '1'), 'n')
  if (!('run' in running)) throw new Error('not claimed')
  await records.beat(running.run, '{"line":3}')
  const answered = await records.claim(taskId('run', '2'), 'm')
  if (!('run' in answered)) throw new Error('not claimed')
  await records.commit(answered.run, { kind: 'completed' })
  await records.done(answered.run.task, 'other')

  await redis.zincrby(`${key}:waiting`, 1, taskId('run', '4'))
  await admit('5')
  const left = await records.claim(taskId('run', '5'), 'o')
  if (!('run' in left)) throw new Error('not claimed')
  await records.open(left.run, 30_000, 0)
  const { queue, places } = await see('4', '1', 'unknown', '3', '2', '5')
  expect(queue).toEqual({
    ...{ paused: false, concurrency: 50, prefetch: 0 },
    ...{ open: 3, waiting: 2, polls: 0, workers: 1, capacity: 5 },
  })
  expect(places).toEqual([
    { state: 'WAIT', startedEventId: 7, takeovers: 0, position: 2 },
    {
      ...{ state: 'RUN', startedEventId: 7, takeovers: 0, process: 'a' },
      ...{ begunAt: expect.any(Number) as number, heartbeatAt: expect.any(Number) as number },
      heartbeatDetails: '{"line":3}',
    },
    undefined,
    { state: 'WAIT', startedEventId: 7, takeovers: 0, position: 1 },
    { state: 'OUT', startedEventId: 7, takeovers: 0, process: 'a', begunAt: expect.any(Number) as number },
    { state: 'OPEN', startedEventId: 7, takeovers: 0, openUntil: expect.any(Number) as number },
  ])
})

test('sees that no worker takes work, and that the rate is used up', async () => {
  expect((await see()).queue).toMatchObject({ workers: 0, capacity: 0 })
  await tick()
  await updateSettings(redis, key, { rateLimit: { tasks: 2, per: 86_400_000 } }, 'test')
  expect((await see()).queue.tokens).toBe(2)
  await slots.acquire(9)
  expect((await see()).queue).toMatchObject({ tokens: 0, polls: 2, workers: 1 })
  await tick(true)
  expect((await see()).queue).toMatchObject({ workers: 0, capacity: 0 })
})
