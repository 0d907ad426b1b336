// The demo as a process that a test disturbs.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLocalSwf } from '../../src/swf/local/index.js'
import type { DevState } from '../../src/cli/dev.js'
import { checkAllHistories } from './history-checker.js'
import { startNode, type TestProcess } from './process.js'
import { tmpDir } from './tmp.js'

export const KILLED = ['worker', 'decider', 'gateway', 'local-swf', 'redis'] as const

export interface Demo {
  readonly process: TestProcess
  /** What `dev.json` says; undefined before everything has started. */
  state(): DevState | undefined
  /** Process id of a part that runs now. */
  pid(name: (typeof KILLED)[number]): number | undefined
  /** Resolves when the demo has ended and every history that it left in the local SWF's store has been checked. */
  ended(): Promise<{ code: number | null }>
}

/** Starts `npm run demo`, without the set-up, in a temporary directory of its own. */
export function startDemo(): Demo {
  const directory = tmpDir('demo')
  const process = startNode(['examples/dist/order-saga/demo.js', '--keep'], { env: { TMPDIR: directory } })
  const own = () => readdirSync(directory).find(entry => entry.startsWith('swf-gateway-demo-'))
  const state = () => {
    const name = own()
    const file = name && join(directory, name, 'dev.json')
    return file && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as DevState) : undefined
  }
  const ended = async () => {
    const { code } = await process.exited
    const local = await createLocalSwf({ data: join(directory, own()!, 'swf') })
    try {
      await checkAllHistories(local)
    } finally {
      await local.close()
    }
    return { code }
  }
  return { process, state, ended, pid: name => state()?.processes[name]?.pid }
}
