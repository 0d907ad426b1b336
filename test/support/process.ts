// Real processes, from dist: what a test can kill.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'
import { afterFile } from './dispose.js'
import { RUN_MARK, scrubbed } from './environment.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const STOP_WITHIN = 10_000

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface TestProcess {
  readonly pid: number
  /** Whether it has not ended yet. */
  readonly alive: boolean
  /** Everything it has printed so far, on both outputs. */
  output(): string
  /** Resolves with the first line that matches, past or future; rejects when it ends or the time is over before. */
  line(pattern: RegExp | string, options?: { within?: number }): Promise<string>
  /** Resolves when it has ended. */
  readonly exited: Promise<Exit>
  /** Sends a signal and resolves when it has ended. @default SIGKILL */
  kill(signal?: NodeJS.Signals): Promise<Exit>
  /** Asks it to end; kills it when it has not after 10 s. */
  stop(): Promise<Exit>
}

export interface ProcessOptions {
  /** Added to an environment that holds no Redis, no AWS account and no settings of anybody. */
  env?: Record<string, string>
  /** @default the root of the package */
  cwd?: string
  /** A file descriptor that it writes both outputs to. @default pipes, read by `output` */
  writesTo?: number
}

/** Starts `node ARGS…`; killed after this test file when it still runs. */
export function startNode(args: readonly string[], options?: ProcessOptions): TestProcess {
  return start(process.execPath, args, options)
}

/** Starts a command; killed after this test file when it still runs. */
export function start(
  command: string,
  args: readonly string[],
  { env = {}, cwd = ROOT, writesTo }: ProcessOptions = {},
): TestProcess {
  const child = spawn(command, args, {
    cwd,
    env: { ...scrubbed(), [RUN_MARK]: inject('run').folder, ...env },
    stdio: ['ignore', writesTo ?? 'pipe', writesTo ?? 'pipe'],
  })
  if (child.pid === undefined) throw new Error(`could not start ${command} ${args.join(' ')}`)

  let output = ''
  const watchers = new Set<() => void>()
  const changed = () => {
    for (const watcher of [...watchers]) watcher()
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      changed()
    })
  }
  let ended: Exit | undefined
  // `close` comes after the last of its output, `exit` would not; but a grandchild may hold the output open.
  const exited = new Promise<Exit>(resolve => {
    const end = (code: number | null, signal: NodeJS.Signals | null) => {
      ended ??= { code, signal }
      resolve(ended)
      changed()
    }
    child.once('close', end)
    child.once('exit', (code, signal) => setTimeout(end, 200, code, signal).unref())
  })

  const kill = async (signal: NodeJS.Signals = 'SIGKILL') => {
    child.kill(signal)
    return exited
  }
  const running: TestProcess = {
    pid: child.pid,
    get alive() {
      return child.exitCode === null && child.signalCode === null
    },
    output: () => output,
    exited,
    kill,
    async stop() {
      const hard = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN)
      const exit = await kill('SIGTERM')
      clearTimeout(hard)
      return exit
    },
    line(pattern, { within = 15_000 } = {}) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const lines = ended ? output.split('\n') : output.split('\n').slice(0, -1)
          const found = lines.find(line => (typeof pattern === 'string' ? line.includes(pattern) : pattern.test(line)))
          if (found !== undefined) return finish(() => resolve(found))
          if (ended) finish(() => reject(missing(`ended with ${ended?.signal ?? ended?.code}`)))
        }
        const finish = (settle: () => void) => {
          clearTimeout(timer)
          watchers.delete(look)
          settle()
        }
        const missing = (why: string) =>
          new Error(
            `${command} ${args.join(' ')} ${why} without a line ${String(pattern)}; it printed:\n${output.slice(-4_000)}`,
          )
        const timer = setTimeout(() => finish(() => reject(missing(`ran ${within} ms`))), within)
        watchers.add(look)
        look()
      })
    },
  }
  afterFile(async () => {
    if (running.alive) await kill()
  })
  return running
}

/** The command of the package, as Node runs it. */
export const CLI = `${ROOT}dist/cli/main.js`

/** Starts the command of the package: `startCli(['gateway', '--port', '0'])`. */
export function startCli(args: readonly string[], options?: ProcessOptions): TestProcess {
  return startNode([CLI, ...args], options)
}
