// Child executions: workflows that a workflow starts, waits for, signals and cancels.

import { beginningOf } from '../cut.js'
import type { ChildPolicy } from '../swf/decision.js'
import { seconds, type Duration } from '../swf/duration.js'
import { decodePayload, encodePayload } from '../swf/payload.js'
import type { WithInput } from './contract.js'
import { ScopeCanceled, notSent, setBehind, type Cancellation } from './errors.js'
import {
  ChildWorkflowExecutionCanceled,
  ChildWorkflowExecutionFailed,
  ChildWorkflowExecutionTimedOut,
} from './external-errors.js'
import { signalExternal } from './external.js'
import { ChildOperation, type ChildSpec } from './replay/children.js'
import { currentRun, outside, type RunContext } from './replay/current.js'
import { cancelable } from './replay/operation.js'
import { hashed } from './replay/random.js'
import type { Scope } from './replay/scope.js'
import { startTimer, type TimerOperation } from './replay/timers.js'
import { nextDelay, resolveRetry, type RetryPolicy } from './retry.js'
import type { SignalDefinition } from './signal.js'
import { validate } from './validator.js'
import type { WorkflowContract } from './workflow-contract.js'

/** What one child may be given; everything else is its workflow's. All of it is sent, so registered defaults never count. */
export interface ChildWorkflowOptions {
  /** @default made from the parent's ids and the number of the call: unique, and the same in every replay */
  workflowId?: string
  /** Task list of its decision tasks. */
  taskList?: string
  /** How long it may take in all; SWF's limit is a year. */
  executionStartToClose?: Duration
  taskStartToClose?: Duration
  /**
   * What happens to its own children when it is terminated or times out. What happens to itself when its parent is, the
   * `childPolicy` of the parent says, for all of its children alike: SWF has no other.
   */
  childPolicy?: ChildPolicy
  /**
   * It goes on when the parent, or the scope that waits for it, is canceled; the wait for it ends with the cancel.
   * @default false: it is asked to cancel, and waited for
   */
  abandoned?: boolean
  /** At most 5, of 256 characters. */
  tagList?: readonly string[]
  /** Higher goes first; a signed 32-bit integer. @default 0 */
  taskPriority?: number
  /** Runs to its end, and is waited for, although the parent is canceled. @default false */
  shielded?: boolean
  /**
   * When it is started again, under the same workflowId, after it has failed or timed out; of what is left out an activity's
   * defaults. @default it is not
   */
  retry?: RetryPolicy
}

/** A child execution that SWF has started. */
export interface ChildHandle<R> {
  readonly workflowId: string
  /** Of the first run of its last try; a child that continues as new has others, and stays the same child. */
  readonly runId: string
  /** Resolves to its result. Rejects with a failure named after the event that closed it. */
  result(): Promise<R>
  /** Resolves once SWF has given it the signal. */
  signal<T>(signal: SignalDefinition<T>, input: T): Promise<void>
  /** Asks it to cancel; how it ends is for `result` to say. */
  cancel(): void
}

/**
 * Starts a child execution; resolves once SWF has started it. Rejects with StartChildWorkflowExecutionFailed. A child whose
 * result is awaited is canceled with the scope of the await, unless it is abandoned or shielded.
 *
 * @example
 * const parcel = await startChild(delivery, { orderId }, { tagList: ['express'] })
 * await parcel.signal(addressChanged, address)
 * return parcel.result()
 */
export function startChild<I, R>(
  definition: WorkflowContract<I, R>,
  ...[input, options = {}]: WithInput<I, ChildWorkflowOptions>
): Promise<ChildHandle<R>> {
  return begin<R, ChildHandle<R>>(definition, input, options, child => child.started())
}

/** Starts a child execution and resolves to its result: `startChild` and `result` in one. */
export function executeChild<I, R>(
  definition: WorkflowContract<I, R>,
  ...[input, options = {}]: WithInput<I, ChildWorkflowOptions>
): Promise<R> {
  return begin<R, R>(definition, input, options, async child => {
    await child.started()
    return child.result()
  })
}

function begin<R, T>(
  definition: WorkflowContract<any, R>,
  input: unknown,
  options: ChildWorkflowOptions,
  wait: (child: Child<R>) => Promise<T>,
): Promise<T> {
  let child: Child<R> | undefined
  const begun = async () =>
    wait((child = new Child<R>(currentRun(`child ${definition.name}`), definition, input, options)))
  return cancelable(begun(), () => child?.cancel())
}

class Child<R> implements ChildHandle<R> {
  /** Of the try at work. */
  #operation: ChildOperation
  /** Resolves to the result, as text, once it is not tried again. */
  readonly #ended: Promise<string | undefined>
  #retry: TimerOperation | undefined
  /** Of the try before. */
  #lastRunId: string | undefined
  #canceled = false
  /** Where it was started; undefined when no cancel is to reach it. */
  readonly #scope: Scope | undefined

