import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { Queue, Worker } from 'bullmq'
import { describe, expect, test } from 'vitest'
import { findRedis } from '../scripts/redis.mjs'
import { closeRedis, connectRedis, connectionTrouble, redisReady, redisTrouble } from '../src/redis.js'
import { createLog, type Log } from '../src/telemetry.js'
import { afterFile } from './support/dispose.js'
import { ownRedis, redisCommand } from './support/redis.js'
import { redisProxy } from './support/redis-proxy.js'
import { tcpProxy } from './support/tcp-proxy.js'
import { tmpDir } from './support/tmp.js'
import { until } from './support/until.js'

const redis = await ownRedis({ persistence: 'none' })
const silent = createLog('test', 'silent')

function open(url: string, use?: 'blocking', log = silent) {
  const connection = connectRedis({ url, name: 'test', log }, use)
  afterFile(() => connection.disconnect())
  return connection
}

/** A log that keeps its lines. */
function keptLog() {
  const lines: { level: string; err?: string; text: string }[] = []
  const write = (level: string) => (facts: { err?: string }, text: string) => void lines.push({ level, ...facts, text })
  return { lines, log: { info: write('info'), warn: write('warn'), error: write('error') } as unknown as Log }
}

const why = (url: string) => {
  const connection = open(url)
  return until(
    () => connectionTrouble(connection)?.text !== 'Redis does not answer' && connectionTrouble(connection)?.text,
    {
      what: 'it says what is wrong',
    },
  )
}

// They wait for the same silence, so they may as well wait together.
describe.concurrent('connections that have gone quiet without a word are opened anew', () => {
  test.each(['commands', 'blocking'] as const)('%s, at rest', async use => {
    const proxy = await tcpProxy(() => redis.port)
    const connection = open(`redis://127.0.0.1:${proxy.port}`, use === 'blocking' ? 'blocking' : undefined)
    await redisReady(connection)
    const again = new Promise(resolve => connection.once('ready', resolve))
    proxy.freeze()
    await again
    expect(await connection.ping()).toBe('PONG')
  })

  test('a read that waits, and a command under way', async () => {
    const proxy = await tcpProxy(() => redis.port)
    const [reader, writer] = [
      open(`redis://127.0.0.1:${proxy.port}`, 'blocking'),
      open(`redis://127.0.0.1:${proxy.port}`),
    ]
    await Promise.all([redisReady(reader), redisReady(writer)])
    const read = reader.call('XREAD', 'BLOCK', '2000', 'STREAMS', 'quiet', '$')
    proxy.freeze()
    await expect(writer.get('x')).rejects.toSatisfy(error => redisTrouble(error)?.kind === 'AWAY')
    await read
    await until(() => writer.get('x').then(() => true), { what: 'commands are answered again' })
  })

  test("BullMQ's own", async () => {
    const proxy = await tcpProxy(() => redis.port)
    const url = `redis://127.0.0.1:${proxy.port}`
    const done: string[] = []
    const options = { prefix: '{quiet}', skipVersionCheck: true }
    const worker = new Worker('jobs', async job => void done.push(job.name), {
      ...{ ...options, connection: open(url, 'blocking'), drainDelay: 1, runRetryDelay: 1_000 },
    })
    worker.on('error', () => {})
    const queue = new Queue('jobs', { ...options, connection: open(redis.url) })
    queue.on('error', () => {})
    afterFile(async () => {
      await worker.close(true).catch(() => {})
      await queue.close()
    })
    await queue.add('before', {})
    await until(() => done.includes('before'), { what: 'the first job is done' })
    proxy.freeze()
    await queue.add('after', {})
    await until(() => done.includes('after'), { what: 'the job that came while it was quiet is done' })
  })

  test('a Redis that is stopped and goes on later is found again', async () => {
    const stopped = await ownRedis({ persistence: 'none' })
    const connection = open(stopped.url)
    await redisReady(connection)
    process.kill(stopped.pid, 'SIGSTOP')
    await until(() => connectionTrouble(connection), { what: 'it is noticed' })
    process.kill(stopped.pid, 'SIGCONT')
    await until(() => connection.ping(), { what: 'it answers' })
  })
})

describe('a connection stays with the primary', () => {
  test('one that only reads leaves a server that becomes a replica', async () => {
    const promoted = await ownRedis({ persistence: 'none' })
    let primary = redis
    const proxy = await tcpProxy(() => primary.port)
    const connection = open(`redis://127.0.0.1:${proxy.port}`)
    await redisReady(connection)
    primary = promoted
    await redisCommand(redis.url, 'REPLICAOF', '127.0.0.1', String(promoted.port))
    const portOf = async () => /^tcp_port:(\d+)/m.exec(await connection.info('server'))?.[1]
    await until(async () => (await portOf()) === String(promoted.port), { what: 'it reads from the new primary' })
    await redisCommand(redis.url, 'REPLICAOF', 'NO', 'ONE')
  })

  test('it is not ready at a replica, and says so', async () => {
    const replica = await ownRedis({ persistence: 'none' })
    await redisCommand(replica.url, 'REPLICAOF', '127.0.0.1', String(redis.port))
    expect(await why(replica.url)).toContain('Redis is a replica')
  })

  test("READONLY in a script's error leads away from a server, as Redis 7 writes it and as 6.2 does", async () => {
    const connection = open(redis.url)
    await redisReady(connection)
    for (const error of [
      "READONLY You can't write against a read only replica. script: 4cb918, on @user_script:1.",
      "ERR Error running script (call to f_4cb918): @user_script:5: @user_script: 5: -READONLY You can't write against a read only replica. ",
    ]) {
      const again = new Promise(resolve => connection.once('ready', resolve))
      await expect(connection.eval('return {err = ARGV[1]}', 0, error)).rejects.toThrow('READONLY')
      await again
    }
  })
})

