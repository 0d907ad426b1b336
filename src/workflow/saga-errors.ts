// What a saga adds to the failures.

import { shorten } from '../cut.js'
import type { Failure } from '../swf/failure.js'
import { Cancellation, WorkflowFailure } from './errors.js'

/** Characters of the steps' names that are told of a saga that was not run. */
const MOST_SHOWN = 100

/** A saga failed and was undone. `cause` is the failure of its step. */
export class SagaFailed extends WorkflowFailure {
  readonly code = 'SAGA_FAILED'
  constructor(
    readonly step: string,
    what: string,
    override readonly cause: WorkflowFailure,
    /** Steps that were compensated or rolled back. */
    readonly undone: readonly string[],
    /** Steps whose undoing failed for good. */
    readonly left: readonly string[],
  ) {
    super(
      `${what}: ${cause.reason}`,
      left.length ? `${cause.message}; left undone: ${left.join(', ')}` : cause.message,
      { cause },
    )
  }
  protected override facts(): Partial<Failure> {
    return { details: { step: this.step, undone: this.undone, left: this.left } }
  }
}

/**
 * The deadline of a saga has come, with time left to undo what it has done. Surfaces at the awaits of its steps, and is the
 * `cause` of its SagaFailed. Its own `cause` is as that of TimeoutExpired.
 */
export class SagaDeadlineExpired extends Cancellation {
  readonly code = 'SAGA_DEADLINE_EXPIRED'
  constructor() {
    super('SagaDeadlineExpired', 'the saga was not done by its deadline')
  }
}

/** A saga was built and not run: a mistake in the workflow's code, not a failure. */
export class SagaNotRun extends TypeError {
  override readonly name = 'SagaNotRun'

  /** Says of which steps the saga is. */
  of(steps: readonly string[]): void {
    this.message = `saga ${shorten(steps.join(', '), MOST_SHOWN)} was not run: end it with .run()`
  }
}
