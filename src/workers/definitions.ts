// What an application hands to the workers: workflows to the decider, handlers to the activity worker.

import type { Duration } from '../swf/duration.js'
import type { Log } from '../telemetry.js'
import type { ActivityDefinition, WorkflowDefinition } from '../workflow/definition.js'

/** What the module behind `--app FILE` exports; either may be missing. */
export interface App {
  workflows?: readonly WorkflowDefinition[]
  handlers?: readonly Handler[]
  /** An execution that `swf-gateway dev` shows how to start. */
  example?: { type: string; input: unknown }
}

/** What a handler is given beside its input: one run of one activity task. */
export interface ActivityContext {
  /** Which try of the activity this is, from 1. */
  readonly attempt: number
  /** Details of the last heartbeat of the run or try before, however that ended; undefined when there were none. */
  readonly lastHeartbeat: unknown
  /**
   * Reports progress, any JSON value of at most 2,048 characters. Cheap to call often: the newest details are sent, some
   * times in a heartbeat timeout, and the last in any case. SWF hears of the activity without it too, unless the handler
   * was implemented with `heartbeat: 'manual'`.
   */
  heartbeat(details?: unknown): void
  /**
   * Aborted when the handler is to stop; `signal.reason` is an ActivityAborted, whose `code` says why.
   * A handler that does not stop is abandoned after a grace period.
   */
  readonly signal: AbortSignal
  /** Aborted when the worker shuts down: the handler may go on for the worker's drain time, or end early. */
  readonly shuttingDown: AbortSignal
  /** The same for every try of this call: what an effect is to be recorded under, so that it happens once. */
  readonly idempotencyKey: string
  /** Grows with every run of this activity, compared as text: a store that remembers the highest can refuse one that was overtaken. */
  readonly fencingToken: string
  readonly log: Log
  readonly workflowExecution: { readonly workflowId: string; readonly runId: string }
  /** When SWF times this task out, by this machine's clock; undefined when it has no such limit. */
  readonly deadline: Date | undefined
  readonly activityId: string
  readonly activityType: { readonly name: string; readonly version: string }
  /**
   * Leaves the task open for somebody else to complete: hand `token` on, then return what this returns. The worker goes on
   * telling SWF that it is alive, and fails it with the reason `SwfGateway.LeftOpen` when the time is over. It holds no
   * slot, and outlives this worker. A cancel ends it at once. `for` is bounded by the contract's startToClose, which is
   * also its default.
   */
  leaveOpen(options?: { for?: Duration }): OpenActivity
}

/** Marks an OpenActivity, whichever copy of the package made it. */
export const OPEN: unique symbol = Symbol.for('swf-gateway.OpenActivity')

/**
 * What a handler returns whose task stays open. `completeActivity` and `failActivity` take the token, even before the handler
 * has returned. Whoever has it can end the activity: keep it as you would a password.
 */
export class OpenActivity {
  readonly [OPEN] = true
  constructor(
    readonly token: string,
    /** When it fails unless somebody has completed it, by this machine's clock; undefined: with its execution. */
    readonly until: Date | undefined,
  ) {}

  /** Tells whether a handler's value is this. */
  static is(value: unknown): value is OpenActivity {
    return typeof value === 'object' && value !== null && OPEN in value
  }
}

/** An activity's contract with the code that does it. */
export interface Handler {
  readonly definition: ActivityDefinition
  /** @default 'automatic' */
  readonly heartbeat?: 'automatic' | 'manual'
  /** Where it runs. @default in the process */
  readonly isolate?: 'thread'
  /** Does the work. `abandoned` is aborted when nobody waits for it any more. */
  run(input: unknown, job: ActivityContext, abandoned?: AbortSignal): Promise<unknown>
  /** Ends what it keeps between two runs. */
  close?(): Promise<void>
}

export interface HandlerOptions {
  /**
   * Who tells SWF that a run is alive, within the heartbeat timeout of the contract. `automatic`: the worker, for as long as
   * its process lives, so a handler that hangs holds its task until start-to-close. `manual`: only the handler, by
   * `job.heartbeat()`, so that SWF times out one that hangs; call it more often than the timeout. @default 'automatic'
   */
  heartbeat?: 'automatic' | 'manual'
}

/**
 * Says what does an activity's work.
 *
 * The handler may run more than once for one call: after a failure, a timeout, or when its worker died. Record effects
 * under `job.idempotencyKey`. Throw to fail the activity: the contract's retry decides what follows.
 *
 * Throws a TypeError for `heartbeat: 'manual'` where the contract has no heartbeat timeout.
 *
 * @example
 * export const handlers = [implement(charge, async (order, job) => payments.charge(order, job.idempotencyKey))]
 */
export function implement<I, R>(
  definition: ActivityDefinition<I, R>,
  run: (input: I, job: ActivityContext) => Promise<R | OpenActivity> | R | OpenActivity,
  options: HandlerOptions = {},
): Handler {
  return { definition, heartbeat: heartbeatOf(definition, options), run: async (input, job) => run(input as I, job) }
}

/** Returns who beats. Throws a TypeError where nobody would notice that nobody does. */
export function heartbeatOf(
  { name, options }: ActivityDefinition,
  { heartbeat = 'automatic' }: HandlerOptions,
): 'automatic' | 'manual' {
  if (heartbeat === 'manual' && options.heartbeat === 'NONE')
    throw new TypeError(`${name} beats by itself, so its contract needs a heartbeat timeout: heartbeat: '30s'`)
  return heartbeat
}

/**
 * Fails an activity on purpose. `reason` is what a retry policy's `nonRetryable` names; `details` is any JSON value.
 * Other errors fail it too, with `error.reason`, `error.code` or `error.name` as the reason.
 */
export class ActivityFailure extends Error {
  override readonly name = 'ActivityFailure'
  constructor(
    readonly reason: string,
    message: string = reason,
    readonly details?: unknown,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/**
 * Why a handler is to stop.
 *
 * - `CANCEL_REQUESTED`: the workflow asked for it. Clean up and throw, or return to complete all the same.
 * - `SHUTDOWN`: the drain time of the worker is over; the activity will be tried again elsewhere.
 * - `DEADLINE`: SWF has timed the task out; its outcome counts no more.
 * - `CLOSED`: SWF has closed the task or its execution.
 * - `FENCED`: another worker runs the task, since this one did not answer for too long.
 */
export type AbortCode = 'CANCEL_REQUESTED' | 'SHUTDOWN' | 'DEADLINE' | 'CLOSED' | 'FENCED'

/** The reason of an aborted `job.signal`. */
export class ActivityAborted extends Error {
  override readonly name = 'ActivityAborted'
  constructor(readonly code: AbortCode) {
    super(`The activity is to stop: ${code}`)
  }
}
