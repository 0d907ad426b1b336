// The private Redis of `dev`.

import { existsSync, readFileSync } from 'node:fs'
import { findRedis, startRedis } from '../../scripts/redis.mjs'
import type { Starter } from './supervisor.js'

/** Starts a Redis with its data in `directory` (append-only file, synced every second). */
export function redisChild(directory: string, port: number): Starter {
  return async () => {
    const found = await findRedis({ ignoreUrl: true })
    const redis = await startRedis({ found, dir: directory, port, persistence: 'aof' })
    return { pid: redis.pid, exited: redis.exited, stop: () => redis.stop() }
  }
}

/** Ends a Redis that a `dev` which was killed has left behind, so that the next one can have its data. */
export async function stopStaleRedis(stateFile: string): Promise<void> {
  if (!existsSync(stateFile)) return
  const { processes } = JSON.parse(readFileSync(stateFile, 'utf8')) as { processes: Record<string, { pid?: number }> }
  const pid = processes.redis?.pid
  if (!pid || !isRedis(pid)) return
  process.kill(pid, 'SIGTERM')
  for (let tries = 0; tries < 50 && isRedis(pid); tries++) await new Promise(resolve => setTimeout(resolve, 100))
}

/** Tells whether a process id is that of a Redis server; false where that cannot be told. */
function isRedis(pid: number): boolean {
  try {
    return /redis-server|valkey-server/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
  } catch {
    return false
  }
}
