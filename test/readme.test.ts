// What the README shows to copy is what the schema takes, and what the example's contracts take.

import { readdirSync, readFileSync } from 'node:fs'
import { buildSchema, parse, validate, visit, valueFromASTUntyped } from 'graphql'
import { expect, test } from 'vitest'
import { parseQueueDefaults } from '../src/queues/defaults.js'
import { createMetrics } from '../src/telemetry.js'
import { example } from '../examples/order-saga/app.js'
import { Order } from '../examples/order-saga/order.js'

const readme = readFileSync('README.md', 'utf8')
const schema = buildSchema(readFileSync('src/graphql/schema.graphql', 'utf8'))
const queriesOf = (text: string) => [...text.matchAll(/```graphql\n(.*?)```/gs)].map(match => match[1]!)
const documents = queriesOf(readme)
const guides = readdirSync('docs').flatMap(name => queriesOf(readFileSync(`docs/${name}`, 'utf8')))

test('the README shows a mutation, a query and a subscription', () => {
  const kinds = documents.flatMap(text => parse(text).definitions.map(it => ('operation' in it ? it.operation : '')))
  expect(new Set(kinds)).toEqual(new Set(['mutation', 'query', 'subscription']))
})

test.each([...documents, ...guides])('%s', text => {
  expect(validate(schema, parse(text))).toEqual([])
})

test('the order of the README and the one that npm start shows are orders', () => {
  expect(Order.safeParse(example.input).error).toBeUndefined()
  const inputs: unknown[] = []
  visit(parse(documents.find(text => text.includes('startExecution'))!), {
    ObjectField: field => {
      if (field.name.value === 'input' && field.value.kind === 'ObjectValue')
        inputs.push(valueFromASTUntyped(field.value))
    },
  })
  expect(Order.safeParse(inputs.at(-1)).error).toBeUndefined()
})

test('the unit test that docs/local-swf.md shows is one that runs', () => {
  const shown = /```ts\n(import.*?)```/s.exec(readFileSync('docs/local-swf.md', 'utf8'))![1]!
  const source = readFileSync('test/examples/local-swf.test.ts', 'utf8')
  expect(source.endsWith(`\n\n${shown}`)).toBe(true)
})

const bridge = readFileSync('docs/bridge.md', 'utf8')

test('the operations of docs/bridge.md are what the schema takes', () => {
  const shown = [...bridge.matchAll(/```graphql\n(.*?)```/gs)].map(match => match[1]!)
  expect(shown.length).toBeGreaterThan(2)
  for (const text of shown) expect(validate(schema, parse(text))).toEqual([])
})

test('the defaults of queues that docs/bridge.md shows are taken, and the metrics that it names are there', async () => {
  const [, json] = /```json\n(.*?)```/s.exec(bridge)!
  const { queues } = JSON.parse(json!) as { queues: object }
  expect(Object.keys(parseQueueDefaults(JSON.stringify(queues)))).toEqual(['activities', 'payments'])
  const names = new Set((await createMetrics('worker').registry.getMetricsAsJSON()).map(({ name }) => name))
  for (const [name] of bridge.matchAll(/swf_gateway_\w+/g)) expect([name, names.has(name)]).toEqual([name, true])
})
