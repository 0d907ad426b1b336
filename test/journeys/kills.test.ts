// kill -9 of every process in the middle of a demo run: each is started again by itself, and the demo proves all the same
// that every order ended as it must and that the books balance.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { DevState } from '../../src/cli/dev.js'
import { startNode } from '../support/process.js'
import { until } from '../support/until.js'

function devState(): DevState | undefined {
  const directory = readdirSync(tmpdir()).find(name => name.startsWith('swf-gateway-demo-'))
  const file = directory && join(tmpdir(), directory, 'dev.json')
  return file && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as DevState) : undefined
}

test('every process is killed once in a demo run, and nothing is lost', async () => {
  const demo = startNode(['examples/dist/order-saga/demo.js'])
  await demo.line(/orders: .*running/, { within: 30_000 })
  for (const name of ['worker', 'decider', 'gateway', 'local-swf', 'redis']) {
    const { pid } = await until(() => devState()?.processes[name]?.pid && devState()!.processes[name], {
      what: `${name} runs`,
    })
    process.kill(pid!, 'SIGKILL')
    await until(
      () => {
        const now = devState()?.processes[name]?.pid
        return now !== undefined && now !== pid
      },
      { what: `${name} is started again`, within: 20_000 },
    )
  }
  const { code } = await demo.exited
  expect(demo.output()).toContain('Proven: all 49 orders ended as their file says.')
  expect(code).toBe(0)
}, 150_000)
