// What is the matter with Redis, in words for operators: said by errors, and by what INFO tells of a server.

/**
 * `AWAY`: it does not answer, or not yet. `NO_WRITES`: it answers, and takes no writes. `REFUSED`: it does not let us do what we need.
 * `UNSUITABLE`: it cannot be used as it is, and trying again does not help.
 */
export type TroubleKind = 'AWAY' | 'NO_WRITES' | 'REFUSED' | 'UNSUITABLE'

export interface RedisTrouble {
  kind: TroubleKind
  /** What is wrong and what to do. */
  text: string
}

/** Redis does not answer, or takes no writes: what is asked of it may work later. */
export class RedisUnavailable extends Error {
  override readonly name = 'RedisUnavailable'
  readonly code = 'REDIS_UNAVAILABLE'
  constructor(message = 'Redis does not answer: check REDIS_URL, and that the server runs', options?: ErrorOptions) {
    super(message, options)
  }
}

/** This Redis cannot be used: another URL, or another Redis, is needed. */
export class RedisUnsuitable extends Error {
  override readonly name = 'RedisUnsuitable'
  readonly code = 'REDIS_UNSUITABLE'
}

export const AWAY: RedisTrouble = { kind: 'AWAY', text: 'Redis does not answer' }
export const REPLICA: RedisTrouble = {
  kind: 'NO_WRITES',
  text: 'Redis is a replica and takes no writes (READONLY): its primary is looked for at the same address',
}
export const NO_TLS: RedisTrouble = {
  kind: 'REFUSED',
  text: 'Redis does not speak TLS at this port: write redis:// for rediss://, or take its other port',
}
export const SHARDS: RedisTrouble = {
  kind: 'UNSUITABLE',
  text: 'Redis is a Cluster with several shards, which is not supported yet: use one shard, or no Cluster',
}

/** The oldest Redis with all that the scripts use. */
const OLDEST = [6, 2]

/** What Redis' codes mean. */
const REPLIES: Record<string, RedisTrouble> = {
  OOM: { kind: 'NO_WRITES', text: 'Redis is full and takes no writes (OOM): raise its maxmemory' },
  MISCONF: {
    kind: 'NO_WRITES',
    text: 'Redis takes no writes since it cannot save its data (MISCONF): look at its disk and its log',
  },
  NOREPLICAS: {
    kind: 'NO_WRITES',
    text: 'Redis takes no writes since too few replicas follow it (NOREPLICAS, min-replicas-to-write)',
  },
  READONLY: REPLICA,
  LOADING: { kind: 'AWAY', text: 'Redis is loading its data (LOADING)' },
  BUSY: { kind: 'AWAY', text: "Redis is busy with somebody's script (BUSY)" },
  MASTERDOWN: { kind: 'AWAY', text: 'Redis is a replica that has lost its primary (MASTERDOWN)' },
  UNBLOCKED: { kind: 'AWAY', text: 'Redis has become a replica (UNBLOCKED)' },
  CLUSTERDOWN: { kind: 'AWAY', text: 'Redis is a Cluster that is down (CLUSTERDOWN)' },
  TRYAGAIN: { kind: 'AWAY', text: 'Redis is moving keys to another shard (TRYAGAIN)' },
  MOVED: SHARDS,
  ASK: SHARDS,
  CROSSSLOT: SHARDS,
  NOAUTH: {
    kind: 'REFUSED',
    text: 'Redis asks for a password (NOAUTH): write it into the URL, redis://USER:PASSWORD@HOST:PORT',
  },
  WRONGPASS: {
    kind: 'REFUSED',
    text: 'Redis does not take this user and password (WRONGPASS): check those in the URL, and whether the user is on',
  },
}
const CODE = new RegExp(`(?:^|\\s-)(${Object.keys(REPLIES).join('|')})\\b`)

const RIGHTS = 'docs/redis.md has the rules for each process'

/** Returns what an error says of Redis; undefined when it refused one command for what that was. */
export function redisTrouble(error: unknown): RedisTrouble | undefined {
  const { name, message = '', code = '' } = (error ?? {}) as Partial<Error> & { code?: string }
  if (error instanceof RedisUnavailable) return { kind: 'AWAY', text: message }
  if (error instanceof RedisUnsuitable) return { kind: 'UNSUITABLE', text: message }
  // Redis 6.2 gives a script's error a text of its own and has the code in the middle: ERR Error running script … -READONLY …
  const [, reply] = (name === 'ReplyError' && CODE.exec(message)) || []
  if (reply) return REPLIES[reply]
  if (name === 'ReplyError') return refused(message) ?? unsuitableDatabase(message)
  return tlsTrouble(code, message) ?? (isAway(name, code, message) ? AWAY : undefined)
}

