// `swf-gateway dev`, as a user runs it: stop and go on, ports, a second start, a parent that dies.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
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
    `${watch.replace('curl ', 'curl --max-time 1 ').replace(state.endpoints.graphqlStream, again.endpoints.graphqlStream)} || true`,
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
  const fresher = dev(data, '--fresh')
  expect((await fresher.exited).code).toBe(1)
  expect((await graphql(again, SHOW)).execution).toMatchObject({ runId: before.runId, status: 'COMPLETED' })
  expect(existsSync(join(data, 'swf'))).toBe(true)

  // Killed, it leaves no process behind, and --fresh begins empty.
  await second.kill('SIGKILL')
  await until(() => Object.values(again.processes).every(({ pid }) => !isAlive(pid!)), { what: 'no orphan is left' })
  const fresh = dev(data, '--fresh')
  const emptied = await ready(fresh, data)
  expect((await graphql(emptied, '{ executions { nodes { workflowId } } }')).executions.nodes).toEqual([])
  expect((await fresh.stop()).code).toBe(0)
}, 90_000)
