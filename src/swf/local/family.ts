// What parents and children hear of each other when one of them closes.
//
// F1. A parent is told how its child closed; of a child that continues as new it hears nothing, the chain stays its child.
// F2. The child policy applies when the parent is terminated or times out, generation after generation.

import type { CloseEventType } from '../history-event.js'
import type { Domain } from './domain.js'
import type { Execution, Given } from './execution.js'

type ChildPolicy = Execution['childPolicy']

/** The part of the engine that a family needs. */
interface House {
  readonly runs: ReadonlyMap<string, Execution>
  domainOf(x: Execution): Domain
  record(x: Execution, type: CloseOfChild, attributes: never, at: number): number
  wake(x: Execution, at: number): void
  requestCancel(x: Execution, attributes: Given<'WorkflowExecutionCancelRequested'>, at: number): void
  close(
    x: Execution,
    type: 'WorkflowExecutionTerminated',
    attributes: Given<'WorkflowExecutionTerminated'>,
    at: number,
  ): void
}

type Closing = Exclude<CloseEventType, 'WorkflowExecutionContinuedAsNew'>
type CloseOfChild = `Child${Closing}`

/** What the parent's event repeats of the child's close event. */
const REPEATED: { readonly [T in Closing]: readonly string[] } = {
  WorkflowExecutionCompleted: ['result'],
  WorkflowExecutionFailed: ['reason', 'details'],
  WorkflowExecutionCanceled: ['details'],
  WorkflowExecutionTimedOut: ['timeoutType'],
  WorkflowExecutionTerminated: [],
}

export class Family {
  #policies: { parent: Execution; policy: ChildPolicy; at: number }[] = []
  #applying = false

  constructor(private readonly house: House) {}

  /** Tells the family of an execution that it has closed. */
  closed(x: Execution, type: CloseEventType, attributes: object, at: number): void {
    if (type === 'WorkflowExecutionContinuedAsNew') return
    this.#tellParent(x, type, attributes as Record<string, unknown>, at)
    if (type === 'WorkflowExecutionTerminated' || type === 'WorkflowExecutionTimedOut') {
      this.#applyPolicy(x, (attributes as Given<'WorkflowExecutionTerminated'>).childPolicy, at)
    }
  }

  #tellParent(x: Execution, type: Closing, attributes: Record<string, unknown>, at: number): void {
    const parent = x.parent && this.house.runs.get(x.parent.runId)
    const child = parent?.children.get(x.parent!.initiatedEventId)
    if (!parent || !child) return
    const told: Record<string, unknown> = {
      workflowExecution: { workflowId: x.workflowId, runId: x.runId },
      workflowType: x.workflowType,
      initiatedEventId: child.initiatedEventId,
      startedEventId: child.startedEventId,
    }
    for (const member of REPEATED[type]) told[member] = attributes[member]
    this.house.record(parent, `Child${type}`, told as never, at)
    this.house.wake(parent, at)
  }

  /** Does to the open children what the policy of their dead parent says; one generation after the other, without recursion. */
  #applyPolicy(parent: Execution, policy: ChildPolicy, at: number): void {
    this.#policies.push({ parent, policy, at })
    if (this.#applying) return
    this.#applying = true
    for (let next = this.#policies.shift(); next; next = this.#policies.shift()) {
      if (next.policy === 'ABANDON') continue
      for (const { workflowId, initiatedEventId } of next.parent.children.values()) {
        const child = this.house.domainOf(next.parent).open.get(workflowId)
        if (child?.parent?.runId !== next.parent.runId || child.parent.initiatedEventId !== initiatedEventId) continue
        this.#end(next.parent, child, next.policy, next.at)
      }
    }
    this.#applying = false
  }

  #end(parent: Execution, child: Execution, policy: ChildPolicy, at: number): void {
    const cause = 'CHILD_POLICY_APPLIED'
    if (policy === 'TERMINATE') {
      this.house.close(child, 'WorkflowExecutionTerminated', { childPolicy: child.childPolicy, cause }, at)
      return
    }
    const externalWorkflowExecution = { workflowId: parent.workflowId, runId: parent.runId }
    this.house.requestCancel(child, { externalWorkflowExecution, externalInitiatedEventId: 0, cause }, at)
  }
}
