// executionContext: where a workflow's own state lives in SWF (32,768 characters, the last one given is the one that counts).
// Format: `{"swf-gateway":1,"saga":…,"state":…,"stuck":…}`.

import { MAX_PAYLOAD } from './payload.js'

export const SAGA_STATES = ['RUNNING', 'RETRYING', 'ROLLING_BACK', 'COMPENSATING', 'COMPLETED', 'FAILED'] as const
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

/** What subscribers see of a saga: one of six states, the step that it is at and that step's attempt, from 1. */
export interface Saga {
  state: SagaState
  step?: string
  attempt: number
  steps: SagaStep[]
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

/** Returns a context as text. What does not fit is left out, the state first, then a saga's steps, and `truncated` says so. */
export function encodeExecutionContext(context: ExecutionContext): string {
  const text = JSON.stringify({ [VERSION_MEMBER]: 1, ...context })
  if (text.length <= MAX_PAYLOAD) return text
  const { state: _state, ...rest } = context
  const without = JSON.stringify({ [VERSION_MEMBER]: 1, ...rest, truncated: true })
  if (without.length <= MAX_PAYLOAD || !rest.saga) return without
  return JSON.stringify({ [VERSION_MEMBER]: 1, ...rest, saga: { ...rest.saga, steps: [] }, truncated: true })
}

/** Returns what an executionContext says; one that others wrote is a `state`. */
export function decodeExecutionContext(text: string | undefined): ExecutionContext {
  if (text === undefined) return {}
  let json: unknown
  try {
    json = JSON.parse(text)
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
