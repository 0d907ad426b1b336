/**
 * A local Amazon SWF: the same protocol, the same faults, the same rules, and no AWS account.
 *
 * @module
 */

import type { Duration } from '../duration.js'
import { milliseconds } from '../duration.js'
import type { HistoryFile } from '../history-file.js'
import { RealClock, VirtualClock } from './clock.js'
import { directCall } from './direct-call.js'
import { Engine } from './engine.js'
import type { FaultRule } from './faults.js'
import { Faults } from './faults.js'
import { FileStore } from './file-store.js'
import type { Lambdas } from './lambda.js'
import { LambdaRunner, checkLambdas } from './lambda.js'
import { MemoryStore } from './memory-store.js'
import { Polls } from './polls.js'
import type { QuotaOptions } from './quotas.js'
import { quotasOf } from './quotas.js'
import type { SWF } from './sdk-client.js'
import { sdkClient } from './sdk-client.js'
import type { Listening } from './server.js'
import { listen } from './server.js'
import type { LocalClock } from './time.js'
import { RealTime, VirtualTime } from './time.js'
import type { RunName } from './transfer.js'
import { exportHistory, importHistory } from './transfer.js'

export { type HistoryFile, HistoryInvalid, readHistoryFile, writeHistoryFile } from '../history-file.js'
export type { FaultRule, Faults } from './faults.js'
export { StoreError } from './store-error.js'
export type { LambdaContext, LambdaHandler, Lambdas } from './lambda.js'
export { AWS_QUOTAS, type QuotaOptions, type Quotas, type Rate } from './quotas.js'
export { ClockIsReal, type LocalClock } from './time.js'
export type { RunName } from './transfer.js'

/** How a local SWF is set up. */
export interface LocalSwfOptions {
  /** The address to listen on. @default '127.0.0.1' */
  host?: string
  /** The port to listen on; 0 is a free one. @default 0 */
  port?: number
  /** Names by which it may be asked for besides `localhost` and addresses, such as that of its container. @default [] */
  allowHosts?: readonly string[]
  /** The directory of the durable store; without one, everything is forgotten on close. */
  data?: string
  /** How long a poll is held, in real time. @default '60s' */
  pollTimeout?: Duration
  /** The region in ARNs, and of `client`. @default 'us-east-1' */
  region?: string
  /** `virtual`: time stands still until `clock` moves it; only without `data`. @default 'real' */
  clock?: 'real' | 'virtual'
  /** Rates and limits: `aws` has Amazon's defaults; an object changes single ones of `none`. @default 'none' */
  quotas?: QuotaOptions
  /** What goes wrong on purpose, from the start. `faults` of the running server changes it. @default [] */
  faults?: readonly FaultRule[]
  /** Where the random sequences of the faults begin. @default 0 */
  seed?: number
  /** Lambda functions by name: functions of this process, or URLs on loopback. Without it no lambda role can be assumed. */
  lambda?: Lambdas
  /** Told when the store fails: nothing is answered after that. @default the process ends with the error */
  onError?: (error: Error) => void
}

/** A local SWF that runs. */
export interface LocalSwf {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string
  readonly port: number
  /** A client of the AWS SDK for this server, made when it is first asked for; closed with the server. */
  readonly client: SWF
  readonly clock: LocalClock
  readonly faults: Faults
  /**
   * Does an action without HTTP, in SWF's wire shapes (timestamps are seconds since 1970).
   * Rejects with an Error whose `code` is SWF's name of the fault, such as `UnknownResourceFault`.
   */
  call(action: string, input: object, options?: { signal?: AbortSignal }): Promise<unknown>
  /** Returns the whole history of a run; `writeHistoryFile` makes a text of it. Rejects with UnknownResourceFault. */
  exportHistory(run: RunName): Promise<HistoryFile>
  /**
   * Takes a history into a domain: a closed execution can be read and listed, until its days of retention are over; an open
   * one goes on, with its timers and tasks. Rejects with HistoryInvalid, UnknownResourceFault,
   * WorkflowExecutionAlreadyStartedFault.
   */
  importHistory(domain: string, file: HistoryFile): Promise<void>
  /** Ends open polls with an empty answer, makes everything safe, and stops. */
  close(): Promise<void>
}

const DEFAULTS = {
  host: '127.0.0.1',
  port: 0,
  pollTimeout: 60_000,
  region: 'us-east-1',
  clock: 'real',
  quotas: 'none',
  seed: 0,
} satisfies Partial<LocalSwfOptions>

/**
 * Starts a local SWF. Rejects with a StoreError when the store can not be opened, with a RangeError for options that make
 * no sense, and when the port is taken.
 *
 * @example
 * const swf = await createLocalSwf({ clock: 'virtual' })
 * await swf.client.registerDomain({ name: 'test', workflowExecutionRetentionPeriodInDays: '1' })
 */
export async function createLocalSwf(options: LocalSwfOptions = {}): Promise<LocalSwf> {
  const { host, port, allowHosts, data, region, seed, lambda, onError = crash, ...given } = { ...DEFAULTS, ...options }
  const virtual = given.clock === 'virtual' ? new VirtualClock() : undefined
  if (virtual && data !== undefined) throw new RangeError('A virtual clock is only for a local SWF without data')
  const quotas = quotasOf(given.quotas)
  const faults = new Faults(seed, given.faults)
  const lambdas = new LambdaRunner(lambda && checkLambdas(lambda))
  const polls = new Polls(milliseconds(given.pollTimeout), quotas.pollers)
  const store = data === undefined ? new MemoryStore() : await FileStore.open(data, onError)
  const clock = virtual ?? new RealClock()
  const engine = new Engine({ clock, store, region, quotas, faults, lambdas, timesTell: !virtual })
  if (store instanceof FileStore) await store.restore(engine)
  engine.sweep()
  const virtualTime = virtual && new VirtualTime(virtual, engine)
  const time = virtualTime ?? new RealTime(clock)
  const onRequest = virtualTime && virtualTime.request.bind(virtualTime)
  const context = { engine, polls, time, onRequest }
  let server: Listening
  try {
    server = await listen(context, { host, port, ...(allowHosts && { allowHosts }) })
  } catch (error) {
    engine.timers.stop()
    await store.close()
    throw error
  }
  const endpoint = `http://${host.includes(':') ? `[${host}]` : host}:${server.port}`
  let client: SWF | undefined
  let closed: Promise<void> | undefined
  const open = () => {
    if (closed) throw new Error('The local SWF is closed')
  }
  return {
    endpoint,
    port: server.port,
    clock: time,
    faults,
    get client() {
      return (client ??= sdkClient(endpoint, region))
    },
    async call(action, input, { signal } = {}) {
      open()
      return directCall(context, action, input, signal)
    },
    async exportHistory(run) {
      open()
      return exportHistory(engine, run)
    },
    async importHistory(domain, file) {
      open()
      await importHistory(engine, domain, file)
      await new Promise<void>(resolve => store.afterCommit(resolve))
    },
    close: () =>
      (closed ??= (async () => {
        polls.close()
        virtualTime?.close()
        lambdas.close()
        engine.timers.stop()
        client?.destroy()
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
