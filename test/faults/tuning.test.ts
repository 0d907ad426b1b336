// Twenty worker processes obey changed settings, idle and under load. Prints how soon.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Queues, type SettingsChange } from '../../src/queues/queue.js'
import { closeRedis, connectRedis, redisReady } from '../../src/redis.js'
import { createLog } from '../../src/telemetry.js'
import { afterFile } from '../support/dispose.js'
import { startNode } from '../support/process.js'
import { testRedis } from '../support/redis.js'
import { tmpDir } from '../support/tmp.js'
import { until } from '../support/until.js'
import { DOMAIN, stage } from '../workers/activity/stage.js'

const WORKERS = 20
/** What is promised, in milliseconds. */
const PROMISED = 2_000
const RUNS = 4
const TASKS = RUNS * 200
const EACH = 250

const redis = testRedis()
const log = createLog('test', 'silent')
const connection = connectRedis({ url: redis.url, name: 'test', log })
afterFile(() => closeRedis(connection))
await redisReady(connection)
const { execution, endpoint, prefix } = await stage(redis)
const queues = new Queues({ redis: connection, prefix, log })
const ledger = join(tmpDir('tuning'), 'ledger')

const queue = async () => (await queues.get(DOMAIN, 'activities'))!
const words = (change: SettingsChange) => JSON.stringify(change).replace(/[{}"]/g, '')

/** Makes a change; resolves to how long each worker took to say that it obeys, in milliseconds, the last one last. */
async function obeyed(change: SettingsChange): Promise<number[]> {
  const began = performance.now()
  const { queue: changed } = await queues.update(DOMAIN, 'activities', change, 'test')
  const seen = new Map<string, number>()
  await until(
    async () => {
      for (const { worker, version } of (await queue()).observed)
        if (version >= changed.settings.version && !seen.has(worker.id)) seen.set(worker.id, performance.now() - began)
      return seen.size === WORKERS
    },
    { what: `all obey ${words(change)}`, within: 10_000 },
  )
  return [...seen.values()].sort((a, b) => a - b)
}

const figures: { load: string; change: string; half: number; last: number }[] = []
async function measured(load: string, change: SettingsChange): Promise<void> {
  const times = await obeyed(change)
  figures.push({ load, change: words(change), half: Math.round(times[WORKERS / 2]!), last: Math.round(times.at(-1)!) })
}

interface Line {
  what: 'begin' | 'apply'
  key: string
  at: number
}
const lines = (): Line[] =>
  readFileSync(ledger, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as Line)

/** The most handlers that ran at once between two times. */
function most(from: number, to: number): number {
  let [now, highest] = [0, 0]
  for (const { what, at } of lines().sort((a, b) => a.at - b.at)) {
    if (at > to) break
    now += what === 'begin' ? 1 : -1
    if (at >= from) highest = Math.max(highest, now)
  }
  return highest
}

test('every change is obeyed by 20 worker processes within two seconds, and holds', async () => {
  const options = { endpoint, redis: redis.url, prefix, domain: DOMAIN, ledger, pollers: 4, drain: 1_000 }
  const json = JSON.stringify({ ...options, heartbeat: '30s' })
  const workers = Array.from({ length: WORKERS }, () => startNode(['test/workers/activity/fixtures/worker.mjs', json]))
  const ended = workers.map(async ({ exited, output }) => {
    await exited
    throw new Error(`a worker ended: ${output().slice(-500)}`)
  })
  const live = async () => (await queue())?.observed.length === WORKERS
  await Promise.race([until(live, { what: 'all workers live', within: 60_000 }), ...ended])

  // Twenty processes that start at once keep a small machine busy for a while: the first change is not measured.
  await obeyed({ prefetch: 0 })
  for (const n of [1, 2, 3, 4]) {
    await measured('idle', { workerConcurrency: n })
    await measured('idle', { paused: n % 2 === 1 })
  }

  await obeyed({ concurrency: 1, workerConcurrency: 20, paused: false })
  const runs = await Promise.all(Array.from({ length: RUNS }, () => execution()))
  const task = { input: { ms: EACH }, startToClose: '300', heartbeat: '30' }
  const ids = Array.from({ length: TASKS / RUNS }, (_, i) => `${i}`)
  for (const run of runs) {
    await run.schedule(Object.fromEntries(ids.slice(0, 100).map(id => [id, task])))
    await run.schedule(Object.fromEntries(ids.slice(100, 200).map(id => [id, task])))
  }
  const phases: [change: SettingsChange, limit: number][] = [
    [{ concurrency: 50 }, 50],
    [{ concurrency: 0 }, 0],
    [{ concurrency: 5 }, 5],
    [{ workerConcurrency: 1, concurrency: 100 }, WORKERS],
    [{ paused: true }, 0],
    [{ paused: false, workerConcurrency: 20, concurrency: 50 }, 50],
  ]
  const held: { change: string; limit: number; most: number }[] = []
  for (const [change, limit] of phases) {
    await measured('under load', change)
    // What was begun before the change may end first.
    const from = Date.now() + EACH + 150
    await new Promise(resolve => setTimeout(resolve, EACH + 1_150))
    held.push({ change: words(change), limit, most: most(from, Date.now()) })
  }
  console.table(figures)
  console.table(held)
  for (const run of runs) await run.allClosed(TASKS / RUNS, 60_000)

  for (const { change, last } of figures) expect([change, last < PROMISED]).toEqual([change, true])
  for (const { change, limit, most } of held) expect([change, most <= limit]).toEqual([change, true])
  const applied = lines().filter(({ what }) => what === 'apply')
  expect(applied).toHaveLength(TASKS)
  expect(new Set(applied.map(({ key }) => key)).size).toBe(TASKS)

  const before = (await queue()).settings
  const lost = performance.now()
  await connection.del(...(await connection.keys('*:settings')))
  await until(async () => (await queue()).settings.version === before.version, { what: 'lost settings stand again' })
  console.log(`settings that were lost stood again after ${Math.round(performance.now() - lost)} ms`)
  const [change] = await queues.changes(DOMAIN, 'activities', 1)
  expect(change).toMatchObject({ why: 'RESTORED', from: null, to: before })
  const { settings, depth, active } = await queue()
  expect({ depth, active, concurrency: settings.concurrency }).toEqual({ depth: 0, active: 0, concurrency: 50 })
}, 240_000)
