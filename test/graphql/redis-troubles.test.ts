// A Redis that looks connected and does not do its part: what clients get to hear, and that it comes back by itself.

import { expect, test } from 'vitest'
import { queueKey } from '../../src/queues/keys.js'
import { ownRedis, redisCommand } from '../support/redis.js'
import { tcpProxy } from '../support/tcp-proxy.js'
import { until } from '../support/until.js'
import { announceWorker, DOMAIN, startGateway, startStack, TASK_LIST, TYPE } from './fixture.js'

const redis = await ownRedis({ persistence: 'none' })
const network = await tcpProxy(() => redis.port)
const near = { url: redis.url, prefix: 'swf-gateway' }
const { swf, ...other } = await startStack({ redis: near, prefix: near.prefix })
const { ask, url, gateway, logged } = await startGateway({
  swf,
  redis: { url: `redis://127.0.0.1:${network.port}` },
})
await announceWorker(near, [TASK_LIST])

const UPDATE = `mutation ($rate: Int!) {
  updateQueue(input: { taskList: "${TASK_LIST}", concurrency: $rate }) { queue { settings { concurrency } } }
}`
const isWell = () => until(async () => (await gateway.readiness()).length === 0, { what: 'the gateway is well' })
const START = `mutation ($id: String!) { startExecution(input: { workflowId: $id, type: "${TYPE.name}" }) { created } }`

test.each([
  ['is full', ['maxmemory', '1'], ['maxmemory', '0'], 'OOM'],
  ['has too few replicas', ['min-replicas-to-write', '1'], ['min-replicas-to-write', '0'], 'NOREPLICAS'],
])(
  'Redis %s: mutations that need it say REDIS_UNAVAILABLE, those that need SWF are done',
  async (id, ill, well, why) => {
    await isWell()
    await redisCommand(redis.url, 'CONFIG', 'SET', ...ill)
    expect((await ask(UPDATE, { rate: 7 })).errors).toMatchObject([
      {
        message: 'Redis takes no writes: try again; what only needs SWF still works',
        extensions: { code: 'REDIS_UNAVAILABLE' },
      },
    ])
    expect(logged.at(-1)).toMatchObject({ err: expect.stringContaining(why) as string, code: 'REDIS_UNAVAILABLE' })
    expect((await ask(START, { id })).data).toEqual({ startExecution: { created: true } })
    await until(async () => (await (await fetch(`${url}/readyz`)).text()).includes(why), { what: '/readyz says why' })
    await redisCommand(redis.url, 'CONFIG', 'SET', ...well)
    expect((await ask(UPDATE, { rate: 8 })).errors).toBeUndefined()
  },
)

test('a user who may not touch queues: mutations say REDIS_UNAVAILABLE, and whom to tell', async () => {
  await redisCommand(redis.url, 'ACL', 'SETUSER', 'poor', 'on', '>secret', '~swf-gateway:*', '+@all')
  const poor = await startGateway({ swf, redis: { url: redis.url.replace('//', '//poor:secret@') } })
  expect((await poor.ask(UPDATE, { rate: 7 })).errors).toMatchObject([
    { message: expect.stringContaining('tell its operator') as string, extensions: { code: 'REDIS_UNAVAILABLE' } },
  ])
  const lacks = await until(() => poor.gateway.readiness(), { what: 'it says what lacks' })
  expect(lacks).toMatchObject([
    { stops: false, what: expect.stringContaining(`${queueKey('swf-gateway', DOMAIN, 'any')}:probe`) as string },
  ])
})

test('connections go quiet: queues and the index are there again by themselves', async () => {
  await isWell()
  network.freeze()
  expect((await other.ask(START, { id: 'meanwhile' })).data).toEqual({ startExecution: { created: true } })
  await until(async () => !(await ask(UPDATE, { rate: 9 })).errors, { what: 'queues can be tuned again' })
  await until(
    async () =>
      (await ask('{ executions(first: 50) { nodes { workflowId } } }')).data.executions.nodes.some(
        ({ workflowId }: { workflowId: string }) => workflowId === 'meanwhile',
      ),
    { what: 'the index has heard of what happened meanwhile' },
  )
  await isWell()
})
