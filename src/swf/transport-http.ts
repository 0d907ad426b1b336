// Calls as plain keep-alive requests, unsigned, for a local SWF; or as direct calls in one process.
// Both speak SWF's wire shapes, in which a timestamp is a number of seconds since 1970.

import { Agent, type Dispatcher } from 'undici'
import type { IncomingHttpHeaders } from 'node:http'
import { beginningOf } from '../cut.js'
import { monotonic } from '../clock.js'
import { SwfFault, swfFault } from './errors.js'
import type { SwfClock } from './swf-clock.js'
import type { DirectCall, Transport } from './transport.js'

/** Opens a transport to `endpoint`, or around a direct call. */
export function httpTransport(
  how: 'http' | DirectCall,
  endpoint: string | undefined,
  clock: SwfClock,
): { transport: Transport; close(): void } {
  if (typeof how === 'function') {
    return {
      transport: async (action, input, { signal }) => {
        try {
          return dates(await how(action, wire(input), signal ? { signal } : {}))
        } catch (error) {
          const { code, name, message } = error as Error & { code?: string }
          throw swfFault(action, code ?? name, message, { cause: error })
        }
      },
      close: () => {},
    }
  }
  if (!endpoint) throw new TypeError("transport 'http' needs an endpoint: set AWS_ENDPOINT_URL_SWF")
  const origin = new URL(endpoint).origin
  const agent = new Agent({ keepAliveTimeout: 60_000 })
  const transport: Transport = async (action, input, { signal, timeout }) => {
    const asked = monotonic()
    const { status, text, date } = await new Promise<Answer>((resolve, reject) => {
      const body = JSON.stringify(wire(input))
      const headers = ['content-type', 'application/x-amz-json-1.0', 'x-amz-target', `SimpleWorkflowService.${action}`]
      agent.dispatch(
        { origin, path: '/', method: 'POST', headers, body, headersTimeout: timeout, bodyTimeout: timeout },
        new Exchange(resolve, reject, signal),
      )
    }).catch((error: Error & { code?: string }) => {
      const { code, message } = error
      throw new SwfFault('SWF_UNAVAILABLE', code ?? 'NetworkError', action, `SWF did not answer: ${message}`, {
        cause: error,
      })
    })
    clock.heard(date, asked)
    const body = parse(text)
    if (status === 200 && body) return dates(body)
    throw swfFault(action, body?.__type ?? `HTTP ${status}`, body?.message ?? beginningOf(text, 200))
  }
  return { transport, close: () => void agent.destroy() }
}

interface Answer {
  status: number
  text: string
  date: string | undefined
}

/** One request and its answer, gathered without the stream that undici's own `request` makes of every answer. */
class Exchange implements Dispatcher.DispatchHandler {
  #status = 0
  #date: string | undefined
  readonly #chunks: Buffer[] = []
  #stop: (() => void) | undefined

  constructor(
    private readonly resolve: (answer: Answer) => void,
    private readonly reject: (error: Error) => void,
    private readonly signal: AbortSignal | undefined,
  ) {}

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const { signal } = this
    if (!signal) return
    this.#forget()
    const abort = () => controller.abort(signal.reason as Error)
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    this.#stop = () => signal.removeEventListener('abort', abort)
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, { date }: IncomingHttpHeaders): void {
    this.#status = status
    this.#date = date as string | undefined
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    this.#forget()
    const [first, ...others] = this.#chunks
    const text = others.length ? Buffer.concat(this.#chunks).toString() : (first?.toString() ?? '')
    this.resolve({ status: this.#status, text, date: this.#date })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#forget()
    this.reject(error)
  }

  #forget(): void {
    this.#stop?.()
    this.#stop = undefined
  }
}

function parse(text: string): (object & { __type?: string; message?: string }) | undefined {
  if (text === '') return {}
  try {
    return JSON.parse(text) as object
  } catch {
    return undefined
  }
}

const FILTERS = ['startTimeFilter', 'closeTimeFilter'] as const

/** Returns an input as it goes over the wire: the only timestamps in inputs are those of the time filters. */
function wire(input: object): object {
  const filters = input as Partial<Record<(typeof FILTERS)[number], Record<string, Date | undefined>>>
  if (!filters.startTimeFilter && !filters.closeTimeFilter) return input
  const changed: Record<string, unknown> = { ...input }
  for (const name of FILTERS) {
    const filter = filters[name]
    if (!filter) continue
    changed[name] = Object.fromEntries(
      Object.entries(filter).flatMap(([member, date]) => (date ? [[member, date.getTime() / 1_000]] : [])),
    )
  }
  return changed
}

const TIMESTAMP = /(?:Timestamp|creationDate|deprecationDate)$/
const LISTS = ['events', 'executionInfos', 'typeInfos'] as const
const NESTED = ['executionInfo', 'typeInfo'] as const

/** Turns the timestamps of an output into Dates, in place. */
function dates(output: unknown): unknown {
  if (typeof output !== 'object' || output === null) return output
  const object = output as Record<string, unknown>
  for (const name of LISTS) {
    const list = object[name]
    if (Array.isArray(list)) for (const item of list) timestamps(item as Record<string, unknown>)
  }
  for (const name of NESTED) if (object[name]) timestamps(object[name] as Record<string, unknown>)
  timestamps(object)
  return object
}

function timestamps(object: Record<string, unknown>): void {
  for (const name in object) {
    const value = object[name]
    if (typeof value === 'number' && TIMESTAMP.test(name)) object[name] = new Date(Math.round(value * 1_000))
  }
}
