import { expect, test, vi } from 'vitest'
import { pino } from 'pino'
import { QueuePlaces } from '../../src/graphql/queue-places.js'
import { Queues } from '../../src/queues/queue.js'
import type { Decision } from '../../src/swf/decision.js'
import { encodePayload } from '../../src/swf/payload.js'
import { createMetrics } from '../../src/telemetry.js'
import { ActivityWorker } from '../../src/workers/activity/activity-worker.js'
import { implement, type ActivityContext } from '../../src/workers/definitions.js'
import { defineActivity } from '../../src/workflow/definition.js'
import { afterFile } from '../support/dispose.js'
import { connected } from '../support/redis-connection.js'
import { until } from '../support/until.js'
import { ask as askAt, DOMAIN, startGateway, startStack, TYPE } from './fixture.js'

const { ask, decider, swf, redis } = await startStack()
const log = pino({ level: 'silent' })

/** The handlers that run, by activity id: they go on until the test ends them. */
const running = new Map<string, { job: ActivityContext; end: (error?: Error) => void }>()
const ship = defineActivity<string, string>('Ship', '1.0', { taskList: 'shipping', heartbeat: '30s' })
const handlers = [
  implement(ship, async (_input, job) => {
    job.heartbeat({ parcel: 3 })
    await new Promise<void>((resolve, reject) => {
      running.set(job.activityId, { job, end: error => (error ? reject(error) : resolve()) })
      job.signal.addEventListener('abort', () => reject(job.signal.reason as Error))
    })
    return 'shipped'
  }),
]
async function startWorker() {
  const worker = new ActivityWorker({
    ...{ swf, redis, prefix: redis.prefix, domain: DOMAIN, handlers, log, metrics: createMetrics('worker') },
    ...{ drain: 0, grace: 100, pollers: 3 },
    queues: { shipping: { concurrency: 1, startPaused: true } },
  })
  await worker.start()
  afterFile(() => worker.stop())
  return worker
}

const schedule = (activityId: string, attempt = 1): Decision => ({
  decisionType: 'ScheduleActivityTask',
  scheduleActivityTaskDecisionAttributes: {
    activityType: { name: 'Ship', version: '1.0' },
    activityId,
    taskList: { name: 'shipping' },
    input: encodePayload('a parcel', { attempt, startToClose: 600_000, heartbeat: 30_000 })!,
    startToCloseTimeout: '600',
    heartbeatTimeout: '30',
    scheduleToCloseTimeout: 'NONE',
    scheduleToStartTimeout: 'NONE',
  },
})

const PENDING = `query ($workflowId: String!) { execution(workflowId: $workflowId) { pending {
  __typename since scheduledEvent { eventType eventId }
  ... on PendingActivity {
    activityId activityType { name version } attempt taskList state waitingFor position cancelRequested takeovers startedAt
    heartbeatAt heartbeatDetails { value } worker { host pid active startedAt } queue { taskList active settings { paused } }
  }
  ... on PendingTimer { timerId firesAt }
} } }`
const pending = async () => {
  const { data, errors } = await ask(PENDING, { workflowId: 'parcels' })
  expect(errors).toBeUndefined()
  return data.execution.pending
}
const activities = async () =>
  Object.fromEntries(
    (await pending())
      .filter(({ __typename }: { __typename: string }) => __typename === 'PendingActivity')
      .map((each: { activityId: string }) => [each.activityId, each]),
  )
/** Waits until the activities stand so; values are `state`, or `state/waitingFor`. */
const standing = (expected: Record<string, string>) =>
  until(
    async () => {
      const found = await activities()
      const words = Object.values(found).map((each: any) => [
        // oxlint-disable-line typescript/no-explicit-any
        each.activityId,
        [each.state, each.waitingFor].filter(Boolean).join('/'),
      ])
      expect(Object.fromEntries(words)).toEqual(expected)
      return found
    },
    { what: `activities stand at ${JSON.stringify(expected)}` },
  )
const update = (input: object) =>
  ask('mutation ($input: UpdateQueueInput!) { updateQueue(input: $input) { queue { settings { version } } } }', {
    input: { taskList: 'shipping', ...input },
  })

