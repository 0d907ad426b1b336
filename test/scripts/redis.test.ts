import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, inject, test, vi } from 'vitest'
import { findRedis, startRedis } from '../../scripts/redis.mjs'
import { afterFile } from '../support/dispose.js'
import { leftRunning } from '../support/left-running.js'
import { startNode } from '../support/process.js'
import { redisCommand } from '../support/redis.js'
import { tmpDir } from '../support/tmp.js'
import { until } from '../support/until.js'

const MODULE = new URL('../../scripts/redis.mjs', import.meta.url).href

afterEach(() => {
  vi.unstubAllEnvs()
})

/** A folder with an executable that answers `--version`. */
function server(folder: string, name: string, version: string): string {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, name)
  writeFileSync(file, `#!/bin/sh\necho 'Server v=${version} sha=0'\n`)
  chmodSync(file, 0o755)
  return file
}

test('REDIS_URL comes first, unless it does not count', async () => {
  const path = tmpDir()
  vi.stubEnv('REDIS_URL', 'redis://somewhere:6379')
  vi.stubEnv('PATH', path)
  const command = server(path, 'redis-server', '7.2.4')
  expect(await findRedis()).toEqual({ url: 'redis://somewhere:6379' })
  expect(await findRedis({ ignoreUrl: true })).toEqual({ command, env: {}, version: '7.2.4' })
})

test('a server on PATH comes before the unpacked copy, unless it is too old', async () => {
  const [path, cache] = [tmpDir(), tmpDir()]
  vi.stubEnv('PATH', path)
  server(path, 'redis-server', '6.0.16')
  const copy = server(join(cache, 'usr/bin'), 'redis-server', '7.0.15')
  mkdirSync(join(cache, 'usr/lib/any-linux-gnu'), { recursive: true })
  writeFileSync(join(cache, 'usr/lib/any-linux-gnu/liblzf.so.1'), '')
  vi.stubEnv('LD_LIBRARY_PATH', '/theirs')
  const env = { LD_LIBRARY_PATH: `${join(cache, 'usr/lib/any-linux-gnu')}:/theirs` }
  expect(await findRedis({ ignoreUrl: true, cache })).toEqual({ command: copy, env, version: '7.0.15' })
  const valkey = server(path, 'valkey-server', '8.0.1')
  expect(await findRedis({ ignoreUrl: true, cache })).toEqual({ command: valkey, env: {}, version: '8.0.1' })
})

test('no Redis and no packages: one line that says what to do', async () => {
  vi.stubEnv('PATH', tmpDir())
  const looking = findRedis({ cache: join(tmpDir(), 'none') })
  await expect(looking).rejects.toMatchObject({ code: 'REDIS_UNAVAILABLE' })
  await expect(looking).rejects.toThrow(/^No Redis: .*(install).*docker compose up -d redis.*REDIS_URL=[^\n]*$/)
})

test('starts with an append-only file, and never evicts', async () => {
  const redis = await startRedis({ found: await findRedis({ ignoreUrl: true }), dir: tmpDir(), persistence: 'aof' })
  afterFile(redis.stop)
  const info = await redisInfo(redis.url)
  expect(info).toContain('aof_enabled:1')
  expect(info).toContain('maxmemory_policy:noeviction')
  expect(info).toContain(`process_id:${redis.pid}`)
  await redis.stop()
  await redis.stop()
  expect(redis.process.exitCode).toBe(0)
})

test('a port in use is an error with what Redis said', async () => {
  const blocker = createServer().listen(0, '127.0.0.1')
  afterFile(() => blocker.close())
  await until(() => blocker.listening, { what: 'the port is taken' })
  const { port } = blocker.address() as AddressInfo
  const found = await findRedis({ ignoreUrl: true })
  const starting = startRedis({ found, dir: tmpDir(), port, persistence: 'none' })
  await expect(starting).rejects.toThrow(new RegExp(`did not start on port ${port}: .*\\n[^]*in use`, 'i'))
})

test('a command that cannot be run is an error', async () => {
  const found = { command: join(tmpDir(), 'absent'), env: {}, version: '7.0.0' }
  await expect(startRedis({ found, dir: tmpDir(), persistence: 'none' })).rejects.toThrow(/Redis did not start/)
})

test('two Redis never share the data of one folder; what a killed owner left is stopped', async () => {
  const dir = tmpDir()
  const found = await findRedis({ ignoreUrl: true })
  const script = `
    import { startRedis } from ${JSON.stringify(MODULE)}
    const redis = await startRedis({ found: ${JSON.stringify(found)}, dir: ${JSON.stringify(dir)}, persistence: 'aof' })
    console.log('pid ' + redis.pid)`
  const owner = startNode(['--input-type=module', '-e', script])
  const first = Number((await owner.line('pid ')).split(' ')[1])
  await expect(startRedis({ found, dir, persistence: 'aof' })).rejects.toThrow(
    new RegExp(`already runs on the data in .* started by process ${owner.pid}: `),
  )
  const { port } = JSON.parse(readFileSync(join(dir, 'redis-owner.json'), 'utf8')) as { port: number }
  await redisCommand(`redis://127.0.0.1:${port}`, 'SET', 'key', 'value')

  await owner.kill()
  const redis = await startRedis({ found, dir, persistence: 'aof' })
  afterFile(redis.stop)
  expect(leftRunning(inject('run').folder).map(({ pid }) => pid)).not.toContain(first)
  expect(await redisCommand(redis.url, 'EXISTS', 'key')).toBe(':1')
})

async function redisInfo(url: string): Promise<string> {
  const { connect } = await import('node:net')
  return new Promise((resolve, reject) => {
    let reply = ''
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write('INFO\r\nQUIT\r\n'))
    socket.on('data', data => (reply += String(data)))
    socket.on('error', reject)
    socket.on('close', () => resolve(reply))
  })
}
