// Tasks that their handlers have left open: their tokens, and how those who have one end them.
//
// E1. A token holds SWF's own, so it ends its task even when Redis has forgotten it, and must be kept as secret.
// E2. It is good for one start of a task: for all runs of that start, and for none of a later try.
// E3. An outcome is committed before SWF is told; once it is, a worker tells SWF when whoever brought it cannot.
// E4. The same answer may be given again, and is taken as often; another one is refused.

import { createHash } from 'node:crypto'
import type { Redis } from '../redis.js'
import { SECOND } from '../swf/duration.js'
import { isFault } from '../swf/errors.js'
import { cutReason, encodeFailure } from '../swf/failure.js'
import { encodePayload } from '../swf/payload.js'
import { DEFAULT_PREFIX, queueKey } from './keys.js'
import { taskId, TaskRecords, type Outcome, type TaskRecord } from './task-record.js'

/** How long an answer is tried before it is left to a worker, in milliseconds. */
const PATIENCE = 10 * SECOND
const MARK = 'a1.'

/** What a token says. */
export interface OpenTask {
  domain: string
  taskList: string
  workflowExecution: { workflowId: string; runId: string }
  activityId: string
  startedEventId: number
  /** SWF's. */
  taskToken: string
}

/** Returns the token of a task, to be handed to whoever will complete it. */
export function activityToken(
  domain: string,
  taskList: string,
  {
    workflowExecution: { workflowId, runId },
    activityId,
    startedEventId,
    taskToken,
  }: Pick<TaskRecord, 'workflowExecution' | 'activityId' | 'startedEventId' | 'taskToken'>,
): string {
  const facts = [domain, taskList, workflowId, runId, activityId, startedEventId, taskToken]
  return MARK + Buffer.from(JSON.stringify(facts)).toString('base64url')
}

/** Returns what a token says. Throws ActivityTokenInvalid. */
export function readActivityToken(token: string): OpenTask {
  try {
    if (!token.startsWith(MARK)) throw new ActivityTokenInvalid()
    const facts = JSON.parse(Buffer.from(token.slice(MARK.length), 'base64url').toString()) as unknown[]
    const [domain, taskList, workflowId, runId, activityId, startedEventId, taskToken] = facts as string[]
    const texts = [domain, taskList, workflowId, runId, activityId, taskToken]
    if (!texts.every(text => typeof text === 'string' && text !== '')) throw new ActivityTokenInvalid()
    if (!Number.isInteger(startedEventId)) throw new ActivityTokenInvalid()
    return {
      domain: domain!,
      taskList: taskList!,
      workflowExecution: { workflowId: workflowId!, runId: runId! },
      activityId: activityId!,
      startedEventId: Number(startedEventId),
      taskToken: taskToken!,
    }
  } catch {
    throw new ActivityTokenInvalid()
  }
}

/** The text is no token of an activity, or not all of one. */
export class ActivityTokenInvalid extends Error {
  override readonly name = 'ActivityTokenInvalid'
  readonly code = 'BAD_USER_INPUT'
  constructor() {
    super('This is no token of an activity: pass it on as the handler got it')
  }
}

/** The activity has been completed otherwise, failed, timed out or was canceled, or its execution has closed. */
export class ActivityClosed extends Error {
  override readonly name = 'ActivityClosed'
  readonly code = 'ACTIVITY_CLOSED'
  constructor(
    readonly workflowExecution: { workflowId: string; runId: string },
    readonly activityId: string,
  ) {
    super(`Activity ${activityId} of ${workflowExecution.workflowId} is closed: this outcome comes too late`)
  }
}

/** Where outcomes are told: SWF, and the Redis of the fleet. Without Redis SWF takes the first. */
export interface Fleet {
  swf: {
    respondActivityTaskCompleted(input: { taskToken: string; result?: string }): Promise<void>
    respondActivityTaskFailed(input: { taskToken: string; reason: string; details?: string }): Promise<void>
    respondActivityTaskCanceled(input: { taskToken: string; details?: string }): Promise<void>
  }
  redis?: Redis
  /** @default 'swf-gateway' */
  prefix?: string
}

/**
 * Completes the activity that a token belongs to; resolves when SWF has taken the result, or will for certain.
 * Rejects with ActivityClosed, ActivityTokenInvalid and PayloadTooLarge, and as SWF does when Redis is away too. Safe to repeat.
 */
export async function completeActivity(fleet: Fleet, token: string, result?: unknown): Promise<void> {
  const task = readActivityToken(token)
  const text = encodePayload(result)
  await end(fleet, task, { kind: 'completed', ...(text !== undefined && { result: text }) })
}

/**
 * Fails the activity that a token belongs to. `reason` is what a retry policy's `nonRetryable` names; another try, if the
 * policy allows one, runs the handler again. Resolves and rejects as completeActivity does.
 */
export async function failActivity(
  fleet: Fleet,
  token: string,
  reason: string,
  { message, details }: { message?: string; details?: unknown } = {},
): Promise<void> {
  const task = readActivityToken(token)
  const failure = {
    code: 'APPLICATION',
    reason: cutReason(reason),
    ...(message !== undefined && { message }),
    ...(details !== undefined && { details }),
    activityId: task.activityId,
  }
  await end(fleet, task, { kind: 'failed', reason: failure.reason, details: encodeFailure(failure) })
}

async function end({ swf, redis, prefix = DEFAULT_PREFIX }: Fleet, task: OpenTask, outcome: Outcome): Promise<void> {
  const { domain, taskList, workflowExecution, activityId, startedEventId, taskToken } = task
  const name = `token.${createHash('sha256')
    .update(`${taskToken} ${JSON.stringify(outcome)}`)
    .digest('hex')
    .slice(0, 24)}`
  const record = { id: taskId(workflowExecution.runId, activityId), startedEventId }
  const records = redis && new TaskRecords(redis, queueKey(prefix, domain, taskList), name)
  const committed = await records?.answer(record, name, outcome, PATIENCE).catch(() => undefined)
  if (committed === 'SAME') return
  if (committed === 'CLOSED') throw new ActivityClosed(workflowExecution, activityId)
  try {
    await tell(swf, taskToken, outcome)
  } catch (error) {
    if (isFault(error, 'UNKNOWN_RESOURCE')) {
      await Promise.all([records?.refuseAnswer(record), records?.done(record, name)]).catch(() => {})
      throw new ActivityClosed(workflowExecution, activityId)
    }
    // What is committed reaches SWF through a worker.
    if (committed === 'OK' && !isFault(error, 'VALIDATION')) return
    throw error
  }
  await records?.done(record, name).catch(() => {})
}

/** Tells SWF a task's outcome, once. Rejects as SWF does. */
export function tell(swf: Fleet['swf'], taskToken: string, outcome: Outcome): Promise<void> {
  const { kind, ...given } = outcome
  switch (kind) {
    case 'completed':
      return swf.respondActivityTaskCompleted({ taskToken, ...given })
    case 'failed':
      return swf.respondActivityTaskFailed({ taskToken, ...(given as { reason: string; details?: string }) })
    case 'canceled':
      return swf.respondActivityTaskCanceled({ taskToken, ...given })
  }
}
