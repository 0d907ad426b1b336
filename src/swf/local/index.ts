/**
 * A local Amazon SWF: the same protocol, the same faults, the same rules, and no AWS account.
 *
 * @module
 */

import { act } from './actions.js'
import { RealClock } from './clock.js'
import { Engine } from './engine.js'
import { Fault } from './fault.js'
import { FileStore } from './file-store.js'
import { MemoryStore } from './memory-store.js'
import { Polls } from './polls.js'
import type { Listening } from './server.js'
import { internal, listen } from './server.js'

export { StoreError } from './file-store.js'

/** How a local SWF is set up. */
export interface LocalSwfOptions {
  /** The address to listen on. @default '127.0.0.1' */
  host?: string
  /** The port to listen on; 0 is a free one. @default 0 */
  port?: number
  /** The directory of the durable store; without one, everything is forgotten on close. */
  data?: string
  /** How long a poll is held, in milliseconds. @default 60_000 */
  pollTimeout?: number
  /** The region in ARNs. @default 'us-east-1' */
  region?: string
  /** Told when the store fails: nothing is answered after that. @default the process ends with the error */
  onError?: (error: Error) => void
}

/** A local SWF that runs. */
export interface LocalSwf {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string
  readonly port: number
  /**
   * Does an action without HTTP, in SWF's wire shapes (timestamps are seconds since 1970).
   * Rejects with an Error whose `code` is SWF's name of the fault, such as `UnknownResourceFault`.
   */
  call(action: string, input: object, options?: { signal?: AbortSignal }): Promise<unknown>
  /** Ends open polls with an empty answer, makes everything safe, and stops. */
  close(): Promise<void>
}

const DEFAULTS = {
  host: '127.0.0.1',
  port: 0,
  pollTimeout: 60_000,
  region: 'us-east-1',
} satisfies Partial<LocalSwfOptions>

/** Starts a local SWF. Rejects with a StoreError when the store can not be opened, and when the port is taken. */
export async function createLocalSwf(options: LocalSwfOptions = {}): Promise<LocalSwf> {
  const { host, port, data, pollTimeout, region, onError = crash } = { ...DEFAULTS, ...options }
  const store = data === undefined ? new MemoryStore() : await FileStore.open(data, onError)
  const engine = new Engine({ clock: new RealClock(), store, region })
  if (store instanceof FileStore) await store.restore(engine)
  engine.sweep()
  const polls = new Polls(pollTimeout)
  const context = { engine, polls }
  let server: Listening
  try {
    server = await listen(context, host, port)
  } catch (error) {
    engine.timers.stop()
    await store.close()
    throw error
  }
  let closed: Promise<void> | undefined
  return {
    endpoint: `http://${host.includes(':') ? `[${host}]` : host}:${server.port}`,
    port: server.port,
    call: (action, input, { signal } = {}) =>
      new Promise((resolve, reject) => {
        if (closed) throw new Error('The local SWF is closed')
        signal?.throwIfAborted()
        const gone: (() => void)[] = []
        const onAbort = () => {
          for (const then of gone) then()
          reject(signal!.reason as Error)
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        const done = (then: () => void) => {
          signal?.removeEventListener('abort', onAbort)
          store.afterCommit(then)
        }
        const succeed = (value: object | string | undefined | void) => {
          const text = typeof value === 'string' ? value : JSON.stringify(value)
          done(() => resolve(text === undefined ? undefined : JSON.parse(text)))
        }
        const fail = (error: unknown) => done(() => reject(error instanceof Fault ? error : internal(error)))
        const caller = { alive: () => !signal?.aborted, onGone: (then: () => void) => void gone.push(then) }
        try {
          const answer = act(action, input, context, caller)
          if (answer instanceof Promise) answer.then(succeed, fail)
          else succeed(answer)
        } catch (error) {
          fail(error)
        }
      }),
    close: () =>
      (closed ??= (async () => {
        polls.close()
        engine.timers.stop()
        await server.close()
        await store.close()
      })()),
  }
}

function crash(error: Error): void {
  setImmediate(() => {
    throw error
  })
}
