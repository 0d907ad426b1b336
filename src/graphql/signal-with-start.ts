// Signaling an execution that may have to be started first.
//
// W1. SWF cannot do both at once: it is started unless it is open, then signaled. When it closes between the two, it is started
//     again; a call that dies between the two has started it, and is safe to repeat with its key.
// W2. Repeated with its key after the execution has closed, it is the same call if that execution has had the signal.

import { isFault } from '../swf/errors.js'
import { decodePayload, encodePayload } from '../swf/payload.js'
import type { Context } from './context.js'
import { apiError } from './errors.js'
import type { SignalWithStartInput } from './execution.input.js'
import type { Execution } from './execution.type.js'
import { startExecution, type Started } from './start-execution.js'

const TRIES = 3

export async function signalWithStart(input: SignalWithStartInput, context: Context): Promise<Started> {
  const { signalName, idempotencyKey } = input
  const start = { ...input.start, onConflict: 'USE_EXISTING' as const }
  start.idempotencyKey ??= idempotencyKey ?? null
  const payload = encodePayload(input.signalInput, idempotencyKey ? { idempotencyKey } : {})
  for (let tries = 1; tries <= TRIES; tries++) {
    const { execution, created } = await startExecution(start, context)
    const { domain, workflowId, runId } = execution
    const target = { domain, workflowId, runId, signalName, ...(payload !== undefined && { input: payload }) }
    try {
      await context.swf.signalWorkflowExecution(target)
    } catch (error) {
      if (!isFault(error, 'UNKNOWN_RESOURCE')) throw error
      const closed = await context.executions.findInSwf(domain, workflowId, runId)
      if (closed && (await hasSignal(closed, signalName, idempotencyKey, context))) {
        return { execution: closed, created: false }
      }
      continue
    }
    context.log.info({ domain, workflowId, runId, signalName, created, caller: context.caller }, 'execution signaled')
    context.metrics.executions.inc({ workflowType: execution.type.name, event: 'signaled' })
    return { execution, created }
  }
  const { workflowId } = input.start
  throw apiError(
    'EXECUTION_CLOSED',
    `Execution "${workflowId}" closed before it could be signaled, or was started by this key and has closed: send it again with a new key`,
    { workflowId },
  )
}

/** Tells whether a closed execution has had a signal with this key. */
async function hasSignal(
  execution: Execution,
  signalName: string,
  key: string | null | undefined,
  { executions }: Context,
): Promise<boolean> {
  if (!key) return false
  const { events } = await executions.history(execution)
  return events.some(
    event =>
      event.eventType === 'WorkflowExecutionSignaled' &&
      event.workflowExecutionSignaledEventAttributes.signalName === signalName &&
      decodePayload(event.workflowExecutionSignaledEventAttributes.input).envelope.idempotencyKey === key,
  )
}
