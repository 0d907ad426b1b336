// What is done to an execution that runs: signal, request cancel, terminate.
//
// C1. A command without a runId goes to whichever run is open; SWF decides which that is.
// C2. SWF has one fault for an execution that never was and for one that has closed; the client is told which.
// C3. Once SWF has accepted a command, an error says so: sending it again is not what is needed.

import { setTimeout as delay } from 'node:timers/promises'
import { SECOND } from '../swf/duration.js'
import { isFault } from '../swf/errors.js'
import { encodePayload } from '../swf/payload.js'
import type { Context } from './context.js'
import { apiError, explain } from './errors.js'
import type {
  ExecutionRef,
  RequestCancelExecutionInput,
  SignalExecutionInput,
  TerminateExecutionInput,
} from './execution.input.js'
import type { Execution } from './execution.type.js'

/** How long a termination waits until the feed has it, in milliseconds. */
const MOMENT = 2 * SECOND

export async function signalExecution(input: SignalExecutionInput, context: Context): Promise<Execution> {
  const { execution: ref, signalName, idempotencyKey } = input
  const payload = encodePayload(input.input, idempotencyKey ? { idempotencyKey } : {})
  const target = await targetOf(ref, context)
  await onOpen(target, context, () =>
    context.swf.signalWorkflowExecution({ ...target, signalName, ...(payload !== undefined && { input: payload }) }),
  )
  const execution = await afterwards(target, context, () => find(target, context))
  note(execution, 'execution signaled', context, { signalName })
  return execution
}

export async function requestCancelExecution(input: RequestCancelExecutionInput, context: Context): Promise<Execution> {
  const target = await targetOf(input.execution, context)
  await onOpen(target, context, () => context.swf.requestCancelWorkflowExecution(target))
  const execution = await afterwards(target, context, () => find(target, context))
  note(execution, 'execution cancel requested', context)
  execution.cancelRequested = true
  return execution
}

export async function terminateExecution(input: TerminateExecutionInput, context: Context): Promise<Execution> {
  const target = await targetOf(input.execution, context)
  const { reason, childPolicy } = input
  const details = encodePayload(input.details)
  // An execution that cannot be shown is terminated all the same.
  const before = await find(target, context).catch(() => undefined)
  await onOpen(target, context, () =>
    context.swf.terminateWorkflowExecution({
      ...target,
      ...(reason && { reason }),
      ...(details !== undefined && { details }),
      ...(childPolicy && { childPolicy }),
    }),
  )
  const runId = target.runId ?? before?.runId
  if (runId) {
    hint(target, runId, context)
    await tell(target, runId, context)
  }
  const execution = await afterwards(target, context, () =>
    context.executions.findInSwf(target.domain, target.workflowId, runId),
  )
  note(execution, 'execution terminated', context, { ...(reason && { reason }) })
  return execution
}

interface Target {
  domain: string
  workflowId: string
  runId?: string
}

async function targetOf({ domain, workflowId, runId }: ExecutionRef, { domains }: Context): Promise<Target> {
  return { domain: await domains.resolve(domain), workflowId, ...(runId && { runId }) }
}

/** Finds what a command goes to (C1): of an open run that was started elsewhere the index may not have heard yet. */
async function find({ domain, workflowId, runId }: Target, { executions }: Context): Promise<Execution | undefined> {
  const known = await executions.find(domain, workflowId, runId)
  return runId !== undefined || known?.status === 'OPEN' ? known : executions.findInSwf(domain, workflowId)
}

/** Workers learn from their next heartbeat that the execution is closed; the hint has them beat at once. */
function hint({ domain, workflowId }: Target, runId: string, { queues, log }: Context): void {
  queues.hintCancel(domain, undefined, { runId }).catch((error: Error) => {
    log.warn({ domain, workflowId, runId, err: error.message }, 'cancel hint not given')
  })
}

/**
 * No decider sees a termination: the feed is told here, so that subscribers see it at once. SWF shows what it has done with
 * a delay; this waits a moment for it, then lets the tail go on alone. The sweeper would find it later.
 */
async function tell({ domain, workflowId }: Target, runId: string, { tail, log }: Context): Promise<void> {
  const told = tail.tail(domain, { workflowId, runId }, { untilClosed: true }).catch((error: Error) => {
    log.warn({ domain, workflowId, runId, err: error.message }, 'termination is not in the feed yet')
  })
  const enough = new AbortController()
  const moment = delay(MOMENT, undefined, { signal: enough.signal }).catch(() => {})
  await Promise.race([told, moment]).finally(() => enough.abort())
}

/** Calls SWF; tells an execution that has closed from one that never was (C2). */
async function onOpen(target: Target, context: Context, call: () => Promise<void>): Promise<void> {
  try {
    await call()
  } catch (error) {
    if (!isFault(error, 'UNKNOWN_RESOURCE')) throw error
    const { domain, workflowId, runId } = target
    const which = `Execution "${workflowId}"${runId ? `, run ${runId},` : ''}`
    const execution = await context.executions.findInSwf(domain, workflowId, runId)
    if (!execution || execution.status === 'OPEN')
      throw apiError(
        'EXECUTION_NOT_FOUND',
        `${which} is not in domain "${domain}": check domain, workflowId and runId`,
        {
          ...target,
        },
      )
    throw apiError(
      'EXECUTION_CLOSED',
      `${which} has closed (${execution.status}): start it again under its workflowId if need be`,
      { domain, workflowId, runId: execution.runId, status: execution.status },
    )
  }
}

/** Reads the execution after SWF has accepted a command (C3). */
async function afterwards(
  { workflowId }: Target,
  context: Context,
  read: () => Promise<Execution | undefined>,
): Promise<Execution> {
  let problem: ReturnType<typeof explain> = {
    code: 'THROTTLED',
    message: 'SWF does not list it yet',
    facts: { retryAfter: 2 },
  }
  try {
    const execution = await read()
    if (execution) return execution
  } catch (error) {
    problem = explain(error)
    if (problem.code === 'INTERNAL') throw error
    context.log.warn({ workflowId, err: problem.message }, 'execution cannot be read after a command')
  }
  const { code, message, facts } = problem
  throw apiError(code, `Done, but the execution cannot be shown now: ${message}`, { ...facts, accepted: true })
}

function note(
  { domain, workflowId, runId, type }: Execution,
  message: 'execution signaled' | 'execution cancel requested' | 'execution terminated',
  { log, metrics, caller }: Context,
  facts: Record<string, unknown> = {},
): void {
  log.info({ domain, workflowId, runId, workflowType: type.name, caller, ...facts }, message)
  metrics.executions.inc({ workflowType: type.name, event: message.slice('execution '.length) })
}
