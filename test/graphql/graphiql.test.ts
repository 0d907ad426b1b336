// GraphiQL in a real browser, under the policy that it is served with.

import { existsSync } from 'node:fs'
import { build } from 'vite'
import { expect, test } from 'vitest'
import { PATIENCE, startBrowser } from '../support/browser.js'
import { tmpDir } from '../support/tmp.js'
import { until } from '../support/until.js'
import { startStack, TYPE } from './fixture.js'

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
