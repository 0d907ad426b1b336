// A proxy before a Redis, which loses what a network loses: replies to commands that were carried out.

import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterFile } from './dispose.js'

export interface RedisProxy {
  readonly url: string
  /** How many commands it has struck. */
  readonly struck: number
  /** Commands that Redis carries out, and whose caller never hears: the connection breaks instead. */
  unheard: ((words: string[]) => boolean) | undefined
  /** Another command to be carried out in the place of this one. */
  replace: ((words: string[]) => string[] | undefined) | undefined
}

/** Starts a proxy before the Redis on a port of this machine, closed after the file. `path` is that of its URL: a database. */
export async function redisProxy(port: number, { path = '' }: { path?: string } = {}): Promise<RedisProxy> {
  const sockets = new Set<Socket>()
  const state = { struck: 0, unheard: undefined, replace: undefined } as {
    struck: number
    unheard: RedisProxy['unheard']
    replace: RedisProxy['replace']
  }
  const server = createServer(client => {
    const redis = connect(port, '127.0.0.1')
    let deaf = false
    let rest = Buffer.alloc(0)
    const end = () => {
      client.destroy()
      redis.destroy()
      sockets.delete(client)
      sockets.delete(redis)
    }
    for (const socket of [client, redis]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', end)
      socket.on('close', end)
    }
    redis.on('data', data => {
      if (deaf) end()
      else client.write(data)
    })
    client.on('data', data => {
      if (deaf) return
      rest = Buffer.concat([rest, data])
      for (;;) {
        const command = readCommand(rest)
        if (!command) return
        const bytes = rest.subarray(0, command.length)
        rest = rest.subarray(command.length)
        const other = state.replace?.(command.words)
        if (other) state.struck++
        redis.write(other ? encode(other) : bytes)
        if (!state.unheard?.(command.words)) continue
        state.struck++
        deaf = true
        // A command that blocks has no reply that could be waited for.
        setTimeout(end, 100).unref()
        return
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  afterFile(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  return Object.assign(state, { url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}${path}` })
}

const encode = (words: readonly string[]) =>
  `*${words.length}\r\n${words.map(word => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`

/** Returns the first command that is there as a whole. */
function readCommand(bytes: Buffer): { words: string[]; length: number } | undefined {
  let at = 0
  const line = () => {
    const end = bytes.indexOf('\r\n', at)
    if (end < 0) return undefined
    const text = bytes.toString('latin1', at, end)
    at = end + 2
    return text
  }
  const count = line()
  if (count === undefined) return undefined
  if (!count.startsWith('*')) throw new Error(`not a command: ${count.slice(0, 40)}`)
  const words: string[] = []
  for (let n = Number(count.slice(1)); n > 0; n--) {
    const size = line()
    if (size === undefined) return undefined
    const end = at + Number(size.slice(1))
    if (bytes.length < end + 2) return undefined
    words.push(bytes.toString('latin1', at, end))
    at = end + 2
  }
  return { words, length: at }
}
