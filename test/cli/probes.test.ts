// What /readyz of each process says while SWF or Redis is dead, hangs, or is not what it should be.

import { expect, test } from 'vitest'
import { afterFile } from '../support/dispose.js'
import { startCli, type TestProcess } from '../support/process.js'
import { ownRedis } from '../support/redis.js'
import { tmpDir } from '../support/tmp.js'
import { until } from '../support/until.js'

const APP = 'examples/dist/order-saga/app.js'
const redis = await ownRedis({ persistence: 'none' })
const data = tmpDir('swf')

const startSwf = async (port = '0') => {
  const process = startCli(['local-swf', '--port', port, '--data', data])
  const ready = JSON.parse(await process.line('"message":"ready"')) as { port: number }
  return { process, port: String(ready.port) }
}
let swf = await startSwf()
const swfAgain = async () => void (swf = await startSwf(swf.port))

const there = ['--domain', 'orders', '--endpoint', `http://127.0.0.1:${swf.port}`, '--redis', redis.url]
await startCli(['register', '--app', APP, ...there.slice(0, 4)]).exited

interface Part {
  process: TestProcess
  /** Status and text of /readyz. */
  ready(): Promise<[number, string]>
}

async function start(verb: string, ...more: string[]): Promise<Part> {
  const app = verb === 'gateway' ? [] : ['--app', APP]
  const process = startCli([verb, '--port', '0', ...app, ...there, ...more])
  afterFile(() => process.kill())
  const { port } = JSON.parse(await process.line('"message":"ready"')) as { port: number }
  const ready = async (): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`)
    return [response.status, await response.text()]
  }
  return { process, ready }
}

const [gateway, decider, worker] = await Promise.all([start('gateway'), start('decider'), start('worker')])
const says = (part: Part, status: number, text: string | RegExp) =>
  until(
    async () => {
      const answer = await part.ready()
      const fits = typeof text === 'string' ? answer[1] === text : text.test(answer[1])
      if (answer[0] === status && fits) return true
      throw new Error(answer.join(' '))
    },
    { what: `/readyz is ${status} ${String(text)}`, every: 50 },
  )
const allAreWell = async () => {
  for (const part of [gateway, decider, worker]) await says(part, 200, 'ok\n')
}

test('on an idle domain all are ready before any poll is answered', async () => {
  await allAreWell()
  // SWF holds polls for 60 s: none has been answered.
  expect(decider.process.output()).not.toContain('decision task')
})

const SILENT = /SWF (does not answer|has not answered|does not take polls)/
/** The gateway lists without SWF; nothing else can work. */
const withoutSwf = async () => {
  await says(decider, 503, SILENT)
  await says(worker, 503, SILENT)
  await says(gateway, 200, /^ok, but not all is well\n- SWF does not answer for domain orders/)
}

test('SWF dies and comes back', async () => {
  await swf.process.kill()
  await withoutSwf()
  await swfAgain()
  await allAreWell()
}, 60_000)

test('SWF hangs, and goes on', async () => {
  process.kill(swf.process.pid, 'SIGSTOP')
  await withoutSwf()
  process.kill(swf.process.pid, 'SIGCONT')
  await allAreWell()
}, 90_000)

test('Redis dies: only the worker is useless; then SWF too: the gateway as well; both come back', async () => {
  await redis.kill()
  await says(worker, 503, /^not ready\n- Redis does not answer\n$/)
  await says(decider, 200, /^ok, but not all is well\n- Redis does not answer\n$/)
  await says(gateway, 200, /^ok, but not all is well\n- Redis does not answer\n/)
  await swf.process.kill()
  await says(gateway, 503, /^not ready\n- SWF does not answer.*\n- Redis does not answer\n/)
  await redis.restart()
  await swfAgain()
  await allAreWell()
}, 60_000)

test('a domain that is not registered makes all of them useless', async () => {
  const elsewhere = ['--domain', 'nowhere']
  for (const verb of ['gateway', 'decider', 'worker']) {
    const part = await start(verb, ...elsewhere)
    await says(part, 503, /^not ready\n- domain nowhere is not registered in SWF: run swf-gateway register\n/)
    await part.process.kill()
  }
}, 60_000)
