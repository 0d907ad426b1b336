// How many operations a socket has at a time, and how many connections a gateway.

import { once } from 'node:events'
import { request } from 'node:http'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { LIMITS } from '../../src/graphql/limits.js'
import { afterFile } from '../support/dispose.js'
import { until } from '../support/until.js'
import { startGateway, startStack } from './fixture.js'

const UPDATES = 'subscription { executionUpdates { ... on Resync { cursor } } }'

interface Message {
  type: string
  id?: string
  payload?: { extensions: { code: string } }[]
}

/** Opens a socket of the protocol; rejects with what the gateway answered instead. */
async function open(url: string) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  afterFile(() => socket.terminate())
  const messages: Message[] = []
  socket.on('message', data => messages.push(JSON.parse(String(data)) as Message))
  await once(socket, 'open')
  const send = (message: object) => socket.send(JSON.stringify(message))
  send({ type: 'connection_init' })
  await until(() => messages.length > 0, { what: 'the gateway acknowledges' })
  return {
    socket,
    messages,
    subscribe: (id: string) => send({ type: 'subscribe', id, payload: { query: UPDATES } }),
    complete: (id: string) => send({ type: 'complete', id }),
  }
}

test('a socket has so many operations at a time, and goes on after one more is refused', async () => {
  const { url, metrics } = await startStack()
  const { subscribe, complete, messages, socket } = await open(url)
  const subscribers = async () => (await metrics.subscribers.get()).values[0]?.value
  const refused = () => messages.filter(({ type }) => type === 'error')
  for (let n = 0; n < LIMITS.subscriptions + 1_000; n++) subscribe(String(n))
  await until(() => refused().length === 1_000, { what: 'those over the limit are refused' })
  expect(new Set(refused().map(({ payload }) => payload![0]!.extensions.code))).toEqual(new Set(['LIMIT_EXCEEDED']))
  await until(async () => (await subscribers()) === LIMITS.subscriptions, { what: 'the others are open' })

  complete('0')
  await until(async () => (await subscribers()) === LIMITS.subscriptions - 1, { what: 'one has ended' })
  subscribe('again')
  await until(async () => (await subscribers()) === LIMITS.subscriptions, { what: 'its place is taken' })
  expect([refused().length, socket.readyState]).toEqual([1_000, WebSocket.OPEN])
})

test('a gateway that is full says so, to sockets and event streams, until there is room', async () => {
  const { swf, redis } = await startStack()
  const { url } = await startGateway({ swf, redis, prefix: redis.prefix, maxConnections: 2 })
  const stream = () =>
    new Promise<{ status: number; retry?: string; end: () => void }>((resolve, reject) => {
      const sent = request(`${url}/graphql/stream`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
        agent: false,
      })
      sent.on('error', reject)
      sent.on('response', response => {
        response.resume()
        const retry = response.headers['retry-after']
        resolve({ status: response.statusCode!, ...(retry && { retry }), end: () => sent.destroy() })
      })
      sent.end(JSON.stringify({ query: UPDATES }))
    })
  const first = await stream()
  const { socket } = await open(url)
  expect(first.status).toBe(200)
  await expect(open(url)).rejects.toThrow('503')
  expect(await stream()).toMatchObject({ status: 503, retry: '10' })

  socket.terminate()
  await until(
    () =>
      open(url).then(
        () => true,
        () => false,
      ),
    { what: 'the place of the socket is free' },
  )
  first.end()
  await until(async () => (await stream()).status === 200, { what: 'the place of the stream is free' })
})
