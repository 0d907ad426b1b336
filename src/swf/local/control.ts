// What a local SWF offers beside SWF, on the same port under /_local: its faults, its clock, histories in and out.
// From the shell or from another language, what `createLocalSwf` returns to TypeScript.

import { HistoryInvalid, readHistoryFile } from '../history-file.js'
import type { Engine } from './engine.js'
import { Fault, validation } from './fault.js'
import type { FaultRule } from './faults.js'
import type { LocalClock } from './time.js'
import { ClockIsReal } from './time.js'
import { exportHistory, importHistory } from './transfer.js'

export const CONTROL = '/_local'
/** The most bytes of a request under /_local: a history of 25,000 events may be long. */
export const MAX_CONTROL_BODY = 64 * 1_048_576

export interface Controlled {
  readonly engine: Engine
  readonly time: LocalClock
}

type Route = (controlled: Controlled, query: URLSearchParams, body: unknown) => unknown

const ROUTES: Record<string, Route> = {
  'GET /_local': ({ engine, time }) => ({
    now: time.now(),
    openExecutions: engine.runs.size,
    faults: engine.faults.rules,
    paths: Object.keys(ROUTES),
  }),
  'GET /_local/faults': ({ engine }) => ({ seed: engine.faults.seed, faults: engine.faults.rules }),
  'POST /_local/faults': ({ engine }, _query, body) => {
    engine.faults.add(body as FaultRule)
    return { seed: engine.faults.seed, faults: engine.faults.rules }
  },
  'DELETE /_local/faults': ({ engine }) => {
    engine.faults.clear()
    return { seed: engine.faults.seed, faults: engine.faults.rules }
  },
  'GET /_local/clock': ({ time }) => ({ now: time.now(), autoSkip: time.autoSkip }),
  'POST /_local/clock': async ({ time }, _query, body) => {
    const { advance, autoSkip, ...others } = body as { advance?: `${number}s`; autoSkip?: boolean }
    if (Object.keys(others).length > 0) throw validation('A clock takes { "advance": "30d" } and { "autoSkip": true }')
    if (autoSkip !== undefined) time.autoSkip = autoSkip
    if (advance !== undefined) await time.advance(advance)
    return { now: time.now(), autoSkip: time.autoSkip }
  },
  'GET /_local/history': ({ engine }, query) => {
    const [domain, workflowId, runId] = ['domain', 'workflowId', 'runId'].map(name => query.get(name))
    if (!domain || !workflowId || !runId) throw validation('Say which run: ?domain=…&workflowId=…&runId=…')
    engine.domain(domain)
    return exportHistory(engine, { domain, workflowId, runId })
  },
  'POST /_local/history': async ({ engine }, query, body) => {
    const [domain, workflowId, runId] = ['domain', 'workflowId', 'runId'].map(name => query.get(name))
    if (!domain) throw validation('Say where to: ?domain=… (with &workflowId=…&runId=… for a history without its ids)')
    const file = readHistoryFile(body, workflowId && runId ? { workflowId, runId } : undefined)
    await importHistory(engine, domain, file)
    return file.execution
  },
}

/** Answers a request under /_local. Rejects with a Fault when it makes no sense. */
export async function control(
  controlled: Controlled,
  method: string,
  url: string,
  readBody: () => unknown,
): Promise<unknown> {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  const route = ROUTES[`${method} ${pathname.replace(/\/$/, '')}`]
  if (!route) throw new Fault('UnknownOperationException', `There is ${Object.keys(ROUTES).join(', ')}`)
  const body = method === 'POST' ? readBody() : undefined
  if (method === 'POST' && (typeof body !== 'object' || body === null)) throw validation('Send a JSON object')
  try {
    return await route(controlled, searchParams, body)
  } catch (error) {
    if (error instanceof Fault) throw error
    // What the caller gave makes no sense, or asks for what this clock can not do.
    if (error instanceof HistoryInvalid || error instanceof RangeError || error instanceof ClockIsReal) {
      throw validation(error.message)
    }
    throw error
  }
}
