// The port of the gateway: HTTP, WebSocket and event streams share it.

import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Service } from '../lifecycle.js'
import { SECOND } from '../swf/duration.js'

/** How long requests may take to end when the server stops, in milliseconds. */
const GRACE = 3 * SECOND

export interface HttpServerOptions {
  host: string
  port: number
}

/** Who answers, and who ends the connections that would not end by themselves. */
export interface Served {
  listener: RequestListener
  drain: () => Promise<void>
}

export class HttpServer implements Service {
  readonly server: Server = createServer()
  readonly #options: HttpServerOptions
  #drain: Served['drain'] | undefined

  constructor(options: HttpServerOptions) {
    this.#options = options
  }

  get port(): number {
    return (this.server.address() as AddressInfo | null)?.port ?? this.#options.port
  }

  /** To be called before `start`. */
  serve({ listener, drain }: Served): void {
    this.server.on('request', listener)
    this.#drain = drain
  }

  /** Resolves when the port is open; rejects with EADDRINUSE and its like. */
  async start(): Promise<void> {
    const { host, port } = this.#options
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen(port, host, () => {
        this.server.off('error', reject)
        resolve()
      })
    })
  }

  /** Takes no more connections, ends those that stay open, and lets requests end that run. */
  async stop(): Promise<void> {
    if (!this.server.listening) return
    const closed = new Promise(resolve => this.server.close(resolve))
    await this.#drain?.()
    this.server.closeIdleConnections()
    const grace = setTimeout(() => this.server.closeAllConnections(), GRACE)
    await closed
    clearTimeout(grace)
  }
}
