// The probes of a process: is it alive, can it work, what does it count.

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Door, type DoorOptions } from './door.js'
import type { Service } from './lifecycle.js'
import type { Metrics } from './telemetry.js'

/** Says what a process still lacks before it can work; an empty list means ready. */
export type Readiness = () => Promise<readonly string[]> | readonly string[]

/** Answers `/livez`, `/readyz` and `/metrics`; undefined for every other path. */
export async function answerProbe(
  path: string,
  metrics: Metrics,
  readiness: Readiness,
): Promise<{ status: number; type: string; body: string } | undefined> {
  if (path === '/livez') return { status: 200, type: 'text/plain', body: 'ok\n' }
  if (path === '/metrics')
    return { status: 200, type: metrics.registry.contentType, body: await metrics.registry.metrics() }
  if (path !== '/readyz') return undefined
  const missing = await readiness()
  return missing.length
    ? { status: 503, type: 'text/plain', body: `${missing.join('\n')}\n` }
    : { status: 200, type: 'text/plain', body: 'ok\n' }
}

/** The small HTTP server of a decider or worker: probes and metrics, nothing else. */
export class ProbeServer implements Service {
  #server: Server | undefined
  readonly #door: Door
  constructor(private readonly options: DoorOptions & { port: number; metrics: Metrics; readiness: Readiness }) {
    this.#door = new Door(options)
  }

  /** The port that it listens on, once started. */
  get port(): number {
    return (this.#server?.address() as AddressInfo | null)?.port ?? this.options.port
  }

  async start(): Promise<void> {
    const { host, port, metrics, readiness } = this.options
    const server = createServer((request, response) => {
      const refusal = this.#door.refuse(request)
      if (refusal) {
        response.writeHead(refusal.status, { 'content-type': 'text/plain' }).end(`${refusal.message}\n`)
        return
      }
      answerProbe((request.url ?? '/').split('?')[0]!, metrics, readiness)
        .catch((error: Error) => ({ status: 500, type: 'text/plain', body: `${error.message}\n` }))
        .then(answer => {
          const { status, type, body } = answer ?? {
            status: 404,
            type: 'text/plain',
            body: 'this port serves /livez, /readyz and /metrics\n',
          }
          response.writeHead(status, { 'content-type': type }).end(body)
        })
    })
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => resolve())
    })
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (!server?.listening) return
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
}
