import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { Door, type DoorOptions } from '../src/door.js'
import { ProbeServer } from '../src/probes.js'
import { createMetrics } from '../src/telemetry.js'
import { startStack } from './graphql/fixture.js'
import { startCli } from './support/process.js'
import { afterFile } from './support/dispose.js'

type Asked = Parameters<Door['refuse']>[0]

const asked = (headers: Record<string, string>, method = 'GET') =>
  ({ method, headers, socket: { localAddress: '10.1.2.3' } }) as unknown as Asked

const refused = (options: Partial<DoorOptions>, headers: Record<string, string>, method?: string) =>
  new Door({ host: '127.0.0.1', ...options }).refuse(asked(headers, method))?.status

const EVERYWHERE = { host: '0.0.0.0' }
const PUBLIC = { ...EVERYWHERE, publicUrl: 'https://flows.example.com/swf/' }

describe('the name that is asked for', () => {
  test.each<[string, Partial<DoorOptions>]>([
    ['localhost:4000', {}],
    ['LOCALHOST', {}],
    ['127.0.0.1:4000', {}],
    ['127.8.8.8', {}],
    ['[::1]:4000', {}],
    // The address at which the connection came in.
    ['10.1.2.3:4000', {}],
    ['192.168.7.7', EVERYWHERE],
    ['[2001:db8::7]:80', EVERYWHERE],
    ['localhost:4000', EVERYWHERE],
    ['gateway:4000', { ...EVERYWHERE, allowHosts: ['Gateway', 'other'] }],
    ['flows.example.com', PUBLIC],
  ])('%s passes with %j', (host, options) => {
    expect(refused(options, { host })).toBeUndefined()
  })

  test('is left out by HTTP/1.0', () => {
    expect(refused({}, {})).toBeUndefined()
  })

  test.each<[string, Partial<DoorOptions>]>([
    ['evil.example', {}],
    ['evil.example:4000', EVERYWHERE],
    ['127.0.0.1.evil.example', {}],
    ['localhost.evil.example', {}],
    ['evil.example:localhost', {}],
    ['0.0.0.0:4000', {}],
    ['192.168.7.7', {}],
    ['127.1', {}],
    ['2130706433', EVERYWHERE],
    ['[::1', {}],
    ['localhost@evil.example', {}],
    ['', EVERYWHERE],
    ['gateway', EVERYWHERE],
    ['sub.flows.example.com', PUBLIC],
  ])('%j is 421 with %j', (host, options) => {
    expect(refused(options, { host })).toBe(421)
  })
})

describe('the origin of a page', () => {
  const host = 'localhost:4000'
  const LISTED = { allowOrigins: ['https://shop.example.com', 'http://localhost:3000'] }

  test.each<[string, string, Partial<DoorOptions>]>([
    ['http://localhost:4000', host, {}],
    ['http://localhost', 'localhost', {}],
    ['http://[::1]:4000', '[::1]:4000', {}],
    ['https://shop.example.com', host, LISTED],
    ['http://localhost:3000', host, LISTED],
    ['https://flows.example.com', 'gateway.internal', { ...PUBLIC, allowHosts: ['gateway.internal'] }],
  ])('%s passes at %s with %j', (origin, name, options) => {
    expect(refused(options, { host: name, origin }, 'POST')).toBeUndefined()
  })

  test.each<[string, Partial<DoorOptions>]>([
    ['https://evil.example', {}],
    ['http://localhost:3000', {}],
    ['https://localhost:4000', {}],
    ['http://127.0.0.1:4000', {}],
    ['http://localhost:4000.evil.example', {}],
    ['http://localhost:4000/', {}],
    ['null', {}],
    ['', {}],
    ['file://', {}],
    ['http://localhost:4000, http://localhost:4000', {}],
    ['https://shop.example.com:8443', LISTED],
    ['http://shop.example.com', LISTED],
    ['https://SHOP.example.com', LISTED],
    ['https://a.shop.example.com', LISTED],
    ['http://flows.example.com', PUBLIC],
  ])('%j is 403 with %j', (origin, options) => {
    expect(refused(options, { host, origin }, 'POST')).toBe(403)
  })

  test('is named by the refusal, with what to do, in full only when it is short', () => {
    const message = (origin: string) => new Door({ host: '127.0.0.1' }).refuse(asked({ host, origin }))!.message
    expect(message('https://shop.example.com')).toContain('--allow-origin https://shop.example.com')
    expect(message(`https://${'x'.repeat(9_000)}`).length).toBeLessThan(1_000)
    expect(message('https://a\u001b[31m')).not.toContain('\u001b')
  })
})

describe('what a browser says of a request without an origin', () => {
  const fetched = (site: string, mode: string, dest: string, method = 'GET') =>
    refused({}, { host: 'localhost', 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest }, method)

  test.each(['cross-site', 'same-site'])('%s is refused, unless it opens a page', site => {
    expect(fetched(site, 'no-cors', 'image')).toBe(403)
    expect(fetched(site, 'no-cors', 'script')).toBe(403)
    expect(fetched(site, 'navigate', 'iframe')).toBe(403)
    expect(fetched(site, 'navigate', 'document', 'POST')).toBe(403)
    expect(fetched(site, 'navigate', 'document')).toBeUndefined()
  })

  test('its own pages and its user pass', () => {
    expect(fetched('same-origin', 'cors', 'empty')).toBeUndefined()
    expect(fetched('none', 'navigate', 'document')).toBeUndefined()
  })
})

