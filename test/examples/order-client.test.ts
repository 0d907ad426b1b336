// The demo's client, against a gateway that fails on cue.

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buildSchema } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { afterEach, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { cancelOrder, startOrder } from '../../examples/order-saga/api.js'
import { GatewayClient, GatewayError } from '../../examples/order-saga/client.js'
import { Order } from '../../examples/order-saga/order.js'
import { readOrders } from '../../examples/order-saga/orders-file.js'
import { ORDERS } from './orders.js'

interface Sent {
  query: string
  variables: Record<string, unknown>
}

const stop: (() => void)[] = []
afterEach(() => {
  for (const end of stop.splice(0)) end()
})

const order = Order.parse(readOrders(ORDERS)[0])
const data = (value: object) => ({ data: value })
const refused = (code: string) => ({ errors: [{ message: 'no', extensions: { code } }] })

/** Starts a gateway that gives these answers, one after the other; `lost` breaks the connection. */
async function gateway(answers: (object | 'lost')[]): Promise<{ client: GatewayClient; sent: Sent[]; server: Server }> {
  const sent: Sent[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      sent.push(JSON.parse(Buffer.concat(parts).toString()) as Sent)
      const answer = answers.shift()
      if (answer === 'lost') request.socket.destroy()
      else response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const ending = new AbortController()
  stop.push(() => {
    ending.abort()
    server.close()
    server.closeAllConnections()
  })
  const place = `127.0.0.1:${(server.address() as AddressInfo).port}/graphql`
  const endpoints = { graphql: `http://${place}`, graphqlWs: `ws://${place}` }
  return { client: new GatewayClient(endpoints, ending.signal), sent, server }
}

test('a query is repeated while SWF, Redis or the gateway is away', async () => {
  const answers = [refused('SWF_UNAVAILABLE'), 'lost' as const, refused('REDIS_UNAVAILABLE'), data({ n: 1 })]
  const { client, sent } = await gateway(answers)
  expect(await client.ask('{ n }')).toEqual({ n: 1 })
  expect(sent).toHaveLength(4)
})

test('an answer that another try would not mend is thrown, with its code', async () => {
  const { client, sent } = await gateway([refused('TYPE_NOT_FOUND')])
  await expect(client.ask('{ n }')).rejects.toThrow(GatewayError)
  expect(sent).toHaveLength(1)
})

test('an order is started again under the same key, unless it is there already', async () => {
  const unknown = await gateway(['lost', data({ execution: null }), data({ startExecution: {} })])
  await startOrder(unknown.client, order)
  expect(unknown.sent).toHaveLength(3)
  expect(unknown.sent[0]).toEqual(unknown.sent[2])
  expect(unknown.sent[0]!.variables).toMatchObject({ input: { workflowId: order.id, idempotencyKey: order.id } })
  const there = await gateway(['lost', data({ execution: { workflowId: order.id, status: 'COMPLETED' } })])
  await startOrder(there.client, order)
  expect(there.sent).toHaveLength(2)
})

test('an order that has closed meanwhile takes no harm from what is asked of it', async () => {
  const { client } = await gateway([refused('EXECUTION_CLOSED'), refused('FORBIDDEN')])
  await cancelOrder(client, order.id)
  await expect(cancelOrder(client, order.id)).rejects.toThrow('FORBIDDEN')
})

test('a subscription that breaks goes on after its last cursor', async () => {
  const { client, server } = await gateway([])
  const asked: unknown[] = []
  const socket = new WebSocketServer({ server, path: '/graphql' })
  async function* numbers({ after }: { after?: string }) {
    asked.push(after)
    const from = Number(after ?? 0)
    yield { numbers: from + 1 }
    yield { numbers: from + 2 }
    for (const connection of socket.clients) connection.terminate()
  }
  const schema = buildSchema('type Query { n: Int } type Subscription { numbers(after: String): Int }')
  const ended = useServer({ schema, roots: { subscription: { numbers } } }, socket)
  stop.unshift(() => void ended.dispose())
  const seen: number[] = []
  const query = 'subscription ($after: String) { numbers(after: $after) }'
  for await (const { numbers: n } of client.subscribe<{ numbers: number }>(query, '0', it => String(it.numbers)))
    if (seen.push(n) === 5) break
  expect(seen).toEqual([1, 2, 3, 4, 5])
  expect(asked).toEqual(['0', '2', '4'])
})

test('a subscription that is refused throws the code', async () => {
  const { client, server } = await gateway([])
  const socket = new WebSocketServer({ server, path: '/graphql' })
  const schema = buildSchema('type Query { n: Int } type Subscription { n: Int }')
  const ended = useServer({ schema, roots: {} }, socket)
  stop.unshift(() => void ended.dispose())
  const updates = client.subscribe('subscription { nothing }', '0', () => undefined)
  await expect(updates.next()).rejects.toThrow('nothing')
})
