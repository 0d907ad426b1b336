import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { start } from '../support/process.js'
import { tmpDir } from '../support/tmp.js'

const runs = existsSync('/dev/full') ? test : test.skip

/** Runs the demo in a shell, and tells how it ended and what it has left behind. */
async function demo(script: string) {
  const directory = tmpDir('demo')
  const args = ['-c', script, 'bash', process.execPath, 'examples/dist/order-saga/demo.js']
  const shell = start('bash', args, { env: { TMPDIR: directory } })
  await shell.exited
  const left = readdirSync(directory).filter(name => name.startsWith('swf-gateway-demo-'))
  return { output: shell.output(), left, states: left.map(name => existsSync(join(directory, name, 'dev.json'))) }
}

test('the demo whose reader has seen enough stops the stack and leaves nothing behind', async () => {
  const { output, left } = await demo('"$@" | head -1; echo "code ${PIPESTATUS[0]}"')
  expect(output).toBe('Starting local SWF, Redis, gateway, decider and worker …\ncode 141\n')
  expect(left).toEqual([])
}, 90_000)

runs(
  'the demo that cannot write says so, stops the stack and keeps its logs',
  async () => {
    const { output, states } = await demo('"$@" >/dev/full; echo "code $?"')
    expect(output).toMatch(/The demo failed: ENOSPC/)
    expect(output).toMatch(/code 1\n$/)
    // The stack takes its state file away when it has stopped.
    expect(states).toEqual([false])
  },
  90_000,
)
