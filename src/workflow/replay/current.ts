// The run whose author code may run now: a module variable, set around each drain and null at all other times.
// (AsyncLocalStorage would slow down every await of the process.)

import type { ExecutionContext } from '../../swf/execution-context.js'
import type { TypeName, WorkflowExecution } from '../../swf/history-event.js'
import type { ResolvedRetryPolicy } from '../retry.js'
import type { WorkflowExecutionCancelRequested } from '../errors.js'
import type { Operation } from './operation.js'

/** One activity task to schedule, every option explicit: registered defaults are never relied on. */
export interface ActivityTaskSpec {
  activityId: string
  activityType: TypeName
  input: string | undefined
  control: string | undefined
  taskList: string
  taskPriority: string | undefined
  startToCloseTimeout: string
  scheduleToStartTimeout: string
  scheduleToCloseTimeout: string
  heartbeatTimeout: string
}

/** A signal as it came in: a decoded payload. */
export interface SignalInbox {
  readonly buffered: unknown[]
  readonly waiting: Operation<unknown>[]
  handler?: (value: unknown) => void
}

/** The step of a saga that activities called now belong to. */
export interface StepObserver {
  /** A try begins, or will after its wait: 1 for the first. */
  attempt(attempt: number): void
}

/** What operations need of the run that they belong to. */
export interface RunContext {
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
  nextSeq(): number
  /** The next number of the run's own random sequence, from 0 to 1. */
  random(): number
  /** A random number that depends on nothing but the run and `name`. */
  randomOf(name: string): number
  scheduleActivityTask(spec: ActivityTaskSpec): Operation<string | undefined> & { policy?: ResolvedRetryPolicy }
  startTimer(timerId: string, seconds: string): Operation<void>
  signals(name: string): SignalInbox
  /** Gives a signal, what is buffered of it included, to a handler from now on. */
  handle(name: string, handler: (value: unknown) => void): void
  condition(predicate: () => boolean): Operation<void>
  /** Calls `listener` when the execution is asked to cancel; returns how to stop that. */
  onCancelRequested(listener: () => void): () => void
}

let current: RunContext | null = null

/** Returns the run at work, for `what` was called; throws when no workflow is running. */
export function currentRun(what: string): RunContext {
  if (current) return current
  throw new Error(
    `${what} was called outside of a workflow, or after an await on something that is not of the workflow`,
  )
}

export function enter(run: RunContext): void {
  current = run
}

export function leave(): void {
  current = null
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
