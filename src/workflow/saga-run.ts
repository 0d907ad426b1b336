// A saga that runs: its steps from their beginning to their end, and its own end (rules G1 to G6 of saga.ts).

import { Cancellation, failureOf, ScopeCanceled } from './errors.js'
import { ContinueAsNew } from './replay/continuation.js'
import { currentRun, type RunContext } from './replay/current.js'
import { cancel, cancelable } from './replay/operation.js'
import type { Scope } from './replay/scope.js'
import type { Saga, SagaOptions, StepUndo } from './saga.js'
import { SagaFailed, type SagaDeadlineExpired } from './saga-errors.js'
import { watchDeadline } from './saga-deadline.js'
import { callUndo, failureTest, refusal, undoAll, type ToUndo } from './saga-undo.js'
import { boardOf, observed, SagaView, type StepView } from './saga-view.js'
import { asCancellation, open } from './scope.js'

/** A step at work, and the sagas that completed inside it. */
interface Step {
  view: StepView
  sagas: SagaRun[]
}

interface Failed {
  name: string
  what: string
  error: unknown
}

/** The scope of a step → the step; the scope of an undoing → null, for what runs there is not to be undone. */
const steps = new WeakMap<Scope, Step | null>()

/**
 * Runs a saga written as ordinary code, with loops and conditions. When `body` rejects with a failure, what it has done is
 * undone and SagaFailed is thrown; a cancellation from outside is thrown as it is, after the undoing.
 *
 * @example
 * await runSaga(async saga => {
 *   for (const line of order.lines)
 *     await saga.step(line.sku, () => reserve(line), { compensate: [release, reservation => reservation.id] })
 * })
 */
export function runSaga<R>(body: (saga: Saga) => Promise<R>, options: SagaOptions = {}): Promise<R> {
  return new SagaRun(currentRun('saga'), options, []).execute(body)
}

export class SagaRun implements Saga {
  readonly #view: SagaView
  /** The step of another saga that this one runs in. */
  readonly #within: Step | undefined
  readonly #isFailure: (error: unknown) => boolean
  readonly #running = new Set<Promise<unknown>>()
  readonly #completed: ToUndo[] = []
  readonly #halfDone: ToUndo[] = []
  readonly #failed: Failed[] = []
  #scope: Scope | undefined
  #failing = false
  #expired: SagaDeadlineExpired | undefined

  constructor(
    private readonly run: RunContext,
    private readonly options: SagaOptions,
    names: readonly string[],
  ) {
    this.#within = stepAround(run.scope)
    this.#isFailure = failureTest(run)
    this.#view = new SagaView(boardOf(run), names, this.#within?.view)
  }

