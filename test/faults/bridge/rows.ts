// The fault table of the bridge, row by row: how much of each is up to the caller. Every row checks what must hold and
// returns its figures.

import { expect } from 'vitest'
import { ownRedis, redisCommand } from '../../support/redis.js'
import { redisProxy } from '../../support/redis-proxy.js'
import type { TestProcess } from '../../support/process.js'
import { until } from '../../support/until.js'
import {
  openScene,
  type Scene,
  type SceneOptions,
  type Verdict,
  type Work,
  type WorkerOptions,
  type Line,
} from './scene.js'
import { inProcess } from './in-process.js'
import { randomOf } from '../../swf/local/random.js'

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
const copies = (count: number, step: Work): Work[] => Array.from({ length: count }, () => step)
const COMPLETED = 'WorkflowExecutionCompleted'

/** What must hold whatever happened, as long as Redis kept its data: nothing lost, nothing stale, one run at a time. */
function expectSound(verdict: Verdict, executions: number, calls: number): void {
  // The figures stand in the message.
  expect(verdict, JSON.stringify(verdict)).toMatchObject({
    ...{ executions: { [COMPLETED]: executions }, calls },
    ...{ lost: 0, stale: 0, overlapping: 0, late: 0 },
  })
}

/**
 * The ways that tasks go: begun where they were polled, or polled ahead of their turn, so that they wait for a job. Odd
 * seeds take the second.
 */
const waysOf = (seed: number, few: number) =>
  seed % 2 === 0 ? { concurrency: 10 } : { concurrency: few, prefetch: 10 }

/** kill -9 of a random worker, again and again, while executions of three steps run; each is replaced at once. */
export async function randomKills(count: number, seed: number, every = 2_000, fleet = 4, ms = 300) {
  const scene = await openScene()
  const random = randomOf(seed)
  const options = waysOf(seed, 4)
  await Promise.all(Array.from({ length: fleet }, () => scene.spawn(options)))
  await scene.start(count, { steps: copies(3, { ms }) })
  let over = false
  const closed = scene.allClosed(600_000).finally(() => (over = true))
  let kills = 0
  while (!over) {
    await Promise.race([sleep(every), closed])
    if (over) break
    const workers = [...scene.workers]
    const [victim] = [workers[Math.floor(random() * workers.length)]!]
    await scene.kill(victim)
    kills++
    await scene.spawn(options)
  }
  await closed
  await scene.expectNothingLeft()
  const verdict = await scene.verdict()
  expectSound(verdict, count, 3 * count)
  return { kills, ...verdict }
}

/** kill -9 between a poll's answer and the record: only SWF's timeout knows of the task. */
export async function killedBeforeAdmit(count: number) {
  const scene = await openScene({ heartbeat: '3s' })
  const doomed = await scene.spawn({ concurrency: 4, dieAtPoll: 2 })
  await scene.start(count, { steps: copies(1, { ms: 20 }) })
  await doomed.exited
  scene.died(doomed)
  await scene.spawn({ concurrency: 4 })
  await scene.allClosed()
  await scene.expectNothingLeft()
  const verdict = await scene.verdict()
  expectSound(verdict, count, count)
  expect(verdict.tries.HEARTBEAT).toBeGreaterThanOrEqual(1)
  return verdict
}

/** The add of a job never reaches Redis, although its caller hears that it did: the task is in its record alone. */
export async function lostAdds(count: number) {
  const scene = await openScene({ heartbeat: '15s' })
  const proxy = await redisProxy(scene.connection.options.port!, { path: `/${scene.connection.options.db}` })
  let lost = 0
  proxy.replace = words => {
    const isAdd = words.some(word => word.startsWith('{"v":1,"task":'))
    const isAgain = words.some(word => /[0-9a-f]{32}-\d+-\d+r/.test(word))
    if (!isAdd || isAgain || lost === count) return undefined
    lost++
    return ['ECHO', 'lost']
  }
  await scene.spawn({ concurrency: 1, redis: proxy.url })
  await until(() => scene.queues.get(scene.domain, scene.taskList), { what: 'the queue is known' })
  await scene.queues.update(scene.domain, scene.taskList, { prefetch: count }, 'test')
  // What waits behind it is given to jobs.
  await scene.start(1, { steps: [{ ms: 3_000 }] })
  await scene.begun(1)
  await scene.start(count, { steps: copies(1, { ms: 20 }) })
  await scene.allClosed()
  await scene.expectNothingLeft()
  const verdict = await scene.verdict()
  expect(lost).toBe(count)
  expectSound(verdict, count + 1, count + 1)
  expect(verdict.tries).toEqual({ completed: count + 1 })
  expect(verdict.repeated).toBe(0)
  return { struck: lost, ...verdict }
}

