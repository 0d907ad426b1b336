// Workers whose clock is wrong, or is set while they work. Only SWF's clock counts for what SWF says; durations have none.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { implement } from '../../../src/workers/definitions.js'
import { startNode } from '../../support/process.js'
import { testRedis } from '../../support/redis.js'
import { tmpDir } from '../../support/tmp.js'
import { activity, DOMAIN, stage } from './stage.js'

const redis = testRedis()
const { swf, endpoint, execution, prefix, worker: inProcess } = await stage(redis)
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** Starts a worker whose wall clock is off, and is set by `jump` when it is told to. */
async function worker({ ahead = 0, jump = 0, ...options }: { ahead?: number; jump?: number; beats?: boolean }) {
  const ledger = join(tmpDir('ledger'), 'ledger.jsonl')
  writeFileSync(ledger, '')
  const config = { endpoint, redis: redis.url, prefix, domain: DOMAIN, ledger, pollers: 2, concurrency: 10, ...options }
  const process = startNode(
    ['--import', path('../../support/shifted-clock.mjs'), path('fixtures/worker.mjs'), JSON.stringify(config)],
    {
      env: { CLOCK_AHEAD: String(ahead), CLOCK_JUMP: String(jump) },
    },
  )
  await process.line('activity worker started')
  const begun = () =>
    readFileSync(ledger, 'utf8')
      .split('\n')
      .filter(line => line.includes('"begin"')).length
  return {
    begun,
    stop: () => process.stop(),
    line: process.line.bind(process),
    /** Sets its clock. */
    async set() {
      globalThis.process.kill(process.pid, 'SIGUSR2')
      await process.line('the clock is off by')
    },
  }
}

test.each([
  // SWF says its time in whole seconds.
  [120_000, /(119|120|121) s ahead of SWF's/],
  [-120_000, /(119|120|121) s behind SWF's/],
])('a worker whose clock is off by %d ms runs what SWF gives it, and says how far it is off', async (ahead, says) => {
  const { begun, line, stop } = await worker({ ahead })
  const run = await execution()
  // As a decider writes it, in SWF's time: schedule-to-close.
  const envelope = { deadline: Date.now() + 60_000, startToClose: 50_000 }
  const ids = ['a', 'b', 'c', 'd', 'e']
  await run.schedule(Object.fromEntries(ids.map(id => [id, { input: { ms: 100 }, envelope }])))
  const closed = await run.allClosed(5)
  expect([...closed.values()].map(({ eventType }) => eventType)).toEqual(ids.map(() => 'ActivityTaskCompleted'))
  expect(begun()).toBe(5)
  await line(says)
  expect((await stop()).code).toBe(0)
})

test('a task whose deadline is over for SWF is not begun by a worker whose clock is behind', async () => {
  const { begun, line, stop } = await worker({ ahead: -3_600_000 })
  const run = await execution()
  await run.schedule({ late: { envelope: { deadline: Date.now() - 1_500 } } })
  await line('its time was over before its turn came')
  expect(begun()).toBe(0)
  await run.terminate()
  await stop()
})

test.each([120_000, -3_600_000])(
  'the clock is set by %d ms while a handler runs: it ends, its outcome counts, once',
  async jump => {
    const { begun, set, line, stop } = await worker({ jump })
    const run = await execution()
    const envelope = { startToClose: 60_000, heartbeat: 5_000, deadline: Date.now() + 60_000 }
    await run.schedule({ a: { input: { ms: 3_000 }, envelope, heartbeat: '15' } })
    await run.started('a')
    await set()
    expect(await run.closed('a', 30_000)).toMatchObject({
      eventType: 'ActivityTaskCompleted',
      result: { token: expect.stringMatching(/\.0$/) },
    })
    await line('"outcome":"completed"')
    expect(begun()).toBe(1)
    await stop()
  },
)

test('the clock is set back by an hour: a handler that beats by itself goes on to be heard', async () => {
  const { begun, set, stop } = await worker({ jump: -3_600_000, beats: true })
  const run = await execution()
  await run.schedule({
    a: { input: { ms: 8_000 }, envelope: { startToClose: 60_000, heartbeat: 3_000 }, heartbeat: '5' },
  })
  await run.started('a')
  await set()
  expect(await run.closed('a', 30_000)).toMatchObject({ eventType: 'ActivityTaskCompleted' })
  expect(begun()).toBe(1)
  await stop()
})

test('readiness says how far the clock is off, and goes on to be ready', async () => {
  let ahead = 61_000
  const clock = {
    now: () => swf.clock.now(),
    get ahead() {
      return ahead
    },
  }
  const off = new Proxy(swf, {
    get: (target, name) => (name === 'clock' ? clock : Reflect.get(target, name)) as unknown,
  })
  const running = await inProcess([implement(activity(), async () => {})], { swf: off })
  const [lack] = await running.readiness()
  expect(lack).toMatchObject({ what: expect.stringContaining("61 s ahead of SWF's"), stops: false })
  ahead = 0
  expect(await running.readiness()).toEqual([])
})
