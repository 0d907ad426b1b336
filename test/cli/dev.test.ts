// `swf-gateway dev`, as a user runs it: stop and go on, ports, a second start, a parent that dies.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { DevState } from '../../src/cli/dev.js'
import { startCli, type TestProcess } from '../support/process.js'
import { tmpDir } from '../support/tmp.js'
import { until } from '../support/until.js'

const APP = 'examples/dist/order-saga/app.js'
const PORTS = ['gateway', 'decider', 'worker', 'swf'].flatMap(name => [`--${name}-port`, '0'])

const dev = (data: string, ...more: string[]) => startCli(['dev', '--app', APP, '--data', data, ...PORTS, ...more])
const stateOf = (data: string): DevState => JSON.parse(readFileSync(join(data, 'dev.json'), 'utf8')) as DevState
const ready = async (process: TestProcess, data: string) => {
  await process.line('Ctrl-C stops everything', { within: 30_000 })
  return stateOf(data)
}
const graphql = async (state: DevState, query: string, variables: object = {}) => {
  const response = await fetch(state.endpoints.graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  return ((await response.json()) as { data: any }).data
}
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('what was running goes on after a stop and the next start; --fresh begins empty; nothing is left behind', async () => {
  const data = join(tmpDir('dev'), 'data')
  const first = dev(data)
  const state = await ready(first, data)
  const printed = first.output()
  for (const url of [state.endpoints.graphql, state.endpoints.graphiql, state.endpoints.swf])
    expect(printed).toContain(url)

  // The two commands that it prints to copy do what they say.
  const { execSync } = await import('node:child_process')
  const start = /^ {2}(curl -s http.*)$/m.exec(printed)![1]!
  expect(JSON.parse(execSync(start).toString())).toMatchObject({
    data: { startExecution: { execution: { status: 'OPEN' } } },
  })
  const watch = /^ {2}(curl -sN http.*)$/m.exec(printed)![1]!

  const [order] = JSON.parse(readFileSync('examples/order-saga/orders.json', 'utf8')) as any[]
  const { order: _order, expect: _expect, act: _act, ...rest } = order
  const input = { ...(_order ?? rest), id: 'held-1', holdBefore: 'payment' }
  await graphql(state, 'mutation($input: StartExecutionInput!) { startExecution(input: $input) { created } }', {
    input: { workflowId: 'held-1', type: 'OrderSaga', input },
  })
  const SHOW = '{ execution(workflowId: "held-1") { runId status state saga { step } } }'
  const { execution: before } = await until(
    async () => {
      const shown = await graphql(state, SHOW)
      return shown.execution?.saga?.step === 'hold before payment' && shown
    },
    { what: 'the order is held' },
  )
  const stopped = await first.kill('SIGINT')
  expect(stopped).toEqual({ code: 0, signal: null })
  for (const { pid } of Object.values(state.processes)) expect(isAlive(pid!)).toBe(false)
  expect(existsSync(join(data, 'dev.json'))).toBe(false)

  const second = dev(data)
  const again = await ready(second, data)
  const { execution: after } = await until(
    async () => {
      const shown = await graphql(again, SHOW)
      return shown.execution && shown
    },
    { what: 'the order is known again' },
  )
  expect(after).toMatchObject({ runId: before.runId, status: 'OPEN' })
  const watching = execSync(
    `timeout 1 ${watch.replace(state.endpoints.graphqlStream, again.endpoints.graphqlStream)} || true`,
  )
  expect(watching.toString()).not.toContain('errors')
  await graphql(
    again,
    'mutation { signalExecution(input: { execution: { workflowId: "held-1" }, signalName: "release", input: { by: "test" } }) { execution { runId } } }',
  )
  await until(async () => (await graphql(again, SHOW)).execution.status === 'COMPLETED', {
    what: 'the order completes',
  })

  // A second one with the same data is refused while this one runs.
  const twin = dev(data)
  expect((await twin.exited).code).toBe(1)
  expect(twin.output()).toContain(`runs already with this data, as process ${second.pid}`)

  // Killed, it leaves no process behind, and --fresh begins empty.
  await second.kill('SIGKILL')
  await until(() => Object.values(again.processes).every(({ pid }) => !isAlive(pid!)), { what: 'no orphan is left' })
  const fresh = dev(data, '--fresh')
  const emptied = await ready(fresh, data)
  expect((await graphql(emptied, '{ executions { nodes { workflowId } } }')).executions.nodes).toEqual([])
  expect((await fresh.stop()).code).toBe(0)
}, 90_000)

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
    [
      'SWF out of reach',
      ['register', '--app', APP, '--transport', 'http', '--endpoint', 'http://127.0.0.1:1'],
      'SWF_UNAVAILABLE',
    ],
    [
      'Redis out of reach',
      ['worker', '--app', APP, '--port', '0', '--redis', 'redis://127.0.0.1:1'],
      'REDIS_UNAVAILABLE',
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

test.each(['dev', 'gateway', 'decider', 'worker', 'local-swf', 'register'])(
  '%s --help tells enough to use it',
  async name => {
    const process = startCli([name, '--help'])
    expect((await process.exited).code).toBe(0)
    expect(process.output()).toMatch(/Usage: swf-gateway/)
    expect(process.output()).toMatch(/Example/)
  },
)

test('options come from flags, then the environment, then the file', async () => {
  const cwd = tmpDir('config')
  writeFileSync(join(cwd, 'swf-gateway.config.json'), JSON.stringify({ port: 'none', logLevel: 'fatal' }))
  const broken = startCli(['local-swf', '--in-memory'], { cwd })
  expect((await broken.exited).code).not.toBe(0)
  expect(broken.output()).toContain('Give a whole number')
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
