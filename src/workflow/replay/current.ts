// The run whose author code may run now: a module variable, set around each drain and null at all other times.
// (AsyncLocalStorage would slow down every await of the process.)

import type { ExecutionContext } from '../../swf/execution-context.js'
import type { WorkflowExecution } from '../../swf/history-event.js'
import type { WorkflowExecutionCancelRequested } from '../errors.js'
import type { WorkflowContract } from '../workflow-contract.js'
import type { Commands } from './commands.js'
import type { Origin } from './continuation.js'
import type { Cursors } from './cursors.js'
import type { Inbox } from './inbox.js'
import type { Markers } from './markers.js'
import type { Operation } from './operation.js'
import type { Scope } from './scope.js'

/** The step of a saga that activities called now belong to. */
export interface StepObserver {
  /** A try begins, or will after its wait: 1 for the first. */
  attempt(attempt: number): void
}

/** A line that a workflow logs. */
export interface LogLine {
  level: 'debug' | 'info' | 'warn' | 'error'
  message: string
  fields: object
}

/** What operations need of the run that they belong to. */
export interface RunContext {
  readonly contract: WorkflowContract
  readonly execution: WorkflowExecution
  /** Time of the DecisionTaskStarted at work, in milliseconds since 1970. */
  readonly now: number
  /** Id of the last event seen. */
  readonly historyLength: number
  /** Set once the execution was asked to cancel. */
  readonly cancelRequested: WorkflowExecutionCancelRequested | undefined
  /** What the workflow shows of itself. */
  readonly shown: Pick<ExecutionContext, 'saga' | 'state'>
  /** The step whose body is being called right now. */
  step: StepObserver | undefined
  /** The scope of cancellation that the code at work was called in. */
  readonly scope: Scope
  readonly commands: Commands
  readonly inbox: Inbox
  readonly markers: Markers
  readonly origin: Origin
  /** When the run was started, and when SWF will time it out, in milliseconds since 1970. */
  readonly startedAt: number
  readonly expiresAt: number
  /** Mistakes, unless what they are about is done before the run ends. */
  readonly unfinished: Set<Error>
  /** How far loops are; the next run of a run that continues as new knows it too. */
  readonly cursors: Cursors
  nextSeq(): number
  /** The next number of the run's own random sequence, from 0 to 1. */
  random(): number
  /** A random number that depends on nothing but the run and `name`. */
  randomOf(name: string): number
  condition(predicate: () => boolean): Operation<void>
  /** Writes a line of its code to the log, unless its history is replayed. */
  log(line: LogLine): void
  /** Hears of a rejection of its code that nobody handles. */
  unhandled(reason: unknown): void
  /** Parks the run for this error, or reason, whatever its code makes of it; returns an error to throw. */
  stuck(why: Error | string): Error
}

let current: RunContext | null = null

/** Returns the run at work, for `what` was called; throws when no workflow is running. */
export function currentRun(what: string): RunContext {
  if (current) return current
  throw new TypeError(
    `${what} was called outside of a workflow, or after an await on something that is not of the workflow`,
  )
}

export function enter(run: RunContext): void {
  current = run
}

export function leave(): void {
  current = null
}

/** Returns the run at work; null when no author code may run. */
export function replaying(): RunContext | null {
  return current
}

/** True while author code may run. */
export function isReplaying(): boolean {
  return current !== null
}

/** Calls `work` as if no workflow were running: for loggers and validators, which may read a clock. */
export function outside<T>(work: () => T): T {
  const run = current
  current = null
  try {
    return work()
  } finally {
    current = run
  }
}
