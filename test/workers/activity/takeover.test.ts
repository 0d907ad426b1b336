import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { connectRedis } from '../../../src/redis.js'
import { decodeFailure, HANDED_BACK } from '../../../src/swf/failure.js'
import { createLog } from '../../../src/telemetry.js'
import { afterFile } from '../../support/dispose.js'
import { startNode } from '../../support/process.js'
import { testRedis } from '../../support/redis.js'
import { tmpDir } from '../../support/tmp.js'
import { until } from '../../support/until.js'
import { DOMAIN, stage } from './stage.js'

const redis = testRedis()
const { endpoint, execution, prefix } = await stage(redis)
const connection = connectRedis({ url: redis.url, name: 'test', log: createLog('test', 'silent') })
afterFile(() => connection.disconnect())
const envelope = { startToClose: 60_000, heartbeat: 5_000 }
/** SWF waits longer than the worker believes: machines under load take their time to start a process. */
const task = (input: object) => ({ input, envelope, heartbeat: '15' })

interface Line {
  what: 'begin' | 'apply'
  key: string
  token: string
  pid: number
}

/** A fleet of its own processes on the one task list, with a ledger of what they did. */
function fleet() {
  const ledger = join(tmpDir('ledger'), 'ledger.jsonl')
  writeFileSync(ledger, '')
  const lines = () =>
    readFileSync(ledger, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line) as Line)
  return {
    lines,
    async worker(options: { concurrency?: number; drain?: number; grace?: number } = {}) {
      const config = { endpoint, redis: redis.url, prefix, domain: DOMAIN, ledger, pollers: 4, ...options }
      const script = fileURLToPath(new URL('./fixtures/worker.mjs', import.meta.url))
      const process = startNode([script, JSON.stringify(config)])
      await process.line('activity worker started')
      return process
    },
    begun: (count: number) => until(() => lines().length >= count && lines(), { what: `${count} lines in the ledger` }),
  }
}

/** The heartbeat details that the records of tasks keep. */
async function details(): Promise<string[]> {
  const kept = (await connection.keys('*:t:*')).map(key => connection.hget(key, 'details'))
  return (await Promise.all(kept)).filter(text => text !== null)
}

test('kill -9 of a worker: another finishes its runs, and each effect is applied once', async () => {
  const { worker, lines, begun } = fleet()
  const run = await execution()
  const first = await worker({ concurrency: 3 })
  const long = task({ ms: 60_000, then: 100 })
  await run.schedule({ a: long, b: long, c: long, d: task({ ms: 100 }) })
  await begun(3)
  const second = await worker({ concurrency: 3 })
  await until(async () => (await details()).length === 3, { what: 'SWF has heard of all three' })
  await first.kill('SIGKILL')
  const closed = await run.allClosed(4)
  expect([...closed.values()].map(({ eventType }) => eventType)).toEqual(Array(4).fill('ActivityTaskCompleted'))
  const taken = [...closed.values()].map(({ result }) => result as { token: string; last?: number })
  expect(taken.filter(({ token, last }) => token.endsWith('.1') && last === first.pid)).toHaveLength(3)
  const applied = lines().filter(({ what }) => what === 'apply')
  expect(applied.map(({ key }) => key).sort()).toEqual([...new Set(applied.map(({ key }) => key))].sort())
  expect(applied).toHaveLength(4)
  expect((await second.stop()).code).toBe(0)
})

test('a run that slept too long is fenced off: the outcome of the one that took over counts', async () => {
  const { worker, lines, begun } = fleet()
  const run = await execution()
  const sleeper = await worker()
  await run.schedule({ a: task({ ms: 3_000, then: 2_000 }) })
  await begun(1)
  process.kill(sleeper.pid, 'SIGSTOP')
  const other = await worker()
  const [, second] = await begun(2)
  expect(second).toMatchObject({ what: 'begin', token: expect.stringMatching(/\.1$/), pid: other.pid })
  process.kill(sleeper.pid, 'SIGCONT')
  await sleeper.line(/"outcome":"fenced"/)
  expect(await run.closed('a')).toMatchObject({ result: { token: second!.token } })
  expect(lines().filter(({ what, pid }) => what === 'apply' && pid === other.pid)).toHaveLength(1)
  await Promise.all([sleeper.stop(), other.stop()])
})

test('SIGTERM lets handlers end and leaves the rest to others; the last worker hands back', async () => {
  const { worker, begun } = fleet()
  const run = await execution()
  const leaving = await worker({ concurrency: 2, drain: 5_000 })
  await run.schedule({ a: task({ ms: 1_000 }), b: task({ ms: 1_000 }), c: task({ ms: 100 }) })
  await begun(2)
  const staying = await worker({ concurrency: 2, drain: 200, grace: 200 })
  expect((await leaving.stop()).code).toBe(0)
  const closed = await run.allClosed(3)
  expect([...closed.values()].map(({ eventType }) => eventType)).toEqual(Array(3).fill('ActivityTaskCompleted'))
  expect([...closed.values()].every(({ result }) => (result as { token: string }).token.endsWith('.0'))).toBe(true)

  await run.schedule({ long: task({ ms: 60_000 }) })
  await begun(7)
  expect((await staying.stop()).code).toBe(0)
  const { reason, details } = await run.closed('long')
  // The next try is told how far this one was.
  expect(decodeFailure('?', reason, details)).toMatchObject({
    reason: HANDED_BACK,
    lastHeartbeat: { pid: staying.pid },
  })
})
