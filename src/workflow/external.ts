// Other executions: signals and cancel requests to them, whoever started them.

import { encodePayload } from '../swf/payload.js'
import { notSent } from './errors.js'
import {
  RequestCancelExternalWorkflowExecutionFailed,
  SignalExternalWorkflowExecutionFailed,
} from './external-errors.js'
import { currentRun } from './replay/current.js'
import { cancelable } from './replay/operation.js'
import { cancelExternal as cancelRequest, signalExternal as send, type ExternalExecution } from './replay/external.js'
import type { SignalDefinition } from './signal.js'

export type { ExternalExecution } from './replay/external.js'

/**
 * Signals another execution; without a runId the open one of that workflowId. Resolves once SWF has given it the signal, and
 * rejects with SignalExternalWorkflowExecutionFailed when there is none.
 *
 * @example await signalExternal({ workflowId: 'warehouse' }, restocked, { sku: 'KBD-104' })
 */
export function signalExternal<T>(target: ExternalExecution, signal: SignalDefinition<T>, input: T): Promise<void> {
  return cancelable(signaled(target, signal, input), () => {})
}

async function signaled(target: ExternalExecution, signal: SignalDefinition<any>, input: unknown): Promise<void> {
  const run = currentRun(`signalExternal ${signal.name}`)
  const { scope } = run
  if (scope.cause) throw scope.cause
  const message = { signalName: signal.name, input: encode(signal, input) }
  return scope.tie(
    send(
      run.commands,
      `${run.nextSeq()}.signal`,
      target,
      message,
      cause => new SignalExternalWorkflowExecutionFailed(target, signal.name, cause),
    ),
  )
}

/**
 * Asks another execution to cancel; without a runId the open one of that workflowId. Resolves once SWF has asked it, and
 * rejects with RequestCancelExternalWorkflowExecutionFailed when there is none. Works in a scope that is canceled, too.
 */
export function cancelExternal(target: ExternalExecution): Promise<void> {
  const run = currentRun('cancelExternal')
  return cancelRequest(
    run.commands,
    `${run.nextSeq()}.cancel`,
    target,
    cause => new RequestCancelExternalWorkflowExecutionFailed(target, cause),
  ).promise
}

function encode(signal: SignalDefinition<any>, input: unknown): string | undefined {
  try {
    return encodePayload(signal.check(input))
  } catch (error) {
    throw notSent(`signal ${signal.name}`, error)
  }
}
