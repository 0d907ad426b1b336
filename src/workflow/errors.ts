// Failures: what a workflow may catch. They are named after the history event that caused them, and each has a stable code.
// Everything else that author code throws is an error in that code, and parks the run.

import { durationText } from '../swf/duration.js'
import type { Failure } from '../swf/failure.js'
import type { TypeName } from '../swf/history-event.js'
import { PayloadNotJson, PayloadTooLarge } from '../swf/payload.js'

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

  /** Returns the failure with its causes, as it travels in `details`. */
  toFailure(): Failure {
    return {
      code: this.code,
      reason: this.reason,
      message: this.message,
      ...this.facts(),
      ...(this.cause instanceof WorkflowFailure && { cause: this.cause.toFailure() }),
    }
  }

  protected facts(): Partial<Failure> {
    return {}
  }
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

/** An activity task closed as failed. `failure` is what its handler told, with its own causes and its last heartbeat. */
export class ActivityTaskFailed extends ActivityFailure {
  readonly code = 'ACTIVITY_TASK_FAILED'
  constructor(
    facts: ActivityFacts,
    readonly failure: Failure,
  ) {
    super(facts, failure.reason, failure.message ?? `${facts.activityType.name} failed: ${failure.reason}`)
  }
  get lastHeartbeat(): unknown {
    return this.failure.lastHeartbeat
  }
  protected override facts(): Partial<Failure> {
    const { details, cause } = this.failure
    return { ...super.facts(), ...(details !== undefined && { details }), ...(cause && { cause }) }
  }
}

/** An activity task timed out. `lastHeartbeat` is what its last heartbeat told. */
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

/** `withTimeout` gave up. */
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
