// Signals: buffered until someone receives them, in order, each once; repeats with the same idempotency key are dropped.

import { currentRun, outside } from './replay/current.js'
import { cancelable, Operation } from './replay/operation.js'
import { validate, type Validator } from './validator.js'

/** A signal that a workflow understands. */
export interface SignalDefinition<T> {
  readonly kind: 'signal'
  readonly name: string
  /** Resolves to the next signal. Rejects with what cancels its scope, or ValidationFailed. */
  receive(): Promise<T>
  /** Returns a signal that is there already, else undefined. */
  tryReceive(): T | undefined
  /** Calls `handler` with every signal, those that wait included, as it comes in. It must not wait. */
  handle(handler: (input: T) => void): void
  /** Returns an input as its validator gives it back. Throws ValidationFailed. */
  check(input: unknown): T
}

/**
 * Defines a signal that a workflow understands.
 *
 * @example
 * const released = defineSignal('released', { input: z.object({ by: z.string() }) })
 * const { by } = await released.receive()
 */
export function defineSignal<T = unknown>(name: string, { input }: { input?: Validator<T> } = {}): SignalDefinition<T> {
  const read = (value: unknown) => outside(() => validate(input, value, `signal ${name}`))
  return {
    kind: 'signal',
    name,
    check: read,
    receive: () => {
      const run = currentRun(`signal ${name}`)
      const queue = run.inbox.of(name)
      if (queue.buffered.length) return Promise.resolve(queue.buffered.shift()).then(read)
      const { scope } = run
      if (scope.cause) return scope.refusal()
      const operation = new Operation<unknown>()
      queue.waiting.push(operation)
      operation.cancel = cause => {
        const index = queue.waiting.indexOf(operation)
        if (index < 0) return
        queue.waiting.splice(index, 1)
        operation.reject(cause)
      }
      const received = scope.tie(operation).then(read)
      return cancelable(received, cause => operation.cancel(cause))
    },
    tryReceive: () => {
      const { buffered } = currentRun(`signal ${name}`).inbox.of(name)
      return buffered.length ? read(buffered.shift()) : undefined
    },
    handle: handler => {
      currentRun(`signal ${name}`).inbox.handle(name, value => handler(read(value)))
    },
  }
}
