// Signals and cancel requests to other executions, as commands.

import {
  requestCancelExternalWorkflowExecution,
  signalExternalWorkflowExecution,
  type Decision,
} from '../../swf/decision.js'
import type { WorkflowFailure } from '../errors.js'
import { Asked, type Commands } from './commands.js'

/** An execution, or the open one of a workflowId. */
export interface ExternalExecution {
  workflowId: string
  runId?: string
}

export class ExternalOperation extends Asked<void> {
  constructor(
    readonly label: string,
    readonly target: ExternalExecution,
    private readonly request: Decision,
    /** Makes what it fails with when SWF refuses. */
    readonly failure: (cause: string) => WorkflowFailure,
  ) {
    super()
  }

  decision(): Decision {
    return this.request
  }

  takenBack(cause: unknown): void {
    this.reject(cause)
  }
}

/** Sends a signal. It cannot be canceled once it has left. */
export function signalExternal(
  commands: Commands,
  label: string,
  target: ExternalExecution,
  signal: { signalName: string; input: string | undefined },
  failure: (cause: string) => WorkflowFailure,
): ExternalOperation {
  const { signalName, input } = signal
  const request = signalExternalWorkflowExecution({
    ...only(target),
    signalName,
    ...(input !== undefined && { input }),
  })
  return ask(commands, new ExternalOperation(label, target, request, failure))
}

/** Asks another execution to cancel. */
export function cancelExternal(
  commands: Commands,
  label: string,
  target: ExternalExecution,
  failure: (cause: string) => WorkflowFailure,
): ExternalOperation {
  const request = requestCancelExternalWorkflowExecution(only(target))
  return ask(commands, new ExternalOperation(label, target, request, failure))
}

function ask(commands: Commands, operation: ExternalOperation): ExternalOperation {
  commands.ask(operation)
  operation.cancel = cause => {
    if (!operation.settled && commands.takeBack(operation)) operation.takenBack(cause)
  }
  return operation
}

function only({ workflowId, runId }: ExternalExecution): ExternalExecution {
  return { workflowId, ...(runId !== undefined && { runId }) }
}
