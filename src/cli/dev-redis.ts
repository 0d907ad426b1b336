// The private Redis of `dev`.

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
