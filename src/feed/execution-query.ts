// What the index of executions is asked, and what it answers.

import { BadCursor } from './cursor.js'
import type { ExecutionSummary } from './update.js'

/** Times are milliseconds since 1970, both ends included. Members that are absent do not filter. */
export interface ExecutionFilter {
  type?: string
  version?: string
  status?: readonly string[]
  sagaState?: readonly string[]
  tag?: string
  workflowIdPrefix?: string
  startedAfter?: number
  startedBefore?: number
  closedAfter?: number
  closedBefore?: number
  stuck?: boolean
  parent?: { workflowId: string; runId: string }
}

/** Open executions count as closed last. */
export type ExecutionOrder = 'STARTED_DESC' | 'STARTED_ASC' | 'CLOSED_DESC' | 'CLOSED_ASC'

export interface ExecutionQuery {
  filter?: ExecutionFilter
  /** @default 'STARTED_DESC' */
  orderBy?: ExecutionOrder
  first: number
  after?: string
}

export interface ExecutionPage {
  items: ExecutionSummary[]
  /** One an item, to pass as `after`. */
  cursors: string[]
  hasNextPage: boolean
  /** Of all that the filter lets through; `truncated` when there are more than `value`, which is 10,000 then. */
  count: { value: number; truncated: boolean }
}

/** What executions are counted by. */
export type ExecutionGrouping = 'TYPE' | 'VERSION' | 'STATUS' | 'SAGA_STATE' | 'STUCK'

/** How many executions have these in common; a member is there when it was grouped by. */
export interface ExecutionGroup {
  type?: string
  version?: string
  status?: string
  /** Absent also for executions without a saga. */
  sagaState?: string
  stuck?: boolean
  count: number
}

export interface ExecutionGroups {
  /** The largest first. */
  groups: ExecutionGroup[]
  /** Only 1,000,000 executions were counted, those that started last. */
  truncated: boolean
}

/** A window over which figures are taken, both ends included, and what they are taken of. */
export interface ExecutionStatsQuery {
  from: number
  to: number
  filter?: ExecutionFilter
  /** Tells versions of a type apart. @default false */
  versions?: boolean
}

/** What became of executions of one type. All but `started` is of those that closed within the window. */
export interface ExecutionFigures {
  /** Started within the window. */
  started: number
  completed: number
  /** Failed, timed out or terminated. */
  failed: number
  /** Of those that failed. */
  timedOut: number
  /** Of those that failed. */
  terminated: number
  canceled: number
  continuedAsNew: number
  /** Completed among completed and failed; undefined when there were none. */
  successRate?: number
  /** From the start to the close of those that completed; undefined when none did. */
  duration?: Durations
}

/** How long things took, in milliseconds, within 4 %. */
export interface Durations {
  count: number
  p50: number
  p95: number
  p99: number
}

export interface TypeFigures extends ExecutionFigures {
  type: string
  /** Absent unless versions are told apart. */
  version?: string
}

export interface ExecutionStats {
  total: ExecutionFigures
  /** By type, those first of which most started or closed. */
  types: TypeFigures[]
}

/** Where an execution stands in an order: by a time, then by its run. */
export interface Place {
  time: number
  runId: string
}

/** Returns a place as text. */
export function encodePlace({ time, runId }: Place): string {
  return Buffer.from(`1.${time}.${runId}`).toString('base64url')
}

/** Returns the place that a cursor says; throws BadCursor. */
export function decodePlace(cursor: string): Place {
  const match = /^1\.(\d{1,16})\.(.+)$/.exec(Buffer.from(cursor, 'base64url').toString())
  if (!match) throw new BadCursor(cursor)
  return { time: Number(match[1]), runId: match[2]! }
}
