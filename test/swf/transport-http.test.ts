import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { SwfFault } from '../../src/swf/errors.js'
import { SwfClock } from '../../src/swf/swf-clock.js'
import { httpTransport } from '../../src/swf/transport-http.js'
import { afterFile } from '../support/dispose.js'

/** A server that answers as it is told, and a transport to it. */
async function opposite(listener: RequestListener) {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { transport, close } = httpTransport(
    'http',
    `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    new SwfClock(),
  )
  afterFile(() => {
    close()
    server.closeAllConnections()
    server.close()
  })
  const call = (options: { signal?: AbortSignal; timeout?: number } = {}) =>
    transport('DescribeDomain', { name: 'größe' }, { timeout: 10_000, ...options }).catch((error: unknown) => error)
  return { server, call }
}

test('a call is a request as SWF wants it, and its answer may come in pieces', async () => {
  let asked: unknown
  const answer = Buffer.from(JSON.stringify({ domainInfo: { name: 'größe' } }))
  const middle = answer.indexOf('ö') + 1
  const { call } = await opposite(async (request, response) => {
    const body = Buffer.concat((await request.toArray()) as Buffer[]).toString()
    const { 'x-amz-target': target, 'content-type': type } = request.headers
    asked = { body, target, type, url: request.url, method: request.method }
    response.write(answer.subarray(0, middle))
    setTimeout(() => response.end(answer.subarray(middle)), 20)
  })
  expect(await call()).toEqual({ domainInfo: { name: 'größe' } })
  expect(asked).toEqual({
    body: '{"name":"größe"}',
    target: 'SimpleWorkflowService.DescribeDomain',
    type: 'application/x-amz-json-1.0',
    url: '/',
    method: 'POST',
  })
})

test('an empty answer is none', async () => {
  const { call } = await opposite((_request, response) => response.end())
  expect(await call()).toEqual({})
})

test('what is no answer of SWF is a fault that says what came', async () => {
  const answers = [
    [400, '{"__type":"com.amazonaws.swf.base.model#UnknownResourceFault","message":"Unknown domain"}'],
    [502, '<html>Bad gateway</html>'],
    [200, 'no JSON'],
  ] as const
  const faults: unknown[] = []
  for (const [status, body] of answers) {
    const { call } = await opposite((_request, response) => response.writeHead(status).end(body))
    faults.push(await call())
  }
  expect(faults.every(fault => fault instanceof SwfFault)).toBe(true)
  expect(faults).toMatchObject([
    { code: 'UNKNOWN_RESOURCE', message: expect.stringContaining('Unknown domain') as string },
    { message: expect.stringContaining('Bad gateway') as string },
    { message: expect.stringContaining('no JSON') as string },
  ])
})

test('a server that is not there, says nothing or ends in the middle does not answer', async () => {
  const silent = await opposite(() => {})
  expect(await silent.call({ timeout: 100 })).toMatchObject({ code: 'SWF_UNAVAILABLE', retryable: true })
  const cut = await opposite((_request, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('{"domainInfo":')
    setTimeout(() => response.destroy(), 20)
  })
  expect(await cut.call()).toMatchObject({ code: 'SWF_UNAVAILABLE' })
  const gone = await opposite(() => {})
  await new Promise(resolve => gone.server.close(resolve))
  expect(await gone.call()).toMatchObject({
    code: 'SWF_UNAVAILABLE',
    message: expect.stringContaining('ECONNREFUSED') as string,
  })
})

test('a call that is given up ends at once, and so does its request', async () => {
  let seen = 0
  let wasClosed = () => {}
  const closed = new Promise<void>(resolve => (wasClosed = resolve))
  const giveUp = new AbortController()
  const { call } = await opposite(request => {
    seen++
    request.socket.once('close', () => wasClosed())
    giveUp.abort(new Error('no longer wanted'))
  })
  expect(await call({ signal: giveUp.signal })).toMatchObject({
    code: 'SWF_UNAVAILABLE',
    message: expect.stringContaining('no longer wanted') as string,
  })
  await closed
  expect(await call({ signal: giveUp.signal })).toMatchObject({ code: 'SWF_UNAVAILABLE' })
  expect(seen).toBe(1)
})
