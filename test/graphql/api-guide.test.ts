// Every query of docs/api.md, executed against the whole stack with the order example.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, validate, buildSchema } from 'graphql'
import { expect, test } from 'vitest'
import { startStack } from '../support/stack.js'
import { tmpDir } from '../support/tmp.js'
import { until } from '../support/until.js'

process.env.ORDER_STORE = join(tmpDir('orders'), 'orders.db')
const { handlers, workflows, example } = await import('../../examples/order-saga/app.js')

const stack = await startStack({ workflows, handlers })
const guide = readFileSync('docs/api.md', 'utf8')
const blocks = [...guide.matchAll(/```graphql\n(.*?)```/gs)].map(match => match[1]!)
const schema = buildSchema(readFileSync('src/graphql/schema.graphql', 'utf8'))

const nameOf = (text: string) => {
  const [definition] = parse(text).definitions
  return definition && 'name' in definition ? definition.name!.value : ''
}
const run = (name: string) => stack.graphql(blocks.find(text => nameOf(text) === name)!)

test('every block is of the schema', () => {
  expect(blocks.length).toBeGreaterThan(8)
  for (const text of blocks) expect(validate(schema, parse(text))).toEqual([])
})

test('an order is started, seen waiting, released, and read', async () => {
  const client = stack.subscriber()
  const updates: any[] = []
  const subscription = blocks.find(text => nameOf(text) === 'Updates')!
  const following = client.iterate<any>({ query: subscription, variables: {} })
  const followed = (async () => {
    for await (const { data, errors } of following) updates.push(errors ?? data!.executionUpdates)
  })()
  expect(await run('Start')).toMatchObject({ startExecution: { created: true } })
  const where = await until(
    async () => {
      const { execution } = await run('Where')
      return execution.state?.held === 'payment' && execution
    },
    { what: 'the order is held' },
  )
  expect(where).toMatchObject({ status: 'OPEN', saga: { state: 'RUNNING' } })
  expect(where.pending.map((one: any) => one.__typename)).toContain('PendingTimer')
  const { open, executionCounts } = await run('Overview')
  expect(open.nodes.map((one: any) => one.workflowId)).toContain('order-17')
  expect(executionCounts.groups).toContainEqual({ type: 'OrderSaga', status: 'OPEN', count: 1 })

  await run('Signal')
  await until(async () => (await run('Where')).execution.status === 'COMPLETED', { what: 'the order completes' })
  const figures = await until(
    async () => {
      const { stats } = await run('Figures')
      return stats.total.completed === 1 && stats
    },
    { what: 'the completion is in the index' },
  )
  expect(figures.types).toMatchObject([{ type: 'OrderSaga', started: 1, completed: 1, failed: 0, successRate: 1 }])
  expect((await run('Progress')).executions).toEqual({ indexedUpTo: expect.any(String), indexing: null })
  const { execution } = await run('History')
  expect(execution.history.nodes.length).toBeGreaterThan(2)
  const { queues, deciders } = await run('Queues')
  expect(deciders).toMatchObject([{ pid: process.pid, workflowTypes: [{ name: 'OrderSaga' }] }])
  expect(queues.map((queue: any) => queue.taskList)).toContain('activities')
  expect((await run('Tune')).updateQueue.queue.settings.version).toBeGreaterThan(0)
  expect((await run('Errors')).errorCodes).toContain('THROTTLED')

  const events: any[] = []
  const query = blocks.find(text => nameOf(text) === 'Events')!
  for await (const { data } of client.iterate<any>({ query })) events.push(data!.historyEvents.node.eventType)
  expect(events.at(-1)).toBe('WorkflowExecutionCompleted')
  await until(() => updates.some(update => update.status === 'COMPLETED'), { what: 'the end is told' })
  await following.return!()
  await followed
  expect(updates.every(update => update.cursor)).toBe(true)
  expect(example.type).toBe('OrderSaga')
})
