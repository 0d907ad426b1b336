// How requests come and go: a stop that loses none, connections that outlive a proxy's, upgrades that nobody speaks, compression.

import { Agent, request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { register } from '../../src/swf/registration.js'
import { createSwfClient } from '../../src/swf/client.js'
import { afterFile } from '../support/dispose.js'
import { localSwf } from '../support/local-swf.js'
import { startCli } from '../support/process.js'
import { testRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { DOMAIN, startGateway, startStack, TYPE } from './fixture.js'

const JSON_TYPE = { 'content-type': 'application/json' }
const { url, swf, redis } = await startStack()

interface Answer {
  status: number
  headers: IncomingMessage['headers']
  body: Buffer
}

/** Sends a request on a connection of the agent; resolves when the answer is whole. */
function send(to: string, { body, headers = {}, agent = false }: Sent = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const sent = request(to, { method, headers: { ...(body && JSON_TYPE), ...headers }, agent }, response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk as Buffer))
      response.on('end', () => {
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) })
      })
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

interface Sent {
  body?: string
  headers?: Record<string, string>
  agent?: Agent | false
}

const asking = (query: string): Sent => ({ body: JSON.stringify({ query }) })

describe('a gateway that is told to stop', () => {
  /** A gateway in a process of its own, whose starts of executions take their time. */
  async function slowGateway(...args: string[]) {
    const local = await localSwf()
    const client = createSwfClient({ transport: 'http', endpoint: local.endpoint })
    afterFile(() => client.close())
    const type = {
      ...{ ...TYPE, defaultTaskList: { name: 'orders' }, defaultTaskStartToCloseTimeout: '60' },
      ...{ defaultExecutionStartToCloseTimeout: '3600', defaultChildPolicy: 'TERMINATE' as const },
    }
    await register(client, { domain: DOMAIN, workflowTypes: [type], activityTypes: [] })
    const { url: redisUrl, prefix } = testRedis()
    const cli = ['gateway', '--port', '0', '--domain', DOMAIN, '--endpoint', local.endpoint]
    const gateway = startCli([...cli, '--redis', redisUrl, '--prefix', prefix, ...args])
    const { port } = JSON.parse(await gateway.line('"message":"ready"')) as { port: number }
    local.faults.add({ kind: 'latency', action: 'StartWorkflowExecution', rate: 1, latency: '4s' })
    return { gateway, to: `http://127.0.0.1:${port}`, local }
  }
  const START = asking(`mutation { startExecution(input: { workflowId: "late", type: "${TYPE.name}" }) { created } }`)

  test('says so first, then ends what runs, and closes idle connections last', async () => {
    const { gateway, to } = await slowGateway('--drain-delay', '1s')
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    afterFile(() => agent.destroy())
    await until(async () => (await send(`${to}/readyz`, { agent })).status === 200, { what: 'the gateway is ready' })
    const started = send(`${to}/graphql`, START)
    gateway.kill('SIGTERM')
    await until(async () => (await send(`${to}/readyz`)).status === 503, { what: 'new connections hear of the stop' })
    await until(
      () =>
        send(`${to}/livez`).then(
          () => false,
          () => true,
        ),
      { what: 'no more connections are taken' },
    )
    // The connection from before is still good, and closes with its answer.
    const last = await send(`${to}/livez`, { agent })
    expect([last.status, last.headers.connection]).toEqual([200, 'close'])
    const { status, body } = await started
    expect([status, JSON.parse(String(body))]).toEqual([200, { data: { startExecution: { created: true } } }])
    expect((await gateway.exited).code).toBe(0)
  })

  test('waits for requests no longer than it was told', async () => {
    const { gateway, to } = await slowGateway('--drain', '200ms')
    const cut = send(`${to}/graphql`, START)
    const failed = expect(cut).rejects.toThrow('socket hang up')
    await until(async () => (await send(`${to}/metrics`)).body.includes('swf_gateway'), { what: 'it is there' })
    gateway.kill('SIGTERM')
    await failed
    expect((await gateway.exited).code).toBe(0)
  })
})

test('connections outlive those of a proxy, unless told otherwise', async () => {
  expect((await send(`${url}/livez`, { headers: { connection: 'keep-alive' } })).headers['keep-alive']).toBe(
    'timeout=620',
  )
  const short = await startGateway({ swf, redis, keepAlive: 30_000 })
  const { headers } = await send(`${short.url}/livez`, { headers: { connection: 'keep-alive' } })
  expect(headers['keep-alive']).toBe('timeout=30')
})

