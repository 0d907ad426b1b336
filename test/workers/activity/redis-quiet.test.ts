// The network before Redis forgets a worker's connections, and neither end hears of it.

import { expect, test } from 'vitest'
import { implement } from '../../../src/workers/definitions.js'
import { ownRedis } from '../../support/redis.js'
import { tcpProxy } from '../../support/tcp-proxy.js'
import { until } from '../../support/until.js'
import { activity, stage } from './stage.js'

const redis = await ownRedis({ persistence: 'none' })
const network = await tcpProxy(() => redis.port)
const { worker, execution } = await stage({ url: `redis://127.0.0.1:${network.port}`, prefix: 'quiet' })
const handlers = [implement(activity('Work'), async (input: string) => input)]

test('a worker is ready again, and runs what it polls and what waits in BullMQ', async () => {
  const running = await worker(handlers, { queues: { activities: { workerConcurrency: 1, prefetch: 5 } } })
  const run = await execution()
  await run.schedule({ before: { input: 'before' } })
  expect(await run.closed('before')).toMatchObject({ result: 'before' })
  network.freeze()
  await until(async () => (await running.readiness()).some(({ stops }) => stops), {
    what: 'it says that Redis is silent',
  })
  await until(async () => (await running.readiness()).length === 0, { what: 'it is ready again' })
  const tasks = Object.fromEntries([1, 2, 3, 4, 5].map(n => [`after-${n}`, { input: `after-${n}` }]))
  await run.schedule(tasks)
  for (const id of Object.keys(tasks)) expect(await run.closed(id)).toMatchObject({ result: id })
})
