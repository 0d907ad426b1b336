// The pages of examples/browser in a real browser, against a gateway that is killed, and a network that goes silent.

import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { createServer } from 'vite'
import { expect, test } from 'vitest'
import { FeedStream } from '../../src/feed/stream.js'
import { startTimer } from '../../src/swf/decision.js'
import { entriesOf } from '../feed/redis.js'
import { DOMAIN, startStack, TYPE } from '../graphql/fixture.js'
import { PATIENCE, startBrowser } from '../support/browser.js'
import { afterFile } from '../support/dispose.js'
import { startCli, type TestProcess } from '../support/process.js'
import { connected } from '../support/redis-connection.js'
import { tcpProxy } from '../support/tcp-proxy.js'
import { tmpDir } from '../support/tmp.js'
import { until } from '../support/until.js'

const PAGES = fileURLToPath(new URL('../../examples/browser', import.meta.url))

/** Serves the pages as `npx vite examples/browser` does, before a gateway; resolves to their address. */
async function servePages(gateway: string): Promise<string> {
  process.env.GATEWAY = gateway
  const server = await createServer({
    root: PAGES,
    cacheDir: tmpDir('vite'),
    logLevel: 'silent',
    server: { host: '127.0.0.1' },
  })
  await server.listen()
  afterFile(() => server.close())
  return server.resolvedUrls!.local[0]!
}

/** What a page shows. */
function shown(tab: Page) {
  const texts = async (selector: string) =>
    (await tab.locator(selector).allInnerTexts()).map(text => text.replace(/\s+/g, ' ').trim())
  return {
    connection: () => tab.locator('#connection').innerText(),
    executions: () => texts('#executions tr'),
    changes: () => texts('#changes li'),
  }
}

test('lists of executions go on where they were when the gateway is killed', { timeout: PATIENCE }, async context => {
  const browser = await startBrowser()
  if (!browser) return context.skip()
  const { ask, decider, local, redis, swf } = await startStack({ sweepInterval: 300 })
  const common = ['--domain', DOMAIN, '--endpoint', local.endpoint, '--redis', redis.url, '--prefix', redis.prefix]
  const startGateway = async (port: number): Promise<{ process: TestProcess; port: number }> => {
    const process = startCli(['gateway', '--port', String(port), ...common])
    return { process, ...(JSON.parse(await process.line('"message":"ready"')) as { port: number }) }
  }
  const start = (workflowId: string) =>
    ask('mutation ($input: StartExecutionInput!) { startExecution(input: $input) { created } }', {
      input: { workflowId, type: TYPE.name },
    })
  const step = (name: string) => {
    const saga = { state: 'RUNNING' as const, step: name, attempt: 1, steps: [] }
    return decider.decide([startTimer({ timerId: name, startToFireTimeout: '3600' })], { saga })
  }
  const terminate = (workflowId: string) => swf.terminateWorkflowExecution({ domain: DOMAIN, workflowId })

  await start('before')
  await step('pay')
  const gateway = await startGateway(0)
  const url = await servePages(`http://127.0.0.1:${gateway.port}`)
  const pages = await Promise.all(
    ['websocket', 'event-source'].map(async name => {
      const tab = await browser.newPage()
      tab.setDefaultTimeout(PATIENCE)
      await tab.goto(`${url}${name}.html`)
      return { name, ...shown(tab) }
    }),
  )
  const all = (what: string, of: (page: (typeof pages)[number]) => Promise<boolean>) =>
    until(async () => (await Promise.all(pages.map(of))).every(Boolean), { what, every: 100 })
  await all('both are live', async page => (await page.connection()) === 'live')
  for (const page of pages)
    expect([page.name, await page.executions()]).toEqual([page.name, ['before OPEN RUNNING pay']])

  const stream = new FeedStream(await connected(redis.url), redis.prefix)
  const seen = (await entriesOf(stream, DOMAIN)).length
  await start('live')
  await step('ship')
  await all('both show what is new', async page => (await page.changes()).length === 2)

  await gateway.process.kill()

  await all('both have lost their connection', async page => (await page.connection()) === 'connecting')
  await terminate('before')
  for (const n of [1, 2, 3]) {
    await start(`missed-${n}`)
    await step('pay')
  }
  await startGateway(gateway.port)
  await all('both are live again', async page => (await page.connection()) === 'live')
  await start('after')
  await step('pay')
  await all('both show the last one', async page => (await page.changes()).at(-1) === 'after OPEN RUNNING pay')

  const told = (await entriesOf(stream, DOMAIN)).slice(seen).flatMap(entry => (entry.kind === 'changed' ? [entry] : []))
  const changes = told.map(({ summary: { workflowId, status, saga } }) =>
    [workflowId, status, saga ? `${saga.state} ${saga.step}` : ''].join(' ').trim(),
  )
  expect(changes).toContain('before TERMINATED FAILED pay')
  for (const page of pages) {
    expect([page.name, await page.changes()]).toEqual([page.name, changes])
    expect(await page.executions()).toEqual(
      expect.arrayContaining(['before TERMINATED FAILED pay', 'live OPEN RUNNING ship', 'missed-3 OPEN RUNNING pay']),
    )
    expect(await page.executions()).toHaveLength(6)
  }
})

test('a WebSocket that has gone silent is found out, and nothing is missed', { timeout: PATIENCE }, async context => {
  const browser = await startBrowser()
  if (!browser) return context.skip()
  const { ask, gateway } = await startStack()
  const network = await tcpProxy(() => gateway.port)
  const tab = await browser.newPage()
  await tab.clock.install()
  await tab.goto(`${await servePages(`http://127.0.0.1:${network.port}`)}websocket.html`)
  const page = shown(tab)
  await until(async () => (await page.connection()) === 'live', { what: 'it is live' })
  network.freeze()
  await ask(`mutation { startExecution(input: { workflowId: "unheard", type: "${TYPE.name}" }) { created } }`)
  await ask('mutation { terminateExecution(input: { execution: { workflowId: "unheard" } }) { execution { status } } }')
  // A ping, the time for its answer, and a pause.
  for (const seconds of [10, 5, 1, 1]) await tab.clock.runFor(seconds * 1_000)
  await until(async () => (await page.changes()).length === 2, { what: 'it shows what it has missed' })
  expect(await page.changes()).toEqual(['unheard OPEN', 'unheard TERMINATED'])
})
