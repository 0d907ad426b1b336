// What stands around the sides: one Redis, one local SWF, and a process for each side.

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findRedis, startRedis } from '../../../scripts/redis.mjs'
import { connectRedis, redisReady, type Redis } from '../../../src/redis.js'
import { createSwfClient, type SwfClient } from '../../../src/swf/client.js'
import { register } from '../../../src/swf/registration.js'
import { createLog } from '../../../src/telemetry.js'
import { DOMAIN, TYPE } from './data.js'

/** What a process has used since it was asked last. */
export interface Usage {
  /** User and system time with all its threads, in milliseconds. */
  cpu: number
  /** The part of the time in which its event loop was busy, from 0 to 1. */
  loop: number
  /** Bytes that it holds now: of the heap and of buffers, after a collection; all its memory. */
  heap: number
  rss: number
}

/** A process of this benchmark that has said where it listens. */
export interface Part {
  readonly port: number
  readonly process: ChildProcess
  /** Sends it a message, and resolves to its answer. */
  ask<T>(question: unknown): Promise<T>
  /** What it has used since it was asked last. */
  usage(): Promise<Usage>
  stop(): Promise<void>
}

export interface Stage {
  readonly redis: Redis
  readonly redisUrl: string
  readonly swf: SwfClient
  readonly endpoint: string
  /** Starts a process from a file beside this one; `build`: from another build of the sources than this one. */
  start(file: string, argument: object, build?: string): Promise<Part>
  stop(): Promise<void>
}

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url))

export async function openStage(): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'gateway-bench-'))
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
  const running = await startRedis({ found: await findRedis({ ignoreUrl: true }), dir: directory, persistence: 'aof' })
  const redis = connectRedis({ url: running.url, name: 'bench', log: createLog('bench', 'silent') })
  await redisReady(redis)
  const server = fork(path('../decider/server.ts'))
  const [endpoint] = (await once(server, 'message')) as [string]
  const swf = createSwfClient({ transport: 'http', endpoint })
  await register(swf, {
    domain: DOMAIN,
    retentionDays: 1,
    workflowTypes: [
      {
        ...TYPE,
        defaultTaskList: { name: 'nobody' },
        defaultTaskStartToCloseTimeout: 'NONE',
        defaultExecutionStartToCloseTimeout: '86400',
        defaultChildPolicy: 'TERMINATE',
      },
    ],
    activityTypes: [],
  })
  const parts = new Set<Part>()

  return {
    ...{ redis, redisUrl: running.url, swf, endpoint },
    async start(file, argument, build) {
      const child = fork(path(file), [JSON.stringify(argument)], {
        // What is logged goes where it costs nobody anything.
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        execArgv: [
          '--expose-gc',
          ...(file.endsWith('.ts') ? process.execArgv : []),
          ...(process.env.PROFILE ? ['--cpu-prof', `--cpu-prof-dir=${join(process.env.PROFILE, file)}`] : []),
        ],
        env: { ...process.env, ...(build && { BUILD: build }) },
      })
      const [port] = (await once(child, 'message')) as [number]
      const part: Part = {
        ...{ port, process: child },
        async ask<T>(question: unknown) {
          const answered = once(child, 'message')
          child.send(question as object)
          return (await answered)[0] as T
        },
        usage: () => part.ask<Usage>('usage'),
        async stop() {
          parts.delete(part)
          const ended = once(child, 'exit')
          child.disconnect()
          await ended
        },
      }
      parts.add(part)
      return part
    },
    async stop() {
      for (const part of [...parts]) await part.stop()
      redis.disconnect()
      server.disconnect()
      await running.stop()
    },
  }
}
