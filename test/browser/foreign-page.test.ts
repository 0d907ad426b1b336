// Pages of other origins, in a real browser on the same machine as the gateway: what they cannot do, and that a listed one can.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startGateway, startStack, TYPE } from '../graphql/fixture.js'
import { PATIENCE, startBrowser } from '../support/browser.js'
import { afterFile } from '../support/dispose.js'

const OPERATIONS = {
  read: '{ execution(workflowId: "order") { input { value } } }',
  change: 'mutation { terminateExecution(input: { execution: { workflowId: "order" } }) { execution { workflowId } } }',
  updates: 'subscription { executionUpdates { ... on Resync { cursor } } }',
}

/** Serves a page that can attack; resolves to its port. */
async function servePage(): Promise<number> {
  const script = readFileSync(new URL('./attack.js', import.meta.url))
  const server = createServer(({ url }, response) => {
    const [type, body] = url === '/attack.js' ? ['text/javascript', script] : ['text/html', '<!doctype html><body>']
    response.setHeader('content-type', type).end(body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  afterFile(() => server.close())
  return (server.address() as AddressInfo).port
}

/** Lets a page try everything; resolves to what it got to see of each. */
function attack(tab: Page, gateway: string): Promise<Record<string, string>> {
  const attempts = JSON.stringify({ gateway, ...OPERATIONS })
  return tab.evaluate(`import('/attack.js').then(({ attack }) => attack(${attempts}))`)
}

test('a page of another origin reads, changes and runs nothing', { timeout: PATIENCE }, async context => {
  const browser = await startBrowser('--host-resolver-rules=MAP evil.example 127.0.0.1')
  if (!browser) return context.skip()
  const { ask, gateway, metrics, swf, redis } = await startStack()
  await ask('mutation ($input: StartExecutionInput!) { startExecution(input: $input) { created } }', {
    input: { workflowId: 'order', type: TYPE.name, input: { card: '4242' } },
  })
  const operations = async () => (await metrics.graphqlRequests.get()).values.reduce((sum, { value }) => sum + value, 0)
  const before = await operations()
  const port = await servePage()
  const tab = await browser.newPage()
  for (const [page, name] of [
    // Another site.
    ['evil.example', '127.0.0.1'],
    ['localhost', '127.0.0.1'],
    // Another port of the same host, which browsers count as the same site.
    ['127.0.0.1', '127.0.0.1'],
    // A name that its owner made resolve to the gateway.
    ['evil.example', 'evil.example'],
  ]) {
    await tab.goto(`http://${page}:${port}`)
    const seen = await attack(tab, `http://${name}:${gateway.port}`)
    const got = Object.entries(seen).filter(([, what]) => what !== 'refused')
    expect(got, `a page of ${page} to ${name}`).toEqual([])
  }
  const rebound = await tab.goto(`http://evil.example:${gateway.port}/graphiql`)
  expect(rebound?.status()).toBe(421)

  expect(await operations()).toBe(before)
  expect((await ask('{ execution(workflowId: "order") { status } }')).data.execution).toEqual({ status: 'OPEN' })

  // The same page where it is listed.
  const origin = `http://evil.example:${port}`
  const open = await startGateway({ swf, redis, prefix: redis.prefix, allowOrigins: [origin] })
  await tab.goto(origin)
  const seen = await attack(tab, open.url)
  const got = Object.keys(seen).filter(name => seen[name] !== 'refused')
  expect(got).toEqual(['socket', 'events', 'subscription', 'post', 'mutation', 'get', 'metrics'])
  for (const name of ['socket', 'events', 'post', 'get']) expect(seen[name]).toContain('4242')
})

test('a link on a foreign page opens GraphiQL', { timeout: PATIENCE }, async context => {
  const browser = await startBrowser()
  if (!browser) return context.skip()
  const { url } = await startStack()
  const tab = await browser.newPage()
  await tab.goto(`http://localhost:${await servePage()}`)
  await tab.setContent(`<a href="${url}/graphql">open</a>`)
  await tab.click('a')
  await tab.waitForURL(`${url}/graphiql/`)
  expect(await tab.title()).toContain('GraphiQL')
})
