// A client as integrators write one: it keeps the cursor of the last thing that it has, and goes on from there, whatever breaks.

import { createClient } from 'graphql-ws'
import { setTimeout as delay } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { afterFile } from '../../support/dispose.js'

export type Transport = 'WebSocket' | 'SSE'

export interface Subject {
  /** A subscription of one field, with the variable `after`. */
  query: string
  variables?: Record<string, unknown>
}

/** What a subscription gave, of any kind. */
export interface Told {
  __typename?: string
  cursor?: string
  workflowId: string
  runId: string
  eventId: number
  previousEventId: number
  status: string
  saga?: { state: string }
  node?: { eventId: number; eventType: string }
  reason?: string
  about?: { workflowId: string; status: string } | null
  executions?: { nodes: { workflowId: string; runId: string; status: string }[] }
}

export interface Follower {
  readonly got: Told[]
  /** How often it has lost its connection. */
  readonly breaks: number
  /** Set when the subscription has ended by itself. */
  readonly completed: boolean
  /** Errors that it was given. */
  readonly errors: unknown[]
  /** Reads nothing from its socket until it is resumed. */
  pause(): void
  resume(): void
  stop(): void
}

export interface FollowOptions extends Subject {
  transport: Transport
  /** Origin of the gateway. */
  url: string
  /** Where to begin. */
  after?: string | undefined
}

type Result = { data?: Record<string, Told> | null; errors?: readonly unknown[] }

/** How long it waits before it connects again, in milliseconds. */
const PAUSE = 50

/** Follows a subscription until it completes or is stopped; after the file at the latest. */
export function follow(options: FollowOptions): Follower {
  const stopping = new AbortController()
  const reading = new Gate()
  const follower = {
    ...{ got: [] as Told[], breaks: 0, completed: false, errors: [] as unknown[] },
    ...{ pause: () => reading.close(), resume: () => reading.open(), stop: () => stopping.abort() },
  }
  // Whoever connects again sends these variables once more.
  const variables: Record<string, unknown> = { ...options.variables, after: options.after }
  const take = ({ data, errors }: Result) => {
    if (errors) follower.errors.push(...errors)
    const [told] = Object.values(data ?? {})
    if (!told) return
    follower.got.push(told)
    if (told.cursor) variables.after = told.cursor
  }
  const state = { ...options, variables, take, reading, broke: () => follower.breaks++, signal: stopping.signal }
  void (options.transport === 'WebSocket' ? overWebSocket(state) : overSse(state)).then(() => {
    follower.completed = !stopping.signal.aborted
  })
  afterFile(follower.stop)
  return follower
}

interface Following extends Subject {
  url: string
  variables: Record<string, unknown>
  take(result: Result): void
  broke(): void
  reading: Gate
  signal: AbortSignal
}

/** Says whether sockets are read. */
class Gate {
  opened: Promise<void> | undefined
  readonly sockets = new Set<WebSocket>()
  open: () => void = () => {}
  close(): void {
    for (const socket of this.sockets) socket.pause()
    this.opened = new Promise(resolve => {
      this.open = () => {
        this.opened = undefined
        for (const socket of this.sockets) socket.resume()
        resolve()
      }
    })
  }
}

async function overWebSocket({ url, query, variables, take, broke, reading, signal }: Following): Promise<void> {
  class Socket extends WebSocket {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args)
      reading.sockets.add(this)
      this.on('close', () => reading.sockets.delete(this))
    }
  }
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: Socket,
    retryAttempts: Infinity,
    retryWait: () => delay(PAUSE),
    shouldRetry: () => true,
    on: { closed: broke },
  })
  // It may be connecting in vain.
  const dispose = async () => client.dispose()
  signal.addEventListener('abort', () => void dispose().catch(() => {}))
  await new Promise<void>(resolve => {
    client.subscribe<Record<string, Told>>(
      { query, variables },
      {
        next: result => take(result as Result),
        error: error => {
          take({ errors: [error] })
          resolve()
        },
        complete: resolve,
      },
    )
  })
  await dispose().catch(() => {})
}

async function overSse({ url, query, variables, take, broke, reading, signal }: Following): Promise<void> {
  const asked = JSON.stringify({ query, variables })
  let last = ''
  while (!signal.aborted) {
    try {
      const response = await fetch(`${url}/graphql/stream`, {
        method: 'POST',
        headers: {
          accept: 'text/event-stream',
          'content-type': 'application/json',
          ...(last && { 'last-event-id': last }),
        },
        // As a browser does: what was asked at first, and the id of the last event.
        body: asked,
        signal,
      })
      if (!response.ok) throw new Error(`HTTP ${response.status}: ${await response.text()}`)
      for await (const { event, data, id } of messages(response.body!)) {
        if (event === 'complete') return
        take(JSON.parse(data) as Result)
        last = id || last
        await reading.opened
      }
    } catch {
      // It is opened again below.
    }
    broke()
    await delay(PAUSE)
  }
}

/** The messages of an event stream, apart from comments. */
async function* messages(body: ReadableStream<Uint8Array>): AsyncGenerator<Record<'event' | 'data' | 'id', string>> {
  let text = ''
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const parts = text.split('\n\n')
    text = parts.pop()!
    for (const part of parts) {
      const field = (name: string) => part.match(new RegExp(`^${name}: ?(.*)$`, 'm'))?.[1] ?? ''
      if (!part.startsWith(':')) yield { event: field('event'), data: field('data'), id: field('id') }
    }
  }
}
