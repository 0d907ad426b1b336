// Redis for development and tests: finds one, and starts it privately. Node's own modules only: this runs before
// dependencies exist, and is shipped, since `swf-gateway dev` starts a Redis too.

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { homedir } from 'node:os'
import { dirname, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { canUnpackRedis, onPath, unpackRedis, unpackedRedis } from './redis-packages.mjs'

const OLDEST = [6, 2]
const START_WITHIN = 30_000
const STOP_WITHIN = 5_000
const LOG_LINES = 40

/** No Redis could be found or started; the message says what to do. */
export class RedisUnavailable extends Error {
  code = 'REDIS_UNAVAILABLE'
  name = 'RedisUnavailable'
}

/** Where an unpacked Redis is kept: in the clone, or for an installed package in the user's cache. */
export function redisCache() {
  const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
  if (!root.includes(`${sep}node_modules${sep}`)) return join(root, '.cache', 'redis')
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'swf-gateway', 'redis')
}

/**
 * Finds a Redis: `REDIS_URL`, a server on PATH, the copy unpacked before, the distribution's packages, in this order.
 * Rejects with RedisUnavailable when there is none.
 */
export async function findRedis({ ignoreUrl = false, onUnpack = sayUnpacking, cache = redisCache() } = {}) {
  const url = process.env.REDIS_URL
  if (url && !ignoreUrl) return { url }

  for (const name of ['redis-server', 'valkey-server']) {
    const command = onPath(name)
    const version = command && versionOf(command)
    if (version && !older(version)) return { command, env: {}, version }
  }
  const kept = checked(unpackedRedis(cache))
  if (kept) return kept

  let reason = ''
  if (canUnpackRedis()) {
    onUnpack()
    try {
      await unpackRedis(cache)
      const fresh = checked(unpackedRedis(cache))
      if (fresh) return fresh
      reason = 'the unpacked one does not run, or is too old'
    } catch (error) {
      reason = error.message
    }
  }
  throw new RedisUnavailable(advice({ ignoreUrl, reason }))
}

const sayUnpacking = () => void process.stderr.write("Redis: unpacking it from the distribution's packages, once …\n")

/**
 * Starts a private Redis on 127.0.0.1 and resolves when it answers. `aof` keeps its data in `dir`: a kill loses at most
 * the last two seconds, and seldom anything; `always` keeps what it has answered; `none` keeps nothing. A Redis that a killed owner left behind on the same `dir` is stopped first; one whose
 * owner lives is an error. It ends with this process, where the system can arrange that even on a kill.
 */
export async function startRedis({ found, dir, port = 0, persistence, databases = 16 }) {
  mkdirSync(dir, { recursive: true })
  const owner = join(dir, 'redis-owner.json')
  if (persistence !== 'none') await stopForgotten(owner, dir)

  // A free port may be taken between the look and the start: then look again.
  for (let attempt = 1; ; attempt++) {
    const chosen = port || (await freePort())
    try {
      return await launch({ found, dir, port: chosen, persistence, databases, owner })
    } catch (error) {
      if (port !== 0 || attempt === 5 || !/in use/i.test(error.message)) throw error
    }
  }
}

async function launch({ found, dir, port, persistence, databases, owner }) {
  const fsync = persistence === 'always' ? 'always' : 'everysec'
  const args = [
    ...['--bind', '127.0.0.1', '--port', String(port), '--dir', resolve(dir), '--daemonize', 'no'],
    ...['--maxmemory-policy', 'noeviction', '--save', '', '--databases', String(databases)],
    ...(persistence === 'none' ? ['--appendonly', 'no'] : ['--appendonly', 'yes', '--appendfsync', fsync]),
  ]
  const [command, ...rest] = [...diesWithParent(), found.command, ...args]
  const child = spawn(command, rest, {
    cwd: dir,
    env: { ...process.env, ...found.env },
    // A process group of its own: Ctrl-C in a terminal is for whoever started this, who stops Redis last.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log = []
  const keep = data => {
    log.push(...String(data).trimEnd().split('\n'))
    log.splice(0, log.length - LOG_LINES)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  let failure
  const closed = new Promise(done => {
    child.on('error', error => {
      failure = error
      done()
    })
    child.on('close', done)
  })
  living.add(child)
  closed.then(() => living.delete(child))

  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null || failure) return closed
    child.kill('SIGTERM')
    const hard = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN)
    await closed
    clearTimeout(hard)
  }

  let over = false
  closed.then(() => (over = true))
  const deadline = Date.now() + START_WITHIN
  while (!over && Date.now() < deadline) {
    if (await Promise.race([answersPing(port, child.pid), closed.then(() => false)])) {
      if (persistence !== 'none')
        writeFileSync(owner, JSON.stringify({ redis: child.pid, port, owner: process.pid }) + '\n')
      const exited = closed.then(() => child.signalCode ?? `exit code ${child.exitCode}`)
      return { url: `redis://127.0.0.1:${port}`, port, pid: child.pid, process: child, exited, stop }
    }
    await Promise.race([closed, new Promise(again => setTimeout(again, 20))])
  }
  await stop()
  const said = log.slice(-8).join('\n  ')
  const ended = `it ended with ${child.signalCode ?? `exit code ${child.exitCode}`}`
  const how = failure?.message ?? (over ? ended : 'it did not answer')
  throw new RedisUnavailable(`Redis did not start on port ${port}: ${how}${said && `\n  ${said}`}`)
}

