// The port of the gateway: HTTP, WebSocket and event streams share it.
//
// HS1. A stop loses no request: first `isStopping`, so that load balancers look elsewhere; then, after a delay, no more connections
//      are taken and those that never end are ended; requests that run end; connections that are idle are closed last, since a
//      proxy may be sending on one just now. Every answer meanwhile says that its connection will be closed.

import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { Server as TcpServer, type AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Backoff, type Service } from '../lifecycle.js'
import { SECOND } from '../swf/duration.js'

export interface HttpServerOptions {
  host: string
  port: number
  /**
   * How long a connection may be idle, in milliseconds. A proxy must be the first to close it, or loses a request now and then:
   * load balancers keep theirs for up to 10 minutes. @default 620 * SECOND
   */
  keepAlive?: number
  /** How long connections are still taken after a stop has begun, in milliseconds: what load balancers need to notice. @default 0 */
  drainDelay?: number
  /** How long requests may take to end after that, in milliseconds. @default 60 * SECOND */
  drain?: number
}

export const DEFAULTS = {
  keepAlive: 620 * SECOND,
  drainDelay: 0,
  drain: 60 * SECOND,
} satisfies Partial<HttpServerOptions>

/** Who answers, and who ends the connections that would not end by themselves. */
export interface Served {
  listener: RequestListener
  drain: () => Promise<void>
}

export class HttpServer implements Service {
  readonly server: Server
  readonly #options: HttpServerOptions & typeof DEFAULTS
  #drain: Served['drain'] | undefined
  readonly #running = new Set<ServerResponse>()
  #stopping: Promise<void> | undefined

  constructor(options: HttpServerOptions) {
    this.#options = { ...DEFAULTS, ...options }
    this.server = createServer({ keepAliveTimeout: this.#options.keepAlive })
  }

  get port(): number {
    return (this.server.address() as AddressInfo | null)?.port ?? this.#options.port
  }

  get isStopping(): boolean {
    return this.#stopping !== undefined
  }

  /** To be called before `start`. */
  serve({ listener, drain }: Served): void {
    this.server.on('request', (request, response) => {
      this.#running.add(response)
      if (this.isStopping) response.setHeader('connection', 'close')
      response.once('close', () => this.#running.delete(response))
      listener(request, response)
    })
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

  /** Resolves when nobody is connected any more (HS1). */
  async stop(): Promise<void> {
    if (this.server.listening || this.#stopping) await (this.#stopping ??= this.#stop())
  }

  async #stop(): Promise<void> {
    const { drain, drainDelay } = this.#options
    for (const response of this.#running) if (!response.headersSent) response.setHeader('connection', 'close')
    if (drainDelay > 0) await delay(drainDelay)
    // As `http.Server.close`, which would close idle connections at once.
    const closed = new Promise(resolve => TcpServer.prototype.close.call(this.server, resolve))
    await this.#drain?.()
    const over = performance.now() + drain
    const backoff = new Backoff(5, 50)
    while (this.#running.size > 0 && performance.now() < over) await backoff.wait()
    if (this.#running.size === 0) this.server.closeIdleConnections()
    else this.server.closeAllConnections()
    // One that was in the middle of sending a request has had its answer, or is not going to send the rest.
    const late = setTimeout(() => this.server.closeAllConnections(), SECOND)
    await closed
    clearTimeout(late)
  }
}
