// What a saga adds to the failures.

import type { Failure } from '../swf/failure.js'
import { Cancellation, WorkflowFailure } from './errors.js'

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
 * `cause` of its SagaFailed.
 */
export class SagaDeadlineExpired extends Cancellation {
  readonly code = 'SAGA_DEADLINE_EXPIRED'
  constructor() {
    super('SagaDeadlineExpired', 'the saga was not done by its deadline')
  }
}
