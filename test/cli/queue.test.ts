import { expect, test, vi } from 'vitest'
import { queueCommand } from '../../src/cli/queue.js'
import { announce } from '../../src/queues/fleet.js'
import { queueKey } from '../../src/queues/keys.js'
import { DEFAULT_SETTINGS, type QueueSettings } from '../../src/queues/settings.js'
import { Slots } from '../../src/queues/slots.js'
import { taskBatch } from '../../src/queues/task-record.js'
import { afterFile } from '../support/dispose.js'
import { testRedis } from '../support/redis.js'
import { connected } from '../support/redis-connection.js'
import { until } from '../support/until.js'

const { url, prefix } = testRedis()
const redis = await connected(url)

/** A worker that obeys within a twentieth of a second, played by the test. */
const key = queueKey(prefix, 'orders', 'mail')
const slots = new Slots(redis, key, 'vm:7:a', taskBatch(redis, key))
let obeyed: QueueSettings = DEFAULT_SETTINGS
let obeying = true
const tick = async () => {
  const { version, workerConcurrency } = obeyed
  const observed = { version, concurrency: workerConcurrency, active: 0, capacity: workerConcurrency, draining: false }
  const reply = await slots.tick({ lease: 60_000, first: false, observed, settings: obeyed, permits: [] })
  if (obeying) obeyed = reply.settings
}
const types = { activityTypes: [{ name: 'Send', version: '1.0' }], startedAt: Date.now(), active: 0 }
await announce(redis, prefix, 'orders', { id: 'vm:7:a', host: 'vm', pid: 7, version: '0.1.0', ...types }, ['mail'])
await tick()
const ticking = setInterval(() => void tick().catch(() => {}), 50)
afterFile(() => clearInterval(ticking))

/** Runs a verb in this process; resolves to what it printed. */
async function queue(...args: string[]): Promise<string> {
  const lines: string[] = []
  const log = vi.spyOn(console, 'log').mockImplementation(line => void lines.push(String(line)))
  try {
    const connection = ['--domain', 'orders', '--redis', url, '--prefix', prefix]
    await queueCommand().parseAsync([...args, ...connection], { from: 'user' })
  } finally {
    log.mockRestore()
  }
  return lines.join('\n')
}

test('an operator sets, pauses and resumes a queue, is told when all workers obey, and is put on record', async () => {
  const set = await queue(
    'set',
    'mail',
    '--concurrency',
    '30',
    '--worker-concurrency',
    '5',
    '--rate',
    '5/10m',
    '--by',
    'ada',
  )
  expect(set).toMatch(/^mail: concurrency 50 → 30, worker concurrency 20 → 5, rate - → 5\/10 min; version 1$/m)
  expect(set).toMatch(/^obeyed by 1 worker after \d\.\d s$/m)
  expect(await queue('pause', 'mail')).toContain('mail: paused no → yes; version 2')
  expect(await queue('list')).toMatch(/^mail +0 +- +0 +0 +30 +5 +0 +5\/10 min +paused +2 +1 +1$/m)
  expect(await queue('resume', 'mail')).toContain('mail: paused yes → no; version 3')
  expect(await queue('set', 'mail', '--rate', 'none', '--wait', '0s')).toBe('mail: rate 5/10 min → -; version 4')

  const history = await queue('history', 'mail')
  expect(history.split('\n').map(line => line.trim().split(/ {2,}/).slice(1, 4))).toEqual([
    ['VERSION', 'BY', 'CHANGE'],
    ['4', expect.stringContaining('@'), 'rate 5/10 min → -'],
    ['3', expect.stringContaining('@'), 'paused yes → no'],
    ['2', expect.stringContaining('@'), 'paused no → yes'],
    ['1', 'ada', 'concurrency 50 → 30, worker concurrency 20 → 5, rate - → 5/10 min'],
    ['0', 'vm:7:a', 'concurrency 50, worker concurrency 20, prefetch 0, rate -, paused no'],
  ])
  expect(JSON.parse(await queue('history', 'mail', '--json', '--limit', '1'))).toMatchObject([{ to: { version: 4 } }])
})

test('shows settings, fleet and what happened', async () => {
  await until(async () => (await queue('list')).endsWith(' 4        1       1'), { what: 'version 4 is obeyed' })
  const shown = await queue('show', 'mail')
  expect(shown).toContain('mail in orders: on')
  expect(shown).toContain('fleet     1 worker, of which 1 obey version 4')
  expect(shown).toMatch(/^vm:7:a +vm +7 +0\.1\.0 +0 +5 +4 .* Send 1\.0$/m)
  expect(shown).toMatch(/^all +0 +0 +0 +0 +- /m)
  expect(await queue('workers')).toMatch(/^vm:7:a +vm +7 +0\.1\.0 +0 .* ago +Send 1\.0$/m)
  expect(JSON.parse(await queue('show', 'mail', '--json'))).toMatchObject({
    ...{ taskList: 'mail', settings: { version: 4 }, observed: [{ worker: { pid: 7 } }], statistics: { completed: 0 } },
  })
  expect(JSON.parse(await queue('list', '--json'))).toMatchObject([{ taskList: 'mail' }])
})

test('refuses what is out of date, out of range or unknown; says who does not obey', async () => {
  await expect(queue('set', 'mail', '--prefetch', '1', '--expected-version', '3')).rejects.toMatchObject({
    code: 'VERSION_CONFLICT',
  })
  await expect(queue('set', 'mail', '--prefetch', '10001')).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
  await expect(queue('pause', 'male')).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('there are mail') as string,
  })
  obeying = false
  await expect(queue('pause', 'mail', '--wait', '300ms')).rejects.toMatchObject({
    code: 'NOT_OBEYED',
    message: expect.stringContaining('vm:7:a did not obey') as string,
  })
  // Whoever does not obey keeps no other queue going.
  await announce(redis, prefix, 'orders', { id: 'vm:7:a', host: 'vm', pid: 7, version: '0.1.0', ...types }, ['post'])
  await queue('pause', 'post', '--wait', '300ms')
  await expect(queue('resume', 'mail', 'post', '--wait', '300ms')).rejects.toMatchObject({ code: 'NOT_OBEYED' })
  await expect(queue('pause', 'mail', 'poste')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  for (const name of ['mail', 'post'])
    expect(JSON.parse(await queue('history', name, '--json', '--limit', '1'))).toMatchObject([
      { to: { paused: false } },
    ])
})
