// A GraphQL client of the gateway that goes on when the gateway, SWF or Redis is away for a while.
//
// C1. A request is repeated until it is answered: safe, since what changes something carries an idempotencyKey
//     or may be asked for twice.
// C2. A subscription that breaks is opened again after the last cursor seen: no update is missed, none comes twice.

import { setTimeout as pause } from 'node:timers/promises'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'

/** Codes that say: try again. */
const TRANSIENT = new Set(['SWF_UNAVAILABLE', 'REDIS_UNAVAILABLE', 'THROTTLED'])
const REQUEST_TIMEOUT = 10_000
const FIRST_PAUSE = 100
const LONGEST_PAUSE = 2_000

export interface Endpoints {
  graphql: string
  graphqlWs: string
}

/** The gateway answered with an error; `code` is its `extensions.code`. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(`${code}: ${message}`)
  }
}

interface GraphQLResult<T> {
  data?: T | null
  errors?: readonly { message: string; extensions?: { code?: string } | undefined }[]
}

export class GatewayClient {
  constructor(
    readonly endpoints: Endpoints,
    /** Ends requests, retries and subscriptions. */
    readonly signal: AbortSignal,
  ) {}

  /** Sends a query; rejects with a GatewayError that another try would not mend. */
  async ask<T>(query: string, variables: Record<string, unknown> = {}): Promise<T> {
    return this.#repeat(() => this.#post<T>(query, variables))
  }

  /**
   * Sends a mutation; rejects with a GatewayError that another try would not mend.
   * `isDone` is asked before it is sent again: the answer may have been lost, and not the deed.
   */
  async tell(mutation: string, variables: Record<string, unknown>, isDone = async () => false): Promise<void> {
    let sent = false
    await this.#repeat(async () => {
      if (sent && (await isDone())) return
      sent = true
      await this.#post(mutation, variables)
    })
  }

  async #repeat<T>(attempt: () => Promise<T>): Promise<T> {
    for (let wait = FIRST_PAUSE; ; wait = Math.min(2 * wait, LONGEST_PAUSE)) {
      try {
        return await attempt()
      } catch (error) {
        this.signal.throwIfAborted()
        if (error instanceof GatewayError && !TRANSIENT.has(error.code)) throw error
      }
      await pause(wait, undefined, { signal: this.signal })
    }
  }

  async #post<T>(query: string, variables: Record<string, unknown>): Promise<T> {
    const response = await fetch(this.endpoints.graphql, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.any([this.signal, AbortSignal.timeout(REQUEST_TIMEOUT)]),
    })
    return unwrap((await response.json()) as GraphQLResult<T>)
  }

  /**
   * Yields what a subscription sends, for as long as the signal lets it.
   * The query has a variable `$after`, which begins with the cursor of a list; `cursorOf` returns the cursor of what it sent,
   * undefined where it has none.
   */
  async *subscribe<T>(query: string, after: string, cursorOf: (data: T) => string | undefined): AsyncGenerator<T> {
    let wait = FIRST_PAUSE
    while (!this.signal.aborted) {
      const socket = createClient({ url: this.endpoints.graphqlWs, webSocketImpl: WebSocket, retryAttempts: 0 })
      const close = () => socket.terminate()
      this.signal.addEventListener('abort', close, { once: true })
      try {
        for await (const result of socket.iterate<T>({ query, variables: { after } })) {
          const data = unwrap(result as GraphQLResult<T>)
          after = cursorOf(data) ?? after
          wait = FIRST_PAUSE
          yield data
        }
      } catch (thrown) {
        const error = refusal(thrown)
        if (error && !TRANSIENT.has(error.code)) throw error
      } finally {
        this.signal.removeEventListener('abort', close)
        await socket.dispose()
      }
      await pause(wait, undefined, { signal: this.signal }).catch(() => {})
      wait = Math.min(2 * wait, LONGEST_PAUSE)
    }
  }
}

/** Returns what the gateway had against a subscription; undefined when the connection broke. */
function refusal(thrown: unknown): GatewayError | undefined {
  if (thrown instanceof GatewayError) return thrown
  if (!Array.isArray(thrown)) return undefined
  const [error] = thrown as { message: string; extensions?: { code?: string } }[]
  return new GatewayError(error?.extensions?.code ?? 'UNKNOWN', error?.message ?? 'the subscription was refused')
}

function unwrap<T>({ data, errors }: GraphQLResult<T>): T {
  const [error] = errors ?? []
  if (error) throw new GatewayError(error.extensions?.code ?? 'UNKNOWN', error.message)
  if (data === undefined || data === null) throw new GatewayError('UNKNOWN', 'an answer without data')
  return data
}
