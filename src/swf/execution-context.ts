// executionContext: where a workflow's own state lives in SWF (32,768 characters, the last one given is the one that counts).
// Format: `{"swf-gateway":1,"saga":…,"state":…,"stuck":…}`.

import { MAX_PAYLOAD, readJson } from './payload.js'

export const SAGA_STATES = [
  'RUNNING',
  'RETRYING',
  'ROLLING_BACK',
  'COMPENSATING',
  'WAITING_FOR_OPERATOR',
  'COMPLETED',
  'FAILED',
] as const
export type SagaState = (typeof SAGA_STATES)[number]

/** `UNDONE`: compensated or rolled back. `LEFT`: its compensation failed for good. */
export type SagaStepState =
  | 'PENDING'
  | 'RUNNING'
  | 'RETRYING'
  | 'DONE'
  | 'FAILED'
  | 'ROLLING_BACK'
  | 'COMPENSATING'
  | 'UNDONE'
  | 'LEFT'
  | 'SKIPPED'

export interface SagaStep {
  name: string
  state: SagaStepState
  attempts: number
}

/** What subscribers see of a saga: its state, the step that it is at and that step's attempt, from 1. */
export interface Saga {
  state: SagaState
  step?: string
  attempt: number
  steps: SagaStep[]
  /** How many steps `steps` leaves out, since there are many. */
  omittedSteps?: number
}

/** Why a run makes no progress until its code is mended. `since` is in milliseconds since 1970. */
export interface Stuck {
  since: number
  reason: string
  eventId?: number
  /** The author's line: `order.workflow.js:41:12`. */
  location?: string
}

export interface ExecutionContext {
  saga?: Saga
  /** What the workflow itself exposes. */
  state?: unknown
  stuck?: Stuck
  /** The state was too long and has been left out. */
  truncated?: true
}

const VERSION_MEMBER = 'swf-gateway'

/** Characters that are kept for a saga, whatever the state is. */
const MAX_SAGA = 4_000

/** Returns a context as text. A long saga leaves steps out (`fitSaga`); a state that does not fit is left out: `truncated`. */
export function encodeExecutionContext({ saga, ...given }: ExecutionContext): string {
  const context = { [VERSION_MEMBER]: 1, ...(saga && { saga: fitSaga(saga, MAX_SAGA) }), ...given }
  const text = JSON.stringify(context)
  if (text.length <= MAX_PAYLOAD) return text
  const { state: _state, ...rest } = context
  return JSON.stringify({ ...rest, truncated: true })
}

/** What matters most when not all can be told: what went wrong, what is going on, then what is near to it. */
const FIRST: ReadonlySet<SagaStepState> = new Set(['LEFT', 'FAILED'])
const SECOND: ReadonlySet<SagaStepState> = new Set(['RUNNING', 'RETRYING', 'ROLLING_BACK', 'COMPENSATING'])

/**
 * Returns a saga in at most so many characters of JSON, if one step fits at all: it keeps steps that are left or failed, then
 * those at work, then those around the one that it is at, in their order, and `omittedSteps` says how many others there are.
 */
export function fitSaga(saga: Saga, most: number): Saga {
  if (JSON.stringify(saga).length <= most) return saga
  const { steps, omittedSteps: before = 0, ...rest } = saga
  const at = Math.max(
    0,
    steps.findIndex(({ name }) => name === saga.step),
  )
  const rank = ({ state }: SagaStep) => (FIRST.has(state) ? 0 : SECOND.has(state) ? 1 : 2)
  const byWeight = [...steps.keys()].sort(
    (one, other) => rank(steps[one]!) - rank(steps[other]!) || Math.abs(one - at) - Math.abs(other - at) || one - other,
  )
  let room = most - JSON.stringify({ ...rest, steps: [], omittedSteps: before + steps.length }).length
  const kept = new Set<number>()
  for (const index of byWeight) {
    room -= JSON.stringify(steps[index]).length + 1
    if (room < 0) break
    kept.add(index)
  }
  return {
    ...rest,
    steps: steps.filter((_, index) => kept.has(index)),
    omittedSteps: before + steps.length - kept.size,
  }
}

/** Returns how a saga is shown while its execution is open: its end is told by the execution's, which may be refused. */
export function openSaga(saga: Saga): Saga {
  if (saga.state !== 'COMPLETED' && saga.state !== 'FAILED') return saga
  const undoing = saga.state === 'FAILED' && saga.steps.some(({ state }) => state === 'UNDONE' || state === 'LEFT')
  return { ...saga, state: undoing ? 'COMPENSATING' : 'RUNNING' }
}

/** Returns what an executionContext says; one that others wrote is a `state`. */
export function decodeExecutionContext(text: string | undefined): ExecutionContext {
  if (text === undefined) return {}
  let json: unknown
  try {
    json = readJson(text)
  } catch {
    return { state: text }
  }
  if (typeof json !== 'object' || json === null || !(VERSION_MEMBER in json)) return { state: json }
  const { [VERSION_MEMBER]: _version, ...context } = json as Record<string, unknown>
  const { saga, stuck } = context as ExecutionContext
  // Anybody may write an executionContext: one that only looks like ours is a state.
  if ((saga !== undefined && !isSaga(saga)) || (stuck !== undefined && !isStuck(stuck))) return { state: json }
  return context as ExecutionContext
}

function isSaga(saga: Saga | null): boolean {
  return (
    typeof saga === 'object' &&
    SAGA_STATES.includes(saga?.state as SagaState) &&
    typeof saga?.attempt === 'number' &&
    ['string', 'undefined'].includes(typeof saga.step) &&
    Array.isArray(saga.steps) &&
    saga.steps.every(step => typeof step?.name === 'string' && typeof step.state === 'string')
  )
}

function isStuck(stuck: Stuck | null): boolean {
  return typeof stuck === 'object' && typeof stuck?.since === 'number' && typeof stuck.reason === 'string'
}
