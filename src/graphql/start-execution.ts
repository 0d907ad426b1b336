// Starting an execution.
//
// S1. SWF decides whether an execution with this workflowId is open; it is not asked before the start.
// S2. The same idempotencyKey as the latest run's, open or closed, with the same type and input, is the same start: that run,
//     `created: false`. So a start whose answer was lost may be repeated, however late.
// S3. Once SWF has accepted, the start has succeeded, whatever Redis says.

import { isDeepStrictEqual } from 'node:util'
import type { ExecutionSummary } from '../feed/update.js'
import { Backoff } from '../lifecycle.js'
import { seconds } from '../swf/duration.js'
import { isFault } from '../swf/errors.js'
import type { Actions } from '../swf/client-actions.js'
import type { TypeName } from '../swf/history-event.js'
import { decodePayload, encodePayload } from '../swf/payload.js'
import type { Context } from './context.js'
import { apiError } from './errors.js'
import type { StartExecutionInput } from './execution.input.js'
import { executionOf, type Execution } from './execution.type.js'

/** The open run may close while we look for it, and SWF's lists are a little behind. */
const TRIES = 3

export interface Started {
  execution: Execution
  /** False: it stood already. */
  created: boolean
}

/** What only a past execution tells. */
type Inherited = Pick<
  Actions['StartWorkflowExecution'][0],
  'input' | 'taskStartToCloseTimeout' | 'childPolicy' | 'lambdaRole'
>

/** Starts an execution, or finds the one that was started by the same call. */
export async function startExecution(
  input: StartExecutionInput,
  context: Context,
  inherited: Inherited = {},
): Promise<Started> {
  const domain = await context.domains.resolve(input.domain)
  const before = await startedBefore(domain, input, context)
  if (before) return { execution: before, created: false }
  const backoff = new Backoff()
  for (let tries = 1; tries <= TRIES; tries++) {
    if (tries > 1) await backoff.wait()
    const started = await start(domain, input, context, inherited)
    if (started) return { execution: started, created: true }
    const open = await openExecution(domain, input.workflowId, context)
    if (open) return { execution: existing(open, input), created: false }
  }
  throw apiError(
    'EXECUTION_ALREADY_STARTED',
    `SWF says that an execution "${input.workflowId}" is open, but does not list it yet: try again`,
    { domain, workflowId: input.workflowId },
  )
}

/** Finds the run that the same call has started, open or closed, where the index knows of one with this workflowId. */
async function startedBefore(
  domain: string,
  input: StartExecutionInput,
  context: Context,
): Promise<Execution | undefined> {
  const { workflowId, idempotencyKey } = input
  if (!idempotencyKey) return undefined
  const latest = context.index.find(domain, workflowId)
  if (!latest) return undefined
  const run = await origin(executionOf(latest, 'INDEX'), context).catch((error: unknown) => {
    // The index remembers longer than SWF keeps a history.
    if (
      isFault(error, 'UNKNOWN_RESOURCE') ||
      (error as { extensions?: { code?: string } }).extensions?.code === 'EXECUTION_NOT_FOUND'
    )
      return undefined
    throw error
  })
  return run && run.idempotencyKey === idempotencyKey ? existing(run, input) : undefined
}

/** Resolves to undefined when an execution with this workflowId is open. */
async function start(
  domain: string,
  input: StartExecutionInput,
  context: Context,
  inherited: Inherited,
): Promise<Execution | undefined> {
  const { swf, types } = context
  const { workflowId, tags, taskPriority, executionTimeout, idempotencyKey } = input
  const payload = inherited.input ?? encodePayload(input.input, idempotencyKey ? { idempotencyKey } : {})
  return withType(domain, input, context, async type => {
    const taskList = input.taskList ?? (await types.defaultTaskList(domain, type))
    try {
      const { runId } = await swf.startWorkflowExecution({
        domain,
        workflowId,
        workflowType: type,
        ...inherited,
        ...(payload !== undefined && { input: payload }),
        ...(tags?.length && { tagList: tags }),
        ...(input.taskList && { taskList: { name: input.taskList } }),
        ...(taskPriority != null && { taskPriority: String(taskPriority) }),
        ...(executionTimeout != null && { executionStartToCloseTimeout: seconds(executionTimeout) }),
      })
      return await started({ domain, workflowId, runId: runId!, type, tags: tags ?? [], taskList }, context)
    } catch (error) {
      if (isFault(error, 'EXECUTION_ALREADY_STARTED')) return undefined
      throw error
    }
  })
}

