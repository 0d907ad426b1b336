// The private Redis of `dev`.

import { findRedis, startRedis } from '../../scripts/redis.mjs'
import { feedKeys } from '../feed/stream.js'
import { DEFAULT_PREFIX, domainKey } from '../queues/keys.js'
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

const escapeGlob = (text: string) => text.replace(/[\\*?[\]^]/g, '\\$&')

/** Deletes what a Redis that is not `dev`'s own holds of a domain. */
export async function forgetDomain(url: string, domain: string): Promise<void> {
  const redis = connectRedis({ url, name: 'swf-gateway:dev', log: createLog('dev', 'silent') })
  try {
    await redisReady(redis)
    const feed = feedKeys(DEFAULT_PREFIX, domain).stream.replace(/stream$/, '')
    const queues = domainKey(DEFAULT_PREFIX, domain)
    for (const match of [feed, `${queues}`, queues.replace(/\}$/, ':')].map(text => `${escapeGlob(text)}*`))
      for await (const keys of redis.scanStream({ match, count: 500 }) as AsyncIterable<string[]>)
        if (keys.length) await redis.unlink(...keys)
  } finally {
    await closeRedis(redis)
  }
}
