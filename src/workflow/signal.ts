// Signals: buffered until someone receives them, in order, each once; repeats with the same idempotency key are dropped.

import { currentRun, outside } from './replay/current.js'
import { cancelable, Operation } from './replay/operation.js'
import { validate, type Validator } from './validator.js'

/** A signal that a workflow understands. */
export interface SignalDefinition<T> {
  readonly kind: 'signal'
  readonly name: string
  /** Resolves to the next signal. Rejects with WorkflowExecutionCancelRequested, or ValidationFailed. */
  receive(): Promise<T>
  /** Returns a signal that is there already, else undefined. */
  tryReceive(): T | undefined
  /** Calls `handler` with every signal, those that wait included, as it comes in. It must not wait. */
  handle(handler: (input: T) => void): void
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
    receive: () => {
      const run = currentRun(`signal ${name}`)
      const inbox = run.signals(name)
      if (inbox.buffered.length) return Promise.resolve(inbox.buffered.shift()).then(read)
      if (run.cancelRequested) return cancelable(Promise.reject(run.cancelRequested), () => {})
      const operation = new Operation<unknown>()
      inbox.waiting.push(operation)
      const giveUp = () => {
        const index = inbox.waiting.indexOf(operation)
        if (index < 0) return
        inbox.waiting.splice(index, 1)
        operation.reject(run.cancelRequested ?? new Error(`nobody waits for signal ${name} any more`))
      }
      const stopListening = run.onCancelRequested(giveUp)
      const received = operation.promise.then(read)
      received.then(stopListening, stopListening)
      return cancelable(received, giveUp)
    },
    tryReceive: () => {
      const inbox = currentRun(`signal ${name}`).signals(name)
      return inbox.buffered.length ? read(inbox.buffered.shift()) : undefined
    },
    handle: handler => {
      currentRun(`signal ${name}`).handle(name, value => handler(read(value)))
    },
  }
}
