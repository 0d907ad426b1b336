// The inbox of a run: signals, buffered until someone receives them, in order, each once.
//
// I1. A repeat with an idempotency key that was seen is dropped.
// I2. Once the run continues as new it reads no more: what comes in is for the next run.
// I3. A signal that its validator refuses is none of the author's making: whoever is to read it never sees it, and a warning
//     tells of it.

import { decodePayload } from '../../swf/payload.js'
import { ValidationFailed } from '../errors.js'
import { Operation } from './operation.js'

/** Returns a payload as its validator gives it back. Throws ValidationFailed. */
type Read<T> = (payload: unknown) => T

/** Who waits for a signal. */
class Receiver<T = any> extends Operation<T> {
  constructor(readonly read: Read<T>) {
    super()
  }
}

/** One signal's queue: decoded payloads, and who waits for one. */
interface SignalQueue {
  readonly buffered: unknown[]
  readonly waiting: Receiver[]
  handle?: (payload: unknown) => void
}

/** Idempotency keys that are remembered over runs. */
const MOST_KEYS = 200

export class Inbox {
  readonly #queues = new Map<string, SignalQueue>()
  readonly #keys = new Set<string>()
  #closed = false

  /** `warn` hears of signals that are dropped because they are not valid. */
  constructor(private readonly warn: (message: string) => void) {}

  /** True while a signal may wake the code: somebody waits for one, or handles those that come in. */
  get listens(): boolean {
    return [...this.#queues.values()].some(({ waiting, handle }) => waiting.length > 0 || handle)
  }

  /** Takes the first signal that is there and valid; undefined when there is none. */
  take<T>(name: string, read: Read<T>): { value: T } | undefined {
    const { buffered } = this.#of(name)
    while (buffered.length) {
      const taken = this.#read(read, buffered.shift())
      if (taken) return taken
    }
    return undefined
  }

  /** Waits for the next signal that is valid. Canceled, it leaves the queue. */
  wait<T>(name: string, read: Read<T>): Operation<T> {
    const { waiting } = this.#of(name)
    const receiver = new Receiver(read)
    waiting.push(receiver)
    receiver.cancel = cause => {
      const index = waiting.indexOf(receiver)
      if (index < 0) return
      waiting.splice(index, 1)
      receiver.reject(cause)
    }
    return receiver
  }

  /** Gives a signal, what is buffered of it included, to a handler from now on. */
  handle<T>(name: string, read: Read<T>, handler: (value: T) => void): void {
    const queue = this.#of(name)
    queue.handle = payload => {
      const taken = this.#read(read, payload)
      if (taken) handler(taken.value)
    }
    for (const payload of queue.buffered.splice(0)) queue.handle(payload)
  }

  /** Takes a signal in; false for a repeat. Throws what a handler throws. */
  receive(name: string, input: string | undefined): boolean {
    const { value: payload, envelope } = decodePayload(input)
    if (envelope.idempotencyKey !== undefined) {
      const key = `${name} ${envelope.idempotencyKey}`
      if (this.#keys.has(key)) return false
      this.#keys.add(key)
    }
    const queue = this.#of(name)
    if (this.#closed) queue.buffered.push(payload)
    else if (queue.handle) queue.handle(payload)
    else if (queue.waiting.length) {
      const taken = this.#read(queue.waiting[0]!.read, payload)
      if (taken) queue.waiting.shift()!.resolve(taken.value)
    } else queue.buffered.push(payload)
    return true
  }

  #of(name: string): SignalQueue {
    let queue = this.#queues.get(name)
    if (!queue) this.#queues.set(name, (queue = { buffered: [], waiting: [] }))
    return queue
  }

  /** Reads a payload; undefined for one that is not valid (I3). */
  #read<T>(read: Read<T>, payload: unknown): { value: T } | undefined {
    try {
      return { value: read(payload) }
    } catch (error) {
      if (!(error instanceof ValidationFailed)) throw error
      this.warn(`dropped: ${error.message}`)
      return undefined
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
    for (const [name, values] of Object.entries(signals)) this.#of(name).buffered.push(...values)
    for (const key of signalKeys) this.#keys.add(key)
  }
}
