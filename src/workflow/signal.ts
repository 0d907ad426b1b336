// Signals: buffered until someone receives them, in order, each once; repeats with the same idempotency key are dropped, and so
// is, with a warning, what the validator refuses.

import type { Duration } from '../swf/duration.js'
import { currentRun, outside } from './replay/current.js'
import { following } from './replay/operation.js'
import { within } from './scope.js'
import { validate, type Validator } from './validator.js'

/** A signal that a workflow understands. */
export interface SignalDefinition<T> {
  readonly kind: 'signal'
  readonly name: string
  /**
   * Resolves to the next signal that is valid; others are dropped, with a warning. With a `timeout` it resolves to undefined
   * when none has come by then, and takes none that comes later. Rejects with what cancels its scope.
   */
  receive(): Promise<T>
  receive(options: { timeout: Duration }): Promise<T | undefined>
  /** Returns a valid signal that is there already, else undefined; others are dropped, with a warning. */
  tryReceive(): T | undefined
  /**
   * Calls `handler` with every valid signal, those that are there included, as it comes in; others are dropped, with a
   * warning. It must not wait.
   */
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
  const receive = ({ timeout }: { timeout?: Duration } = {}): Promise<T | undefined> => {
    const { inbox, scope } = currentRun(`signal ${name}`)
    const taken = inbox.take(name, read)
    if (taken) return Promise.resolve(taken).then(({ value }) => value)
    if (scope.cause) return scope.refusal()
    const next = following(scope.tie(inbox.wait(name, read)), value => value)
    return timeout === undefined ? next : within(timeout, next)
  }
  return {
    kind: 'signal',
    name,
    check: read,
    receive: receive as SignalDefinition<T>['receive'],
    tryReceive: () => currentRun(`signal ${name}`).inbox.take(name, read)?.value,
    handle: handler => currentRun(`signal ${name}`).inbox.handle(name, read, handler),
  }
}
