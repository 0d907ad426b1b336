// A proxy that does what networks do to connections.

import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterFile } from './dispose.js'

export interface TcpProxy {
  readonly port: number
  /** Connections that are open. */
  readonly size: number
  /** Resets one of the open connections; false when there is none. */
  kill(random: () => number): boolean
  /** Resets every connection, and each new one, until it is told otherwise. */
  cut(isCut: boolean): void
  /** Carries nothing more over the open connections, whose ends hear nothing of that. New ones are well. */
  freeze(): void
}

/** Starts a proxy before a port of this machine, chosen anew for each connection; closed after the file. */
export async function tcpProxy(target: () => number): Promise<TcpProxy> {
  const open = new Set<Socket>()
  let isCut = false
  const server = createServer(client => {
    if (isCut) return void client.resetAndDestroy()
    const upstream = connect(target(), '127.0.0.1')
    const end = () => {
      open.delete(client)
      client.destroy()
      upstream.destroy()
    }
    open.add(client)
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      socket.on('error', end)
      socket.on('close', end)
    }
    client.pipe(upstream)
    upstream.pipe(client)
    client.on('freeze', () => {
      client.unpipe().pause()
      upstream.unpipe().pause()
      // That the other end goes is what a frozen connection does not tell either.
      upstream.removeListener('close', end)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  afterFile(async () => {
    for (const socket of open) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  return {
    freeze() {
      for (const socket of open) socket.emit('freeze')
    },
    port: (server.address() as AddressInfo).port,
    get size() {
      return open.size
    },
    kill(random) {
      const victim = [...open][Math.floor(random() * open.size)]
      victim?.resetAndDestroy()
      return victim !== undefined
    },
    cut(cut) {
      isCut = cut
      if (cut) for (const socket of open) socket.resetAndDestroy()
    },
  }
}