/** Tells whether an error means that Redis cannot do its part now, rather than that it refused one command for what that was. */
export function isRedisAway(error: unknown): boolean {
  return redisTrouble(error) !== undefined
}

function refused(message: string): RedisTrouble | undefined {
  const [, command] = /^NOPERM .*run the '(.+?)' command/.exec(message) ?? []
  if (command)
    return {
      kind: 'REFUSED',
      text: `the Redis user may not call ${command.replace('|', ' ').toUpperCase()} (NOPERM): grant it +${command}; ${RIGHTS}`,
    }
  if (/^NOPERM .*key|executing the script can't access .*key/.test(message))
    return {
      kind: 'REFUSED',
      text: `the Redis user may not use keys that are needed (NOPERM): check its key patterns against --prefix; ${RIGHTS}`,
    }
  if (/^NOPERM|executing the script can't|ACL failure in script/.test(message))
    return { kind: 'REFUSED', text: `the Redis user may not do all that is needed (NOPERM): ${RIGHTS}` }
  return undefined
}

function unsuitableDatabase(message: string): RedisTrouble | undefined {
  if (/DB index is out of range|SELECT is not allowed|invalid DB index/i.test(message))
    return {
      kind: 'UNSUITABLE',
      text: `Redis has no database of the number in the URL: ${message.replace('ERR ', '')}`,
    }
  return undefined
}

function tlsTrouble(code: string, message: string): RedisTrouble | undefined {
  if (/WRONG_VERSION_NUMBER|^EPROTO/.test(code) || /disconnected before secure TLS/.test(message)) return NO_TLS
  if (/CERT|^UNABLE_TO_|^ERR_TLS/.test(code))
    return {
      kind: 'REFUSED',
      text: `the certificate of Redis is not trusted (${message}): give its authority in NODE_EXTRA_CA_CERTS`,
    }
  return undefined
}

function isAway(name: string | undefined, code: string, message: string): boolean {
  return (
    name === 'MaxRetriesPerRequestError' ||
    name === 'AbortError' ||
    /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_|EHOST|ENET)/.test(code) ||
    /Connection is closed|Command timed out|Socket timeout|Stream isn't writeable/.test(message)
  )
}

/** What INFO tells, by field; empty when the user may not ask. */
export type RedisInfo = Readonly<Record<string, string>>

/** Returns why a server cannot be worked with, by what it tells of itself. */
export function serverTrouble(info: RedisInfo): RedisTrouble | undefined {
  if (Object.keys(info).length === 0) return refused("NOPERM run the 'info' command")
  const { redis_version: version = '', role } = info
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < OLDEST[0]! || (major === OLDEST[0] && minor < OLDEST[1]!))
    return { kind: 'UNSUITABLE', text: `Redis ${version} is too old: ${OLDEST.join('.')} is the oldest that will do` }
  return role === 'slave' ? REPLICA : undefined
}

/** Returns what a server may do that it should not, for as long as nothing happens. */
export function serverWarning({ maxmemory, maxmemory_policy: policy }: RedisInfo): string | undefined {
  if (!policy || policy === 'noeviction' || !Number(maxmemory)) return undefined
  return `Redis throws keys away when it is full (maxmemory-policy ${policy}): set noeviction, or work is lost unseen`
}

/** Returns a URL of Redis as it was given. Throws RedisUnsuitable when it is none; the message leaves out the password. */
export function redisUrl(url: string): string {
  const wanted = 'write redis://USER:PASSWORD@HOST:PORT/DATABASE, or rediss:// for TLS'
  if (url.startsWith('/')) return url
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url))
    throw new RedisUnsuitable(`The URL of Redis cannot be read: ${wanted}`)
  const { pathname, searchParams } = new URL(url)
  const databases = [decodeURIComponent(pathname.slice(1)), searchParams.get('db') ?? '']
  const wrong = databases.find(database => !/^\d*$/.test(database))
  if (wrong !== undefined)
    throw new RedisUnsuitable(`${JSON.stringify(wrong)} in the URL of Redis is not the number of a database: ${wanted}`)
  return url
}
