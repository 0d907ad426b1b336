// GraphiQL in a real browser, under the policy that it is served with.

import { existsSync } from 'node:fs'
import { build, createServer } from 'vite'
import { expect, test } from 'vitest'
import { PATIENCE, startBrowser } from '../support/browser.js'
import { afterFile } from '../support/dispose.js'
import { tmpDir } from '../support/tmp.js'
import { until } from '../support/until.js'
import { startGateway, startStack, TYPE } from './fixture.js'

const BUILT = new URL('../../dist/console', import.meta.url).pathname

async function page(): Promise<string> {
  if (existsSync(`${BUILT}/index.html`)) return BUILT
  const outDir = tmpDir('console')
  await build({ root: new URL('../../console', import.meta.url).pathname, build: { outDir } })
  return outDir
}

test(
  'runs a query and a subscription, with nothing from another host and nothing that its policy forbids',
  async context => {
    const browser = await startBrowser()
    if (!browser) return context.skip()
    const { url, ask, metrics } = await startStack({ graphiql: await page() })
    const tab = await browser.newPage()
    tab.setDefaultTimeout(PATIENCE)
    const elsewhere: string[] = []
    const complaints: string[] = []
    tab.on('request', request => {
      if (!/^(data|blob):/.test(request.url()) && new URL(request.url()).host !== new URL(url).host)
        elsewhere.push(request.url())
    })
    tab.on('console', message => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    tab.on('pageerror', error => complaints.push(String(error)))

    const shows = (text: RegExp) =>
      until(async () => text.test((await tab.locator('.graphiql-response').innerText()).replace(/\u00a0/g, ' ')), {
        what: `GraphiQL shows ${text}`,
        within: PATIENCE,
        every: 100,
      })
    const run = async (operation: string) => {
      await tab.getByRole('button', { name: /Execute query/ }).click()
      await tab.getByRole('menuitem', { name: operation }).click()
    }
    const start = (workflowId: string) =>
      ask(`mutation { startExecution(input: { workflowId: "${workflowId}", type: "${TYPE.name}" }) { created } }`)

    await start('seen-by-query')
    await tab.goto(`${url}/graphiql`)
    await tab.locator('.graphiql-query-editor .view-line').first().waitFor()
    await run('Latest')
    await shows(/"workflowId": "seen-by-query"/)
    await run('Updates')
    await until(async () => (await metrics.subscribers.get()).values[0]?.value === 1, {
      what: 'GraphiQL has subscribed',
      within: PATIENCE,
    })
    await start('seen-by-subscription')
    await ask(
      'mutation { terminateExecution(input: { execution: { workflowId: "seen-by-subscription" } }) { execution { status } } }',
    )
    await shows(/"status": "TERMINATED"/)
    expect({ elsewhere, complaints }).toEqual({ elsewhere: [], complaints: [] })
  },
  PATIENCE,
)

test.each([
  ['a proxy that takes its own path away', '', (path: string) => path.replace('/proxied', '')],
  ['a proxy that hands its path on', '/proxied', (path: string) => path],
])(
  'works behind %s',
  async (_, basePath, rewrite) => {
    const browser = await startBrowser()
    if (!browser) return console.warn('skipped: no browser runs here')
    const { ask, swf, redis } = await startStack()
    await ask(`mutation { startExecution(input: { workflowId: "proxied", type: "${TYPE.name}" }) { created } }`)
    const { url, metrics } = await startGateway({
      ...{ swf, redis, prefix: redis.prefix, basePath },
      graphiql: await page(),
    })
    const proxy = await createServer({
      ...{ root: tmpDir('empty'), cacheDir: tmpDir('vite'), configFile: false, logLevel: 'silent' },
      server: { host: '127.0.0.1', proxy: { '/proxied': { target: url, ws: true, rewrite } } },
    })
    await proxy.listen()
    afterFile(() => proxy.close())
    const tab = await browser.newPage()
    tab.setDefaultTimeout(PATIENCE)
    await tab.goto(`${proxy.resolvedUrls!.local[0]}proxied/graphql`)
    expect(new URL(tab.url()).pathname).toBe('/proxied/graphiql/')
    await tab.locator('.graphiql-query-editor .view-line').first().waitFor()
    const run = async (operation: string) => {
      await tab.getByRole('button', { name: /Execute query/ }).click()
      await tab.getByRole('menuitem', { name: operation }).click()
    }
    await run('Latest')
    await tab.locator('.graphiql-response', { hasText: 'proxied' }).waitFor()
    await run('Updates')
    await until(async () => (await metrics.subscribers.get()).values[0]?.value === 1, {
      what: 'GraphiQL has subscribed',
      within: PATIENCE,
    })
  },
  PATIENCE,
)
