import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { expect, test } from 'vitest'
import type { Operations } from '../../src/graphql/operation.js'
import { EventStreams } from '../../src/graphql/sse.js'
import { afterFile } from '../support/dispose.js'
import { until } from '../support/until.js'

test('asks for no more updates than a paused client takes', async () => {
  let pulled = 0
  let ended = false
  const endless = {
    next: async () => ({ done: false, value: { data: { update: { text: 'x'.repeat(10_000), n: ++pulled } } } }),
    return: async () => ((ended = true), { done: true, value: undefined }),
    [Symbol.asyncIterator]: () => endless,
  }
  const operations = { prepare: () => ({ kind: 'subscription' }), run: async () => endless } as unknown as Operations
  const streams = new EventStreams({ operations, isFull: () => false })
  const server = createServer(express().get('/', (request, response) => streams.handle(request, response)))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  afterFile(() => server.close())

  const client = request({
    port: (server.address() as AddressInfo).port,
    path: '/?query=x',
    headers: { accept: 'text/event-stream' },
  })
  client.end()
  client.on('error', () => {})
  await new Promise(resolve => client.once('response', resolve))
  let before = -1
  await until(() => (pulled > 0 && pulled === before) || ((before = pulled), false), {
    what: 'nothing more is pulled',
    every: 100,
  })
  // What the sockets of both sides hold.
  expect(pulled * 10_000).toBeLessThan(20_000_000)
  expect(ended).toBe(false)
  client.destroy()
  await until(() => ended, { what: 'the source is told that the client has gone' })
})
