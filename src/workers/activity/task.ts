// A polled activity task, as the bridge carries it: what SWF handed out, and the times that the envelope tells.

import { taskId, type TaskRecord } from '../../queues/task-record.js'
import type { ActivityTask } from '../../swf/client.js'
import { SECOND, timeoutMilliseconds, timeoutSeconds, type Timeout } from '../../swf/duration.js'
import { decodePayload, type Envelope, type Payload } from '../../swf/payload.js'
import { typeKey } from '../../swf/type-key.js'
import type { Handler } from '../definitions.js'

/** How often SWF hears of a task without a heartbeat timeout, to learn of a cancel; of a shorter one, a third of its time. */
const SLOW_BEAT = 30 * SECOND
/** How often SWF hears of a task whose decider said nothing of timeouts. */
const UNKNOWN_BEAT = 20 * SECOND

export interface PolledTask {
  record: TaskRecord
  payload: Payload
  /** When SWF times it out, a moment of the clock that `now` is of; undefined when nothing is known of one. */
  deadline: number | undefined
}

/** Returns the task of a poll's answer; undefined for a poll that brought none. `now` is when the answer came, `swfNow` what
 * time it was for SWF. */
export function polledTask(
  { taskToken, activityId, startedEventId, workflowExecution, activityType, input }: ActivityTask,
  handlers: ReadonlyMap<string, Handler>,
  now: number,
  swfNow = now,
): PolledTask | undefined {
  const { workflowId, runId } = workflowExecution ?? {}
  const { name, version } = activityType ?? {}
  if (!taskToken || !activityId || !startedEventId || !workflowId || !runId || !name || !version) return undefined
  const payload = decodePayload(input)
  const { envelope } = payload
  const record: TaskRecord = {
    id: taskId(runId, activityId),
    taskToken,
    startedEventId: Number(startedEventId),
    workflowExecution: { workflowId, runId },
    activityId,
    activityType: { name, version },
    beat: beatInterval(envelope, handlers.get(typeKey({ name, version }))),
    ...(envelope.attempt !== undefined && envelope.attempt > 1 && { attempt: envelope.attempt }),
    ...(input !== undefined && { input }),
  }
  return { record, payload, deadline: deadlineOf(envelope, now, swfNow) }
}

function deadlineOf({ deadline, startToClose }: Envelope, now: number, swfNow: number): number | undefined {
  const left = [deadline === undefined ? undefined : deadline - swfNow, startToClose].filter(isNumber)
  return left.length ? now + Math.min(...left) : undefined
}

/** A third of the heartbeat timeout; without one, slow beats. */
function beatInterval(envelope: Envelope, handler: Handler | undefined): number {
  const heartbeat = envelope.heartbeat ?? toMilliseconds(handler?.definition.options.heartbeat)
  if (heartbeat !== undefined) return Math.round(Math.max(heartbeat / 3, SECOND / 3))
  if (envelope.startToClose === undefined && envelope.deadline === undefined) return UNKNOWN_BEAT
  return Math.round(Math.min(Math.max((envelope.startToClose ?? Infinity) / 3, SECOND), SLOW_BEAT))
}

/** Returns a contract's timeout in milliseconds, as SWF will count it: whole seconds. */
export function toMilliseconds(timeout: Timeout | undefined): number | undefined {
  return timeout === undefined ? undefined : timeoutMilliseconds(timeoutSeconds(timeout))
}

function isNumber(value: number | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