  constructor(
    private readonly run: RunContext,
    private readonly definition: WorkflowContract<any, R>,
    input: unknown,
    private readonly options: ChildWorkflowOptions,
  ) {
    const { name, version, options: defaults } = definition
    const { scope } = run
    if (scope.cause && !options.shielded) throw scope.cause
    this.#scope = options.shielded ? undefined : scope
    const seq = run.nextSeq()
    const childPolicy = options.childPolicy ?? defaults.childPolicy
    const first: ChildSpec = {
      seq,
      attempt: 1,
      retry: options.retry && resolveRetry(options.retry),
      workflowId: options.workflowId ?? childId(run, seq),
      workflowType: { name, version },
      input: encode(definition, input),
      taskList: options.taskList ?? defaults.taskList,
      taskPriority: String(options.taskPriority ?? 0),
      executionStartToCloseTimeout: seconds(options.executionStartToClose ?? defaults.executionStartToClose),
      taskStartToCloseTimeout: seconds(options.taskStartToClose ?? defaults.taskStartToClose),
      childPolicy,
      abandoned: options.abandoned ?? false,
      tagList: options.tagList ?? [],
    }
    this.#operation = this.#begin(first)
    // The promise itself where there is one try: what follows it is not to come a turn later than it did.
    this.#ended = first.retry ? this.#tries(first) : this.#operation.promise
    this.#ended.catch(() => {})
  }

  #begin(spec: ChildSpec): ChildOperation {
    const { commands } = this.run
    const operation = new ChildOperation(commands, spec)
    commands.ask(operation)
    return operation
  }

  async #tries(first: ChildSpec): Promise<string | undefined> {
    const { run } = this
    const observer = run.step
    const began = run.now
    let told: ChildWorkflowExecutionFailed | undefined
    for (let attempt = 1; ; attempt++) {
      observer?.attempt(attempt)
      try {
        return await this.#operation.promise
      } catch (failure) {
        if (!(failure instanceof ChildWorkflowExecutionFailed || failure instanceof ChildWorkflowExecutionTimedOut))
          throw failure
        failure.attempts = attempt
        if (failure instanceof ChildWorkflowExecutionFailed) told = failure
        else setBehind(failure, told)
        const { retry, heard } = this.#operation
        const elapsed = run.now - began
        const chance = run.randomOf(`${first.seq}.child.${attempt}`)
        const delay = retry && nextDelay(retry, { attempts: attempt, reason: failure.reason, elapsed }, chance)
        if (delay === undefined || this.#canceled) throw failure
        this.#retry = startTimer(run.commands, `${first.seq}.${attempt}.retry`, seconds(Math.max(delay, 1)))
        this.#retry.retries = this.#operation.effect
        await this.#retry.promise
        this.#retry = undefined
        this.#lastRunId = this.runId
        this.#operation = this.#begin({ ...first, attempt: attempt + 1, retry })
        this.#operation.heard = heard
      }
    }
  }

  get workflowId(): string {
    return this.#operation.spec.workflowId
  }

  get runId(): string {
    return (this.#operation.runId ?? this.#lastRunId)!
  }

  async started(): Promise<this> {
    await this.#awaited(this.#operation.started.promise, this.#scope)
    return this
  }

  result(): Promise<R> {
    const run = currentRun(`child ${this.definition.name}`)
    this.#operation.heard = true
    const scope = this.options.shielded ? undefined : run.scope
    return cancelable(this.#result(scope), () => this.cancel())
  }

  signal<T>(signal: SignalDefinition<T>, input: T): Promise<void> {
    return signalExternal({ workflowId: this.workflowId }, signal, input)
  }

  cancel(): void {
    currentRun(`child ${this.definition.name}`)
    this.#cancel(new ScopeCanceled())
  }

  #cancel(cause: Cancellation): void {
    this.#canceled = true
    if (this.#retry) this.#retry.cancel(cause)
    else this.#operation.cancel(cause)
  }

  async #result(scope: Scope | undefined): Promise<R> {
    const { value } = decodePayload(await this.#awaited(this.#ended, scope))
    return outside(() => validate(this.definition.options.result, value, `result of ${this.definition.name}`))
  }

  /** Waits for the child; a cancel of the scope is passed on to it, or ends the wait for one that is abandoned. */
  async #awaited<T>(promise: Promise<T>, scope: Scope | undefined): Promise<T> {
    if (!scope) return promise
    let canceled = false
    let leave: (cause: Cancellation) => void
    const left = new Promise<never>((_, reject) => (leave = reject))
    left.catch(() => {})
    const onCancel = () => {
      if (this.#operation.settled && !this.#retry) return
      canceled = true
      if (this.#operation.abandoned) leave(scope.cause!)
      else this.#cancel(scope.cause!)
    }
    const stopListening = scope.onCancel(onCancel)
    if (scope.cause) onCancel()
    try {
      return await Promise.race([promise, left])
    } catch (failure) {
      // What else it ended with is worth more than that it was to be canceled.
      throw canceled && failure instanceof ChildWorkflowExecutionCanceled ? scope.cause : failure
    } finally {
      stopListening()
    }
  }
}

/** Room for a dot, 16 hexadecimal digits, a dot and the number of the call. */
const LONGEST_ID = 256

function childId(run: RunContext, seq: number): string {
  const { workflowId, runId } = run.execution
  const end = `.${hashed(runId)}.${seq}`
  return `${beginningOf(workflowId, LONGEST_ID - end.length)}${end}`
}

function encode(definition: WorkflowContract, input: unknown): string | undefined {
  const what = `input of ${definition.name}`
  try {
    return encodePayload(outside(() => validate(definition.options.input, input, what)))
  } catch (error) {
    throw notSent(what, error)
  }
}