describe('a request that offers another protocol is answered over HTTP/1.1', () => {
  /** Sends bytes in pieces; resolves to what comes back, when it has come. */
  function raw(pieces: readonly string[], complete: (text: string) => boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1')
      afterFile(() => socket.destroy())
      let text = ''
      socket.on('data', data => {
        text += String(data)
        if (complete(text)) resolve(text)
      })
      socket.on('error', reject)
      socket.on('close', () => reject(new Error(`closed after: ${text}`)))
      const send = ([piece, ...others]: readonly string[]) => {
        if (piece === undefined) return
        socket.write(piece, () => setImmediate(send, others))
      }
      send(pieces)
    })
  }
  const H2C = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n'
  const QUERY = JSON.stringify({ query: '{ errorCodes }', variables: { long: 'x'.repeat(200_000) } })
  const head = `POST /graphql HTTP/1.1\r\nHost: localhost\r\n${H2C}Content-Type: application/json\r\nContent-Length: ${QUERY.length}\r\n\r\n`
  const isAnswer = (text: string) => text.includes('"THROTTLED"') && text.trimEnd().endsWith('}')

  test.each([
    ['in one piece', [head + QUERY]],
    ['with the body behind', [head, QUERY]],
    [
      'in many pieces',
      [head.slice(0, 20), head.slice(20) + QUERY.slice(0, 9), QUERY.slice(9, 70_000), QUERY.slice(70_000)],
    ],
  ])('%s', async (_, pieces) => {
    expect(await raw(pieces, isAnswer)).toMatch(/^HTTP\/1\.1 200 OK/)
  })

  test('and the connection goes on', async () => {
    const probe = `GET /livez HTTP/1.1\r\nHost: localhost\r\n`
    const twice = await raw([`${probe}${H2C}\r\n`, `${probe}\r\n`], text => text.split('ok\n').length === 3)
    expect(twice.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2)
  })

  test('by the door, too', async () => {
    const evil = `GET /livez HTTP/1.1\r\nHost: evil.example\r\n${H2C}\r\n`
    expect(await raw([evil], text => text.includes('evil.example'))).toMatch(/^HTTP\/1\.1 421/)
  })
})

describe('compression', () => {
  const accept = { 'accept-encoding': 'gzip' }

  test('large answers are compressed, small ones are not', async () => {
    const types = '{ __schema { types { name description fields { name description } } } }'
    const large = await send(`${url}/graphql`, { ...asking(types), headers: accept })
    expect(large.headers['content-encoding']).toBe('gzip')
    const plain = await send(`${url}/graphql`, asking(types))
    expect(plain.headers['content-encoding']).toBeUndefined()
    expect(large.body.length).toBeLessThan(plain.body.length / 3)
    const small = await send(`${url}/graphql`, { ...asking('{ errorCodes }'), headers: accept })
    expect(small.headers['content-encoding']).toBeUndefined()
  })

  test('events are not, and no proxy is to do it', async () => {
    const { status, headers, body } = await send(`${url}/graphql/stream`, {
      ...asking('{ __schema { types { name description } } }'),
      headers: { ...accept, accept: 'text/event-stream' },
    })
    expect([status, headers['content-encoding'], headers['cache-control']]).toEqual([
      200,
      undefined,
      'no-cache, no-transform',
    ])
    expect(String(body)).toContain('event: complete')
  })
})

test('below a path, all but the probes are there alone', async () => {
  const { url: root } = await startGateway({ swf, redis, basePath: '/workflows' })
  expect((await send(`${root}/workflows/graphql`, asking('{ errorCodes }'))).status).toBe(200)
  expect((await send(`${root}/workflows/graphql/`, asking('{ errorCodes }'))).status).toBe(200)
  expect((await send(`${root}/graphql`, asking('{ errorCodes }'))).status).toBe(404)
  expect((await send(`${root}/livez`)).status).toBe(200)
  const page = await send(`${root}/workflows/graphql/`, { headers: { accept: 'text/html' } })
  expect([page.status, page.headers.location]).toEqual([302, '../graphiql/'])
})