describe('says what is wrong', () => {
  const at = (user: string) => redis.url.replace('//', `//${user}@`)

  test('a wrong password, once', async () => {
    const { lines, log } = keptLog()
    const connection = open(at('default:wrong'), undefined, log)
    // The default user of this Redis takes any password.
    await redisReady(connection)
    await redisCommand(redis.url, 'ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '+@all')
    let failures = 0
    const other = open(at('app:wrong'), undefined, log)
    other.on('error', () => failures++)
    await until(() => failures > 3, { what: 'it has tried some times' })
    expect(connectionTrouble(other)).toEqual({ kind: 'REFUSED', text: expect.stringContaining('WRONGPASS') })
    await expect(redisReady(other, 10)).rejects.toThrow('does not take this user and password')
    expect(lines).toEqual([
      { level: 'error', connection: 'test', err: expect.stringContaining('WRONGPASS'), text: 'redis is out of reach' },
    ])
  })

  test('a password that is missing', async () => {
    await redisCommand(redis.url, 'CONFIG', 'SET', 'requirepass', 'secret')
    try {
      expect(await why(redis.url)).toContain('asks for a password (NOAUTH)')
    } finally {
      const connection = open(at('default:secret'))
      await redisReady(connection)
      await connection.config('SET', 'requirepass', '')
    }
  })

  test('a user without INFO', async () => {
    await redisCommand(redis.url, 'ACL', 'SETUSER', 'blind', 'on', '>secret', '~*', '+@all', '-info')
    expect(await why(at('blind:secret'))).toContain('may not call INFO (NOPERM): grant it +info')
  })

  test('TLS at a plain port, plain at a TLS port, a certificate that nobody knows', async () => {
    const pem = readFileSync('test/support/self-signed.pem')
    const server = createTlsServer({ key: pem, cert: pem }, client => {
      const upstream = connect(redis.port, '127.0.0.1')
      client.pipe(upstream).pipe(client)
      for (const socket of [client, upstream]) socket.on('error', () => client.destroy(upstream.destroy() as never))
    })
    server.on('tlsClientError', () => {})
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    afterFile(() => void server.close())
    expect(await why(`redis://127.0.0.1:${port}`)).toContain('if this port speaks TLS, write rediss://')
    expect(await why(`rediss://127.0.0.1:${port}`)).toContain('certificate of Redis is not trusted')
    expect(await why(redis.url.replace('redis:', 'rediss:'))).toContain('does not speak TLS at this port')
  })

  test('a port that refuses connections, and closes them at once', async () => {
    const connection = open('redis://127.0.0.1:9')
    await until(() => connection.status === 'reconnecting', { what: 'it has tried' })
    expect(connectionTrouble(connection)).toEqual({ kind: 'AWAY', text: 'Redis does not answer' })
    const closing = createTcpServer(socket => socket.end()).listen(0, '127.0.0.1')
    await new Promise(resolve => closing.once('listening', resolve))
    afterFile(() => void closing.close())
    expect(await why(`redis://127.0.0.1:${(closing.address() as AddressInfo).port}`)).toContain(
      'closes connections before',
    )
  })
})

test.each([
  // Redis 7, and 6.2 in a script.
  ["OOM command not allowed when used memory > 'maxmemory'. script: 4cb918, on @user_script:1.", 'NO_WRITES', 'OOM'],
  [
    "ERR Error running script (call to f_4cb918): @user_script:1: @user_script: 1: -OOM command not allowed when used memory > 'maxmemory'. ",
    'NO_WRITES',
    'OOM',
  ],
  [
    'ERR Error running script (call to f_4): @user_script:1: -MISCONF Redis is configured to save',
    'NO_WRITES',
    'MISCONF',
  ],
  [
    "ERR Error running script (call to f_4): @user_script:1: The user executing the script can't run this command or subcommand",
    'REFUSED',
    'NOPERM',
  ],
  [
    "NOPERM User app has no permissions to run the 'script|load' command",
    'REFUSED',
    'SCRIPT LOAD (NOPERM): grant it +script|load',
  ],
  ['NOPERM No permissions to access a key', 'REFUSED', 'key patterns'],
  ['MOVED 3999 127.0.0.1:6381', 'UNSUITABLE', 'several shards'],
  ['LOADING Redis is loading the dataset in memory', 'AWAY', 'LOADING'],
])('%s', (message, kind, text) => {
  const error = Object.assign(new Error(message), { name: 'ReplyError' })
  expect(redisTrouble(error)).toEqual({ kind, text: expect.stringContaining(text) as string })
})

test.each([
  'WRONGTYPE Operation against a key',
  'ERR no such key x-OOM',
  'BUSYGROUP Consumer Group name already exists',
])('%s is a mistake and no trouble of Redis', message => {
  expect(redisTrouble(Object.assign(new Error(message), { name: 'ReplyError' }))).toBeUndefined()
  expect(redisTrouble(new TypeError('x is not a function'))).toBeUndefined()
  expect(redisTrouble(Object.assign(new Error('no such file'), { code: 'ENOENT' }))).toBeUndefined()
})

describe('a Redis that cannot be worked with is refused', () => {
  const refused = async (url: string) => {
    const connection = open(url)
    await expect(redisReady(connection)).rejects.toMatchObject({ code: 'REDIS_UNSUITABLE' })
    await until(() => connection.status === 'reconnecting', { what: 'it has let go' })
    return connectionTrouble(connection)!.text
  }

  test.each([
    ['redis://127.0.0.1:6379/abc', '"abc" in the URL of Redis is not the number of a database'],
    ['redis://127.0.0.1:6379/-1', 'is not the number of a database'],
    ['redis://127.0.0.1:6379/0/1', 'is not the number of a database'],
    ['redis://127.0.0.1:6379?db=abc', 'is not the number of a database'],
    ['http://127.0.0.1:6379', 'cannot be read'],
    ['127.0.0.1', 'cannot be read'],
    ['', 'cannot be read'],
  ])('%s', (url, text) => {
    expect(() => connectRedis({ url, name: 'test', log: silent })).toThrow(text)
  })

  test('a database that it does not have', async () => {
    expect(await refused(`${redis.url}/99`)).toContain('no database of the number in the URL')
    const connection = open(`${redis.url}/99`, 'blocking')
    const write = connection.set('astray', '1').catch(() => {})
    await expect(redisReady(connection)).rejects.toThrow('no database')
    expect(await redisCommand(redis.url, 'EXISTS', 'astray')).toBe(':0')
    connection.disconnect()
    await write
  })

  test('one that is too old', async () => {
    const proxy = await redisProxy(redis.port)
    proxy.replace = ([command]) =>
      /^info$/i.test(command!) ? ['EVAL', "return 'redis_version:5.0.7\\r\\nrole:master\\r\\n'", '0'] : undefined
    expect(await refused(proxy.url)).toContain('Redis 5.0.7 is too old: 6.2 is the oldest that will do')
  })

  test('a Cluster with several shards; one shard will do', async () => {
    const [one, other] = await Promise.all([clusterNode('0-8191'), clusterNode('8192-16383')])
    const alone = open(one.url)
    await redisReady(alone)
    await closeRedis(alone)
    await redisCommand(one.url, 'CLUSTER', 'MEET', '127.0.0.1', String(other.port))
    const known = open(one.url)
    await until(async () => /cluster_size:2/.test(String(await known.call('CLUSTER', 'INFO'))), {
      what: 'they have met',
    })
    expect(await refused(one.url)).toContain('a Cluster with several shards, which is not supported yet')
  })
})

test('a Redis that throws keys away is warned about, and one that throws none is not', async () => {
  const { lines, log } = keptLog()
  await redisReady(open(redis.url, undefined, log))
  expect(lines).toEqual([])
  await redisCommand(redis.url, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
  await redisReady(open(redis.url, undefined, log))
  expect(lines).toEqual([])
  await redisCommand(redis.url, 'CONFIG', 'SET', 'maxmemory', '1gb')
  await redisReady(open(redis.url, undefined, log))
  expect(lines).toMatchObject([
    { level: 'warn', err: expect.stringContaining('maxmemory-policy allkeys-lru') as string },
  ])
})

/** Starts a Redis that is a node of a Cluster, with these slots. */
async function clusterNode(slots: string): Promise<{ url: string; port: number }> {
  const found = await findRedis({ ignoreUrl: true })
  const port = await freePort()
  const dir = tmpDir(`cluster-${port}`)
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--cluster-enabled', 'yes']
  const child = spawn(found.command!, args, { cwd: dir, env: { ...process.env, ...found.env }, stdio: 'ignore' })
  afterFile(() => void child.kill('SIGKILL'))
  const url = `redis://127.0.0.1:${port}`
  const [from, to] = slots.split('-')
  await until(() => redisCommand(url, 'CLUSTER', 'ADDSLOTSRANGE', from!, to!), { what: 'the node answers' })
  return { url, port }
}

/** A port whose second one, 10,000 further, is below those that the system gives to connections. */
async function freePort(): Promise<number> {
  for (;;) {
    const server = createTcpServer().listen(10_000 + Math.floor(Math.random() * 10_000), '127.0.0.1')
    const port = await new Promise<number | undefined>(resolve => {
      server.once('error', () => resolve(undefined))
      server.once('listening', () => resolve((server.address() as AddressInfo).port))
    })
    if (port === undefined) continue
    await new Promise(resolve => server.close(resolve))
    return port
  }
}