test.each<[string, Partial<DoorOptions>]>([
  ['not the name of a host', { allowHosts: ['http://gateway'] }],
  ['not the name of a host', { allowHosts: ['gateway:4000'] }],
  ['not the name of a host', { allowHosts: ['*'] }],
  ['not an origin', { allowOrigins: ['*'] }],
  ['not an origin', { allowOrigins: ['null'] }],
  ['not an origin', { allowOrigins: ['https://shop.example.com/cart'] }],
  ['not an origin', { allowOrigins: ['shop.example.com'] }],
  ['not a URL of the web', { publicUrl: 'ftp://example.com' }],
])('%s is an error at the start: %j', (message, options) => {
  expect(() => new Door({ host: '127.0.0.1', ...options })).toThrow(message)
})

/** Asks with headers that `fetch` would not send. */
function send(url: string, headers: Record<string, string>, method = 'GET', body?: string) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, response => {
      let text = ''
      response.on('data', data => (text += String(data)))
      response.on('end', () => resolve({ status: response.statusCode!, text }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

describe('every port has the door', () => {
  test('of the gateway: each path, and WebSockets', async () => {
    const { url, metrics } = await startStack()
    const json = { 'content-type': 'application/json' }
    const query = '{"query":"{ errorCodes }"}'
    for (const path of ['/graphql', '/graphql/stream'])
      for (const [headers, status] of [
        [{ host: 'evil.example' }, 421],
        [{ origin: 'https://evil.example' }, 403],
        [{ origin: url }, 200],
      ] as const)
        expect((await send(url + path, { ...json, ...headers }, 'POST', query)).status, path).toBe(status)
    for (const path of ['/metrics', '/livez', '/readyz', '/graphiql/', '/', '/graphql?query={errorCodes}']) {
      expect((await send(url + path, { host: 'evil.example' })).status, path).toBe(421)
      expect((await send(url + path, { origin: 'https://evil.example' })).status, path).toBe(403)
      expect((await send(url + path, { 'sec-fetch-site': 'cross-site' })).status, path).toBe(403)
    }
    const connect = (headers: Record<string, string>) =>
      new Promise(resolve => {
        const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers })
        socket.once('open', () => (socket.terminate(), resolve('open')))
        socket.once('error', error => resolve(error.message))
      })
    expect(await connect({ origin: 'https://evil.example' })).toContain('403')
    expect(await connect({ host: 'evil.example' })).toContain('421')
    expect(await connect({ origin: url })).toBe('open')
    const { values } = await metrics.graphqlRequests.get()
    expect(values.reduce((sum, { value }) => sum + value, 0)).toBe(2)
  })

  test('a GET that a foreign page could cause is not run', async () => {
    const { url } = await startStack()
    const get = (headers: Record<string, string>) => send(`${url}/graphql?query={errorCodes}`, headers)
    const refusal = await get({ accept: 'image/avif,image/webp,*/*;q=0.8' })
    expect(refusal).toEqual({ status: 400, text: expect.stringContaining('GraphQL-Require-Preflight') })
    expect((await send(`${url}/graphql/stream?query={errorCodes}`, { accept: '*/*' })).status).toBe(400)
    for (const headers of [
      { 'sec-fetch-site': 'same-origin' },
      { origin: url },
      { 'graphql-require-preflight': '1' },
      { 'apollo-require-preflight': 'true' },
    ])
      expect((await get(headers)).status, JSON.stringify(headers)).toBe(200)
    const events = await send(`${url}/graphql/stream?query={errorCodes}`, { accept: 'text/event-stream' })
    expect(events).toEqual({ status: 200, text: expect.stringContaining('BAD_USER_INPUT') })
  })

  test('of the probes', async () => {
    const probes = new ProbeServer({
      ...{ host: '127.0.0.1', port: 0, allowHosts: ['decider'] },
      metrics: createMetrics('decider'),
      readiness: () => [],
    })
    await probes.start()
    afterFile(() => probes.stop())
    const url = `http://127.0.0.1:${probes.port}/metrics`
    expect((await send(url, { host: 'evil.example' })).status).toBe(421)
    expect((await send(url, { origin: 'https://evil.example' })).status).toBe(403)
    expect((await send(url, { host: 'decider:4001' })).status).toBe(200)
  })

  test('of the local SWF: its control routes and its actions', async () => {
    const swf = startCli(['local-swf', '--port', '0', '--allow-host', 'local-swf, swf'])
    const { endpoint } = JSON.parse(await swf.line('"message":"ready"')) as { endpoint: string }
    const json = { 'content-type': 'application/json' }
    const faults = (headers: Record<string, string>) =>
      send(`${endpoint}/_local/faults`, { ...json, ...headers }, 'POST', '{"kind":"throttle","rate":1}')
    expect(await faults({ host: 'evil.example' })).toEqual({
      status: 421,
      text: expect.stringContaining('AccessDeniedException'),
    })
    expect((await faults({ origin: 'https://evil.example' })).status).toBe(403)
    const list = {
      'x-amz-target': 'SimpleWorkflowService.ListDomains',
      'content-type': 'application/x-amz-json-1.0',
    }
    const listed = (headers: Record<string, string>) =>
      send(endpoint, { ...list, ...headers }, 'POST', '{"registrationStatus":"REGISTERED"}')
    expect((await listed({ host: 'evil.example:4596' })).status).toBe(421)
    expect((await listed({ host: 'swf:4596' })).status).toBe(200)
  })
})
