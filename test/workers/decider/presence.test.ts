import { expect, test } from 'vitest'
import { Publisher } from '../../../src/feed/publisher.js'
import { Tail } from '../../../src/feed/tail.js'
import { domainKey } from '../../../src/queues/keys.js'
import { Queues } from '../../../src/queues/queue.js'
import { closeRedis, connectRedis } from '../../../src/redis.js'
import { createLog } from '../../../src/telemetry.js'
import { FeedAnnouncer } from '../../../src/workers/decider/announcer.js'
import { defineWorkflow } from '../../../src/workflow/index.js'
import { afterFile } from '../../support/dispose.js'
import { testRedis } from '../../support/redis.js'
import { connected } from '../../support/redis-connection.js'
import { startStack } from '../../support/stack.js'
import { until } from '../../support/until.js'

const order = defineWorkflow('Order', '2', { taskList: 'orders' }, async () => 'done')
const parcel = defineWorkflow('Parcel', '1', { taskList: 'parcels' }, async () => 'done')
const { prefix, url } = testRedis()
const log = createLog('test', 'silent')
const stack = await startStack({ workflows: [order, parcel] })
await stack.parts.decider.stop()

const redis = await connected(url)
const queues = new Queues({ redis, prefix, log })
const listed = async () => (await queues.deciders(stack.domain)).map(decider => decider.workflowTypes[0]!.name)
/** Waits until deciders of just these workflows are listed. */
const listing = (...names: string[]) =>
  until(async () => (await listed()).sort().join() === names.join() || undefined, {
    what: `the deciders of ${names.join(' and ') || 'nothing'} are listed`,
  })

/** A decider's announcer with a connection of its own, which is its life as others see it. */
function announcerAt(url: string) {
  const redis = connectRedis({ url, name: 'test:decider', log })
  afterFile(() => closeRedis(redis))
  const { swf, domain } = stack
  const publisher = new Publisher({ redis, swf, prefix, log })
  const tail = new Tail({ swf, publisher, redis, prefix, log })
  const queues = new Queues({ redis, prefix, log })
  return { redis, announcer: new FeedAnnouncer({ publisher, tail, queues, domain, log }) }
}

test('a decider is listed while it works, and no more when it has stopped', async () => {
  const decider = await stack.addDecider([order, parcel])
  await listing('Order')
  const [shown] = await queues.deciders(stack.domain)
  expect(shown).toMatchObject({
    ...{ pid: process.pid, taskLists: ['orders', 'parcels'], cached: 0 },
    workflowTypes: [
      { name: 'Order', version: '2' },
      { name: 'Parcel', version: '1' },
    ],
  })
  expect(shown!.lastSeen).toBeGreaterThanOrEqual(shown!.startedAt)
  await until(async () => (await queues.deciders(stack.domain))[0]!.lastSeen > shown!.lastSeen, {
    what: 'it shows itself again',
  })

  await decider.stop()
  expect(await listed()).toEqual([])
  expect(await redis.hlen(`${domainKey(prefix, stack.domain)}:deciders`)).toBe(0)
})

test('a decider that died goes a minute after its last sign of life', async () => {
  const key = domainKey(prefix, stack.domain)
  const dying = announcerAt(url)
  await stack.addDecider([parcel], { announcer: dying.announcer })
  await listing('Parcel')
  dying.redis.disconnect()
  const [dead] = await queues.deciders(stack.domain)

  // As if it had been seen so long ago: first not quite a minute, then a minute.
  await redis.zincrby(`${key}:decidersSeen`, -30_000, dead!.id)
  expect(await listed()).toEqual(['Parcel'])
  await redis.zincrby(`${key}:decidersSeen`, -30_000, dead!.id)
  expect(await listed()).toEqual([])

  const living = await stack.addDecider([order])
  await listing('Order')
  expect(await redis.hexists(`${key}:deciders`, dead!.id), 'nothing of it is kept').toBe(0)
  await living.stop()
})

test('a decider without Redis decides, and stops', async () => {
  const { announcer } = announcerAt('redis://127.0.0.1:9')
  const decider = await stack.addDecider([order], { announcer })
  const { runId } = await stack.swf.startWorkflowExecution({
    ...{ domain: stack.domain, workflowId: 'o1', workflowType: { name: 'Order', version: '2' } },
  })
  await until(
    async () =>
      (await stack.history({ workflowId: 'o1', runId: runId! })).at(-1)?.eventType === 'WorkflowExecutionCompleted',
    { what: 'the order completes' },
  )
  expect(await listed()).toEqual([])
  await decider.stop()
})
