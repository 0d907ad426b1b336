// What the outside sees of the sagas of a run: their steps, and the one that they are at.
//
// A saga that runs inside a step of another one is shown with it: its steps are named `step/inner step`.

import { shorten } from '../cut.js'
import type { Saga, SagaState, SagaStep, SagaStepState } from '../swf/execution-context.js'
import type { RunContext } from './replay/current.js'
import type { TimerOperation } from './replay/timers.js'

/** Characters of a step's name that are shown. */
const MOST_NAME = 100
const ACTIVE: ReadonlySet<SagaStepState> = new Set(['RUNNING', 'RETRYING', 'ROLLING_BACK', 'COMPENSATING'])

/** One step of a saga, as it is shown. */
export class StepView {
  state: SagaStepState = 'PENDING'
  /** How often the step itself was tried. */
  attempts = 0
  /** The try of what runs now: the step, or what undoes it. */
  attempt = 1
  /** Grows with every change, over all steps of a run. */
  changed = 0
  /** Sagas that run, or ran, inside it. */
  readonly inner: SagaView[] = []

  constructor(
    readonly name: string,
    private readonly board: Board,
  ) {}

  show(state: SagaStepState, attempt = 1): void {
    this.state = state
    this.attempt = attempt
    this.changed = ++this.board.changes
  }

  /** Shows a try of the step itself. */
  tries(attempt: number): void {
    this.attempts = attempt
    this.show(attempt > 1 ? 'RETRYING' : 'RUNNING', attempt)
  }
}

/** A saga, as it is shown. */
export class SagaView {
  phase: 'RUNNING' | 'WAITING_FOR_OPERATOR' | 'COMPLETED' | 'FAILED' = 'RUNNING'
  readonly steps: StepView[]
  /** The step that it failed of. */
  failedAt: string | undefined

  constructor(
    private readonly board: Board,
    names: readonly string[],
    within: StepView | undefined,
  ) {
    this.steps = names.map(name => new StepView(name, board))
    if (within) within.inner.push(this)
    else board.add(this)
  }

  get ended(): boolean {
    return this.phase === 'COMPLETED' || this.phase === 'FAILED'
  }

  /** Returns the step of that name which is still to come, or a new one. */
  step(name: string): StepView {
    let step = this.steps.find(step => step.name === name && step.state === 'PENDING')
    if (!step) this.steps.push((step = new StepView(name, this.board)))
    return step
  }

  end(phase: 'COMPLETED' | 'FAILED', failedAt?: string): void {
    for (const step of this.steps) if (step.state === 'PENDING') step.state = 'SKIPPED'
    this.phase = phase
    this.failedAt = failedAt
  }
}

/** What a run's sagas have in common. */
export class Board {
  changes = 0
  /** Sagas that were begun. */
  begun = 0
  /** Fires when the execution comes near its timeout; undefined before it is asked for, null when that is past. */
  deadline: TimerOperation | null | undefined
  #sagas: SagaView[] = []

  /** Adds a saga that is in no step of another one. */
  add(saga: SagaView): void {
    this.#sagas = [...this.#sagas.filter(({ ended }) => !ended), saga]
  }

  /** Those that run, else the last one. */
  show(): Saga {
    const running = this.#sagas.filter(({ ended }) => !ended)
    const shown = running.length > 0 ? running : this.#sagas.slice(-1)
    const steps = shown.flatMap(saga => flat(saga))
    const waiting = steps.find(waits)
    const at = focusOf(steps)
    const [only] = shown
    if (only?.ended) {
      const end = only.phase === 'COMPLETED' ? at?.name : only.failedAt
      return { state: only.phase as SagaState, ...named(end), attempt: 1, steps: listed(steps) }
    }
    if (waiting) return { state: 'WAITING_FOR_OPERATOR', ...named(waiting.name), attempt: 1, steps: listed(steps) }
    const active = at && ACTIVE.has(at.view.state)
    return {
      state: active ? (at.view.state as SagaState) : 'RUNNING',
      ...named(at?.name),
      attempt: active ? at.view.attempt : 1,
      steps: listed(steps),
    }
  }
}

const boards = new WeakMap<RunContext, Board>()

/** Returns what the sagas of a run have in common. From its first one on, they are shown. */
export function boardOf(run: RunContext): Board {
  let board = boards.get(run)
  if (!board) {
    boards.set(run, (board = new Board()))
    Object.defineProperty(run.shown, 'saga', { get: () => board!.show(), enumerable: true, configurable: true })
  }
  return board
}

/** Calls `work` so that the activity it calls first tells its tries. */
export function observed<R>(run: RunContext, work: () => Promise<R>, attempt: (attempt: number) => void): Promise<R> {
  const outer = run.step
  run.step = { attempt }
  try {
    return work()
  } finally {
    run.step = outer
  }
}

interface Named {
  name: string
  view: StepView
  saga: SagaView
}

function flat(saga: SagaView, prefix = ''): Named[] {
  return saga.steps.flatMap(view => {
    const name = prefix + view.name
    return [{ name, view, saga }, ...view.inner.flatMap(inner => flat(inner, `${name}/`))]
  })
}

/** Of several that are at work one that is tried again counts most, then the one that changed last. */
function focusOf(steps: readonly Named[]): Named | undefined {
  const weight = ({ view }: Named) => [ACTIVE.has(view.state), view.state === 'RETRYING', view.changed].map(Number)
  let found: Named | undefined
  for (const step of steps) {
    if (step.view.changed === 0) continue
    const [one, other] = [weight(step), found && weight(found)]
    const differs = other ? one.findIndex((value, index) => value !== other[index]) : 0
    if (!other || (differs >= 0 && one[differs]! > other[differs]!)) found = step
  }
  return found
}

/** A step left undone, of a saga that waits for somebody to decide about it. */
function waits({ saga, view }: Named): boolean {
  return saga.phase === 'WAITING_FOR_OPERATOR' && view.state === 'LEFT'
}

function listed(steps: readonly Named[]): SagaStep[] {
  return steps.map(({ name, view: { state, attempts } }) => ({ name: shorten(name, MOST_NAME), state, attempts }))
}

function named(name: string | undefined): { step?: string } {
  return name === undefined ? {} : { step: shorten(name, MOST_NAME) }
}
