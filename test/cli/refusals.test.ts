// What the command line refuses, and what its help says.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { startCli } from '../support/process.js'
import { redisCommand } from '../support/redis.js'
import { tmpDir } from '../support/tmp.js'

const APP = 'examples/dist/order-saga/app.js'

describe('refuses, with what to do', () => {
  const refusal = async (args: string[]) => {
    const process = startCli(args)
    return { code: (await process.exited).code, output: process.output() }
  }

  test('a port that is in use', async () => {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const args = ['dev', '--app', APP, '--data', tmpDir('dev'), '--gateway-port', String(port)]
    expect(await refusal(args)).toEqual({
      code: 1,
      output: expect.stringContaining(
        `PORT_IN_USE: Port ${port} is in use: choose another with --gateway-port`,
      ) as string,
    })
    server.close()
  })

  test('to empty a directory that is not its own', async () => {
    const data = tmpDir('precious')
    mkdirSync(data, { recursive: true })
    writeFileSync(join(data, 'thesis.txt'), 'three years of work')
    const { code, output } = await refusal(['dev', '--app', APP, '--data', data, '--fresh'])
    expect(code).toBe(1)
    expect(output).toContain('NOT_OURS')
    expect(readFileSync(join(data, 'thesis.txt'), 'utf8')).toBe('three years of work')
  })

  test.each<[string, string[], string]>([
    ['an app that is not there', ['worker', '--app', 'nowhere.js'], 'APP_NOT_FOUND: There is no file'],
    ['an app in TypeScript', ['decider', '--app', 'examples/order-saga/app.ts'], 'APP_NOT_COMPILED'],
    ['an app without exports', ['register', '--app', 'dist/swf/errors.js'], 'APP_INVALID'],
    ['a port that is no number', ['gateway', '--port', 'http'], 'Give a whole number'],
    ['a duration that is none', ['gateway', '--sweep-interval', 'often'], 'is not a duration'],
    ['an unknown flag', ['gateway', '--prot', '1'], 'Did you mean --port?'],
    ['an unknown command', ['gatway'], 'Did you mean gateway?'],
    ['a missing flag', ['worker'], "required option '--app <file>'"],
    ['defaults of a queue that are none', ['worker', '--app', APP, '--queues', '{"a":{"paused":1}}'], 'startPaused'],
    ['a rate that is none', ['queue', 'set', 'activities', '--rate', 'fast'], 'Write tasks/time, as in 100/s'],
    [
      'SWF out of reach',
      ['register', '--app', APP, '--transport', 'http', '--endpoint', 'http://127.0.0.1:1'],
      'SWF_UNAVAILABLE',
    ],
    ['Redis out of reach', ['queue', 'list', '--redis', 'redis://127.0.0.1:1'], 'REDIS_UNAVAILABLE'],
    [
      'a database of Redis that is no number',
      ['gateway', '--redis', 'redis://h/abc'],
      'REDIS_UNSUITABLE: "abc" in the URL',
    ],
  ])(
    '%s',
    async (_what, args, message) => {
      const { code, output } = await refusal(args)
      expect(output).toContain(message)
      expect(code).not.toBe(0)
    },
    20_000,
  )
})

test('the queue command says which right its user of Redis lacks', async () => {
  const { redisUrl } = inject('run')
  await redisCommand(redisUrl, 'ACL', 'SETUSER', 'looker', 'on', '>secret', '~*', '+@all', '-zrange')
  const process = startCli(['queue', 'list', '--redis', redisUrl.replace('//', '//looker:secret@')])
  expect((await process.exited).code).toBe(1)
  expect(process.output()).toContain('REDIS_UNAVAILABLE: the Redis user may not call ZRANGE (NOPERM): grant it +zrange')
  await redisCommand(redisUrl, 'ACL', 'DELUSER', 'looker')
})

test.each([
  ['gateway', []],
  ['decider', ['--app', APP]],
  ['worker', ['--app', APP]],
  ['queue', ['list']],
])('%s refuses a database that Redis does not have', async (verb, args) => {
  const { redisUrl, databases } = inject('run')
  const here = ['--redis', `${redisUrl}/${databases}`]
  const swf = verb === 'queue' ? [] : ['--port', '0', '--endpoint', 'http://127.0.0.1:9']
  const process = startCli([verb, ...args, ...here, ...swf])
  expect((await process.exited).code).toBe(1)
  expect(process.output()).toContain('REDIS_UNSUITABLE: Redis has no database of the number in the URL')
})

test.each(['dev', 'gateway', 'decider', 'worker', 'local-swf', 'register', 'replay', 'queue'])(
  '%s --help tells enough to use it',
  async name => {
    const process = startCli([name, '--help'])
    expect((await process.exited).code).toBe(0)
    expect(process.output()).toMatch(/Usage: swf-gateway/)
    expect(process.output()).toMatch(/Example/)
  },
)