/** A job vanishes, is added again, and vanishes again: the task is left to SWF's timeout, and never kept alive. */
export async function vanishedJobs(options: SceneOptions = {}) {
  const scene = await openScene({ heartbeat: '6s', ...options })
  await scene.spawn({ concurrency: 1 })
  await until(() => scene.queues.get(scene.domain, scene.taskList), { what: 'the queue is known' })
  await scene.queues.update(scene.domain, scene.taskList, { prefetch: 1, concurrency: 1 }, 'test')
  await scene.start(1, { steps: [{ ms: 12_000 }] })
  await scene.begun(1)
  await scene.start(1, { steps: [{ ms: 10 }] })
  const wait = `${scene.key}:jobs:wait`
  const vanish = () =>
    until(
      async () => {
        const [job] = await scene.connection.lrange(wait, 0, 0)
        return job && scene.connection.del(wait, `${scene.key}:jobs:${job}`)
      },
      { what: 'a job waits', within: 15_000 },
    )
  await vanish()
  await vanish()
  const timedOut = async () => {
    const history = await scene.history(scene.executions[1]!)
    return history.some(({ eventType }) => eventType === 'ActivityTaskTimedOut')
  }
  await until(timedOut, { what: 'SWF times the lost task out', within: 16_000 })
  await scene.allClosed()
  await scene.expectNothingLeft()
  const verdict = await scene.verdict()
  expectSound(verdict, 2, 2)
  expect(verdict.tries).toEqual({ completed: 2, HEARTBEAT: 1 })
  return verdict
}

/** A process is stopped for longer than its lease and goes on: the run that took over counts. */
export async function stoppedProcess(count: number, options: SceneOptions = {}) {
  const scene = await openScene(options)
  const sleeper = await scene.spawn({ concurrency: count })
  await scene.start(count, { steps: [{ ms: 2_500, then: 4_000 }] })
  await scene.begun(count)
  scene.unwell.add(sleeper.pid)
  process.kill(sleeper.pid, 'SIGSTOP')
  // On a machine that is slow to get here: such an effect nobody can take back.
  const before = scene.lines().filter(({ what }) => what === 'apply').length
  await scene.spawn({ concurrency: count })
  const runs = () => scene.lines().filter(({ what }) => what === 'begin').length
  await until(() => runs() === 2 * count, { what: 'second runs begin', within: 15_000 })
  process.kill(sleeper.pid, 'SIGCONT')
  return fenced(scene, count, count, before)
}

/** A handler blocks its event loop for longer than the lease, and has a moment to hear of it before its effect. */
export async function blockedLoop(count: number, options: SceneOptions = {}) {
  const scene = await openScene(options)
  await Promise.all([1, 2].map(() => scene.spawn({ concurrency: count })))
  await scene.start(1, { steps: [{ block: 6_000, ms: 500, then: 6_000 }] })
  await scene.begun(1)
  scene.unwell.add(scene.lines()[0]!.pid)
  await scene.start(count - 1, { steps: [{ ms: 100 }] })
  return fenced(scene, count, 1)
}

async function fenced(scene: Scene, count: number, twice = count, appliedTwice = 0) {
  await scene.allClosed()
  await scene.expectNothingLeft()
  const verdict = await scene.verdict()
  expectSound(verdict, count, count)
  expect(verdict).toMatchObject({ tries: { completed: count } })
  expect(verdict.repeated).toBeGreaterThanOrEqual(twice)
  // On a machine so busy that the second process is silent for a lease too, a third run begins after the effect of the second.
  const isThird = ({ what, token }: Line) => what === 'begin' && Number(token.split('.')[1]) > 1
  const thirds = scene.lines().filter(isThird).length
  if (verdict.appliedTwice > 0) console.warn(scene.lines())
  expect(verdict.appliedTwice).toBeLessThanOrEqual(appliedTwice + thirds)
  return verdict
}

