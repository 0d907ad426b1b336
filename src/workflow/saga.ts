// Sagas: steps that are undone when a later one fails.
//
// G1. A step is known before it runs, so that its rollback is never missed.
// G2. `rollback` undoes what the failing step may have half done; `compensate` undoes a step that was completed. Steps that
//     failed come first, then the completed ones; by default in reverse.
// G3. A saga that fails cancels the steps that still run, and waits for their ends: what completed all the same is
//     compensated, what did not is rolled back. Only then is anything undone.
// G4. Undoing is shielded from cancellation. An undoing that fails for good leaves its step LEFT.
// G5. An error that is no failure (a bug) undoes nothing: it parks the run until the code is mended. In a workflow with
//     `onError: 'fail'` it ends the execution, so there it is undone for.
// G6. A saga that runs inside a step of another one, and completes, is undone with that step, unless the step says itself how.

import type { Timeout } from '../swf/duration.js'
import type { Undo, UndoOptions } from './saga-undo.js'

export interface SagaOptions extends UndoOptions {
  /**
   * How long the steps may take, from the beginning of the saga; undoing is not counted. Then what runs is canceled, and the
   * saga is undone and fails with SagaDeadlineExpired as its `cause`. An activity that does not heed its cancel is waited
   * for: leave time for the longest startToClose, and for the undoing. `'NONE'`: until SWF times the execution out, which
   * undoes nothing. @default until a tenth of executionStartToClose is left, at most an hour
   */
  deadline?: Timeout
}

/** How a step is undone. */
export interface StepUndo<R, RollbackInput = any, CompensateInput = any> {
  /** Undoes what the step may have half done when it fails. It cannot see the step's result. */
  rollback?: Undo<readonly [], RollbackInput>
  /** Undoes the step when it had completed. */
  compensate?: Undo<readonly [result: R], CompensateInput>
}

/** A saga that runs. */
export interface Saga {
  /**
   * Runs a step: anything that a workflow may wait for. Rejects with what it failed of; a failure that leaves the saga's
   * function is what the saga is undone for. Several steps may run at once: `all([() => saga.step(…), () => saga.step(…)])`
   * cancels the others when one fails. A step whose failure is caught is rolled back only if the saga fails later.
   *
   * @example const trip = await saga.step('trip', () => executeChild(book, order), { compensate: trip => executeChild(unbook, trip) })
   */
  step<R, RollbackInput, CompensateInput>(
    name: string,
    run: () => Promise<R>,
    undo?: StepUndo<R, RollbackInput, CompensateInput>,
  ): Promise<R>
  /** Shows a step as SKIPPED, which its condition has left out. */
  skip(name: string): void
}
