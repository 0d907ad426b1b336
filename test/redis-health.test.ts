import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { feedNeeds } from '../src/feed/redis-needs.js'
import { queueNeeds } from '../src/queues/redis-needs.js'
import { RedisHealth, allNeeds, type RedisNeeds } from '../src/redis-health.js'
import { connectRedis, isRedisAway, redisReady, redisTrouble } from '../src/redis.js'
import { createLog, type Log } from '../src/telemetry.js'
import { afterFile } from './support/dispose.js'
import { ownRedis, redisCommand } from './support/redis.js'
import { until } from './support/until.js'

const redis = await ownRedis({ persistence: 'none' })
const needs = allNeeds([feedNeeds('test', 'shop'), queueNeeds('test', 'shop', { work: true })])

function healthOf(url: string, errors: string[] = [], all: RedisNeeds = needs) {
  const log = {
    ...createLog('test', 'silent'),
    warn() {},
    info() {},
    error: ({ err }: { err: string }) => errors.push(err),
  }
  const connection = connectRedis({ url, name: 'test', log: log as unknown as Log })
  afterFile(() => connection.disconnect())
  return { connection, errors, health: new RedisHealth({ redis: connection, needs: all, log: log as unknown as Log }) }
}

describe('a Redis that looks connected', () => {
  const { health, connection } = healthOf(redis.url)
  const says = (text: string) =>
    until(async () => (await health.trouble())?.text.includes(text), { what: `it says ${text}` })
  const isWell = () => until(async () => (await health.trouble()) === undefined, { what: 'it is well' })
  const set = (...words: string[]) => redisCommand(redis.url, 'CONFIG', 'SET', ...words)

  /** What a command and a script get to hear, as mutations do. */
  const expectAway = async () => {
    for (const write of [
      () => connection.set('a', '1'),
      () => connection.eval("return redis.call('SET', 'a', '1')", 0),
    ]) {
      const error: unknown = await write().catch((error: unknown) => error)
      expect(isRedisAway(error)).toBe(true)
      expect(redisTrouble(error)!.kind).toBe('NO_WRITES')
    }
  }

  test('is well when it answers and takes writes, and nothing is written to find out', async () => {
    await redisReady(connection)
    await isWell()
    expect(await connection.dbsize()).toBe(0)
  })

  test('is frozen', async () => {
    process.kill(redis.pid, 'SIGSTOP')
    expect((await health.lacks({ needed: true })).length).toBeLessThan(2)
    await says('not answered for 0.6 s')
    await says('Redis does not answer')
    process.kill(redis.pid, 'SIGCONT')
    await isWell()
  })

  test('is full', async () => {
    await set('maxmemory', '1')
    await says('full and takes no writes (OOM)')
    expect(await health.lacks({ needed: true })).toEqual([
      { what: expect.stringContaining('OOM') as string, stops: true },
    ])
    expect(await health.lacks({ needed: false })).toEqual([
      { what: expect.stringContaining('OOM') as string, stops: false },
    ])
    await expectAway()
    await set('maxmemory', '0')
    await isWell()
  })

  test('wants more replicas than it has', async () => {
    await set('min-replicas-to-write', '1')
    await says('NOREPLICAS')
    await expectAway()
    await set('min-replicas-to-write', '0')
    await isWell()
  })

  test('cannot save its data', async () => {
    const [, dir] = (await connection.config('GET', 'dir')) as [string, string]
    await set('save', '3600 1')
    rmSync(dir, { recursive: true })
    await redisCommand(redis.url, 'SET', 'a', '1')
    await redisCommand(redis.url, 'BGSAVE')
    await says('MISCONF')
    await expectAway()
    await set('stop-writes-on-bgsave-error', 'no')
    await isWell()
    await redisCommand(redis.url, 'FLUSHALL')
  })
})

describe('what the Redis user may not do', () => {
  let users = 0
  /** Makes a user who may use `keys` and do all but `refused`, and connects as that one. */
  async function as({ keys = ['~*'], refused = [] }: { keys?: string[]; refused?: string[] }) {
    const user = `user${++users}`
    await redisCommand(redis.url, 'ACL', 'SETUSER', user, 'on', '>secret', ...keys, '+@all', ...refused)
    return { user, ...healthOf(redis.url.replace('//', `//${user}:secret@`)) }
  }

  test('is said with what to grant, once, and is looked at again', async () => {
    const { user, health, errors } = await as({ refused: ['-time', '-xadd', '-script|load'] })
    const trouble = await until(async () => errors.length > 0 && health.trouble(), { what: 'it says what lacks' })
    expect(trouble).toMatchObject({ kind: 'REFUSED' })
    expect(trouble.text).toContain(
      'lacks rights (NOPERM); for TIME, XADD, SCRIPT LOAD: grant it +time +xadd +script|load',
    )
    expect(errors).toEqual([trouble.text])
    await redisCommand(redis.url, 'ACL', 'SETUSER', user, '+@all')
    await until(async () => (await health.trouble()) === undefined, { what: 'the grant is noticed' })
    expect(errors).toHaveLength(1)
  })

  test('is said of key patterns', async () => {
    const { health, errors } = await as({ keys: ['~other:*', '~{test:shop}*'] })
    await until(() => errors.length > 0, { what: 'it is logged without being asked for' })
    expect(errors[0]).toContain('for keys like test:{shop}:probe and {test:shop:any}:probe: grant it their pattern')
    expect(await health.lacks({ needed: false })).toMatchObject([{ stops: false }])
  })

  test('executes and writes nothing to find out', async () => {
    const { health } = await as({})
    await until(async () => (await health.trouble()) === undefined, { what: 'it is well' })
    expect(await redisCommand(redis.url, 'DBSIZE')).toBe(':0')
  })
})

test.each([
  ['feed', feedNeeds('p', 'd')],
  ['queues', queueNeeds('p', 'd')],
])('every command that scripts and code in %s call is among its needs', (folder, { commands }) => {
  const called = new Set<string>()
  for (const file of readdirSync(`src/${folder}`)) {
    const text = readFileSync(`src/${folder}/${file}`, 'utf8')
    for (const [, name] of text.matchAll(/redis\.call\(\s*['"]([A-Za-z]+)/g)) called.add(name!.toUpperCase())
    for (const [, name] of text.matchAll(/(?:redis|pipeline)\.([a-z]+)\(/g)) called.add(name!.toUpperCase())
  }
  for (const ours of ['CALL', 'PCALL', 'PIPELINE', 'EXEC', 'ON', 'DISCONNECT', 'SCRIPT']) called.delete(ours)
  const known = new Set(commands.map(line => line.split(' ')[0]!))
  expect([...called].filter(name => !known.has(name))).toEqual([])
})