/** A job that kills whoever runs it: after three workers it is answered Failed(WORKER_LOST), and the workflow retries. */
export async function threeStalls() {
  const scene = await openScene({ heartbeat: '9s' })
  const fleet = await Promise.all(Array.from({ length: 4 }, () => scene.spawn({ concurrency: 1 })))
  await scene.start(1, { steps: [{ die: 3, ms: 10 }] })
  const dead = () => fleet.filter(({ alive }) => !alive)
  await until(() => dead().length === 3, { what: 'three workers have died of it', within: 30_000 })
  for (const worker of dead()) scene.died(worker)
  await scene.allClosed()
  await scene.expectNothingLeft()
  const verdict = await scene.verdict()
  expect(verdict).toMatchObject({ executions: { [COMPLETED]: 1 }, calls: 1, lost: 0, stale: 0, repeated: 3 })
  expect(verdict.tries).toEqual({ completed: 1, 'SwfGateway.WorkerLost': 1 })
  return verdict
}

/** Slots for one, polls for many, and slow jobs: what waits too long never starts. */
export async function noLateStart(count: number, options: SceneOptions = {}) {
  const scene = await openScene({ startToClose: '3s', heartbeat: '3s', ...options })
  await scene.spawn({ concurrency: 1, pollers: 10 })
  await scene.queues.update(scene.domain, scene.taskList, { prefetch: 10, concurrency: 1 }, 'test')
  await scene.start(count, { steps: [{ ms: 900 }] })
  await scene.allClosed()
  await scene.expectNothingLeft()
  const verdict = await scene.verdict()
  expectSound(verdict, count, count)
  return verdict
}

const SWF_CALLS = [
  'PollForActivityTask',
  'RespondActivityTaskCompleted',
  'RespondActivityTaskFailed',
  'RespondActivityTaskCanceled',
  'RecordActivityTaskHeartbeat',
]

/** Calls that SWF does, and whose answer is lost: the same end as without. */
export async function swfUnheard(seed: number, rate: number, count: number) {
  const scene = await openScene({ seed, heartbeat: '3s', startToClose: '10s' })
  const options = waysOf(seed, Math.max(1, Math.floor(count / 4)))
  const workers = [await inProcess(scene, options), await inProcess(scene, options)]
  scene.local.faults.add({ kind: 'drop', action: SWF_CALLS, rate })
  await scene.start(count, { steps: copies(3, { ms: 20 }) })
  await scene.allClosed(100_000)
  scene.local.faults.clear()
  await scene.expectNothingLeft(() => Promise.all(workers.map(worker => worker.stop())))
  const verdict = await scene.verdict()
  expectSound(verdict, count, 3 * count)
  return verdict
}

/** Calls that Redis does, and whose answer is lost with the connection. */
export async function redisUnheard(seed: number, rate: number, count: number) {
  const scene = await openScene({ heartbeat: '3s', startToClose: '10s' })
  const random = randomOf(seed)
  const { port, db } = scene.connection.options
  const proxy = await redisProxy(port!, { path: `/${db}` })
  const options = { ...waysOf(seed, Math.max(1, Math.floor(count / 4))), redis: proxy.url }
  const workers = [await inProcess(scene, options), await inProcess(scene, options)]
  proxy.unheard = ([command]) => /^(evalsha|eval|bzpopmin|hset|hget)$/i.test(command!) && random() < rate
  await scene.start(count, { steps: copies(3, { ms: 20 }) })
  await scene.allClosed(100_000)
  proxy.unheard = undefined
  const { struck } = proxy
  await until(async () => (await Promise.all(workers.map(worker => worker.readiness()))).flat().length === 0, {
    what: 'the workers are ready again',
  })
  await scene.expectNothingLeft(() => Promise.all(workers.map(worker => worker.stop())))
  const verdict = await scene.verdict()
  expectSound(verdict, count, 3 * count)
  if (rate >= 0.2) expect(struck).toBeGreaterThan(0)
  return { struck, ...verdict }
}

