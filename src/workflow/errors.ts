// Failures: what a workflow may catch. They are named after the history event that caused them, and each has a stable code.
// Everything else that author code throws is an error in that code, and parks the run.

import { durationText } from '../swf/duration.js'
import type { Failure } from '../swf/failure.js'
import type { TypeName } from '../swf/history-event.js'
import { PayloadNotJson, PayloadTooLarge } from '../swf/payload.js'
import { describeBehind } from '../swf/thrown.js'

/** Base of everything that a workflow may catch, and that fails its execution when it does not. */
export abstract class WorkflowFailure extends Error {
  abstract readonly code: string
  /** The short word for what happened, such as `OutOfStock`; at most 256 characters reach SWF. */
  readonly reason: string

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.reason = reason
  }

  /** Returns the failure with its causes, as it travels in `details`; `depth` is how many failures it is behind. */
  toFailure(depth = 0): Failure {
    return {
      code: this.code,
      reason: this.reason,
      message: this.message,
      ...this.facts(),
      ...describeBehind(this, depth),
    }
  }

  protected facts(): Partial<Failure> {
    return {}
  }
}

/**
 * What a handler, or another execution, has told of a failure: the `cause` of those that a workflow catches. Thrown by itself it
 * fails the execution with the same.
 */
export class RemoteFailure extends WorkflowFailure {
  readonly code: string
  /** Of what failed in several ways at once, such as an AggregateError. */
  readonly errors?: readonly RemoteFailure[]
  constructor(readonly failure: Failure) {
    super(failure.reason, failure.message ?? failure.reason, causeOf(failure))
    this.code = failure.code
    if (failure.errors) this.errors = failure.errors.map(error => new RemoteFailure(error))
  }
  override toFailure(): Failure {
    return this.failure
  }
}

/** Returns what is behind a failure that was told, as errors have it. */
function causeOf({ cause }: Failure): ErrorOptions | undefined {
  return cause && { cause: new RemoteFailure(cause) }
}

/** Sets what is behind a failure that tells of nothing behind it. */
export function setBehind(failure: WorkflowFailure, cause: WorkflowFailure | undefined): void {
  if (cause === undefined || failure === cause || failure.cause !== undefined) return
  Object.defineProperty(failure, 'cause', { value: cause, configurable: true, writable: true })
}

/** Thrown by a workflow to fail its execution on purpose: `throw new WorkflowExecutionFailed('OutOfHours')`. */
export class WorkflowExecutionFailed extends WorkflowFailure {
  readonly code = 'WORKFLOW_EXECUTION_FAILED'
  readonly details: unknown
  constructor(
    reason: string,
    { message = reason, details, ...options }: { message?: string; details?: unknown } & ErrorOptions = {},
  ) {
    super(reason, message, options)
    this.details = details
  }
  protected override facts(): Partial<Failure> {
    return this.details === undefined ? {} : { details: this.details }
  }
}

interface ActivityFacts {
  activityType: TypeName
  activityId: string
  /** How often the activity was tried. */
  attempts: number
}

abstract class ActivityFailure extends WorkflowFailure {
  readonly activityType: TypeName
  readonly activityId: string
  attempts: number
  constructor(facts: ActivityFacts, reason: string, message: string, options?: ErrorOptions) {
    super(reason, message, options)
    this.activityType = facts.activityType
    this.activityId = facts.activityId
    this.attempts = facts.attempts
  }
  protected override facts(): Partial<Failure> {
    return { type: this.activityType.name, activityId: this.activityId, attempts: this.attempts }
  }
}

/**
 * An activity task closed as failed. `failure` is what its handler told, with its last heartbeat; `cause` is the cause of what
 * the handler threw, and `errors` are those of its AggregateError.
 */
export class ActivityTaskFailed extends ActivityFailure {
  readonly code = 'ACTIVITY_TASK_FAILED'
  readonly errors?: readonly RemoteFailure[]
  constructor(
    facts: ActivityFacts,
    readonly failure: Failure,
  ) {
    const message = failure.message ?? `${facts.activityType.name} failed: ${failure.reason}`
    super(facts, failure.reason, message, causeOf(failure))
    if (failure.errors) this.errors = failure.errors.map(error => new RemoteFailure(error))
  }
  get lastHeartbeat(): unknown {
    return this.failure.lastHeartbeat
  }
  protected override facts(): Partial<Failure> {
    const { details } = this.failure
    return { ...super.facts(), ...(details !== undefined && { details }) }
  }
}

/** An activity task timed out. `lastHeartbeat` is what its last heartbeat told, `cause` how the last try failed that told why. */
export class ActivityTaskTimedOut extends ActivityFailure {
  readonly code = 'ACTIVITY_TASK_TIMED_OUT'
  constructor(
    facts: ActivityFacts,
    readonly timeoutType: 'START_TO_CLOSE' | 'SCHEDULE_TO_START' | 'SCHEDULE_TO_CLOSE' | 'HEARTBEAT',
    readonly lastHeartbeat?: unknown,
  ) {
    super(facts, timeoutType, `${facts.activityType.name} timed out: ${timeoutType}`)
  }
}

