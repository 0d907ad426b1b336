// The sole maker of Redis connections.
//
// C1. A connection finds out by itself that it is dead, when it has gone quiet without a word as well: it looks whether it
//     is answered every few seconds, and is opened anew when it is not.
// C2. It stays with the primary: at a server that is a replica, or becomes one, it lets go and connects again.
// C3. It is not ready at a server that cannot be worked with, and logs why: one line a change.

import { Redis } from 'ioredis'
import type { Duplex } from 'node:stream'
import {
  AWAY,
  NO_TLS,
  REPLICA,
  RedisUnavailable,
  RedisUnsuitable,
  SHARDS,
  isRedisAway,
  redisTrouble,
  redisUrl,
  serverTrouble,
  serverWarning,
  type RedisInfo,
  type RedisTrouble,
} from './redis-trouble.js'
import type { Log } from './telemetry.js'

export { RedisUnavailable, RedisUnsuitable, isRedisAway, redisTrouble, type Redis, type RedisTrouble }

export interface Connection {
  /** Throws RedisUnsuitable when it cannot be one of Redis. @default redis://127.0.0.1:6379 */
  url: string
  /** Shown by CLIENT LIST: swf-gateway:worker. */
  name: string
  log: Log
}

/** How long Redis may owe an answer until the connection counts as dead, in milliseconds; longer than any read blocks. */
const SILENCE = 5_000
/** How often a connection that is at rest looks whether it is answered, and by a primary. */
const LOOK = 3_000

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
    reconnectOnError: (error: Error) => redisTrouble(error) === REPLICA,
    connectTimeout: SILENCE,
    socketTimeout: SILENCE,
    maxLoadingRetryTime: 1_000,
    ...(use === 'commands' && { commandTimeout: SILENCE, autoResendUnfulfilledCommands: false }),
  }
  return watched(new Redis(redisUrl(url), options), log)
}

interface State {
  /** Why the connection is not ready, or not for long. */
  trouble?: RedisTrouble | undefined
  warning?: string | undefined
  /** Rejects when Redis turns out to be a Cluster with several shards. */
  checked: Promise<void>
}

const states = new WeakMap<Redis, State>()

/** What is private in ioredis and used here. */
type Inside = { stream: Duplex; connector: { check(info: RedisInfo): boolean } }

/** Keeps the rules C1 to C3 for a connection, and for those that are made from it. */
function watched(redis: Redis, log: Log): Redis {
  const state: State = { checked: Promise.resolve() }
  states.set(redis, state)
  const inside = redis as unknown as Inside
  const connection = redis.options.connectionName
  /** Why this attempt to connect must not succeed, or has failed. */
  let failed: RedisTrouble | undefined
  let sharded = false
  let isCluster = false
  let looking: NodeJS.Timeout | undefined

  const say = (trouble: RedisTrouble) => {
    failed = trouble
    if (state.trouble?.text !== trouble.text)
      log[trouble.kind === 'AWAY' ? 'warn' : 'error']({ connection, err: trouble.text }, 'redis is out of reach')
    state.trouble = trouble
    redis.emit('trouble')
  }
  const leave = (trouble: RedisTrouble) => {
    say(trouble)
    redis.disconnect(true)
  }
  const look = async () => {
    const info = String(await redis.call('INFO', 'replication'))
    if (/^role:slave/m.test(info)) leave(REPLICA)
  }
  const checkShards = async () => {
    const info = String(await redis.call('CLUSTER', 'INFO').catch(() => ''))
    if (Number(/^cluster_size:(\d+)/m.exec(info)?.[1] ?? 0) <= 1) return
    sharded = true
    leave(SHARDS)
    throw new RedisUnsuitable(SHARDS.text)
  }

  inside.connector.check = info => {
    const wrong = failed?.kind === 'UNSUITABLE' ? failed : sharded ? SHARDS : serverTrouble(info)
    if (wrong) say(wrong)
    isCluster = info.cluster_enabled === '1'
    state.warning = serverWarning(info)
    return wrong === undefined
  }
  // Without INFO ioredis would go on, and write a line on the console each time: to us that is an error like others.
  const info = redis.info.bind(redis) as (...args: unknown[]) => Promise<string>
  redis.info = ((first: unknown, ...others: unknown[]) =>
    typeof first === 'function'
      ? info((error: Error | null, reply: unknown) => void first(error && new Error('INFO', { cause: error }), reply))
      : info(...(first === undefined ? [] : [first]), ...others)) as typeof redis.info
  redis.on('connecting', () => (failed = undefined))
  redis.on('connect', () => gatherWrites(inside.stream))
  redis.on('error', (error: Error & { code?: string }) => {
    const { message } = error
    const trouble = redisTrouble(error.cause ?? error) ?? { ...AWAY, text: `${AWAY.text}: ${message}` }
    // A server that expects no TLS waits for the end of what it takes for a command.
    say(redis.options.tls && error.code === 'ETIMEDOUT' ? NO_TLS : trouble)
  })
  redis.on('ready', () => {
    if (state.trouble) log.info({ connection }, 'redis is back')
    state.trouble = undefined
    if (state.warning) log.warn({ connection, err: state.warning }, 'redis may lose data')
    clearInterval(looking)
    looking = setInterval(() => void look().catch(() => {}), LOOK).unref()
    if (!isCluster) return
    state.checked = checkShards()
    state.checked.catch(() => {})
  })
  redis.on('close', () => {
    const wasReady = looking !== undefined
    clearInterval(looking)
    looking = undefined
    if (!failed && redis.status !== 'end') say(wasReady ? AWAY : CLOSED)
  })
  const duplicate = redis.duplicate.bind(redis)
  redis.duplicate = override => watched(duplicate(override), log)
  return redis
}

const CLOSED: RedisTrouble = {
  kind: 'AWAY',
  text: 'Redis closes connections before it answers: if this port speaks TLS, write rediss:// for redis://',
}

/** Returns why a connection is not ready; undefined when it is. */
export function connectionTrouble(redis: Redis): RedisTrouble | undefined {
  return states.get(redis)?.trouble ?? (redis.status === 'ready' ? undefined : AWAY)
}

/** Returns what should be changed about the Redis that a connection leads to, before it does harm. */
export function connectionWarning(redis: Redis): string | undefined {
  return states.get(redis)?.warning
}

/**
 * Resolves when the connection can be used; rejects with RedisUnavailable after `timeout` milliseconds, and with
 * RedisUnsuitable as soon as it is known that waiting is no use.
 */
export async function redisReady(redis: Redis, timeout = 10_000): Promise<void> {
  const state = states.get(redis)
  await new Promise<void>((resolve, reject) => {
    const end = (act: () => void) => {
      clearTimeout(timer)
      redis.off('ready', look)
      redis.off('trouble', look)
      act()
    }
    const look = () => {
      const trouble = state?.trouble
      if (redis.status === 'ready') end(resolve)
      else if (trouble?.kind === 'UNSUITABLE') end(() => reject(new RedisUnsuitable(trouble.text)))
    }
    const timer = setTimeout(() => {
      const text = connectionTrouble(redis)?.text
      end(() => reject(new RedisUnavailable(text === AWAY.text ? undefined : text)))
    }, timeout)
    redis.on('ready', look)
    redis.on('trouble', look)
    look()
  })
  await state?.checked
}

/** Closes a connection; never rejects. */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status !== 'ready') return redis.disconnect()
  await redis.quit().catch(() => redis.disconnect())
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
