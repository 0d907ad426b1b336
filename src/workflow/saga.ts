// Sagas: steps that are undone when a later one fails.
//
// G1. A step is known before it runs, so that its rollback is never missed.
// G2. `rollback` undoes what the failing step may have half done; `compensate` undoes a step that was completed. The failing
//     step comes first, then the completed ones in reverse.
// G3. Undoing is shielded from cancellation. An undoing that fails for good leaves its step LEFT, and the others are undone
//     all the same.
// G4. An error that is no failure (a bug) undoes nothing: it parks the run until the code is mended.

import type { SagaState, SagaStep, Saga as Shown } from '../swf/execution-context.js'
import { Cancellation, SagaFailed, WorkflowFailure } from './errors.js'
import type { ActivityDefinition } from './definition.js'
import { currentRun, type RunContext } from './replay/current.js'

/** An activity that undoes something, and its input, made from what is known by then. */
export type Undo<C, I = any> = readonly [activity: ActivityDefinition<I, any>, input: (context: C) => I]

/** How a step is undone. */
export interface StepUndo<Before, After> {
  /** Undoes what the step may have half done when it fails. It cannot see the step's result. */
  rollback?: Undo<Before>
  /** Undoes the step when it had completed. */
  compensate?: Undo<After>
}

interface Done {
  record: SagaStep
  compensate?: () => Promise<unknown>
}

/**
 * Runs a saga written as ordinary code, with loops and conditions. When `body` rejects with a failure, its completed steps are
 * compensated and SagaFailed is thrown; a cancellation is thrown as it is, after the undoing.
 *
 * @example
 * await runSaga(async saga => {
 *   for (const line of order.lines)
 *     await saga.step(line.sku, () => reserve(line), { compensate: [release, reservation => reservation.id] })
 * })
 */
export async function runSaga<R>(body: (saga: Saga) => Promise<R>, steps: readonly string[] = []): Promise<R> {
  const saga = new Saga(steps)
  try {
    const result = await body(saga)
    saga.show('COMPLETED')
    return result
  } catch (error) {
    if (!(error instanceof WorkflowFailure)) throw error
    throw await saga.undo(error)
  }
}

/** A saga that runs: its steps, one after the other. */
export class Saga {
  readonly #run: RunContext
  readonly #steps: SagaStep[]
  readonly #done: Done[] = []
  readonly #undone: string[] = []
  readonly #left: string[] = []
  readonly #failed: { record: SagaStep; what: string; rollback?: () => Promise<unknown> }[] = []
  #running: string | undefined
  #state: SagaState = 'RUNNING'
  #step: string | undefined
  #attempt = 1

  constructor(steps: readonly string[] = []) {
    this.#run = currentRun('saga')
    this.#steps = steps.map(name => ({ name, state: 'PENDING', attempts: 0 }))
    Object.defineProperty(this.#run.shown, 'saga', { get: () => this.#shown(), enumerable: true, configurable: true })
  }

  /** Runs a step; await it before the next one begins. `what` names it in the saga's failure. @default the step's name */
  async step<R>(
    name: string,
    run: () => Promise<R>,
    undo: StepUndo<undefined, R> = {},
    what: string = name,
  ): Promise<R> {
    if (this.#running !== undefined)
      throw new RangeError(`saga step ${name} began while step ${this.#running} runs: await one step before the next`)
    this.#running = name
    const record = this.#record(name)
    this.#step = name
    record.state = 'RUNNING'
    let called = false
    try {
      const { cause } = this.#run.scope
      if (cause) throw cause
      called = true
      const result = await this.#observed(run, attempt => {
        record.attempts = attempt
        record.state = attempt > 1 ? 'RETRYING' : 'RUNNING'
        this.show(attempt > 1 ? 'RETRYING' : 'RUNNING', attempt)
      })
      record.state = 'DONE'
      this.show('RUNNING', 1)
      const { compensate } = undo
      this.#done.push({
        record,
        ...(compensate && { compensate: () => compensate[0](compensate[1](result), SHIELDED) }),
      })
      return result
    } catch (error) {
      const { rollback } = undo
      record.state = 'FAILED'
      this.#failed.push({
        record,
        what,
        ...(rollback && called && { rollback: () => rollback[0](rollback[1](undefined), SHIELDED) }),
      })
      throw error
    } finally {
      this.#running = undefined
    }
  }

  /** Rolls back and compensates; resolves to what the saga fails with. */
  async undo(failure: WorkflowFailure): Promise<WorkflowFailure> {
    // The last one to fail is the one that the saga fails of; those before it were caught, and are undone all the same.
    const failed = this.#failed.at(-1)
    for (const { record, rollback } of [...this.#failed].reverse())
      if (rollback) await this.#undoing(record, 'ROLLING_BACK', rollback)
    for (const { record, compensate } of this.#done.reverse())
      if (compensate) await this.#undoing(record, 'COMPENSATING', compensate)
    for (const record of this.#steps) if (record.state === 'PENDING') record.state = 'SKIPPED'
    this.#step = failed?.record.name
    this.show('FAILED')
    if (failure instanceof Cancellation) return failure
    return new SagaFailed(failed?.record.name ?? '', failed?.what ?? 'saga', failure, this.#undone, this.#left)
  }

  async #undoing(
    record: SagaStep,
    state: 'ROLLING_BACK' | 'COMPENSATING',
    undo: () => Promise<unknown>,
  ): Promise<void> {
    this.#step = record.name
    record.state = state
    try {
      await this.#observed(undo, attempt => this.show(state, attempt))
      record.state = 'UNDONE'
      this.#undone.push(record.name)
    } catch (error) {
      if (!(error instanceof WorkflowFailure)) throw error
      record.state = 'LEFT'
      this.#left.push(record.name)
    }
  }

  /** Calls `work` so that the activity it calls first tells its tries. */
  #observed<R>(work: () => Promise<R>, attempt: (attempt: number) => void): Promise<R> {
    const outer = this.#run.step
    this.#run.step = { attempt }
    try {
      return work()
    } finally {
      this.#run.step = outer
    }
  }

  #record(name: string): SagaStep {
    const pending = this.#steps.find(step => step.name === name && step.state === 'PENDING')
    if (pending) return pending
    const record: SagaStep = { name, state: 'PENDING', attempts: 0 }
    this.#steps.push(record)
    return record
  }

  /** Sets what the outside sees of the saga. */
  show(state: SagaState, attempt = 1): void {
    this.#state = state
    this.#attempt = attempt
  }

  /** What the outside sees, as it is when a decision task is answered. */
  #shown(): Shown {
    return {
      state: this.#state,
      ...(this.#step !== undefined && { step: this.#step }),
      attempt: this.#attempt,
      steps: this.#steps.map(record => ({ ...record })),
    }
  }
}

const SHIELDED = { shielded: true } as const
