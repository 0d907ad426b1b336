// One run of a handler: from its input to the outcome that SWF is told.
//
// U1. Whatever a handler does ends as an outcome; nothing it throws leaves this file.
// U2. A value that it returns counts even after a stop was asked for, unless the task is no longer its own.
// U3. A handler that does not stop within its grace period is abandoned: its outcome is decided without it, and it is said
//     that it still runs, and when it has ended after all.

import { monotonic } from '../../clock.js'
import type { Outcome, TaskFacts as Facts } from '../../queues/task-record.js'
import { cutReason, encodeFailure, HANDED_BACK, type Failure } from '../../swf/failure.js'
import { encodePayload } from '../../swf/payload.js'
import { describeThrown } from '../../swf/thrown.js'
import { validate } from '../../workflow/validator.js'
import { OpenActivity, type AbortCode, type ActivityContext, type Handler } from '../definitions.js'
import { stackOf } from '../thrown.js'
import type { Stop } from './stop.js'

type TaskFacts = Pick<Facts, 'activityId' | 'activityType'>

/** The outcomes that are nobody's business any more: SWF, or another run, has decided. */
const LOST: ReadonlySet<AbortCode | undefined> = new Set<AbortCode | undefined>(['DEADLINE', 'CLOSED', 'FENCED'])

export interface HandlerRunOptions {
  /** Asks it to stop; aborts `job.signal`. */
  stop: Stop
  /** How long it may take to stop once it is asked to, in milliseconds. */
  grace: number
  /** Details of its last heartbeat; undefined when there were none. */
  lastHeartbeat?: () => unknown
  /** It has not stopped, and is waited for no longer. */
  onAbandoned?: () => void
}

/** Runs a handler; never rejects. Resolves to its outcome, or what it left open; undefined when SWF is to be told nothing. */
export async function runHandler(
  handler: Handler,
  task: TaskFacts,
  input: unknown,
  job: ActivityContext,
  { stop, grace, lastHeartbeat, onAbandoned }: HandlerRunOptions,
): Promise<Outcome | OpenActivity | undefined> {
  // A function cannot be ended from outside.
  const abandon = handler.isolate === 'thread' ? new AbortController() : undefined
  const ended = endOf(handler, input, job, abandon?.signal)
  const end = await inTime(ended, stop, grace)
  const { code } = stop
  if (end === undefined) {
    job.log.warn({ code, grace }, 'handler did not stop and is abandoned')
    abandon?.abort()
    onAbandoned?.()
    const abandoned = monotonic()
    void ended.then(() => job.log.info({ code, ms: monotonic() - abandoned }, 'abandoned handler has ended'))
  }
  if (LOST.has(code)) return undefined
  if (end && 'value' in end) return OpenActivity.is(end.value) ? end.value : completed(end.value, task)
  const told = { lastHeartbeat: lastHeartbeat?.() }
  const failure = end && { ...describe(end.error, task), ...told }
  if (code === 'CANCEL_REQUESTED') {
    const own = end && !stop.isReason(end.error)
    return { kind: 'canceled', ...(own && failure && { details: encodeFailure(failure) }) }
  }
  // A failure of its own is none of the shutdown's making.
  if (code === 'SHUTDOWN' && (!end || stop.isReason(end.error))) return handedBack(task, told)
  const { reason, message } = failure!
  job.log.warn({ reason, err: message, stack: stackOf((end as { error: unknown }).error) }, 'activity failed')
  return failed(failure!)
}

/** The outcome of a task that this fleet gives back: another try, which no retry policy counts. */
export function handedBack(task: TaskFacts, told: Pick<Failure, 'lastHeartbeat'> = {}): Outcome {
  const message = 'No worker could run the activity to its end; another try does not count'
  return failed({ ...origin(task), ...told, code: 'APPLICATION', reason: HANDED_BACK, message })
}

/** Returns a failure as an outcome. */
export function failed(failure: Failure): Outcome {
  return { kind: 'failed', reason: cutReason(failure.reason), details: encodeFailure(failure) }
}

/** Returns the failure that this code, not the handler, found. */
export function bridgeFailure(task: TaskFacts, reason: string, message: string): Outcome {
  return failed({ ...origin(task), code: 'APPLICATION', reason, message })
}

function completed(value: unknown, task: TaskFacts): Outcome {
  try {
    const result = encodePayload(value)
    return { kind: 'completed', ...(result !== undefined && { result }) }
  } catch (error) {
    return failed(describe(error, task))
  }
}

function validInput({ definition: { options, name } }: Handler, input: unknown): unknown {
  return validate(options.input, input, `the input of ${name}`)
}

type End = { value: unknown } | { error: unknown }

async function endOf(handler: Handler, input: unknown, job: ActivityContext, abandoned?: AbortSignal): Promise<End> {
  try {
    return { value: await handler.run(validInput(handler, input), job, abandoned) }
  } catch (error) {
    return { error }
  }
}

/** Resolves as a run ended; to undefined `grace` milliseconds after it was asked to stop, if it has not. */
function inTime(ended: Promise<End>, stop: Stop, grace: number): Promise<End | undefined> {
  return new Promise(resolve => {
    let timer: NodeJS.Timeout | undefined
    stop.whenAsked(() => (timer = setTimeout(() => resolve(undefined), grace).unref()))
    void ended.then(end => {
      clearTimeout(timer)
      resolve(end)
    })
  })
}

function origin({ activityId, activityType }: TaskFacts): Pick<Failure, 'activityId' | 'type'> {
  return { activityId, type: activityType.name }
}

function describe(error: unknown, task: TaskFacts): Failure {
  return { ...describeThrown(error), ...origin(task) }
}
