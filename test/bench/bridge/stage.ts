// What stands around the sides: one Redis, one local SWF, and a process for each side.

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findRedis, startRedis } from '../../../scripts/redis.mjs'
import type { Asked } from './server.js'
import type { Figures, SideOptions } from './side.js'

export interface Measured extends Figures {
  count: number
  /** From asking for the activities to the end of the last, in milliseconds. */
  ms: number
  /** CPU of Redis and of the local SWF, in milliseconds; NaN where the system does not tell. */
  redisCpu: number
  swfCpu: number
}

export interface Side {
  name: string
  /** Does so many activities, each of which takes `ms` milliseconds. */
  run(count: number, ms?: number): Promise<Measured>
  stop(): Promise<void>
}

export interface Stage {
  /** `build`: another build of the sources than this one. */
  side(name: string, options: Pick<SideOptions, 'how' | 'concurrency' | 'pollers'>, build?: string): Promise<Side>
  stop(): Promise<void>
}

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url))
/** User and system time of a process since its start, in milliseconds. */
function cpuOf(pid: number): number {
  try {
    const [user, system] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ').slice(11, 13)
    return (Number(user) + Number(system)) * 10
  } catch {
    return NaN
  }
}
const ended = async (child: ChildProcess) => {
  child.disconnect()
  await once(child, 'exit')
}

export async function openStage(): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'bridge-bench-'))
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
  const redis = await startRedis({ found: await findRedis({ ignoreUrl: true }), dir: directory, persistence: 'aof' })
  const server = fork(path('server.ts'))
  const [endpoint] = (await once(server, 'message')) as [string]
  let sides = 0

  return {
    async side(name, options, build) {
      const taskList = `side ${++sides}`
      const given: SideOptions = { ...options, endpoint, redis: redis.url, taskList }
      const child = fork(path('side.ts'), [JSON.stringify(given)], {
        // A worker logs each activity: the lines go where they cost nobody anything.
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        execArgv: [
          ...process.execArgv,
          ...(process.env.PROFILE ? ['--cpu-prof', `--cpu-prof-dir=${join(process.env.PROFILE, options.how)}`] : []),
        ],
        env: { ...process.env, ...(build && { BUILD: build }) },
      })
      await once(child, 'message')
      return {
        name,
        async run(count, ms = 0) {
          child.send(count)
          await once(child, 'message')
          const [redisCpu, swfCpu] = [cpuOf(redis.pid), cpuOf(server.pid!)]
          const start = performance.timeOrigin + performance.now()
          if (options.how !== 'bullmq') server.send({ taskList, count, ms } satisfies Asked)
          const [figures] = (await once(child, 'message')) as [Figures]
          return {
            ...figures,
            ...{ count, ms: figures.end - start },
            ...{ redisCpu: cpuOf(redis.pid) - redisCpu, swfCpu: cpuOf(server.pid!) - swfCpu },
          }
        },
        stop: () => ended(child),
      }
    },
    async stop() {
      await ended(server)
      await redis.stop()
    },
  }
}