/** Calls with the type to start; once more when the version that we remembered is not the newest any more. */
async function withType<T>(
  domain: string,
  { type: name, version }: StartExecutionInput,
  { types }: Context,
  call: (type: TypeName) => Promise<T>,
): Promise<T> {
  if (version) return call({ name, version })
  const newest = await types.newestVersion(domain, name)
  try {
    return await call({ name, version: newest })
  } catch (error) {
    if (!isFault(error, 'TYPE_DEPRECATED') && !isFault(error, 'UNKNOWN_RESOURCE')) throw error
    types.forget(domain, name)
    const now = await types.newestVersion(domain, name)
    if (now === newest) throw error
    return call({ name, version: now })
  }
}

type Known = Pick<ExecutionSummary, 'domain' | 'workflowId' | 'runId' | 'type' | 'tags' | 'taskList'>

async function started(known: Known, { swf, publisher, log, metrics }: Context): Promise<Execution> {
  const { domain, workflowId, runId, type } = known
  const summary: ExecutionSummary = {
    ...known,
    status: 'OPEN',
    startedAt: swf.clock.about(),
    cancelRequested: false,
    eventId: 0,
  }
  log.info({ domain, workflowId, runId, workflowType: type.name, version: type.version }, 'execution started')
  metrics.executions.inc({ workflowType: type.name, event: 'started' })
  await publisher.started(domain, summary).catch((error: Error) => {
    log.warn({ domain, workflowId, runId, err: error.message }, 'started execution is not in the index yet')
  })
  return executionOf(summary, 'SWF')
}

/** An execution, and what it was started with. */
interface Origin {
  execution: Execution
  type: TypeName
  input: unknown
  idempotencyKey: string | undefined
}

/** Finds the open run of a workflowId and what it was started with. The fault AlreadyStarted does not name it. */
async function openExecution(domain: string, workflowId: string, context: Context): Promise<Origin | undefined> {
  const execution = await context.executions.findInSwf(domain, workflowId)
  return execution?.status === 'OPEN' ? origin(execution, context) : undefined
}

async function origin(execution: Execution, context: Context): Promise<Origin> {
  const { state } = await context.executions.history(execution)
  const { value: input, envelope } = decodePayload(state.input)
  return { execution, type: state.workflowType, input, idempotencyKey: envelope.idempotencyKey }
}

/** Returns an execution that stands already, if the caller wants it. */
function existing({ execution, ...stands }: Origin, input: StartExecutionInput): Execution {
  const { domain, workflowId, runId } = execution
  const facts = { domain, workflowId, runId }
  if (input.idempotencyKey && input.idempotencyKey === stands.idempotencyKey) {
    const same = stands.type.name === input.type && isDeepStrictEqual(stands.input, plain(input.input))
    if (same) return execution
    throw apiError(
      'IDEMPOTENCY_KEY_REUSED',
      `Execution "${workflowId}" was started with this idempotencyKey but with another type or input: take a new key`,
      facts,
    )
  }
  if (input.onConflict === 'USE_EXISTING') return execution
  throw apiError(
    'EXECUTION_ALREADY_STARTED',
    `Execution "${workflowId}" is open already (run ${runId}): take another workflowId, or onConflict: USE_EXISTING`,
    facts,
  )
}

/** Returns a value as it comes back from SWF. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}
