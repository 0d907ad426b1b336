// The declarative saga: a list of steps, each with its undoing. It compiles to an imperative one.

import type { Duration } from '../swf/duration.js'
import type { ChildWorkflowOptions } from './child-workflow.js'
import { all } from './concurrency.js'
import type { ActivityDefinition } from './definition.js'
import { currentRun, replaying } from './replay/current.js'
import type { SagaOptions } from './saga.js'
import {
  activityPart,
  Branch,
  childPart,
  codePart,
  signalPart,
  timerPart,
  type ChildStepOptions,
  type Part,
  type PartOptions,
  type ReceiveOptions,
  type Skipped,
  type StepOptions,
} from './saga-part.js'
import { SagaRun } from './saga-run.js'
import { SagaNotRun } from './saga-errors.js'
import { callUndo } from './saga-undo.js'
import type { SignalDefinition } from './signal.js'
import type { WorkflowContract } from './workflow-contract.js'

/** What is known at a step: the saga's input, and the result of each step before it under that step's name. */
export type SagaContext<I, Results> = { readonly input: I } & { readonly [Name in keyof Results]: Results[Name] }

/** The steps that run at once; a single one is a group of one. */
type Group = ReadonlyMap<string, Part<unknown>>
type Known = Record<string, unknown>

/**
 * Begins a declarative saga over `input`.
 *
 * @example
 * const done = await saga(order, { deadline: '2h' })
 *   .step('reservation', reserve, { input: c => c.input, compensate: [release, c => ({ id: c.reservation.id })] })
 *   .parallel({
 *     payment: s => s.step(charge, { input: c => c.input, compensate: [refund, (c, paid) => paid.id, { retry: patient }] }),
 *     label: s => s.step(print, { input: c => c.reservation, when: c => c.input.ships }),
 *   })
 *   .receive('pickup', pickedUp, { timeout: '3d' })
 *   .run()
 */
export function saga<I>(input: I, options: SagaOptions = {}): SagaBuilder<I, {}> {
  const notRun = new SagaNotRun()
  replaying()?.unfinished.add(notRun)
  return new SagaBuilder(input, options, [], notRun)
}

