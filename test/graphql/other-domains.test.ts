// Domains other than the gateway's own: listed, kept up to date, and let go again.

import { createClient } from 'graphql-ws'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { register } from '../../src/swf/registration.js'
import { afterFile } from '../support/dispose.js'
import { connected } from '../support/redis-connection.js'
import { until } from '../support/until.js'
import { startGateway, startStack, TYPE } from './fixture.js'

const OTHER = 'warehouse'
const { swf, redis } = await startStack()
const commands = await connected(redis.url)
const workflowType = {
  ...{ ...TYPE, defaultTaskList: { name: 'orders' }, defaultTaskStartToCloseTimeout: '60' },
  ...{ defaultExecutionStartToCloseTimeout: '3600', defaultChildPolicy: 'TERMINATE' as const },
}
await register(swf, { domain: OTHER, workflowTypes: [workflowType], activityTypes: [] })
const startElsewhere = (workflowId: string) =>
  swf.startWorkflowExecution({ domain: OTHER, workflowId, workflowType: TYPE })

/** Whether a sweeper of somebody holds the lease of the other domain. */
const isSwept = async () => (await commands.hexists(`${redis.prefix}:{${OTHER}}:sweep`, 'holder')) === 1

const LIST = `{ executions(domain: "${OTHER}") { updatesCursor indexing { done } nodes { workflowId status } } }`

test('what others start and end there is listed, and the index of it gets complete', async () => {
  await startElsewhere('order-1')
  const { ask, gateway } = await startGateway({ swf, redis, prefix: redis.prefix, sweepInterval: 100 })
  const first = (await ask(LIST)).data.executions
  // Nothing may be missed behind a cursor: there is none before the list is complete.
  if (first.indexing) expect(first.updatesCursor).toBeNull()
  const listed = (...nodes: object[]) =>
    until(
      async () => {
        const { data } = await ask(LIST)
        return JSON.stringify(data.executions.nodes) === JSON.stringify(nodes) && data.executions
      },
      { what: `${JSON.stringify(nodes)} are listed` },
    )
  await listed({ workflowId: 'order-1', status: 'OPEN' })
  // What was read anew is walked again, so it may be complete for a moment before.
  await until(
    async () => {
      const { indexing, updatesCursor } = (await ask(LIST)).data.executions
      expect(updatesCursor === null).toBe(indexing !== null)
      return updatesCursor !== null
    },
    { what: 'the index is complete' },
  )

  await swf.terminateWorkflowExecution({ domain: OTHER, workflowId: 'order-1' })
  await listed({ workflowId: 'order-1', status: 'TERMINATED' })
  await gateway.stop()
})

test('one that nobody asks for is let go, and taken up again; one that somebody listens to stays', async () => {
  const { ask, url } = await startGateway({ swf, redis, prefix: redis.prefix, sweepInterval: 50, domainIdle: 200 })
  await ask(LIST)
  await until(isSwept, { what: 'the other domain is swept' })
  await until(async () => !(await isSwept()), { what: 'it is let go' })

  const client = createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket })
  afterFile(() => client.dispose())
  const query = `subscription { executionUpdates(domain: "${OTHER}") { ... on ExecutionChanged { workflowId status } } }`
  const updates = client.iterate({ query })
  const next = updates.next()
  await until(isSwept, { what: 'whoever listens has it swept' })
  await startElsewhere('order-2')
  // Many times as long as a domain is kept that nobody asks for.
  for (let n = 0; n < 8; n++) {
    await new Promise(resolve => setTimeout(resolve, 200))
    expect(await isSwept()).toBe(true)
  }
  expect((await next).value).toMatchObject({ data: { executionUpdates: { workflowId: 'order-2', status: 'OPEN' } } })
  await updates.return!()
  await until(async () => !(await isSwept()), { what: 'it is let go again' })

  await startElsewhere('order-3')
  await until(
    async () =>
      (await ask(LIST)).data.executions.nodes.some((node: { workflowId: string }) => node.workflowId === 'order-3'),
    { what: 'asked for again, it lists what came meanwhile' },
  )
})

test('that another domain is being indexed does not make the gateway less ready', async () => {
  const { ask, url, gateway } = await startGateway({ swf, redis, prefix: redis.prefix })
  await until(async () => (await fetch(`${url}/readyz`)).status === 200, { what: 'the gateway is ready' })
  await register(swf, { domain: 'third', workflowTypes: [], activityTypes: [] })
  await ask('{ executions(domain: "third") { nodes { runId } } }')
  expect(await gateway.readiness()).toEqual([])
})
