// The sole maker of Redis connections.

import { Redis } from 'ioredis'
import type { Duplex } from 'node:stream'
import type { Log } from './telemetry.js'

export type { Redis }

export interface Connection {
  /** @default redis://127.0.0.1:6379 */
  url: string
  /** Shown by CLIENT LIST: swf-gateway:worker. */
  name: string
  log: Log
}

/**
 * Opens a connection that comes back by itself, for as long as it takes.
 *
 * - `commands` (default): a command that finds no connection fails at once with an error, so that callers decide;
 *   nothing waits unseen in a queue.
 * - `blocking`: for BullMQ's Workers and for readers: commands wait for the connection.
 */
export function connectRedis({ url, name, log }: Connection, use: 'commands' | 'blocking' = 'commands'): Redis {
  const options = {
    connectionName: name,
    // 0: what was under way when a connection broke fails at once. With null ioredis forgets it, and the caller waits for
    // `commandTimeout`, however soon Redis is back.
    maxRetriesPerRequest: use === 'blocking' ? null : 0,
    enableOfflineQueue: use === 'blocking',
    retryStrategy: (tries: number) => Math.min(50 * 2 ** Math.min(tries, 6), 2_000),
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    connectTimeout: 5_000,
    ...(use === 'commands' && { commandTimeout: 5_000, autoResendUnfulfilledCommands: false }),
  }
  const redis = new Redis(url, options)
  redis.on('connect', () => gatherWrites((redis as unknown as { stream: Duplex }).stream))
  let away = false
  redis.on('error', (error: Error) => {
    if (!away) log.warn({ err: error.message, connection: name }, 'redis is out of reach')
    away = true
  })
  redis.on('ready', () => {
    if (away) log.info({ connection: name }, 'redis is back')
    away = false
  })
  return redis
}

/** Resolves when the connection can be used; rejects after `timeout` milliseconds. */
export async function redisReady(redis: Redis, timeout = 10_000): Promise<void> {
  if (redis.status === 'ready') return
  await new Promise<void>((resolve, reject) => {
    const done = () => {
      clearTimeout(timer)
      redis.off('ready', done)
      resolve()
    }
    const timer = setTimeout(() => {
      redis.off('ready', done)
      reject(new RedisUnavailable())
    }, timeout)
    redis.on('ready', done)
  })
}

/** Closes a connection; never rejects. */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status !== 'ready') return redis.disconnect()
  await redis.quit().catch(() => redis.disconnect())
}

/** Redis does not answer. */
export class RedisUnavailable extends Error {
  override readonly name = 'RedisUnavailable'
  readonly code = 'REDIS_UNAVAILABLE'
  constructor(options?: ErrorOptions) {
    super('Redis does not answer: check REDIS_URL, and that the server runs', options)
  }
}

/** Tells whether an error means that Redis was out of reach, rather than that it refused a command. */
export function isRedisAway(error: unknown): boolean {
  if (error instanceof RedisUnavailable) return true
  const { name, message = '', code = '' } = error as Partial<Error> & { code?: string }
  return (
    name === 'MaxRetriesPerRequestError' ||
    name === 'AbortError' ||
    /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN)/.test(code) ||
    /Connection is closed|Command timed out|Stream isn't writeable|^LOADING|^MASTERDOWN|^CLUSTERDOWN/.test(message)
  )
}

/** Sends what is written by one callback, and all that is woken by it, with one call of the system. */
function gatherWrites(stream: Duplex): void {
  const { write } = stream
  let corked = false
  const uncork = () => {
    corked = false
    stream.uncork()
  }
  stream.write = ((...args: Parameters<typeof write>) => {
    if (!corked) {
      corked = true
      stream.cork()
      process.nextTick(uncork)
    }
    return write.apply(stream, args)
  }) as typeof write
}
