// GraphQL over Server-Sent Events: the "distinct connections" mode of the graphql-sse protocol at /graphql/stream.
//
// The library's own handler queues what a slow client has not taken, without a bound; here the next update is pulled when
// the last one has been written.
//
// E1. An event that holds a cursor carries it as its id. A browser's EventSource sends the last id when it connects again,
//     and goes on there.

import type { Request, Response } from 'express'
import type { FormattedExecutionResult } from 'graphql'
import { SECOND } from '../swf/duration.js'
import { apiError } from './errors.js'
import { readRequest, refuse } from './http-request.js'
import type { Operations } from './operation.js'

/** Proxies close connections that are silent for long. */
const KEEP_ALIVE = 12 * SECOND

export interface EventStreamsOptions {
  operations: Operations
  /** Tells whether the gateway has no room for one more. */
  isFull: () => boolean
}

export class EventStreams {
  readonly #open = new Set<Response>()
  constructor(private readonly options: EventStreamsOptions) {}

  /** How many are open. */
  get size(): number {
    return this.#open.size
  }

  /** Answers a request with a stream of its results: one for a query, any number for a subscription. */
  async handle(request: Request, response: Response): Promise<void> {
    if (!request.accepts('text/event-stream'))
      return refuse(
        response,
        406,
        apiError(
          'BAD_USER_INPUT',
          'This answers with events: send "Accept: text/event-stream"; for queries and mutations use /graphql',
        ),
      )
    const { operations, isFull } = this.options
    if (isFull())
      return refuse(
        response.set('retry-after', '10'),
        503,
        apiError('LIMIT_EXCEEDED', 'This gateway has no room for one more connection: try again', { retryAfter: 10 }),
      )
    const operationRequest = readRequest(request)
    const operation = operations.prepare(operationRequest, request.get('last-event-id'))
    if ('kind' in operation && operation.kind === 'mutation' && request.method === 'GET')
      return refuse(
        response.set('allow', 'POST'),
        405,
        apiError('BAD_USER_INPUT', 'A mutation cannot be sent with GET: use POST'),
      )

    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      // A proxy that compresses would hold events back until it has enough of them.
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      connection: 'keep-alive',
    })
    // Some browsers do not see the headers before the first byte of the body.
    response.write(':\n\n')
    const keepAlive = setInterval(() => !response.destroyed && response.write(':\n\n'), KEEP_ALIVE)
    // The client is gone: whatever is written next is not missed.
    response.on('error', () => {})
    this.#open.add(response)
    try {
      if ('kind' in operation) await this.#send(await operations.run(operation), response)
      else await write(response, next({ errors: operation.map(error => operations.explain(error)) }))
      if (!response.destroyed) response.end('event: complete\ndata:\n\n')
    } finally {
      clearInterval(keepAlive)
      this.#open.delete(response)
    }
  }

  /** Breaks every stream off, so that clients connect again: a completed one would tell them that nothing more is to come. */
  close(): void {
    for (const response of this.#open) response.destroy()
  }

  async #send(
    results: FormattedExecutionResult | AsyncIterableIterator<FormattedExecutionResult>,
    response: Response,
  ): Promise<void> {
    if (!(Symbol.asyncIterator in results)) return write(response, next(results))
    const gone = () => void results.return?.()
    response.once('close', gone)
    if (response.destroyed) gone()
    for await (const result of results) {
      if (response.destroyed) break
      await write(response, next(result))
    }
  }
}

function next(result: FormattedExecutionResult): string {
  const id = cursorOf(result)
  return `${id ? `id: ${id}\n` : ''}event: next\ndata: ${JSON.stringify(result)}\n\n`
}

/** Cursors are base64url: they cannot break the line. */
function cursorOf({ data }: FormattedExecutionResult): string | undefined {
  const [update] = Object.values(data ?? {}) as ({ cursor?: unknown } | null)[]
  return typeof update?.cursor === 'string' && /^[\w-]+$/.test(update.cursor) ? update.cursor : undefined
}

/** Resolves when the client has room for more, or is gone. */
async function write(response: Response, text: string): Promise<void> {
  if (response.destroyed || response.write(text)) return
  await new Promise<void>(resolve => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}