export class SagaBuilder<I, Results extends object> {
  constructor(
    private readonly input: I,
    private readonly options: SagaOptions,
    private readonly groups: readonly Group[],
    /** What a workflow is stuck with that ends before any of the saga's builders has run. */
    private readonly notRun: SagaNotRun,
  ) {
    notRun.of(this.#names)
  }

  /** Adds a step that is an activity. Its result is known to later steps under its name. */
  step<Name extends string, StepInput, Result, RollbackInput, CompensateInput, When extends boolean = never>(
    name: Name,
    activity: ActivityDefinition<StepInput, Result>,
    options: StepOptions<
      SagaContext<I, Results>,
      SagaContext<I, Results & Record<Name, Result>>,
      StepInput,
      Result,
      RollbackInput,
      CompensateInput,
      When
    >,
  ): SagaBuilder<I, Results & Record<Name, Result | Skipped<When>>> {
    return this.#with({ [name]: activityPart(activity, options as never) })
  }

  /** Adds a step that is a child execution: it is canceled with the saga, and waited for. */
  child<Name extends string, StepInput, Result, RollbackInput, CompensateInput, When extends boolean = never>(
    name: Name,
    workflow: WorkflowContract<StepInput, Result>,
    options: ChildStepOptions<
      SagaContext<I, Results>,
      SagaContext<I, Results & Record<Name, Result>>,
      StepInput,
      Result,
      RollbackInput,
      CompensateInput,
      When
    > & { child?: ChildWorkflowOptions | ((context: SagaContext<I, Results>) => ChildWorkflowOptions) },
  ): SagaBuilder<I, Results & Record<Name, Result | Skipped<When>>> {
    return this.#with({ [name]: childPart(workflow, options as never) })
  }

  /** Adds a step that is code: decides, waits for several things, runs a saga of its own. */
  do<Name extends string, Result, RollbackInput, CompensateInput, When extends boolean = never>(
    name: Name,
    run: (context: SagaContext<I, Results>) => Promise<Result>,
    options: PartOptions<
      SagaContext<I, Results>,
      SagaContext<I, Results & Record<Name, Result>>,
      Result,
      RollbackInput,
      CompensateInput,
      When
    > = {},
  ): SagaBuilder<I, Results & Record<Name, Result | Skipped<When>>> {
    return this.#with({ [name]: codePart(run, options as never) })
  }

  /** Adds a step that waits for a signal that is valid; its input is the step's result. */
  receive<Name extends string, T, When extends boolean = never>(
    name: Name,
    signal: SignalDefinition<T>,
    options: ReceiveOptions<SagaContext<I, Results>, When> = {},
  ): SagaBuilder<I, Results & Record<Name, T | Skipped<When>>> {
    return this.#with({ [name]: signalPart(signal, options as never) })
  }

  /** Adds a step that waits, for a duration rounded up to whole seconds. */
  sleep<Name extends string>(
    name: Name,
    duration: Duration | ((context: SagaContext<I, Results>) => Duration),
    options: { when?: (context: SagaContext<I, Results>) => boolean } = {},
  ): SagaBuilder<I, Results & Record<Name, void>> {
    return this.#with({ [name]: timerPart(duration, options as never) })
  }

  /**
   * Adds steps that run at once; each sees what is known before the group. When one fails the others are canceled and
   * waited for; then those that completed are compensated, and those that did not are rolled back.
   */
  parallel<Branches extends Record<string, (step: Branch<SagaContext<I, Results>>) => Part<any>>>(
    branches: Branches,
  ): SagaBuilder<
    I,
    Results & { [Name in keyof Branches]: ReturnType<Branches[Name]> extends Part<infer Result> ? Result : never }
  > {
    const branch = new Branch<SagaContext<I, Results>>()
    return this.#with(Object.fromEntries(Object.entries(branches).map(([name, make]) => [name, make(branch)])))
  }

  /** Runs the steps in order; resolves to their results, by name. Rejects with SagaFailed when one failed and the rest was undone. */
  run(): Promise<SagaContext<I, Results>> {
    const { groups, input, options } = this
    const run = currentRun('saga')
    run.unfinished.delete(this.notRun)
    return new SagaRun(run, options, this.#names).execute(async saga => {
      const known: Known = { input }
      for (const group of groups) {
        const before = { ...known }
        const work = [...group].map(
          ([name, part]) =>
            () =>
              perform(saga, name, part, before),
        )
        const results = work.length === 1 ? [await work[0]!()] : await all(work)
        for (const [index, name] of [...group.keys()].entries()) known[name] = results[index]
      }
      return known as SagaContext<I, Results>
    })
  }

  /** A builder is no result: it was not run. */
  toJSON(): never {
    throw this.notRun
  }

  get #names(): string[] {
    return this.groups.flatMap(group => [...group.keys()])
  }

  #with(parts: Record<string, Part<unknown>>): SagaBuilder<I, any> {
    const taken = new Set(['input', ...this.#names])
    for (const name of Object.keys(parts))
      if (taken.has(name))
        throw new RangeError(`a saga cannot have two results named ${name}: give the step another name`)
    return new SagaBuilder(this.input, this.options, [...this.groups, new Map(Object.entries(parts))], this.notRun)
  }
}

async function perform(saga: SagaRun, name: string, part: Part<unknown>, known: Known): Promise<unknown> {
  const { when, run, rollback, compensate, what = name } = part
  if (when && !when(known)) return saga.skip(name)
  return saga.step(
    name,
    () => run(known),
    {
      ...(rollback && { rollback: () => callUndo(rollback, [known]) }),
      ...(compensate && { compensate: result => callUndo(compensate, [{ ...known, [name]: result }, result]) }),
    },
    what,
  )
}
