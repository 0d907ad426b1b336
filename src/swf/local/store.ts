// What the engine asks of a store. Two answer: memory-store.ts and file-store.ts.
//
// S1. Every call but `closed` only notes what happened; nothing waits.
// S2. A reply given to `afterCommit` leaves when everything that was noted before it is safe.

import type { DomainRecord, RegisteredType } from './domain.js'
import type { ActivityTask, Execution } from './execution.js'
import type { CloseStatus } from '../history-event.js'
import type { Filter } from './filter.js'

export interface Store {
  putDomain(domain: DomainRecord): void
  putType(domain: string, type: RegisteredType): void
  deleteType(domain: string, type: RegisteredType): void
  started(execution: Execution): void
  event(execution: Execution, text: string): void
  /** An execution that comes with its whole history. */
  imported(execution: Execution, texts: readonly string[]): void
  /** `keep` is false in a domain that keeps no closed executions. */
  closed(execution: Execution, keep: boolean): void
  heartbeat(activity: ActivityTask): void
  /** Lets closed executions go that closed before `closedBefore` (milliseconds since 1970). */
  forget(domain: string, closedBefore: number): void
  afterCommit(reply: () => void): void
  readonly closedExecutions: ClosedExecutions
  close(): Promise<void>
}

/** The closed executions. */
export interface ClosedExecutions {
  find(domain: string, workflowId: string, runId: string): MaybePromise<ClosedExecution | undefined>
  /** The texts of the events from `first` to `last`, inclusive. */
  events(execution: ClosedExecution, first: number, last: number): MaybePromise<readonly string[]>
  list(query: ClosedQuery): MaybePromise<readonly ClosedExecution[]>
  count(query: ClosedQuery): MaybePromise<number>
}

export type MaybePromise<T> = T | Promise<T>

/** A closed execution as the store keeps it. Times are milliseconds since 1970. */
export interface ClosedExecution {
  readonly serial: number
  readonly domain: string
  readonly workflowId: string
  readonly runId: string
  readonly workflowType: { readonly name: string; readonly version: string }
  readonly startedAt: number
  readonly closedAt: number
  readonly closeStatus: CloseStatus
  readonly tagList: readonly string[] | undefined
  readonly lastEventId: number
  /** The reply of DescribeWorkflowExecution, as text. */
  readonly description: string
}

export interface ClosedQuery extends Filter {
  readonly domain: string
  /** The time that is filtered and sorted by. */
  readonly by: 'startedAt' | 'closedAt'
  readonly oldest: number
  readonly latest: number
  readonly newestFirst: boolean
  /** Only what comes after this one in the order asked for. */
  readonly after?: readonly [at: number, serial: number] | undefined
  readonly limit: number
}
