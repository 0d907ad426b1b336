// The private Redis of `dev`.

import { findRedis, startRedis } from '../../scripts/redis.mjs'
import { closeRedis, connectRedis, redisReady } from '../redis.js'
import { createLog } from '../telemetry.js'
import type { Starter } from './supervisor.js'

/** Starts a Redis with its data in `directory` (append-only file, synced every second). */
export function redisChild(directory: string, port: number): Starter {
  return async () => {
    const found = await findRedis({ ignoreUrl: true })
    const redis = await startRedis({ found, dir: directory, port, persistence: 'aof' })
    return { pid: redis.pid, exited: redis.exited, stop: () => redis.stop() }
  }
}

/** Deletes what a Redis that is not `dev`'s own holds of a domain. */
export async function forgetDomain(url: string, domain: string): Promise<void> {
  const redis = connectRedis({ url, name: 'swf-gateway:dev', log: createLog('dev', 'silent') })
  try {
    await redisReady(redis)
    // Feed and queues have tags of their own: feed/stream.ts, queues/keys.ts.
    for (const match of [`swf-gateway:{${domain}}*`, `{swf-gateway:${domain}}*`, `{swf-gateway:${domain}:*`])
      for await (const keys of redis.scanStream({ match, count: 500 }) as AsyncIterable<string[]>)
        if (keys.length) await redis.unlink(...keys)
  } finally {
    await closeRedis(redis)
  }
}
