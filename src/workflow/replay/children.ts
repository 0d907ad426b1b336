// Child executions, as commands: started, then closed.
//
// K1. A child is known by its workflowId: one that continues as new stays the same child, and SWF says nothing of it.
// K2. A cancel that comes before SWF has started the child waits for that.

import { startChildWorkflowExecution, type ChildPolicy, type Decision } from '../../swf/decision.js'
import type { TypeName } from '../../swf/history-event.js'
import type { WorkflowFailure } from '../errors.js'
import { RequestCancelExternalWorkflowExecutionFailed } from '../external-errors.js'
import { Asked, type Commands } from './commands.js'
import { cancelExternal } from './external.js'
import { Operation } from './operation.js'

/** One child to start, every option explicit: registered defaults are never relied on. */
export interface ChildSpec {
  seq: number
  workflowId: string
  workflowType: TypeName
  input: string | undefined
  taskList: string
  taskPriority: string
  executionStartToCloseTimeout: string
  taskStartToCloseTimeout: string
  childPolicy: ChildPolicy
  tagList: readonly string[]
}

/** Resolves to the child's result, as text; `started` to its runId. */
export class ChildOperation extends Asked<string | undefined> {
  override readonly window = 'child'
  override readonly characters: number
  readonly started = new Operation<string>()
  runId: string | undefined
  /** Its result was asked for. */
  heard = false
  #cancelRequested = false

  constructor(
    private readonly commands: Commands,
    readonly spec: ChildSpec,
  ) {
    super()
    this.characters = spec.input?.length ?? 0
  }

  get label(): string {
    return `${this.spec.seq}.child`
  }

  /** One that is started and let go goes on by itself. */
  override get effect(): string | undefined {
    const { workflowType, childPolicy } = this.spec
    const letGo = childPolicy === 'ABANDON' || (this.started.settled && !this.heard)
    return letGo || this.#cancelRequested ? undefined : `child ${workflowType.name}`
  }

  /** What failures say of it. */
  get facts(): { workflowType: TypeName; workflowId: string; runId?: string } {
    const { workflowType, workflowId } = this.spec
    return { workflowType, workflowId, ...(this.runId !== undefined && { runId: this.runId }) }
  }

  decision(): Decision {
    const { seq: _seq, input, taskList, tagList, ...rest } = this.spec
    return startChildWorkflowExecution({
      ...rest,
      taskList: { name: taskList },
      tagList: [...tagList],
      ...(input !== undefined && { input }),
    })
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