/** An activity task closed as canceled, as it was asked to. */
export class ActivityTaskCanceled extends ActivityFailure {
  readonly code = 'ACTIVITY_TASK_CANCELED'
  constructor(
    facts: ActivityFacts,
    readonly details?: unknown,
  ) {
    super(facts, 'Canceled', `${facts.activityType.name} was canceled`)
  }
}

/** SWF refused to schedule an activity task: its type is not registered, for example. `reason` is SWF's cause. */
export class ScheduleActivityTaskFailed extends ActivityFailure {
  readonly code = 'SCHEDULE_ACTIVITY_TASK_FAILED'
  constructor(facts: ActivityFacts, cause: string) {
    super(
      facts,
      cause,
      `${facts.activityType.name} ${facts.activityType.version} was not scheduled: ${cause}${hint(cause, 'handler')}`,
    )
  }
}

/** What to do about a type that SWF does not know; `what` of it an app is given. */
export function hint(cause: string, what: 'handler' | 'workflow'): string {
  if (!cause.endsWith('_TYPE_DOES_NOT_EXIST')) return ''
  return `; register it: swf-gateway register, or give its ${what} to the app or testEnvironment`
}

/** What surfaces at the awaits of a scope that is canceled; `instanceof` tells it from what went wrong. */
export abstract class Cancellation extends WorkflowFailure {}

/** Someone asked for the execution to be canceled. Surfaces at the awaits of what is not shielded. */
export class WorkflowExecutionCancelRequested extends Cancellation {
  readonly code = 'WORKFLOW_EXECUTION_CANCEL_REQUESTED'
  constructor() {
    super('Canceled', 'the execution was asked to cancel')
  }
}

/** The workflow canceled a scope of its own. `cause` is why, where there is a failure to tell it. */
export class ScopeCanceled extends Cancellation {
  readonly code = 'SCOPE_CANCELED'
  constructor(cause?: unknown) {
    super('ScopeCanceled', 'the scope was canceled', cause === undefined ? undefined : { cause })
  }
}

/** The history has grown to 24,000 events: SWF would terminate the execution at 25,000. Continue as new before. */
export class HistoryLimitReached extends Cancellation {
  readonly code = 'HISTORY_LIMIT'
  constructor(readonly events: number) {
    super('HISTORY_LIMIT', `the execution has ${events} events, and SWF ends it at 25,000: continue as new before`)
  }
}

/** `withTimeout` gave up. `cause` is how the last try failed of an activity that was still tried again, where there is one. */
export class TimeoutExpired extends WorkflowFailure {
  readonly code = 'TIMEOUT_EXPIRED'
  constructor(readonly milliseconds: number) {
    super('TimeoutExpired', `not done within ${durationText(milliseconds)}`)
  }
}

/** Nothing of what `any` has tried succeeded. */
export class NoneSucceeded extends WorkflowFailure {
  readonly code = 'NONE_SUCCEEDED'
  constructor(readonly failures: readonly WorkflowFailure[]) {
    super(
      'NoneSucceeded',
      `none of ${failures.length} succeeded: ${failures.map(({ message }) => message).join('; ')}`,
      {
        cause: failures.at(-1),
      },
    )
  }
  get errors(): readonly WorkflowFailure[] {
    return this.failures
  }
}

/**
 * Returns the failure that `error` is, or stands for: `Promise.any` gathers failures in an AggregateError. Undefined for a mistake.
 * `canceled` is why the scope was canceled in which it came up, if it was.
 */
export function failureOf(error: unknown, canceled?: Cancellation): WorkflowFailure | undefined {
  if (error instanceof WorkflowFailure) return error
  if (!(error instanceof AggregateError) || error.errors.length === 0) return undefined
  const failures = error.errors.map(each => failureOf(each, canceled))
  if (!failures.every(failure => failure !== undefined)) return undefined
  return failures.find(failure => failure === canceled) ?? new NoneSucceeded(failures)
}

/** A value is not what its validator asks for. */
export class ValidationFailed extends WorkflowFailure {
  readonly code = 'VALIDATION_FAILED'
  constructor(
    what: string,
    readonly issues: readonly string[],
  ) {
    super('ValidationFailed', `${what} is not valid: ${issues.join('; ')}`)
  }
  protected override facts(): Partial<Failure> {
    return { details: this.issues }
  }
}

/** A value is longer than SWF takes: pass a reference to it instead. */
export class PayloadTooLargeFailure extends WorkflowFailure {
  readonly code = 'PAYLOAD_TOO_LARGE'
  constructor(what: string, message: string) {
    super('PAYLOAD_TOO_LARGE', `${what}: ${message}`)
  }
}

/**
 * Says of what an error of `encodePayload` tells: a payload over SWF's limit is a failure that a workflow may catch, one that is
 * no JSON a mistake. Every other error is itself.
 */
export function notSent(what: string, error: unknown): unknown {
  if (error instanceof PayloadTooLarge) return new PayloadTooLargeFailure(what, error.message)
  if (error instanceof PayloadNotJson) return new PayloadNotJson(error.found, what)
  return error
}
