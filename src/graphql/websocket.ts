// GraphQL over WebSocket: the graphql-transport-ws protocol at /graphql.

import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ExecutionArgs, ExecutionResult, FormattedExecutionResult, GraphQLError } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Door } from '../door.js'
import type { Log } from '../telemetry.js'
import { apiError } from './errors.js'
import { LIMITS } from './limits.js'
import type { Operation, Operations } from './operation.js'

export interface WebSocketsOptions {
  server: Server
  path: string
  door: Door
  /** Tells whether the gateway has no room for one more. */
  isFull: () => boolean
  operations: Operations
  log: Log
}

/** How long clients may take to answer a close, in milliseconds. */
const GRACE = 1_000
/** When to try again where there is no room, as a header. */
const RETRY = 'retry-after: 10\r\n'
/** "Going away": clients connect again, and resume their subscriptions. */
const GOING_AWAY = 1001

export class WebSockets {
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: LIMITS.bytes })
  constructor(private readonly options: WebSocketsOptions) {}

  /** How many are open. */
  get size(): number {
    return this.#sockets.clients.size
  }

  /** Takes WebSockets of the server. */
  attach(): void {
    const { server, operations } = this.options
    // What these hooks hand on has been presented already, whatever the types of graphql-ws make of it.
    useServer(
      {
        isProd: true,
        // A pong would say what the ping said, however deep that nests: it need not.
        onPing: (_context, payload) => {
          for (const member in payload) delete payload[member]
        },
        onSubscribe: ({ subscriptions }, _id, request) =>
          Object.keys(subscriptions).length > LIMITS.subscriptions
            ? [tooMany()]
            : (operations.prepare(request) as ExecutionArgs | readonly GraphQLError[]),
        execute: args => operations.run(args as Operation) as Promise<ExecutionResult>,
        subscribe: args => operations.run(args as Operation) as Promise<AsyncIterableIterator<ExecutionResult>>,
        onNext: (_context, _id, _request, _args, result) => result as unknown as FormattedExecutionResult,
        onError: (_context, _id, _request, errors) => errors.map(error => operations.explain(error)),
      },
      this.#sockets,
    )
    server.on('upgrade', this.#upgrade)
  }

  /**
   * Closes every socket with 1001 and ends its subscriptions. The close goes first: the end of a subscription would tell
   * its client that nothing more is to come.
   */
  async close(): Promise<void> {
    this.options.server.off('upgrade', this.#upgrade)
    const { clients } = this.#sockets
    for (const client of clients) client.close(GOING_AWAY, 'Going away')
    const grace = setTimeout(() => clients.forEach(client => client.terminate()), GRACE)
    await new Promise(resolve => this.#sockets.close(resolve))
    clearTimeout(grace)
  }

  readonly #upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', error => this.options.log.debug({ err: error.message }, 'socket failed'))
    const { server, path, door, isFull } = this.options
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') return answerOverHttp(server, request, socket, head)
    const refusal = door.refuse(request)
    if (refusal) return answer(socket, refusal.status, refusal.message)
    if (request.url?.split('?')[0]!.replace(/\/$/, '') !== path)
      return answer(socket, 404, `WebSockets are taken at ${path}`)
    if (isFull()) return answer(socket, 503, 'This gateway has no room for one more connection: try again', RETRY)
    this.#sockets.handleUpgrade(request, socket, head, client => this.#accept(client, request))
  }

  #accept(client: WebSocket, request: IncomingMessage): void {
    this.#sockets.emit('connection', client, request)
    // graphql-ws would write a client's broken frame to the console.
    client.removeAllListeners('error')
    client.on('error', error => this.options.log.debug({ err: error.message }, 'socket failed'))
  }
}

function tooMany(): GraphQLError {
  return apiError(
    'LIMIT_EXCEEDED',
    `A socket may have ${LIMITS.subscriptions} operations at a time: complete some, or watch more with one subscription`,
  )
}

/** Answers a request for a WebSocket that is not made one. */
function answer(socket: Duplex, status: number, message: string, headers = ''): void {
  const text = `${message}\n`
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers}connection: close\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  )
}

/** Headers that ask for another protocol. */
const ASKING = new Set(['upgrade', 'http2-settings'])

/** Has a request read once more, as one that does not offer to go on in a protocol which is not spoken here: h2c, mostly. */
function answerOverHttp(
  server: Server,
  { method, url, rawHeaders }: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const lines = [`${method} ${url} HTTP/1.1`]
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name, value] = [rawHeaders[i]!, rawHeaders[i + 1]!]
    if (ASKING.has(name.toLowerCase())) continue
    const options = value.split(',').filter(option => !ASKING.has(option.trim().toLowerCase()))
    lines.push(`${name}: ${name.toLowerCase() === 'connection' ? options.join(',') || 'keep-alive' : value}`)
  }
  socket.removeAllListeners('error')
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
  server.emit('connection', socket)
}