test.each([
  [{ SWF_GATEWAY_PORT: 'http' }, "'SWF_GATEWAY_PORT' is invalid. Give a whole number from 0 to 65535."],
  [{ SWF_GATEWAY_SWEEP_INTERVAL: 'often' }, `'SWF_GATEWAY_SWEEP_INTERVAL' is invalid. "often" is not a duration`],
  [{ SWF_GATEWAY_TRANSPORT: 'mail' }, "'SWF_GATEWAY_TRANSPORT' is invalid. Allowed choices are sdk, http."],
  [{ SWF_GATEWAY_DOMAIN: ' ' }, "'SWF_GATEWAY_DOMAIN' is invalid. Give a value, or leave it out."],
  [
    { AWS_ENDPOINT_URL_SWF: 'tcp://10.0.0.1:80' },
    "'AWS_ENDPOINT_URL_SWF' is invalid. Give a URL that begins with http",
  ],
])('what the environment holds is refused by its name, with what is allowed: %j', async (env, message) => {
  const process = startCli(['gateway'], { env })
  expect((await process.exited).code).toBe(1)
  expect(process.output()).toContain(message)
})

test.each([
  ['gateway', ['--redis', 'redis://127.0.0.1:1', '--endpoint', 'http://127.0.0.1:1']],
  ['decider', ['--app', APP, '--redis', 'redis://127.0.0.1:1', '--endpoint', 'http://127.0.0.1:1']],
  ['worker', ['--app', APP, '--redis', 'redis://127.0.0.1:1', '--endpoint', 'http://127.0.0.1:1']],
  ['local-swf', ['--in-memory']],
])('%s passes over what Kubernetes sets for a Service of the name swf-gateway', async (verb, args) => {
  const cwd = tmpDir('config')
  writeFileSync(join(cwd, 'swf-gateway.config.json'), JSON.stringify({ port: 0 }))
  const env = {
    SWF_GATEWAY_PORT: 'tcp://10.0.0.1:4000',
    SWF_GATEWAY_SERVICE_HOST: '10.0.0.1',
    SWF_GATEWAY_SERVICE_PORT: '4000',
    SWF_GATEWAY_PORT_4000_TCP: 'tcp://10.0.0.1:4000',
    SWF_GATEWAY_PORT_4000_TCP_PORT: '4000',
    SWF_GATEWAY_WORKER_PORT: 'tcp://[fd00::1]:4002',
    REDIS_PORT: 'tcp://10.0.0.2:6379',
  }
  const process = startCli([verb, ...args.map(arg => (arg === APP ? resolve(APP) : arg))], { env, cwd })
  const line = await process.line('variables passed over')
  expect(JSON.parse(line)).toMatchObject({ variables: ['SWF_GATEWAY_PORT', 'SWF_GATEWAY_WORKER_PORT'] })
  await process.line('"ready"')
  expect((await process.stop()).code).toBe(0)
})

test('a variable that is empty counts as not set', async () => {
  const process = startCli(['local-swf', '--port', '0', '--in-memory'], {
    env: { SWF_GATEWAY_LOG_LEVEL: '', SWF_GATEWAY_DATA: '' },
  })
  await process.line('"ready"')
  expect((await process.stop()).code).toBe(0)
})

test('what a file says of workers sets no queue', async () => {
  const cwd = tmpDir('config')
  writeFileSync(join(cwd, 'swf-gateway.config.json'), JSON.stringify({ concurrency: 7, prefetch: 7 }))
  const process = startCli(['queue', 'set', 'activities'], { cwd })
  expect((await process.exited).code).toBe(2)
  expect(process.output()).toContain('NOTHING_TO_SET: Say what to set: --concurrency')
})

test('options come from flags, then the environment, then the file', async () => {
  const cwd = tmpDir('config')
  writeFileSync(join(cwd, 'swf-gateway.config.json'), JSON.stringify({ port: 'none', logLevel: 'fatal' }))
  const broken = startCli(['local-swf', '--in-memory'], { cwd })
  expect((await broken.exited).code).not.toBe(0)
  expect(broken.output()).toContain('swf-gateway.config.json: port cannot be none. Give a whole number')
  const byEnvironment = startCli(['local-swf', '--in-memory'], {
    cwd,
    env: { SWF_GATEWAY_PORT: '0', SWF_GATEWAY_LOG_LEVEL: 'info' },
  })
  await byEnvironment.line('"message":"ready"')
  const args = ['local-swf', '--in-memory', '--port', '0', '--log-level', 'info']
  const byFlag = startCli(args, { cwd, env: { SWF_GATEWAY_PORT: 'none' } })
  await byFlag.line('"message":"ready"')
  await byFlag.stop()
  await byEnvironment.stop()
})
