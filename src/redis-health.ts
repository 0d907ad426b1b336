// The health of Redis as a process needs it: it is asked, since a connection that is open proves little.

import { lately, reduces, stops, type Lack } from './probes.js'
import {
  connectionTrouble,
  connectionWarning,
  redisReady,
  redisTrouble,
  type Redis,
  type RedisTrouble,
} from './redis.js'
import type { Log } from './telemetry.js'

/** What a process does in Redis. */
export interface RedisNeeds {
  /** Names of keys, one for each pattern that its user must be allowed. They need not exist. */
  keys: readonly string[]
  /** Every command that it calls, with as many words as it must have; KEY stands for a key. */
  commands: readonly string[]
}

/** How long Redis may take to answer a probe, in milliseconds. */
const PATIENCE = 600
/** How long its answer is remembered, and for how long that it refuses something. */
const REMEMBER = 1_000
const REMEMBER_REFUSAL = 5_000

/** Returns the needs of a process with several parts. */
export function allNeeds(parts: readonly RedisNeeds[]): RedisNeeds {
  const all = (of: (part: RedisNeeds) => readonly string[]) => [...new Set(parts.flatMap(of))]
  return { keys: all(({ keys }) => keys), commands: all(({ commands }) => commands) }
}

export class RedisHealth {
  readonly #redis: Redis
  readonly #needs: RedisNeeds
  readonly #log: Log
  readonly #answer: () => Promise<RedisTrouble | undefined>
  #refused: RedisTrouble | undefined
  #checkAgainAt = Number.POSITIVE_INFINITY
  #checking: Promise<void> | undefined

  /** Looks at what the user may do whenever the connection is made, and logs what it may not. */
  constructor({ redis, needs, log }: { redis: Redis; needs: RedisNeeds; log: Log }) {
    this.#redis = redis
    this.#needs = needs
    this.#log = log
    this.#answer = lately(() => this.#ask(), REMEMBER, undefined)
    redis.on('ready', () => void this.#check())
  }

  /** Resolves to what is wrong, within a second; undefined when Redis answers, takes writes and lets us do what we need. */
  async trouble(): Promise<RedisTrouble | undefined> {
    const trouble = connectionTrouble(this.#redis) ?? (await this.#answer())
    if (!trouble && performance.now() > this.#checkAgainAt) await this.#check()
    return trouble ?? this.#refused
  }

  /** Says in words what is wrong; `needed`: without Redis the process can do nothing that it is for. */
  async lacks({ needed }: { needed: boolean }): Promise<Lack[]> {
    const trouble = await this.trouble()
    const warning = connectionWarning(this.#redis)
    return [...(trouble ? [(needed ? stops : reduces)(trouble.text)] : []), ...(warning ? [reduces(warning)] : [])]
  }

  async #ask(): Promise<RedisTrouble | undefined> {
    let timer: NodeJS.Timeout | undefined
    const silent = new Promise<RedisTrouble>(resolve => {
      timer = setTimeout(
        () => resolve({ kind: 'AWAY', text: `Redis has not answered for ${PATIENCE / 1_000} s` }),
        PATIENCE,
      )
    })
    // Nothing put into a key that is not there leaves it so: but Redis refuses it whenever it refuses writes.
    const write = this.#redis.setrange(this.#needs.keys[0]!, 0, '').then(
      () => undefined,
      (error: Error): RedisTrouble =>
        redisTrouble(error) ?? { kind: 'REFUSED', text: `Redis refuses to work: ${error.message}` },
    )
    return Promise.race([write, silent]).finally(() => clearTimeout(timer))
  }

  #check(): Promise<void> {
    return (this.#checking ??= missingRights(this.#redis, this.#needs)
      .then(refused => {
        if (refused && refused.text !== this.#refused?.text)
          this.#log.error({ err: refused.text }, 'redis user lacks rights')
        if (!refused && this.#refused) this.#log.info('redis user has the rights that it needs')
        this.#refused = refused
        this.#checkAgainAt = refused ? performance.now() + REMEMBER_REFUSAL : Number.POSITIVE_INFINITY
      })
      // Redis went away meanwhile: when it is back it is looked at again.
      .catch(() => {})
      .finally(() => (this.#checking = undefined)))
  }
}

/**
 * Finds out what the Redis user may not do of what is needed. Commands are queued in a transaction and discarded: rights are
 * looked at when a command is queued, and nothing is executed.
 */
async function missingRights(redis: Redis, { keys, commands }: RedisNeeds): Promise<RedisTrouble | undefined> {
  const connection = redis.duplicate()
  try {
    await redisReady(connection, 5_000)
    const refusal = await refusalOf(connection.call('MULTI'))
    if (refusal) return { kind: 'REFUSED', text: `the Redis user may not call MULTI: grant it +multi; ${RIGHTS}` }
    const queue = (line: string, key: string) => {
      const [command, ...words] = line.split(' ')
      return refusalOf(connection.call(command!, ...words.map(word => (word === 'KEY' ? key : word))))
    }
    const called = commands.map(async line => ((await queue(line, keys[0]!)) === 'COMMAND' ? line : undefined))
    const used = keys.map(async key => ((await queue('SETRANGE KEY 0 x', key)) === 'KEY' ? key : undefined))
    const lines = (await Promise.all(called)).filter(line => line !== undefined)
    const names = (await Promise.all(used)).filter(key => key !== undefined)
    await connection.call('DISCARD').catch(() => {})
    if (lines.length + names.length === 0) return undefined
    const named = lines.map(line => line.replace(/ KEY.*| [a-z0-9*$].*/, ''))
    const grants = named.map(name => `+${name.toLowerCase().replace(' ', '|')}`)
    return {
      kind: 'REFUSED',
      text: [
        'the Redis user lacks rights (NOPERM)',
        ...(named.length ? [`for ${named.join(', ')}: grant it ${grants.join(' ')}`] : []),
        ...(names.length ? [`for keys like ${names.join(' and ')}: grant it their pattern`] : []),
        RIGHTS,
      ].join('; '),
    }
  } finally {
    connection.disconnect()
  }
}

const RIGHTS = 'docs/redis.md has the rules for each process'

/** Resolves to what is refused of a command for want of rights; undefined when nothing is. */
async function refusalOf(reply: Promise<unknown>): Promise<'COMMAND' | 'KEY' | undefined> {
  try {
    await reply
    return undefined
  } catch (error) {
    const { message } = error as Error
    if (!message.startsWith('NOPERM')) return undefined
    return /\bkeys?\b/.test(message) ? 'KEY' : 'COMMAND'
  }
}
