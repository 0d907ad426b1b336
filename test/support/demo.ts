// The demo as a process that a test disturbs.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DevState } from '../../src/cli/dev.js'
import { startNode, type TestProcess } from './process.js'
import { tmpDir } from './tmp.js'

export const KILLED = ['worker', 'decider', 'gateway', 'local-swf', 'redis'] as const

export interface Demo {
  readonly process: TestProcess
  /** What `dev.json` says; undefined before everything has started. */
  state(): DevState | undefined
  /** Process id of a part that runs now. */
  pid(name: (typeof KILLED)[number]): number | undefined
}

/** Starts `npm run demo`, without the set-up, in a temporary directory of its own. */
export function startDemo(): Demo {
  const directory = tmpDir('demo')
  const process = startNode(['examples/dist/order-saga/demo.js'], { env: { TMPDIR: directory } })
  const state = () => {
    const name = readdirSync(directory).find(entry => entry.startsWith('swf-gateway-demo-'))
    const file = name && join(directory, name, 'dev.json')
    return file && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as DevState) : undefined
  }
  return { process, state, pid: name => state()?.processes[name]?.pid }
}