/** Redis dies and comes back, again and again. */
export async function redisRestarts(times: number, count: number) {
  const redis = await ownRedis()
  const scene = await openScene({ redis: redis.url })
  for (let n = 0; n < 2; n++) await scene.spawn({ concurrency: 10 })
  await scene.start(count, { steps: copies(3, { ms: 500 }) })
  for (let n = 0; n < times; n++) {
    await sleep(1_500)
    await redis.kill()
    await sleep(500)
    await redis.restart()
  }
  await scene.allClosed()
  await scene.expectNothingLeft()
  const verdict = await scene.verdict()
  expect(verdict).toMatchObject({ executions: { [COMPLETED]: count }, calls: 3 * count, lost: 0, late: 0 })
  return verdict
}

/** Redis loses everything while it is at work: a pause stands, and nothing is lost. */
export async function redisEmptied(times: number, count: number) {
  const redis = await ownRedis()
  const scene = await openScene({ redis: redis.url })
  for (let n = 0; n < 2; n++) await scene.spawn({ concurrency: 5 })
  await scene.start(count, { steps: copies(2, { ms: 700 }) })
  for (let n = 0; n < times; n++) {
    await sleep(2_000)
    await redis.empty()
  }
  await scene.allClosed()
  const set = async (paused: boolean) => {
    const { queue } = await scene.queues.update(scene.domain, scene.taskList, { paused }, 'test')
    const { version } = queue.settings
    await until(
      async () => {
        const observed = (await scene.queues.get(scene.domain, scene.taskList))?.observed ?? []
        return observed.length === 2 && observed.every(seen => seen.version === version)
      },
      { what: `the fleet obeys version ${version}` },
    )
  }
  await until(() => scene.queues.get(scene.domain, scene.taskList), { what: 'the queue is announced again' })
  await set(true)
  // Polls and reads that were open may still bring something.
  await sleep(2_000)
  await redis.empty()
  const begun = scene.lines().length
  await scene.start(2, { steps: [{ ms: 10 }] })
  await sleep(4_000)
  expect(scene.lines().length, 'a paused queue has started').toBe(begun)
  await set(false)
  await scene.allClosed()
  await scene.expectNothingLeft()
  const verdict = await scene.verdict()
  const calls = 2 * count + 2
  expect(verdict).toMatchObject({ executions: { [COMPLETED]: count + 2 }, calls, lost: 0, late: 0 })
  return verdict
}

/** Redis takes no more writes: polling stops, what runs ends, and work goes on when there is room again. */
export async function redisFull(count: number) {
  const redis = await ownRedis()
  const scene = await openScene({ redis: redis.url })
  const worker = await scene.spawn({ concurrency: 5 })
  await scene.start(count, { steps: copies(2, { ms: 500 }) })
  await scene.begun(5)
  await redisCommand(redis.url, 'CONFIG', 'SET', 'maxmemory', '1')
  await worker.line(/polling stops/)
  await sleep(1_000)
  const begun = scene.lines().filter(({ what }) => what === 'begin').length
  await sleep(2_000)
  expect(scene.lines().filter(({ what }) => what === 'begin').length).toBe(begun)
  await redisCommand(redis.url, 'CONFIG', 'SET', 'maxmemory', '0')
  await scene.allClosed()
  await scene.expectNothingLeft()
  const verdict = await scene.verdict()
  expect(verdict).toMatchObject({ executions: { [COMPLETED]: count }, calls: 2 * count, lost: 0, late: 0, stale: 0 })
  return verdict
}

/** Executions are canceled at random moments, their activities scheduled, queued or running. */
export async function cancels(count: number, seed: number) {
  const scene = await openScene({ heartbeat: '4s' })
  const random = randomOf(seed)
  await scene.spawn({ concurrency: 4, pollers: 8 })
  await scene.queues.update(scene.domain, scene.taskList, { prefetch: 6, concurrency: 4 }, 'test')
  await scene.start(count, { steps: [{ ms: 400 }] })
  await Promise.all(
    scene.executions.map(async execution => {
      await sleep(random() * count * 100)
      await scene.swf.requestCancelWorkflowExecution({ domain: scene.domain, ...execution }).catch(() => {})
    }),
  )
  await scene.allClosed()
  await scene.expectNothingLeft()
  const verdict = await scene.verdict()
  const { [COMPLETED]: completed = 0, WorkflowExecutionCanceled: canceled = 0 } = verdict.executions
  expect(completed + canceled).toBe(count)
  const { completed: _, canceled: __, ...others } = verdict.tries
  expect(others).toEqual({})
  return verdict
}