const living = new Set()
process.on('exit', () => {
  for (const child of living) child.kill('SIGTERM')
})

/** Where util-linux is there, a child gets SIGTERM when its parent dies, even of a kill. The process id stays the same. */
function diesWithParent() {
  if (diesWithParent.prefix === undefined) {
    const setpriv = process.platform === 'linux' ? onPath('setpriv') : undefined
    const works = setpriv && spawnSync(setpriv, ['--pdeathsig', 'TERM', 'true'], { stdio: 'ignore' }).status === 0
    diesWithParent.prefix = works ? [setpriv, '--pdeathsig', 'TERM'] : []
  }
  return diesWithParent.prefix
}

/** Two servers on one append-only file would spoil it. */
async function stopForgotten(owner, dir) {
  let last
  try {
    last = JSON.parse(readFileSync(owner, 'utf8'))
  } catch {
    return
  }
  const runs = () => new RegExp(`(redis|valkey)-server.*:${last.port}\\b`).test(commandOf(last.redis))
  if (!runs()) return
  if (last.owner !== process.pid && isAlive(last.owner))
    throw new RedisUnavailable(
      `Redis already runs on the data in ${dir} (port ${last.port}), started by process ${last.owner}: stop that, or use another folder`,
    )
  for (const signal of ['SIGTERM', 'SIGKILL']) {
    try {
      process.kill(last.redis, signal)
    } catch {
      // it has just ended
    }
    for (let waited = 0; waited < STOP_WITHIN && runs(); waited += 50) await new Promise(again => setTimeout(again, 50))
    if (!runs()) return rmSync(owner, { force: true })
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function commandOf(pid) {
  if (!Number.isInteger(pid) || !isAlive(pid)) return ''
  if (existsSync('/proc/self/cmdline')) {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    } catch {
      return ''
    }
  }
  return spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? ''
}

/** Asks the Redis on a port whether it is up, and is the process that we mean. */
function answersPing(port, pid) {
  return new Promise(done => {
    const socket = connect({ port, host: '127.0.0.1' })
    let reply = ''
    socket.setTimeout(1_000, () => socket.destroy())
    socket.on('connect', () => socket.write('PING\r\nINFO server\r\n'))
    socket.on('data', data => {
      reply += data
      if (reply.startsWith('-') || reply.includes('process_id:')) socket.destroy()
    })
    socket.on('error', () => {})
    socket.on('close', () => done(reply.startsWith('+PONG') && Number(/process_id:(\d+)/.exec(reply)?.[1]) === pid))
  })
}

function freePort() {
  return new Promise((done, fail) => {
    const server = createServer()
    server.on('error', fail)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => done(port))
    })
  })
}

function checked(copy) {
  const version = copy && versionOf(copy.command, copy.env)
  return version && !older(version) ? { ...copy, version } : undefined
}

function versionOf(command, env = {}) {
  const { status, stdout } = spawnSync(command, ['--version'], { env: { ...process.env, ...env }, encoding: 'utf8' })
  return status === 0 ? /v=(\d+\.\d+\.\d+)/.exec(stdout)?.[1] : undefined
}

function older(version) {
  const [major, minor] = version.split('.').map(Number)
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])
}

function advice({ ignoreUrl, reason }) {
  const install = process.platform === 'darwin' ? 'brew install redis' : 'install redis-server 6.2 or newer'
  const run = 'docker compose up -d redis, then REDIS_URL=redis://127.0.0.1:6379'
  const line = ignoreUrl
    ? `No Redis to start privately: ${install} (REDIS_URL is not used here, so that nobody's data is touched)`
    : `No Redis: ${install}, or ${run}`
  return reason ? `${line}\nUnpacking it from the distribution's packages failed: ${reason}` : line
}
