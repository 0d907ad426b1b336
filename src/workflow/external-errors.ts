// Failures of other executions: of children, and of those that a workflow signals or asks to cancel.

import type { Failure } from '../swf/failure.js'
import type { TypeName } from '../swf/history-event.js'
import { hint, RemoteFailure, WorkflowFailure } from './errors.js'

interface ChildFacts {
  workflowType: TypeName
  workflowId: string
  /** Of the run that was started first; absent when none was. */
  runId?: string
}

abstract class ChildFailure extends WorkflowFailure {
  readonly workflowType: TypeName
  readonly workflowId: string
  readonly runId: string | undefined
  /** How often the child was tried. */
  attempts = 1
  constructor(facts: ChildFacts, reason: string, how: string, options?: ErrorOptions) {
    super(reason, `child ${facts.workflowType.name} ${facts.workflowId} ${how}`, options)
    this.workflowType = facts.workflowType
    this.workflowId = facts.workflowId
    this.runId = facts.runId
  }
  protected override facts(): Partial<Failure> {
    const { workflowId, runId, attempts } = this
    const tried = attempts > 1 && { attempts }
    return { ...tried, type: this.workflowType.name, details: { workflowId, ...(runId !== undefined && { runId }) } }
  }
}

/** A child execution closed as failed. `failure` is what it failed with; so is `cause`, as an error with its own causes. */
export class ChildWorkflowExecutionFailed extends ChildFailure {
  readonly code = 'CHILD_WORKFLOW_EXECUTION_FAILED'
  constructor(
    facts: ChildFacts,
    readonly failure: Failure,
  ) {
    super(facts, failure.reason, `failed: ${failure.message ?? failure.reason}`, { cause: new RemoteFailure(failure) })
  }
}

/** A child execution timed out. */
export class ChildWorkflowExecutionTimedOut extends ChildFailure {
  readonly code = 'CHILD_WORKFLOW_EXECUTION_TIMED_OUT'
  constructor(
    facts: ChildFacts,
    readonly timeoutType: 'START_TO_CLOSE',
  ) {
    super(facts, timeoutType, `timed out: ${timeoutType}`)
  }
}

/** A child execution closed as canceled. */
export class ChildWorkflowExecutionCanceled extends ChildFailure {
  readonly code = 'CHILD_WORKFLOW_EXECUTION_CANCELED'
  constructor(
    facts: ChildFacts,
    readonly details?: unknown,
  ) {
    super(facts, 'Canceled', 'was canceled')
  }
}

/** A child execution was terminated. */
export class ChildWorkflowExecutionTerminated extends ChildFailure {
  readonly code = 'CHILD_WORKFLOW_EXECUTION_TERMINATED'
  constructor(facts: ChildFacts) {
    super(facts, 'Terminated', 'was terminated')
  }
}

/** SWF refused to start a child execution: its workflowId is in use, for example. `reason` is SWF's cause. */
export class StartChildWorkflowExecutionFailed extends ChildFailure {
  readonly code = 'START_CHILD_WORKFLOW_EXECUTION_FAILED'
  constructor(facts: ChildFacts, cause: string) {
    super(facts, cause, `was not started: ${cause}${hint(cause, 'workflow')}`)
  }
}

abstract class ExternalFailure extends WorkflowFailure {
  readonly workflowId: string
  readonly runId: string | undefined
  constructor({ workflowId, runId }: { workflowId: string; runId?: string }, cause: string, what: string) {
    super(cause, `${workflowId} ${what}: ${cause}`)
    this.workflowId = workflowId
    this.runId = runId
  }
  protected override facts(): Partial<Failure> {
    const { workflowId, runId } = this
    return { details: { workflowId, ...(runId !== undefined && { runId }) } }
  }
}

/** SWF could not signal another execution: none is open by that id, for example. `reason` is SWF's cause. */
export class SignalExternalWorkflowExecutionFailed extends ExternalFailure {
  readonly code = 'SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED'
  constructor(
    target: { workflowId: string; runId?: string },
    readonly signalName: string,
    cause: string,
  ) {
    super(target, cause, `did not get signal ${signalName}`)
  }
}

/** SWF could not ask another execution to cancel: none is open by that id, for example. `reason` is SWF's cause. */
export class RequestCancelExternalWorkflowExecutionFailed extends ExternalFailure {
  readonly code = 'REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED'
  constructor(target: { workflowId: string; runId?: string }, cause: string) {
    super(target, cause, 'was not asked to cancel')
  }
}
