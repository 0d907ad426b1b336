import { hostname } from 'node:os'
import { expect, test } from 'vitest'
import { defineSignal, defineWorkflow } from '../../src/workflow/index.js'
import { startStack } from '../support/stack.js'
import { until } from '../support/until.js'

const go = defineSignal('go')
const order = defineWorkflow('Order', '2', { taskList: 'orders' }, () => go.receive())
const parcel = defineWorkflow('Parcel', '1', { taskList: 'parcels' }, () => go.receive())
const stack = await startStack({ workflows: [order, parcel] })

const DECIDERS = `query ($domain: String) { deciders(domain: $domain) {
  id host pid version taskLists workflowTypes { name version } cached startedAt lastSeen
} }`
const deciders = async (domain?: string) => (await stack.graphql(DECIDERS, { domain })).deciders
const node = async (id: string) =>
  (await stack.graphql('query ($id: ID!) { node(id: $id) { __typename id ... on Decider { pid } } }', { id })).node

test('tells which deciders there are, what they decide and how much they keep in memory', async () => {
  await stack.graphql('mutation { startExecution(input: { workflowId: "o1", type: "Order" }) { created } }')
  const shown = await until(async () => (await deciders()).find((one: any) => one.cached === 1), {
    what: 'a decider keeps the order in memory',
  })
  expect(shown).toEqual({
    ...{ id: expect.any(String), host: hostname(), pid: process.pid, version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
    taskLists: ['orders', 'parcels'],
    workflowTypes: [
      { name: 'Order', version: '2' },
      { name: 'Parcel', version: '1' },
    ],
    ...{ cached: 1, startedAt: expect.stringMatching(/Z$/), lastSeen: expect.stringMatching(/Z$/) },
  })
  expect(await node(shown.id)).toEqual({ __typename: 'Decider', id: shown.id, pid: process.pid })
  expect(await deciders(stack.domain)).toHaveLength(1)

  await stack.parts.decider.stop()
  expect(await deciders()).toEqual([])
  expect(await node(shown.id)).toBeNull()
})
