// Executions as a busy domain has them: many types of which few are frequent, nearly all closed and completed, conditions that
// hold for one in a million, tags of every selectivity, and conditions that go together or never do.

import type { ExecutionSummary } from '../../../src/feed/update.js'

export const DOMAIN = 'bench'
export const START = Date.UTC(2030, 0, 1)
const DAYS = 30 * 86_400_000
const TYPES = 40

/** Numbers from 0 to 1, the same ones in every run. */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** When the nth part of all had been started. */
export const startedAt = (part: number): number => START + part * DAYS

/** Yields executions in the order of their starts. */
export function* population(count: number): Generator<ExecutionSummary> {
  const next = random(count)
  for (let i = 0; i < count; i++) yield execution(i, i / count, next)
}

function execution(i: number, part: number, next: () => number): ExecutionSummary {
  const type = Math.floor(TYPES * next() ** 3)
  const started = Math.round(startedAt(part) + next() * 1_000)
  const runId = `22${Math.floor(next() * 2 ** 52).toString(36)}${i.toString(36)}+Qx0dHDmM9QFLJjWwVPDwCQSJQ=`
  const { status, sagaState } = outcome(type, part, next)
  const closed = started + Math.ceil(2_000 * Math.exp(4 * next() ** 2 * next() * 2))
  const stuck = status === 'OPEN' && next() < 0.02
  const parent = type % 8 === 7 ? `parent-${Math.floor(i / 500)}` : undefined
  return {
    domain: DOMAIN,
    workflowId: `${type < 4 ? 'order' : `kind-${type}`}-${String(i).padStart(7, '0')}`,
    runId,
    type: { name: `Type${type}`, version: version(type, part, next) },
    status,
    ...(sagaState && {
      saga: { state: sagaState, step: 'ship', attempt: 1, steps: steps(sagaState === 'RUNNING' ? 'RUNNING' : 'DONE') },
    }),
    ...(stuck && { stuck: { since: started, reason: 'ReplayDivergence: expected ScheduleActivityTask' } }),
    tags: tags(i, type, next),
    taskList: 'decisions',
    startedAt: started,
    ...(status !== 'OPEN' && { closedAt: closed }),
    cancelRequested: status === 'CANCELED',
    ...(parent && { parent: { workflowId: 'parent', runId: parent } }),
    ...(status === 'FAILED' && { failureReason: 'ACTIVITY_TASK_FAILED' }),
    eventId: 40,
  } as ExecutionSummary
}

/** Open ones started of late; one type never fails, and only sagas of the last days are being undone. */
function outcome(type: number, part: number, next: () => number): { status: string; sagaState?: string } {
  const isSaga = type % 2 === 0
  if (next() < (part > 0.99 ? 0.5 : 0.002)) {
    const state = next() < 0.002 ? 'COMPENSATING' : next() < 0.02 ? 'RETRYING' : 'RUNNING'
    return { status: 'OPEN', ...(isSaga && { sagaState: state }) }
  }
  const dice = next()
  if (dice < 0.03 && type !== 1) return { status: 'FAILED', ...(isSaga && { sagaState: 'FAILED' }) }
  const status = dice < 0.035 ? 'TIMED_OUT' : dice < 0.04 ? 'TERMINATED' : dice < 0.0405 ? 'CANCELED' : 'COMPLETED'
  return { status, ...(isSaga && { sagaState: status === 'COMPLETED' ? 'COMPLETED' : 'FAILED' }) }
}

/** Version 1.0 was replaced after a third of the time, and is all but gone. */
function version(type: number, part: number, next: () => number): string {
  if (part < 0.33) return '1.0'
  return next() < 0.000_05 ? '1.0' : type < 3 && part > 0.9 ? '3.0' : '2.0'
}

function tags(i: number, type: number, next: () => number): string[] {
  const found = [next() < 0.4 ? 'eu' : 'us', `customer-${Math.floor(50_000 * next() ** 2)}`]
  if (type === 3 && next() < 0.5) found.push('campaign')
  if (next() < 0.01) found.push('gold')
  if (i % 100_000 === 77) found.push('traced')
  return found
}

function steps(state: string) {
  return ['reserve', 'charge', 'ship'].map(name => ({ name, state, attempts: 1 }))
}
