// The server: SWF's protocol (AWS JSON 1.0) over plain node:http.
//
// SV1. Whatever a client sends, it gets an answer with `__type`; a client's mistake is never a 500 and never a crash.
// SV2. An answer leaves only when the store says that what it rests on is safe.
// SV3. A client that closes its side of the connection is gone: its polls are over, and nothing more is sent to it.
// SV4. No page of a browser gets in by a name of its own, or from another origin: that is the door's to say.

import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Context as Acting } from './actions.js'
import { Door, type DoorOptions } from '../../door.js'
import { act } from './actions.js'
import { CONTROL, MAX_CONTROL_BODY, control } from './control.js'
import { Fault } from './fault.js'
import { ReplyDropped } from './faults.js'
import type { Caller } from './polls.js'
import type { LocalClock } from './time.js'

/** The most bytes of a request. */
const MAX_BODY = 1_048_576
/** How long a request may take to come in, headers and body, in milliseconds. */
const REQUEST_TIMEOUT = 60_000
const CONTENT_TYPES = /^application\/(?:x-amz-json-1\.[01]|json)(?:\s*;|$)/i
/** Old clients put the name of a Java package before it. */
const TARGET = /^(?:[\w.]+\.)?SimpleWorkflowService\.(\w+)$/

/** From this length on, a text is made bytes once, rather than once for each who asks for its length or sends it. */
const LONG = 16_384

let requests = 0
const requestIdPrefix = `${Date.now().toString(16).padStart(12, '0')}-0000-4000-8000-`

interface Context extends Acting {
  readonly time: LocalClock
}

export interface Listening {
  readonly port: number
  /** Takes no more requests and resolves when the answers of the open ones have left. */
  close(): Promise<void>
}

export interface ListenOptions extends DoorOptions {
  port: number
}

export async function listen(context: Context, { port, ...options }: ListenOptions): Promise<Listening> {
  const door = new Door(options)
  const take = (request: IncomingMessage, response: ServerResponse) => {
    const refusal = door.refuse(request)
    if (!refusal) return receive(context, request, response)
    request.resume()
    send(
      response,
      refusal.status,
      JSON.stringify(new Fault('AccessDeniedException', refusal.message)),
      context.engine.now(),
    )
  }
  const server = createServer(
    { keepAliveTimeout: 75_000, requestTimeout: REQUEST_TIMEOUT, requireHostHeader: false },
    take,
  )
  server.on('checkExpectation', take)
  server.on('connect', (_request, socket: Socket) => refuseBytes({}, socket))
  server.on('clientError', refuseBytes)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, options.host, () => {
      server.off('error', reject)
      resolve({ port: (server.address() as AddressInfo).port, close: () => close(server) })
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    // A connection is closed when its answer has left; one that is in the middle of a request is given a second.
    const idle = setInterval(() => server.closeIdleConnections(), 10)
    const late = setTimeout(() => server.closeAllConnections(), 1_000)
    server.close(() => {
      clearInterval(idle)
      clearTimeout(late)
      resolve()
    })
  })
}

function receive(context: Context, request: IncomingMessage, response: ServerResponse): void {
  let body: Buffer | undefined
  let chunks: Buffer[] | undefined
  let size = 0
  const most = isControl(request) ? MAX_CONTROL_BODY : MAX_BODY
  request.on('data', (chunk: Buffer) => {
    size += chunk.length
    // What is too much is read, so that the client gets to read its answer, but not kept.
    if (size > most) body = chunks = undefined
    else if (!body) body = chunk
    else (chunks ??= [body]).push(chunk)
  })
  request.on('end', () => {
    const whole = chunks ? Buffer.concat(chunks) : body
    answer(context, request, response, whole, size)
  })
  request.on('error', () => response.destroy())
}

function answer(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer | undefined,
  size: number,
): void {
  const { engine } = context
  const { store } = engine
  const succeed = (value: object | string | undefined | void) => {
    const text = value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)
    store.afterCommit(() => send(response, 200, text, engine.now()))
  }
  const fail = (error: unknown) => {
    if (error instanceof ReplyDropped) {
      store.afterCommit(() => response.destroy())
      return
    }
    const fault = error instanceof Fault ? error : internal(error)
    store.afterCommit(() =>
      send(response, fault.code === 'InternalFailure' ? 500 : 400, JSON.stringify(fault), engine.now()),
    )
  }
  try {
    if (isControl(request)) {
      const { method = '', url = '' } = request
      const readBody = () => {
        checkContent(request, size, MAX_CONTROL_BODY)
        return parseJson(body)
      }
      control(context, method, url, readBody).then(value => succeed(value as object), fail)
      return
    }
    const action = check(request, size)
    const result = act(action, parseJson(body), context, callerOf(response))
    if (result instanceof Promise) result.then(succeed, fail)
    else succeed(result)
  } catch (error) {
    fail(error)
  }
}

