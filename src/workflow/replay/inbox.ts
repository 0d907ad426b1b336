// The inbox of a run: signals, buffered until someone receives them, in order, each once.
//
// I1. A repeat with an idempotency key that was seen is dropped.
// I2. Once the run continues as new it reads no more: what comes in is for the next run.

import { decodePayload } from '../../swf/payload.js'
import { ValidationFailed } from '../errors.js'
import type { Operation } from './operation.js'

/** One signal's queue: decoded payloads, and who waits for one. */
export interface SignalQueue {
  readonly buffered: unknown[]
  readonly waiting: Operation<unknown>[]
  handler?: (value: unknown) => void
}

/** Idempotency keys that are remembered over runs. */
const MOST_KEYS = 200

export class Inbox {
  readonly #queues = new Map<string, SignalQueue>()
  readonly #keys = new Set<string>()
  #closed = false

  /** `warn` hears of signals that are dropped because they are not valid. */
  constructor(private readonly warn: (message: string) => void) {}

  of(name: string): SignalQueue {
    let queue = this.#queues.get(name)
    if (!queue) this.#queues.set(name, (queue = { buffered: [], waiting: [] }))
    return queue
  }

  /** True while somebody waits for a signal. */
  get listens(): boolean {
    return [...this.#queues.values()].some(queue => queue.waiting.length > 0)
  }

  /** Gives a signal, what is buffered of it included, to a handler from now on. */
  handle(name: string, handler: (value: unknown) => void): void {
    const queue = this.of(name)
    queue.handler = handler
    for (const value of queue.buffered.splice(0)) this.#handle(handler, value)
  }

  /** Takes a signal in; false for a repeat. Throws what a handler throws. */
  receive(name: string, input: string | undefined): boolean {
    const { value, envelope } = decodePayload(input)
    if (envelope.idempotencyKey !== undefined) {
      const key = `${name} ${envelope.idempotencyKey}`
      if (this.#keys.has(key)) return false
      this.#keys.add(key)
    }
    const queue = this.of(name)
    if (this.#closed) queue.buffered.push(value)
    else if (queue.handler) this.#handle(queue.handler, value)
    else if (queue.waiting.length) queue.waiting.shift()!.resolve(value)
    else queue.buffered.push(value)
    return true
  }

  /** Calls a signal's handler. A signal that its validator refuses is none of the author's making: it is dropped. */
  #handle(handler: (value: unknown) => void, value: unknown): void {
    try {
      handler(value)
    } catch (error) {
      if (!(error instanceof ValidationFailed)) throw error
      this.warn(error.message)
    }
  }

  /** Reads no more (I2). */
  close(): void {
    this.#closed = true
  }

  /** What the next run is to have. */
  unread(): { signals?: Record<string, unknown[]>; signalKeys?: string[] } {
    const signals = Object.fromEntries(
      [...this.#queues].filter(([, { buffered }]) => buffered.length).map(([name, { buffered }]) => [name, buffered]),
    )
    const keys = [...this.#keys].slice(-MOST_KEYS)
    return {
      ...(Object.keys(signals).length && { signals }),
      ...(keys.length && { signalKeys: keys }),
    }
  }

  /** Takes over what the run before had not read. */
  restore({ signals = {}, signalKeys = [] }: ReturnType<Inbox['unread']>): void {
    for (const [name, values] of Object.entries(signals)) this.of(name).buffered.push(...values)
    for (const key of signalKeys) this.#keys.add(key)
  }
}
