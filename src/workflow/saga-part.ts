// Parts: what a step of a declarative saga can be, before it has a name.

import { executeChild, type ChildWorkflowOptions } from './child-workflow.js'
import type { Duration } from '../swf/duration.js'
import type { ActivityDefinition } from './definition.js'
import type { Undo } from './saga-undo.js'
import { withTimeout } from './scope.js'
import type { SignalDefinition } from './signal.js'
import { sleep } from './timer.js'
import type { WorkflowContract } from './workflow-contract.js'

/** What a step with a condition may have left out. `When` is what the condition returns, never when there is none. */
export type Skipped<When> = [When] extends [never] ? never : undefined

/** What every step may say: when it runs, and how it is undone. */
export interface PartOptions<Before, After, Result, RollbackInput, CompensateInput, When> {
  /** Leaves the step out when it returns false: it is SKIPPED then, and its result undefined. */
  when?: (context: Before) => When
  /** Undoes what the step may have half done when it fails. It cannot see the step's result. */
  rollback?: Undo<readonly [context: Before], RollbackInput>
  /** Undoes the step when it had completed; it sees the step's result, too. */
  compensate?: Undo<readonly [context: After, result: Result], CompensateInput>
}

/** Of a step that is an activity. */
export interface StepOptions<
  Before,
  After,
  StepInput,
  Result,
  RollbackInput,
  CompensateInput,
  When,
> extends PartOptions<Before, After, Result, RollbackInput, CompensateInput, When> {
  /** Makes the activity's input. */
  input: (context: Before) => StepInput
}

/** Of a step that is a child execution. */
export interface ChildStepOptions<
  Before,
  After,
  StepInput,
  Result,
  RollbackInput,
  CompensateInput,
  When,
> extends StepOptions<Before, After, StepInput, Result, RollbackInput, CompensateInput, When> {
  /** What the child is given beside its input. */
  child?: ChildWorkflowOptions | ((context: Before) => ChildWorkflowOptions)
}

/** Of a step that waits for a signal. */
export interface ReceiveOptions<Before, When> {
  /** Fails the step with TimeoutExpired when the signal has not come by then. @default none */
  timeout?: Duration
  when?: (context: Before) => When
}

/** A step without a name. */
export interface Part<Result> {
  /** What a failure of the step is named after; the step's name when absent. */
  readonly what?: string
  readonly when?: ((context: any) => boolean) | undefined
  run(context: any): Promise<Result>
  readonly rollback?: Undo<readonly [any]> | undefined
  readonly compensate?: Undo<readonly [any, any]> | undefined
}

type AnyOptions = PartOptions<any, any, any, any, any, any>

export function activityPart<R>(
  activity: ActivityDefinition<any, R>,
  { input, ...options }: AnyOptions & { input: (context: any) => unknown },
): Part<R> {
  return { ...(options as object), what: activity.name, run: context => activity(input(context)) }
}

export function childPart<R>(
  workflow: WorkflowContract<any, R>,
  {
    input,
    child,
    ...options
  }: AnyOptions & Pick<ChildStepOptions<any, any, any, any, any, any, any>, 'input' | 'child'>,
): Part<R> {
  const given = (context: unknown) => (typeof child === 'function' ? child(context) : child)
  return {
    ...(options as object),
    what: workflow.name,
    run: context => executeChild(workflow, input(context), given(context)),
  }
}

export function codePart<R>(run: (context: any) => Promise<R>, options: AnyOptions = {}): Part<R> {
  return { ...(options as object), run }
}

export function signalPart<T>(
  signal: SignalDefinition<T>,
  { timeout, when }: ReceiveOptions<any, boolean> = {},
): Part<T> {
  const receive = () => signal.receive()
  return { when, what: signal.name, run: () => (timeout === undefined ? receive() : withTimeout(timeout, receive)) }
}

export function timerPart(
  duration: Duration | ((context: any) => Duration),
  { when }: { when?: (context: any) => boolean } = {},
): Part<void> {
  return { when, run: context => sleep(typeof duration === 'function' ? duration(context) : duration) }
}

/** Makes one step of a group; `compensate` sees the step's result as its second argument. */
export class Branch<Before> {
  /** A step that is an activity. */
  step<I, R, RI, CI, When extends boolean = never>(
    activity: ActivityDefinition<I, R>,
    options: StepOptions<Before, Before, I, R, RI, CI, When>,
  ): Part<R | Skipped<When>> {
    return activityPart(activity, options as never)
  }

  /** A step that is a child execution. */
  child<I, R, RI, CI, When extends boolean = never>(
    workflow: WorkflowContract<I, R>,
    options: ChildStepOptions<Before, Before, I, R, RI, CI, When>,
  ): Part<R | Skipped<When>> {
    return childPart(workflow, options as never)
  }

  /** A step that is code. */
  do<R, RI, CI, When extends boolean = never>(
    run: (context: Before) => Promise<R>,
    options: PartOptions<Before, Before, R, RI, CI, When> = {},
  ): Part<R | Skipped<When>> {
    return codePart(run, options as never)
  }

  /** A step that waits for a signal. */
  receive<T, When extends boolean = never>(
    signal: SignalDefinition<T>,
    options: ReceiveOptions<Before, When> = {},
  ): Part<T | Skipped<When>> {
    return signalPart(signal, options as never)
  }

  /** A step that waits. */
  sleep(
    duration: Duration | ((context: Before) => Duration),
    options: { when?: (context: Before) => boolean } = {},
  ): Part<void> {
    return timerPart(duration, options as never)
  }
}
