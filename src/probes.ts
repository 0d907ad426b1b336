// The probes of a process: is it alive, can it work, what does it count.

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Door, type DoorOptions } from './door.js'
import type { Service } from './lifecycle.js'
import type { Metrics } from './telemetry.js'

/** Something that a process lacks. */
export interface Lack {
  /** What it is and what to do, for operators. */
  what: string
  /** True: without it the process can do nothing that it is for. False: it does less. */
  stops: boolean
}

/** Says what a process lacks; an empty list means that all is well. Answers within a second, for that is how long probes wait. */
export type Readiness = () => Promise<readonly Lack[]> | readonly Lack[]

export const stops = (what: string): Lack => ({ what, stops: true })
export const reduces = (what: string): Lack => ({ what, stops: false })

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
  const lacks = await readiness()
  const stopped = lacks.some(({ stops }) => stops)
  const lines = [...lacks].sort((a, b) => Number(b.stops) - Number(a.stops)).map(({ what }) => `- ${what}\n`)
  const head = stopped ? 'not ready\n' : lines.length > 0 ? 'ok, but not all is well\n' : 'ok\n'
  return { status: stopped ? 503 : 200, type: 'text/plain; charset=utf-8', body: head + lines.join('') }
}

/** How long an answer may take, in milliseconds: whoever probes waits a second. */
const PATIENCE = 700

/**
 * Remembers what `ask` found out, for `remember` milliseconds: probes come often, and each costs a call. While a newer answer
 * takes its time, the last one stands, or at first what `unknown` gives.
 */
export function lately<T>(ask: () => Promise<T>, remember: number, unknown: T): () => Promise<T> {
  let last = unknown
  let until = 0
  let asking: Promise<T> | undefined
  return async () => {
    if (performance.now() < until) return last
    asking ??= ask()
      .then(answer => (last = answer))
      .finally(() => {
        asking = undefined
        until = performance.now() + remember
      })
    let timer: NodeJS.Timeout | undefined
    const enough = new Promise<T>(resolve => (timer = setTimeout(() => resolve(last), PATIENCE)))
    return Promise.race([asking, enough]).finally(() => clearTimeout(timer))
  }
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
