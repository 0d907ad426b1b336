// Redis in tests: real ones, started for the run, never anybody's.

import { cpSync, mkdirSync, rmdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { inject } from 'vitest'
import { findRedis, startRedis, type RunningRedis, type StartRedisOptions } from '../../scripts/redis.mjs'
import { afterFile } from './dispose.js'
import { tmpDir } from './tmp.js'

export interface TestRedis {
  /** Ends with the number of a database that is this test file's alone. */
  url: string
  /** Unlike any other's, for names that databases do not keep apart: channels of publish and subscribe. */
  prefix: string
}

let mine: TestRedis | undefined

/** Gives this test file an empty database of the run's Redis; emptied again after the file. */
export function testRedis(): TestRedis {
  if (mine) return mine
  const { folder, redisUrl, databases } = inject('run')
  const number = claim(join(folder, 'databases'), databases)
  const url = `${redisUrl}/${number}`
  afterFile(async () => {
    mine = undefined
    await redisCommand(url, 'FLUSHDB')
    rmdirSync(join(folder, 'databases', String(number)))
  })
  mine = { url, prefix: `test-${process.pid}-${number}` }
  return mine
}

/** Making a folder succeeds once: that is what shares numbers out among test files in many processes. */
function claim(folder: string, databases: number): number {
  for (let number = 1; number < databases; number++) {
    try {
      mkdirSync(join(folder, String(number)))
      return number
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
  throw new Error(`all ${databases} databases of the test Redis are taken`)
}

export interface OwnRedis {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Ends it without warning. */
  kill(): Promise<void>
  /** Ends it if it runs, and starts it again on the same port, with what it had kept. */
  restart(): Promise<void>
  /**
   * Takes note of this moment; returns what takes it back there: all that was written since is lost, as with the end of the
   * log in a power cut. For a Redis that keeps what it has answered (`always`).
   */
  mark(): () => Promise<void>
  /** Deletes everything. */
  empty(): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts a Redis for one test to kill, restart or empty; stopped after the file at the latest. A test that expects what was answered
 * to survive a kill asks for `always`: with `aof`, Redis answers before it writes while a sync runs.
 */
export async function ownRedis({
  persistence = 'aof',
}: Partial<Pick<StartRedisOptions, 'persistence'>> = {}): Promise<OwnRedis> {
  const found = await findRedis({ ignoreUrl: true })
  const dir = tmpDir('redis')
  let running: RunningRedis = await startRedis({ found, dir, persistence })
  afterFile(() => running.stop())
  const own: OwnRedis = {
    get url() {
      return running.url
    },
    get port() {
      return running.port
    },
    get pid() {
      return running.pid
    },
    async kill() {
      const { process: child } = running
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
    },
    async restart() {
      await running.stop()
      running = await startRedis({ found, dir, persistence, port: running.port })
    },
    mark() {
      const copy = tmpDir('redis-copy')
      cpSync(dir, copy, { recursive: true })
      return async () => {
        await own.kill()
        rmSync(dir, { recursive: true })
        cpSync(copy, dir, { recursive: true })
        await own.restart()
      }
    },
    async empty() {
      await redisCommand(running.url, 'FLUSHALL')
    },
    stop: () => running.stop(),
  }
  return own
}

/** Sends one command over a connection of its own and resolves with the reply's first line. */
export function redisCommand(url: string, ...command: string[]): Promise<string> {
  const { hostname, port, pathname } = new URL(url)
  const encode = (words: string[]) =>
    `*${words.length}\r\n${words.map(w => `$${Buffer.byteLength(w)}\r\n${w}\r\n`).join('')}`
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let reply = ''
    socket.setTimeout(5_000, () => socket.destroy(new Error(`Redis did not answer ${command[0]}`)))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`Redis closed the connection after: ${reply}`)))
    socket.on('connect', () => socket.write(encode(['SELECT', pathname.slice(1) || '0']) + encode(command)))
    socket.on('data', data => {
      reply += data
      const [selected, line] = reply.split('\r\n')
      if (selected?.startsWith('-')) reject(new Error(selected.slice(1)))
      else if (line?.startsWith('-')) reject(new Error(line.slice(1)))
      else if (line !== undefined && reply.split('\r\n').length > 2) resolve(line)
      else return
      socket.destroy()
    })
  })
}
