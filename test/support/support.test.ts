import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { scrubbed } from './environment.js'
import { leftRunning } from './left-running.js'
import { startNode } from './process.js'
import { ownRedis, redisCommand, testRedis } from './redis.js'
import { slowest } from './slowest-files.js'
import { tmpDir } from './tmp.js'
import { until } from './until.js'

test('a file gets one database, and another file another', async () => {
  const { url, prefix } = testRedis()
  expect(testRedis()).toEqual({ url, prefix })
  expect(url).toMatch(/^redis:\/\/127\.0\.0\.1:\d+\/[1-9]\d*$/)
  expect(prefix).toMatch(/^test-\d+-\d+$/)
  await redisCommand(url, 'SET', 'key', 'value')
  expect(await redisCommand(url, 'EXISTS', 'key')).toBe(':1')
  const { redisUrl, folder } = inject('run')
  expect(await redisCommand(redisUrl, 'EXISTS', 'key')).toBe(':0')
  expect(readdirSync(join(folder, 'databases'))).toContain(new URL(url).pathname.slice(1))
})

test('the environment of tests leads to nobody', () => {
  expect(process.env.REDIS_URL).toBeUndefined()
  expect(process.env.AWS_ACCESS_KEY_ID).toBe('test')
  expect(tmpdir()).toBe(inject('run').folder)
  const theirs = { PATH: '/bin', REDIS_URL: 'redis://prod', AWS_PROFILE: 'prod', SWF_GATEWAY_DOMAIN: 'prod' }
  const names = Object.keys(scrubbed(theirs))
  expect(names).toContain('PATH')
  expect(names).not.toContain('REDIS_URL')
  expect(names).not.toContain('AWS_PROFILE')
  expect(names).not.toContain('SWF_GATEWAY_DOMAIN')
})

test('an own Redis keeps its data over a kill, and loses it when emptied', async () => {
  const redis = await ownRedis({ persistence: 'always' })
  await redisCommand(redis.url, 'SET', 'key', 'value')
  const { port, pid } = redis
  await redis.kill()
  await expect(redisCommand(redis.url, 'PING')).rejects.toThrow()
  await redis.restart()
  expect(redis.port).toBe(port)
  expect(redis.pid).not.toBe(pid)
  expect(await redisCommand(redis.url, 'EXISTS', 'key')).toBe(':1')
  await redis.empty()
  expect(await redisCommand(redis.url, 'EXISTS', 'key')).toBe(':0')
  await redis.stop()
})

test('a process is waited for by its lines, and killed', async () => {
  const child = startNode([
    '-e',
    "console.log('one'); setTimeout(() => console.error('two'), 50); setInterval(() => {}, 1e6)",
  ])
  expect(await child.line(/^t/)).toBe('two')
  expect(await child.line('one')).toBe('one')
  expect(child.alive).toBe(true)
  await expect(child.line('three', { within: 50 })).rejects.toThrow(
    /ran 50 ms without a line three; it printed:\none\ntwo/,
  )
  expect(await child.kill()).toEqual({ code: null, signal: 'SIGKILL' })
  expect(child.alive).toBe(false)
})

test('a process that ends before its line says so', async () => {
  const child = startNode(['-e', "console.log('bye'); process.exit(3)"])
  await expect(child.line('hello')).rejects.toThrow(/ended with 3 without a line hello/)
  expect(await child.exited).toEqual({ code: 3, signal: null })
  expect(child.output()).toBe('bye\n')
})

test.runIf(existsSync('/proc/self/environ'))('what a killed process has left behind is found', async () => {
  const grandchild = 'setInterval(() => {}, 1e6)'
  const child = startNode([
    '-e',
    `console.log('pid ' + require('child_process').spawn(process.execPath, ['-e', '${grandchild}']).pid); setInterval(() => {}, 1e6)`,
  ])
  const pid = Number((await child.line('pid ')).split(' ')[1])
  await child.kill()
  const left = leftRunning(inject('run').folder).find(found => found.pid === pid)
  expect(left?.command).toContain('setInterval')
  process.kill(pid, 'SIGKILL')
  await until(() => !leftRunning(inject('run').folder).some(found => found.pid === pid), { what: 'it has ended' })
})

test('until gives what it waited for', async () => {
  let looks = 0
  expect(await until(() => (++looks === 3 ? 'there' : undefined), { what: 'it is there', every: 1 })).toBe('there')
})

test('until says what it waited for, and what went wrong last', async () => {
  const failure = new Error('refused')
  const waiting = until(() => Promise.reject(failure), { what: 'the server answers', within: 20, every: 1 })
  await expect(waiting).rejects.toThrow('Waited 20 ms in vain until the server answers')
  await expect(waiting).rejects.toMatchObject({ cause: failure })
})

test('a temporary folder is in the folder of the run', () => {
  expect(tmpDir().startsWith(inject('run').folder)).toBe(true)
})

test('the slowest files come first, ten of them', () => {
  const timings = Array.from({ length: 12 }, (_, n) => ({ file: `${n}.test.ts`, milliseconds: n * 1_000 }))
  const lines = slowest(timings).split('\n')
  expect(lines).toHaveLength(11)
  expect(lines[1]).toBe('    11.00 s  11.test.ts')
})