const isControl = ({ url = '' }: IncomingMessage) => url.startsWith(CONTROL)

function check(request: IncomingMessage, size: number): string {
  const target = request.headers['x-amz-target']
  if (size <= MAX_BODY && (request.method !== 'POST' || typeof target !== 'string')) {
    throw new Fault('UnknownOperationException', 'Send a POST with X-Amz-Target: SimpleWorkflowService.<Action>')
  }
  checkContent(request, size, MAX_BODY)
  const action = TARGET.exec(String(target))?.[1]
  if (!action) throw new Fault('UnknownOperationException', `${target} is not an action of SimpleWorkflowService`)
  return action
}

function checkContent(request: IncomingMessage, size: number, most: number): void {
  if (size > most) throw new Fault('RequestEntityTooLargeException', `Request size ${size} exceeded ${most} bytes`)
  if (!CONTENT_TYPES.test(request.headers['content-type'] ?? '')) {
    throw new Fault('SerializationException', 'Content-Type must be application/x-amz-json-1.0 or application/json')
  }
}

function parseJson(body: Buffer | undefined): unknown {
  // Bytes that are no UTF-8 would be read as something else than was sent.
  if (!body || !isUtf8(body)) throw new Fault('SerializationException', 'The body is not JSON in UTF-8')
  try {
    return JSON.parse(body.toString())
  } catch {
    throw new Fault('SerializationException', 'The body is not JSON')
  }
}

/** A mistake of this server. The execution that it happened to may be wrong; the message is for its developers. */
export function internal(error: unknown): Fault {
  return new Fault('InternalFailure', error instanceof Error ? (error.stack ?? error.message) : String(error))
}

/** `AWS4-HMAC-SHA256 Credential=AKID/20300101/eu-west-1/swf/aws4_request, …` */
const SCOPE = /Credential=[^/\s]+\/\d{8}\/([a-z0-9-]{1,50})\/swf\/aws4_request/

function callerOf(response: ServerResponse): Caller {
  return {
    get region() {
      return SCOPE.exec(response.req.headers.authorization ?? '')?.[1]
    },
    alive: () => !response.destroyed && response.socket !== null && !response.socket.destroyed,
    onGone: then => void response.once('close', then),
  }
}

let second = NaN
let date = ''

/** The Date header: SWF's time, which clients go by; made once a second. */
function dateOf(now: number): string {
  const its = Math.floor(now / 1_000)
  if (its !== second) {
    second = its
    date = new Date(now).toUTCString()
  }
  return date
}

function send(response: ServerResponse, status: number, text: string, now: number): void {
  if (response.destroyed) return
  const body = text.length < LONG ? text : Buffer.from(text)
  const length = Buffer.byteLength(body)
  response.writeHead(status, [
    'x-amzn-RequestId',
    `${requestIdPrefix}${(++requests).toString(16).padStart(12, '0')}`,
    'Content-Type',
    'application/x-amz-json-1.0',
    'Content-Length',
    String(length),
    'Date',
    dateOf(now),
  ])
  // ASCII, as most is, goes out faster when it is said to be no more than that.
  response.end(body, length === text.length ? 'latin1' : 'utf8')
}

const REFUSALS: Record<string, [code: string, message: string]> = {
  HPE_HEADER_OVERFLOW: ['RequestEntityTooLargeException', 'The headers of the request are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['RequestTimeoutException', `The request was not whole after ${REQUEST_TIMEOUT} ms`],
}

/** Answers bytes that are no request, and closes the connection: polls that are held on it are over. */
function refuseBytes({ code = '' }: NodeJS.ErrnoException | { code?: string }, socket: Socket): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const [fault, message] = REFUSALS[code] ?? ['SerializationException', 'The request is not HTTP']
  const text = JSON.stringify(new Fault(fault, message))
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  )
  socket.destroySoon()
}
