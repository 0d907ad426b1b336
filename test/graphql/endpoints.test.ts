import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { auditServer } from 'graphql-http'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { tmpDir } from '../support/tmp.js'
import { until } from '../support/until.js'
import { announceWorker, DOMAIN, startGateway, startStack, TYPE } from './fixture.js'

const { url, ask, swf, redis, logged, gateway } = await startStack({ graphiql: join(tmpDir(), 'not-built') })

const get = async (path: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url + path, { headers, redirect: 'manual' })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

test('answers probes', async () => {
  expect(await get('/livez')).toMatchObject({ status: 200, text: 'ok\n' })
  await until(async () => (await get('/readyz')).status === 200, { what: 'the gateway is ready' })
  expect(await gateway.readiness()).toEqual([])
})

test('counts requests, starts and open executions', async () => {
  await ask(`mutation { startExecution(input: { workflowId: "counted", type: "${TYPE.name}" }) { created } }`)
  await ask('{ nothing }')
  const { text } = await get('/metrics')
  expect(text).toMatch(/swf_gateway_executions_total\{workflowType="Order",event="started",component="gateway"\} 1/)
  expect(text).toMatch(/swf_gateway_graphql_requests_total\{operation="mutation",outcome="ok",component="gateway"\} 1/)
  expect(text).toMatch(
    /swf_gateway_graphql_requests_total\{operation="unknown",outcome="error",component="gateway"\} 1/,
  )
  expect(text).toMatch(new RegExp(`swf_gateway_active_executions\\{domain="${DOMAIN}",component="gateway"\\} 1`))
})

test('speaks GraphQL over HTTP as its specification says', async () => {
  const audits = await auditServer({ url: `${url}/graphql` })
  const complaints = audits.filter(({ status }) => status !== 'ok').map(({ status, name }) => `${status} ${name}`)
  // Apollo's own choices: 400 where 200 is advised, and no variables in a GET without a header against CSRF.
  expect(complaints.filter(text => text.startsWith('error'))).toEqual([])
  expect(complaints).toHaveLength(6)
})

test('leads a browser to GraphiQL, which says what to do when it has not been built', async () => {
  const page = await get('/graphql', { accept: 'text/html' })
  expect([page.status, page.headers.get('location')]).toEqual([302, 'graphiql/'])
  expect(await get('/graphiql/')).toMatchObject({
    status: 404,
    text: expect.stringContaining('npx vite build console'),
  })
})

test('serves the built page from here alone', async () => {
  const folder = tmpDir()
  mkdirSync(join(folder, 'assets'))
  writeFileSync(join(folder, 'index.html'), '<!doctype html>')
  writeFileSync(join(folder, 'assets', 'main-1.js'), '1')
  const built = await startGateway({ swf, redis, graphiql: folder })
  const page = await fetch(`${built.url}/graphiql`)
  expect([page.status, page.url, await page.text()]).toEqual([200, `${built.url}/graphiql/`, '<!doctype html>'])
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self';")
  const script = await fetch(`${built.url}/graphiql/assets/main-1.js`)
  expect(script.headers.get('cache-control')).toContain('immutable')
})

test('tells what is where, on any other path', async () => {
  expect(await get('/')).toMatchObject({ status: 404, text: expect.stringContaining('/graphql/stream') })
  const socket = new WebSocket(`${url.replace('http', 'ws')}/other`, 'graphql-transport-ws')
  const refused = await new Promise(resolve => socket.once('error', resolve))
  expect(String(refused)).toContain('404')
})

test('a port that is taken is an error, and nothing stays open', async () => {
  await expect(startGateway({ swf, redis, port: gateway.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

test('shows and tunes queues', async () => {
  await announceWorker(redis, ['shipping'])

  const { data } = await ask(`{
    queues { id domain taskList depth active slotsHeld oldestAge settings { version concurrency paused rateLimit { tasks per } } observed { version worker { host } } }
    queue(taskList: "nobody") { taskList }
    workers { id host pid version activityTypes { name version } lastSeen }
  }`)
  expect(data).toMatchObject({
    queues: [
      {
        domain: DOMAIN,
        taskList: 'shipping',
        depth: 0,
        active: 0,
        slotsHeld: 0,
        oldestAge: null,
        settings: { version: 0, paused: false, rateLimit: null },
      },
    ],
    queue: null,
    workers: [
      { host: 'host', pid: 1, activityTypes: [{ name: 'Ship', version: '1.0' }], lastSeen: expect.any(String) },
    ],
  })

  const update = (input: object) =>
    ask(
      `mutation ($input: UpdateQueueInput!) { updateQueue(input: $input) {
        queue { settings { version concurrency rateLimit { tasks per } changedBy changedAt } } previous { version concurrency }
      } }`,
      { input: { taskList: 'shipping', ...input } },
    )
  const first = await update({ concurrency: 7, rateLimit: { tasks: 10, per: 'PT1M' }, expectedVersion: 0 })
  expect(first.data.updateQueue).toMatchObject({
    queue: {
      settings: {
        version: 1,
        concurrency: 7,
        rateLimit: { tasks: 10, per: 'PT1M' },
        changedBy: 'anonymous',
        changedAt: expect.any(String),
      },
    },
    previous: { version: 0 },
  })
  expect((await update({ concurrency: 8, expectedVersion: 0 })).errors).toMatchObject([
    { extensions: { code: 'VERSION_CONFLICT' } },
  ])
  expect((await update({ concurrency: -1 })).errors).toMatchObject([
    { message: expect.stringContaining('concurrency'), extensions: { code: 'BAD_USER_INPUT' } },
  ])
  expect((await update({ taskList: 'nobody', concurrency: 1 })).errors).toMatchObject([
    { extensions: { code: 'BAD_USER_INPUT' } },
  ])
  expect((await update({ concurrency: null, paused: true })).data.updateQueue.queue.settings).toMatchObject({
    concurrency: 7,
    rateLimit: { tasks: 10 },
  })
  expect((await update({ rateLimit: null })).data.updateQueue.queue.settings).toMatchObject({ rateLimit: null })
  expect(logged).toContainEqual(
    expect.objectContaining({ message: 'queue settings changed', domain: DOMAIN, taskList: 'shipping' }),
  )

  const ids = [data.queues[0].id, data.workers[0].id]
  for (const [id, type] of [
    [ids[0], 'Queue'],
    [ids[1], 'Worker'],
  ])
    expect((await ask('query ($id: ID!) { node(id: $id) { __typename id } }', { id })).data.node).toEqual({
      __typename: type,
      id,
    })
})