test('an execution tells what it waits for: which activity, in which queue, held by what, run by whom', async () => {
  await ask(`mutation ($input: StartExecutionInput!) { startExecution(input: $input) { created } }`, {
    input: { workflowId: 'parcels', type: TYPE.name },
  })
  await decider.decide([
    schedule('1.1', 2),
    schedule('2.1'),
    { decisionType: 'StartTimer', startTimerDecisionAttributes: { timerId: 't', startToFireTimeout: '60' } },
  ])
  await standing({ '1.1': 'SCHEDULED/NO_POLLER', '2.1': 'SCHEDULED/NO_POLLER' })
  const [first, , timer] = await pending()
  expect(first).toMatchObject({
    ...{ activityType: { name: 'Ship', version: '1.0' }, attempt: 2, taskList: 'shipping', queue: null, worker: null },
    ...{ position: null, startedAt: null, heartbeatAt: null, cancelRequested: false, takeovers: null },
    scheduledEvent: { eventType: 'ActivityTaskScheduled' },
  })
  expect(timer).toMatchObject({
    __typename: 'PendingTimer',
    timerId: 't',
    scheduledEvent: { eventType: 'TimerStarted' },
  })
  expect(Date.parse(timer.firesAt) - Date.parse(timer.since)).toBe(60_000)

  const { url } = await startGateway({ swf, redis: { url: 'redis://127.0.0.1:9' } })
  const without = await askAt(
    url,
    '{ execution(workflowId: "parcels") { pending(first: 1) { ... on PendingActivity { state waitingFor } } } }',
  )
  expect(without.data.execution.pending).toEqual([{ state: 'SCHEDULED', waitingFor: 'REDIS_UNAVAILABLE' }])

  await startWorker()
  await standing({ '1.1': 'SCHEDULED/PAUSED', '2.1': 'SCHEDULED/PAUSED' })
  const { data } = await ask(
    '{ queue(taskList: "shipping") { backlog { value truncated } settings { paused version } } }',
  )
  expect(data.queue).toEqual({ backlog: { value: 2, truncated: false }, settings: { paused: true, version: 0 } })

  await update({ paused: false })
  await until(() => running.size === 1, { what: 'one handler runs' })
  const [id] = [...running.keys()] as [string]
  const other = id === '1.1' ? '2.1' : '1.1'
  await standing({ [id]: 'RUNNING', [other]: 'SCHEDULED/CONCURRENCY' })
  const run = await until(
    async () => {
      const found = (await activities())[id]
      return found.heartbeatDetails && found
    },
    { what: 'the heartbeat is told' },
  )
  expect(run).toMatchObject({
    ...{ heartbeatDetails: { value: { parcel: 3 } }, takeovers: 0, startedAt: expect.any(String) },
    ...{ worker: { pid: process.pid }, queue: { taskList: 'shipping', active: 1, settings: { paused: false } } },
  })

  await update({ prefetch: 2 })
  await standing({ [id]: 'RUNNING', [other]: 'QUEUED/CONCURRENCY' })
  expect((await activities())[other].position).toBe(1)

  running.get(id)!.end()
  await until(() => running.has(other), { what: 'the other runs' })
  running.get(other)!.end(new Error('lost the parcel'))
  await until(async () => Object.keys(await activities()).length === 0, { what: 'nothing is pending' })
})

test('a queue tells what happened on it, by type and by worker, and who changed its settings', async () => {
  // What changes nothing is no change.
  for (const input of [{ prefetch: 2 }, { paused: false, rateLimit: null }, {}])
    expect((await update(input)).data.updateQueue.queue.settings.version).toBe(2)
  const { data, errors } = await ask(`{ queue(taskList: "shipping") {
    statistics {
      since throughput completed failed canceled handedBack successRate retries takeovers fenced expired dropped lost
      wait { count p50 } run { count p50 p95 p99 }
      activityTypes { activityType { name } completed run { count } }
      workers { workerId worker { pid } completed failed successRate meanRun }
    }
    changes(first: 10) { at by why from { version paused } to { version concurrency paused changedBy } }
    observed { draining worker { startedAt active } }
  } }`)
  expect(errors).toBeUndefined()
  const { statistics, changes } = data.queue
  expect(statistics).toMatchObject({
    ...{ completed: 1, failed: 1, canceled: 0, handedBack: 0, successRate: 0.5, retries: 1 },
    ...{ takeovers: 0, fenced: 0, expired: 0, dropped: 0, lost: 0, wait: { count: 2 }, run: { count: 2 } },
    activityTypes: [{ activityType: { name: 'Ship' }, completed: 1, run: { count: 2 } }],
    workers: [{ worker: { pid: process.pid }, completed: 1, failed: 1, successRate: 0.5 }],
  })
  expect(changes.map((change: any) => [change.why, change.from?.version ?? null, change.to.version])).toEqual([
    // oxlint-disable-line typescript/no-explicit-any
    ['OPERATOR', 1, 2],
    ['OPERATOR', 0, 1],
    ['DEFAULTS', null, 0],
  ])
  expect(changes[1]).toMatchObject({
    by: 'anonymous',
    from: { paused: true },
    to: { paused: false, changedBy: 'anonymous' },
  })

  for (const question of ['statistics(window: "PT2H") { completed }', 'changes(first: -1) { at }'])
    expect((await ask(`{ queue(taskList: "shipping") { ${question} } }`)).errors).toMatchObject([
      { extensions: { code: 'BAD_USER_INPUT' } },
    ])
})

test('many activities of a queue are looked up at once', async () => {
  const queues = new Queues({ redis: await connected(redis.url), prefix: redis.prefix, log })
  const looks = vi.spyOn(queues, 'places')
  const places = new QueuePlaces(queues)
  const ask = (count: number, taskList: string) =>
    Array.from({ length: count }, (_, i) => places.place(DOMAIN, taskList, { runId: 'r', activityId: `${i}` }))
  const answers = await Promise.all([...ask(50, 'shipping'), ...ask(50, 'mail')])
  expect(answers).toHaveLength(100)
  expect(answers.at(-1)).toEqual({ waitingFor: 'NO_POLLER' })
  expect(looks).toHaveBeenCalledTimes(2)
  await places.place(DOMAIN, 'mail', { runId: 'r', activityId: '1' })
  expect(looks).toHaveBeenCalledTimes(3)
})
