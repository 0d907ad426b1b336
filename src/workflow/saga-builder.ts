// The declarative saga: a list of steps, each with its undoing. It compiles to an imperative one.

import type { ActivityDefinition } from './definition.js'
import { runSaga, type Undo } from './saga.js'

/** What is known at a step: the saga's input, and the result of each step before it under that step's name. */
export type SagaContext<I, Results> = { readonly input: I } & { readonly [Name in keyof Results]: Results[Name] }

export interface StepOptions<Before, After, StepInput, RollbackInput, CompensateInput> {
  /** Makes the activity's input. */
  input: (context: Before) => StepInput
  rollback?: Undo<Before, RollbackInput>
  compensate?: Undo<After, CompensateInput>
}

interface Step {
  name: string
  what: string
  run: (context: Record<string, unknown>) => Promise<unknown>
  rollback?: Undo<any> | undefined
  compensate?: Undo<any> | undefined
}

/**
 * Begins a declarative saga over `input`.
 *
 * @example
 * const done = await saga(order)
 *   .step('reservation', reserve, { input: c => c.input, compensate: [release, c => ({ id: c.reservation.id })] })
 *   .step('payment', charge, { input: c => ({ orderId: c.input.id, amount: c.reservation.total }) })
 *   .run()
 */
export function saga<I>(input: I): SagaBuilder<I, {}> {
  return new SagaBuilder(input, [])
}

export class SagaBuilder<I, Results extends object> {
  constructor(
    private readonly input: I,
    private readonly steps: readonly Step[],
  ) {}

  /** Adds a step that is an activity. Its result is known to later steps under its name. */
  step<Name extends string, StepInput, Result, RollbackInput, CompensateInput>(
    name: Name,
    activity: ActivityDefinition<StepInput, Result>,
    options: StepOptions<
      SagaContext<I, Results>,
      SagaContext<I, Results & Record<Name, Result>>,
      StepInput,
      RollbackInput,
      CompensateInput
    >,
  ): SagaBuilder<I, Results & Record<Name, Result>> {
    return this.#with({
      name,
      what: activity.name,
      run: context => activity(options.input(context as never)),
      rollback: options.rollback,
      compensate: options.compensate,
    })
  }

  /** Adds a step that is code: waits for a signal, sleeps, decides. */
  do<Name extends string, Result, RollbackInput, CompensateInput>(
    name: Name,
    run: (context: SagaContext<I, Results>) => Promise<Result>,
    undo: {
      rollback?: Undo<SagaContext<I, Results>, RollbackInput>
      compensate?: Undo<SagaContext<I, Results & Record<Name, Result>>, CompensateInput>
    } = {},
  ): SagaBuilder<I, Results & Record<Name, Result>> {
    return this.#with({ name, what: name, run: run as never, rollback: undo.rollback, compensate: undo.compensate })
  }

  /** Runs the steps in order; resolves to their results, by name. Rejects with SagaFailed when one failed and the rest was undone. */
  run(): Promise<SagaContext<I, Results>> {
    const { steps, input } = this
    return runSaga(
      async saga => {
        const context: Record<string, unknown> = { input }
        for (const { name, what, run, rollback, compensate } of steps) {
          context[name] = await saga.step(
            name,
            () => run(context),
            {
              ...(rollback && { rollback: [rollback[0], () => rollback[1](context)] as const }),
              ...(compensate && {
                compensate: [
                  compensate[0],
                  (result: unknown) => compensate[1]({ ...context, [name]: result }),
                ] as const,
              }),
            },
            what,
          )
        }
        return context as SagaContext<I, Results>
      },
      steps.map(({ name }) => name),
    )
  }

  #with(step: Step): SagaBuilder<I, any> {
    if (this.steps.some(({ name }) => name === step.name) || step.name === 'input')
      throw new RangeError(`a saga cannot have two results named ${step.name}: give the step another name`)
    return new SagaBuilder(this.input, [...this.steps, step])
  }
}
