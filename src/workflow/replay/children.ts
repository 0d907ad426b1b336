// Child executions, as commands: started, then closed.
//
// K1. A child is known by its workflowId: one that continues as new stays the same child, and SWF says nothing of it.
// K2. A cancel that comes before SWF has started the child waits for that.
// K3. Children that had the policy ABANDON were once abandoned when who waited for them was canceled, and stay so in a replay:
//     those that have it now and are not abandoned say so in their `control`.
// K4. A child is tried again under its workflowId, by the retry policy that the `control` of its first try records.

import { startChildWorkflowExecution, type ChildPolicy, type Decision } from '../../swf/decision.js'
import type { HistoryEvent, TypeName } from '../../swf/history-event.js'
import type { WorkflowFailure } from '../errors.js'
import { RequestCancelExternalWorkflowExecutionFailed } from '../external-errors.js'
import { decodeControl, isControl, type ResolvedRetryPolicy } from '../retry.js'
import { Asked, type Commands } from './commands.js'
import { cancelExternal } from './external.js'
import { Operation } from './operation.js'

/** One child to start, every option explicit: registered defaults are never relied on. */
export interface ChildSpec {
  seq: number
  /** Which try of the child this is, from 1. */
  attempt: number
  retry: ResolvedRetryPolicy | undefined
  workflowId: string
  workflowType: TypeName
  input: string | undefined
  taskList: string
  taskPriority: string
  executionStartToCloseTimeout: string
  taskStartToCloseTimeout: string
  childPolicy: ChildPolicy
  /** A cancel of who waits for it does not reach it. */
  abandoned: boolean
  tagList: readonly string[]
}

/** Resolves to the child's result, as text; `started` to its runId. */
export class ChildOperation extends Asked<string | undefined> {
  override readonly window = 'child'
  override readonly characters: number
  readonly started = new Operation<string>()
  runId: string | undefined
  /** A cancel of who waits for it does not reach it. */
  abandoned: boolean
  /** When it is tried again: as the history has it, where that is known. */
  retry: ResolvedRetryPolicy | undefined
  /** Its result was asked for. */
  heard = false
  #cancelRequested = false

  constructor(
    private readonly commands: Commands,
    readonly spec: ChildSpec,
  ) {
    super()
    this.characters = spec.input?.length ?? 0
    this.abandoned = spec.abandoned
    this.retry = spec.retry
  }

  get label(): string {
    const { seq, attempt } = this.spec
    return attempt === 1 ? `${seq}.child` : `${seq}.${attempt}.child`
  }

  /** One that is started and let go goes on by itself. */
  override get effect(): string | undefined {
    const { workflowType } = this.spec
    const letGo = this.abandoned || (this.started.settled && !this.heard)
    return letGo || this.#cancelRequested ? undefined : `child ${workflowType.name}`
  }

  /** What failures say of it. */
  get facts(): { workflowType: TypeName; workflowId: string; runId?: string } {
    const { workflowType, workflowId } = this.spec
    return { workflowType, workflowId, ...(this.runId !== undefined && { runId: this.runId }) }
  }

  decision(): Decision {
    const { workflowId, workflowType, input, taskList, taskPriority, tagList, childPolicy } = this.spec
    const control = this.#control()
    return startChildWorkflowExecution({
      workflowId,
      workflowType,
      taskPriority,
      executionStartToCloseTimeout: this.spec.executionStartToCloseTimeout,
      taskStartToCloseTimeout: this.spec.taskStartToCloseTimeout,
      childPolicy,
      ...(control !== undefined && { control }),
      taskList: { name: taskList },
      tagList: [...tagList],
      ...(input !== undefined && { input }),
    })
  }

  override recorded(event: HistoryEvent): void {
    if (event.eventType !== 'StartChildWorkflowExecutionInitiated') return
    const { control } = event.startChildWorkflowExecutionInitiatedEventAttributes
    if (this.#doubtful && !isControl(control)) this.abandoned = true
    if (this.spec.attempt === 1) this.retry = decodeControl(control)
  }

  #control(): string | undefined {
    const { attempt, retry } = this.spec
    const recorded = {
      ...(this.#doubtful && { abandoned: false }),
      ...(attempt === 1 && retry && { retry }),
    }
    return Object.keys(recorded).length > 0 ? JSON.stringify({ 'swf-gateway': 1, ...recorded }) : undefined
  }

  /** By its policy alone it would once have been abandoned (K3). */
  get #doubtful(): boolean {
    return this.spec.childPolicy === 'ABANDON' && !this.spec.abandoned
  }

  takenBack(cause: unknown): void {
    this.fail(cause)
  }

  /** SWF has started it. */
  startedAs(runId: string): void {
    this.runId = runId
    this.started.resolve(runId)
    if (this.#cancelRequested) this.#sendCancel()
  }

  fail(failure: unknown): void {
    this.started.reject(failure)
    this.reject(failure)
  }

  override cancel = (cause: WorkflowFailure): void => {
    if (this.settled || this.#cancelRequested) return
    this.#cancelRequested = true
    if (this.commands.takeBack(this)) this.takenBack(cause)
    else if (this.started.settled) this.#sendCancel()
  }

  #sendCancel(): void {
    const { workflowId } = this.spec
    // Refused when the child has closed by itself: its close is on the way.
    cancelExternal(
      this.commands,
      `${this.label}.cancel`,
      { workflowId },
      cause => new RequestCancelExternalWorkflowExecutionFailed({ workflowId }, cause),
    )
  }
}