/** Every worker in turn is asked to end under load, and replaced. */
export async function rollingRestart(fleet: number, count: number) {
  const scene = await openScene({ heartbeat: '15s' })
  const options: WorkerOptions = { concurrency: 5, drain: 10_000 }
  for (let n = 0; n < fleet; n++) await scene.spawn(options)
  await scene.start(count, { steps: copies(2, { ms: 200 }) })
  await scene.begun(Math.min(count, 5))
  const codes: (number | null)[] = []
  for (const worker of [...scene.workers] as TestProcess[]) {
    await scene.spawn(options)
    scene.workers.delete(worker)
    codes.push((await worker.kill('SIGTERM')).code)
  }
  await scene.allClosed()
  await scene.expectNothingLeft()
  const verdict = await scene.verdict()
  expectSound(verdict, count, 2 * count)
  expect(codes).toEqual(codes.map(() => 0))
  expect(verdict).toMatchObject({ tries: { completed: 2 * count }, repeated: 0, appliedTwice: 0 })
  return verdict
}

/** The limit of the fleet changes under load, 1 → 50 → 0 → 5. */
export async function limits(fleet: number, count: number, ms = 200, pause = 3_000) {
  const scene = await openScene({ heartbeat: '15s' })
  await Promise.all(Array.from({ length: fleet }, () => scene.spawn({ concurrency: 25, pollers: 10 })))
  const set = async (concurrency: number) => {
    const at = Date.now()
    await scene.queues.update(scene.domain, scene.taskList, { concurrency }, 'test')
    return { concurrency, at }
  }
  const changes = [await set(1)]
  await sleep(2_000)
  await scene.start(count, { steps: copies(2, { ms }) })
  for (const concurrency of [1, 50, 0, 5]) {
    changes.push(await set(concurrency))
    await sleep(pause)
  }
  const last = await set(50)
  await scene.allClosed()
  await scene.expectNothingLeft()
  const verdict = await scene.verdict()
  expectSound(verdict, count, 2 * count)
  expect(verdict).toMatchObject({ tries: { completed: 2 * count }, repeated: 0 })
  // How many handlers ran from 2 s after each change on.
  const lines = scene.lines()
  const steps = changes.slice(1).map(({ concurrency, at }, n) => {
    const until = changes[n + 2]?.at ?? last.at
    return { concurrency, most: mostAtOnce(lines, at + 2_000, until) }
  })
  for (const { concurrency, most } of steps) expect(most).toBeLessThanOrEqual(concurrency)
  return { steps, ...verdict }
}

function mostAtOnce(lines: ReturnType<Scene['lines']>, from: number, to: number): number {
  let running = 0
  let most = 0
  const relevant = lines.filter(({ what }) => what !== 'apply').sort((a, b) => a.at - b.at)
  for (const { what, at } of relevant) {
    if (at > from && at < to) most = Math.max(most, running)
    running += what === 'begin' ? 1 : -1
    if (at > from && at < to) most = Math.max(most, running)
  }
  return most
}

/** A handler that reports its progress a hundred thousand times in a second. */
export async function manyHeartbeats(beats: number) {
  const scene = await openScene({ heartbeat: '6s' })
  let calls = 0
  let last: string | undefined
  const worker = await inProcess(
    scene,
    {},
    {
      onBeat: details => {
        calls++
        last = details ?? last
      },
    },
  )
  await scene.start(1, { steps: [{ beats, ms: 3_000 }] })
  await scene.allClosed()
  await worker.stop()
  expect(last).toBe(JSON.stringify({ line: beats }))
  expect(calls).toBeLessThanOrEqual(8)
  return { calls, last }
}