  execute<R>(body: (saga: this) => Promise<R>): Promise<R> {
    return cancelable(this.#execute(body), cause => this.#scope?.cancel(asCancellation(cause)))
  }

  async #execute<R>(body: (saga: this) => Promise<R>): Promise<R> {
    let stopWatching = () => {}
    try {
      const result = await open('saga', {}, async scope => {
        this.#scope = scope
        if (!scope.cause)
          stopWatching = watchDeadline(this.run, this.options.deadline, expired => {
            this.#expired = expired
            scope.cancel(expired)
          })
        const result = await body(this)
        while (this.#running.size > 0) await Promise.all(this.#running)
        return result
      })
      stopWatching()
      this.#view.end('COMPLETED')
      this.#within?.sagas.push(this)
      return result
    } catch (error) {
      if (error instanceof ContinueAsNew) throw this.#refused(error)
      if (!this.#isFailure(error)) throw error
      stopWatching()
      this.#failing = true
      const failure = failureOf(error, this.#scope!.cause)
      this.#scope!.cancel(failure ? asCancellation(failure) : new ScopeCanceled())
      await this.#stillRunning()
      throw await open('saga', { shielded: true }, scope => {
        steps.set(scope, null)
        return this.#fail(error)
      })
    }
  }

  step<R>(name: string, run: () => Promise<R>, undo: StepUndo<R> = {}, what = name): Promise<R> {
    const { scope } = currentRun(`saga step ${name}`)
    if (this.#view.ended) throw new RangeError(`saga step ${name} began after the end of its saga`)
    const view = this.#view.step(name)
    const canceled = scope.cause ? scope : this.#failing ? this.#scope : undefined
    if (canceled) {
      view.show('SKIPPED')
      return canceled.refusal()
    }
    view.tries(1)
    const step: Step = { view, sagas: [] }
    const work = open(`saga step ${name}`, {}, scope => {
      steps.set(scope, step)
      return observed(this.run, run, attempt => view.tries(attempt))
    })
    const ended = this.#end(work, step, undo, what)
    this.#running.add(ended)
    const gone = () => void this.#running.delete(ended)
    ended.then(gone, gone)
    return cancelable(ended, cause => cancel(work, cause))
  }

  skip(name: string): void {
    this.#view.step(name).show('SKIPPED')
  }

  async #end<R>(work: Promise<R>, step: Step, { rollback, compensate }: StepUndo<R>, what: string): Promise<R> {
    const { view } = step
    const inner = () => (step.sagas.length > 0 ? () => undoInner(step.sagas) : undefined)
    try {
      const result = await work
      view.show('DONE')
      const undo = compensate ? () => callUndo(compensate, [result]) : inner()
      if (undo) this.#completed.push({ step: view, state: 'COMPENSATING', undo })
      return result
    } catch (error) {
      if (!this.#isFailure(error)) throw error
      view.show('FAILED')
      const undo = rollback ? () => callUndo(rollback, []) : inner()
      if (undo) this.#halfDone.push({ step: view, state: 'ROLLING_BACK', undo })
      this.#failed.push({ name: view.name, what, error })
      throw error
    }
  }

  /** Waits for the steps that were canceled. A bug in one of them parks the run. */
  async #stillRunning(): Promise<void> {
    while (this.#running.size > 0)
      for (const end of await Promise.allSettled(this.#running))
        if (end.status === 'rejected' && !this.#isFailure(end.reason)) throw end.reason
  }

  /** Undoes what was done; resolves to what the saga fails with. */
  async #fail(error: unknown): Promise<unknown> {
    const { undone, left } = await this.#undo([...this.#halfDone].reverse(), [...this.#completed].reverse())
    const failed = this.#culprit(error)
    this.#view.end('FAILED', failed?.name)
    const failure = failureOf(error, this.#scope!.cause)
    if (!failure || (failure instanceof Cancellation && failure !== this.#expired)) return error
    return new SagaFailed(failed?.name ?? '', failed?.what ?? 'saga', failure, undone, left)
  }

  /** Undoes a saga that had completed, in a step that is undone. What is left from an earlier time is tried again. */
  async undoCompleted(): Promise<void> {
    const todo = this.#completed.filter(({ step }) => step.state !== 'UNDONE').reverse()
    this.#view.phase = 'RUNNING'
    const { failure } = await this.#undo([], todo)
    this.#view.end('FAILED')
    if (failure !== undefined) throw failure
  }

  #undo(halfDone: readonly ToUndo[], completed: readonly ToUndo[]): ReturnType<typeof undoAll> {
    const options = { ...this.options, isFailure: this.#isFailure }
    return undoAll(this.run, [...halfDone, ...completed], options, this.#view)
  }

  /** The step that brought the failure about: steps that failed before it were caught, those after it were canceled. */
  #culprit(error: unknown): Failed | undefined {
    return (
      this.#failed.findLast(failed => failed.error === error) ??
      this.#failed.findLast(failed => !(failed.error instanceof Cancellation)) ??
      this.#failed.at(-1)
    )
  }

  /** What to throw when the code inside wants to continue as new. */
  #refused(request: ContinueAsNew): Error {
    const done = [...this.#completed, ...this.#halfDone].map(({ step }) => step.name)
    if (done.length > 0) return refusal(request, `what step ${done.join(', ')} did may have to be undone`)
    return this.#running.size > 0 ? refusal(request, 'steps run') : request
  }
}

async function undoInner(sagas: readonly SagaRun[]): Promise<void> {
  let failure: unknown
  for (const saga of [...sagas].reverse())
    try {
      await saga.undoCompleted()
    } catch (error) {
      if (!failureOf(error)) throw error
      failure ??= error
    }
  if (failure) throw failure
}

/** The step that a scope was opened in, however deep. */
function stepAround(scope: Scope | undefined): Step | undefined {
  for (let around = scope; around; around = around.parent) {
    const step = steps.get(around)
    if (step !== undefined) return step ?? undefined
  }
  return undefined
}
