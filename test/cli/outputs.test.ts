// Outputs that cannot be written to: no process stops working, dies, or becomes deaf by them.

import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { afterFile } from '../support/dispose.js'
import { localSwf } from '../support/local-swf.js'
import { CLI, start, startCli, type ProcessOptions, type TestProcess } from '../support/process.js'
import { testRedis } from '../support/redis.js'
import { tmpDir } from '../support/tmp.js'
import { until } from '../support/until.js'

const NOISY = resolve('test/cli/noisy-app.mjs')
const APP = 'examples/dist/order-saga/app.js'
const redis = testRedis()
const swf = await localSwf()
await swf.client.registerDomain({ name: 'outputs', workflowExecutionRetentionPeriodInDays: '1' })

const common = ['--domain', 'outputs', '--endpoint', swf.endpoint, '--redis', redis.url, '--prefix', redis.prefix]

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise(done => server.close(done))
  return port
}

/** What is written to it is lost for another reason each. */
const OUTPUTS: Record<string, () => number> = {
  'a full disk': () => opened('/dev/full', constants.O_WRONLY),
  'a pipe that nobody reads': () => opened(fifo(), constants.O_RDWR),
  'a pipe whose reader has gone': () => {
    const path = fifo()
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const writer = opened(path, constants.O_WRONLY)
    closeSync(reader)
    return writer
  },
}

function opened(path: string, flags: number): number {
  const fd = openSync(path, flags)
  afterFile(() => closeSync(fd))
  return fd
}

function fifo(): string {
  const path = join(tmpDir('fifo'), 'pipe')
  execFileSync('mkfifo', [path])
  return path
}

const metric = async (port: number, name: string) => {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (.+)$`, 'm').exec(text)?.[1])
}

/** The process lives, polls, tells what is lost, and hears SIGTERM. */
async function worksAndStops(process: TestProcess, port: number): Promise<void> {
  const lost = () => metric(port, 'swf_gateway_log_lines_lost_total')
  const before = await until(lost, { what: 'lines of the log are lost' })
  await until(async () => (await lost()) > before, { what: 'more lines are lost' })
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200)
  expect(await process.stop()).toEqual({ code: 0, signal: null })
}

const started = async (verb: string, options: ProcessOptions): Promise<[TestProcess, number]> => {
  const port = await freePort()
  const app = verb === 'gateway' ? [] : ['--app', NOISY]
  return [startCli([verb, '--port', String(port), ...app, ...common], options), port]
}

test.each(Object.keys(OUTPUTS))('a worker that writes to %s works on, and stops when it is told to', async name => {
  await worksAndStops(...(await started('worker', { writesTo: OUTPUTS[name]!() })))
})

test('a decider that writes to a full disk works on, and stops when it is told to', async () => {
  await worksAndStops(...(await started('decider', { writesTo: OUTPUTS['a full disk']!() })))
})

test.each(Object.keys(OUTPUTS))('a gateway that writes to %s answers, and stops when it is told to', async name => {
  const [process, port] = await started('gateway', { writesTo: OUTPUTS[name]!() })
  const query = JSON.stringify({ query: '{ __typename }' })
  await until(
    async () => {
      const headers = { 'content-type': 'application/json' }
      return (await fetch(`http://127.0.0.1:${port}/graphql`, { method: 'POST', headers, body: query })).ok
    },
    { what: 'the gateway answers' },
  )
  expect(await process.stop()).toEqual({ code: 0, signal: null })
})

test('a worker whose log disk is full logs again when there is room', async context => {
  const folder = tmpDir('disk')
  const disk = join(folder, 'disk')
  mkdirSync(disk)
  const mount = 'mount -t tmpfs -o size=32k tmpfs "$0"'
  const { status } = spawnSync('unshare', ['--map-root-user', '--mount', 'sh', '-c', mount, disk])
  if (status !== 0) return context.skip('this system lets a test mount nothing')
  const log = join(disk, 'log')
  const room = join(folder, 'room')
  const port = await freePort()
  const command = ['worker', '--port', String(port), '--app', NOISY, ...common]
  const worker = start(
    'unshare',
    [
      '--map-root-user',
      '--mount',
      'sh',
      '-c',
      `${mount} && exec "$@" >>"$0/log" 2>&1`,
      disk,
      process.execPath,
      CLI,
      ...command,
    ],
    { env: { LOG: log, TRUNCATE: room } },
  )
  await until(() => metric(port, 'swf_gateway_log_lines_lost_total'), { what: 'lines of the log are lost' })
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200)
  writeFileSync(room, '')
  const lines = await until(
    () =>
      readFileSync(room, 'utf8').split('\n').slice(1, -1).length > 3 &&
      readFileSync(room, 'utf8').split('\n').slice(1, -1),
    {
      what: 'lines are written again',
    },
  )
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ component: 'worker' })
  expect(await worker.stop()).toEqual({ code: 0, signal: null })
})

test('dev whose terminal takes nothing more works on, and stops when it is told to', async () => {
  const data = join(tmpDir('dev'), 'data')
  const ports = ['gateway', 'decider', 'worker', 'swf'].flatMap(name => [`--${name}-port`, '0'])
  const dev = startCli(['dev', '--app', APP, '--data', data, ...ports], { writesTo: OUTPUTS['a full disk']!() })
  await until(
    async () => {
      const { endpoints } = JSON.parse(readFileSync(join(data, 'dev.json'), 'utf8')) as {
        endpoints: { graphql: string }
      }
      return (await fetch(endpoints.graphql.replace('/graphql', '/readyz'))).ok
    },
    { what: 'the gateway is ready', within: 40_000 },
  )
  expect(await dev.stop()).toEqual({ code: 0, signal: null })
  expect(existsSync(join(data, 'dev.json'))).toBe(false)
}, 60_000)

test('a command whose reader has gone does its work and ends well', async () => {
  const register = startCli(['register', '--app', APP, ...common.slice(0, 4)], {
    writesTo: OUTPUTS['a pipe whose reader has gone']!(),
  })
  expect(await register.exited).toEqual({ code: 0, signal: null })
  const { typeInfos } = await swf.client.listWorkflowTypes({ domain: 'outputs', registrationStatus: 'REGISTERED' })
  expect(typeInfos?.map(({ workflowType }) => workflowType?.name)).toContain('OrderSaga')
})

test('a command that cannot write what it was asked for says so', async () => {
  const script = '"$@" >/dev/full'
  const register = start('sh', [
    '-c',
    script,
    'sh',
    process.execPath,
    CLI,
    'register',
    '--app',
    APP,
    ...common.slice(0, 4),
  ])
  expect(await register.exited).toEqual({ code: 1, signal: null })
  expect(register.output()).toMatch(/^swf-gateway: OUTPUT_LOST: The standard output takes nothing more: ENOSPC.*\n$/)
})

test('what an app writes to the console, and what Node warns of, are lines of the log', async () => {
  const app = join(tmpDir('app'), 'app.mjs')
  writeFileSync(
    app,
    `export * from ${JSON.stringify(NOISY)}
console.warn('beware of %s', 'the dog')
process.emitWarning('it is old', 'DeprecationWarning')`,
  )
  const worker = startCli(['worker', '--port', '0', '--app', app, ...common])
  expect(JSON.parse(await worker.line('beware'))).toMatchObject({ level: 40, text: 'beware of the dog' })
  expect(JSON.parse(await worker.line('it is old'))).toMatchObject({ level: 40, name: 'DeprecationWarning' })
  await worker.line('"ready"')
  await worker.stop()
  for (const line of worker.output().trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ component: 'worker' })
})
