// Decision tasks and activity tasks as their pollers see them: poll, heartbeat, respond.
//
// TA1. A token is good while its task is open and as it was started then. After that: UnknownResourceFault.

import type { Engine } from './engine.js'
import { finite } from './engine.js'
import type { ActivityTask, DecisionTask, Execution } from './execution.js'
import { unknown, unknownExecution } from './fault.js'
import { eventList, firstAsOldAs, historyPage } from './history.js'
import type { Input } from './model.js'
import type { Caller, Polls } from './polls.js'
import type { TaskToken } from './token.js'
import { pageSize, pageToken, readPageToken, readTaskToken, taskToken } from './token.js'

/** The answers of polls that found nothing: no task token. */
const NO_DECISION_TASK = '{"startedEventId":0,"previousStartedEventId":0}'
const NO_ACTIVITY_TASK = '{"startedEventId":0}'

type Poll = Input<'PollForDecisionTask'>

export function pollForDecisionTask(
  engine: Engine,
  polls: Polls,
  poll: Poll,
  caller: Caller,
): Promise<string> | string {
  const domain = engine.domain(poll.domain)
  if (poll.nextPageToken) return nextPage(engine, poll)
  const take = (task: DecisionTask): string | undefined => {
    const { execution: x, scheduledEventId } = task
    const { identity } = poll
    const startedEventId = engine.record(x, 'DecisionTaskStarted', { identity, scheduledEventId }, engine.now())
    if (!startedEventId) return undefined
    engine.timers.set(task, finite(task.deadline))
    const first = poll.startAtPreviousStartedEvent ? firstSince(engine, x) : 1
    return decisionTask(engine, x, task, poll, first)
  }
  return polls.poll(domain.decisionTasks.get(poll.taskList.name), caller, take, NO_DECISION_TASK)
}

/** The first event that is not older than the last DecisionTaskStarted whose task completed. */
const firstSince = ({ timesTell }: Engine, { events, previousStartedEventId }: Execution) =>
  timesTell ? firstAsOldAs(events, previousStartedEventId) : Math.max(1, previousStartedEventId)

/** A further page of the history of a decision task: for the same task, while it is open. */
function nextPage(engine: Engine, poll: Poll): string {
  const [first, start, ...task] = readPageToken('decision', poll.nextPageToken, engine.now()) as number[]
  const x = openTask(engine, 'decision', String(task[0]))
  return decisionTask(engine, x, x.started!, poll, first!, start)
}

function decisionTask(
  engine: Engine,
  x: Execution,
  task: DecisionTask,
  poll: Poll,
  first: number,
  start?: number,
): string {
  const { runId, workflowId, workflowType, previousStartedEventId } = x
  const { scheduledEventId, startedEventId } = task
  const reverse = poll.reverseOrder ?? false
  const { from, to, next } = historyPage(first, startedEventId, pageSize(poll.maximumPageSize), reverse, start)
  const token = taskToken({ kind: 'decision', runId, workflowId, scheduledEventId, startedEventId })
  const nextPageToken = next && pageToken('decision', [first, next, token], engine.now())
  return (
    `{"taskToken":"${token}","startedEventId":${startedEventId},"previousStartedEventId":${previousStartedEventId},` +
    `"workflowExecution":${JSON.stringify({ workflowId, runId })},"workflowType":${JSON.stringify(workflowType)},` +
    `"events":${eventList(x.events.slice(from - 1, to), reverse)}${next ? `,"nextPageToken":"${nextPageToken}"` : ''}}`
  )
}

export function pollForActivityTask(
  engine: Engine,
  polls: Polls,
  { domain, taskList, identity }: Input<'PollForActivityTask'>,
  caller: Caller,
): Promise<string> {
  const list = engine.domain(domain).activityTasks.get(taskList.name)
  const take = (task: ActivityTask): string | undefined => {
    const { execution: x, scheduledEventId, activityId, activityType, input } = task
    const { workflowId, runId } = x
    const startedEventId = engine.record(x, 'ActivityTaskStarted', { identity, scheduledEventId }, engine.now())
    if (!startedEventId) return undefined
    engine.timers.set(task, finite(task.deadline.at))
    return JSON.stringify({
      taskToken: taskToken({ kind: 'activity', runId, workflowId, scheduledEventId, startedEventId }),
      activityId,
      startedEventId,
      workflowExecution: { workflowId, runId },
      activityType,
      input,
    })
  }
  return polls.poll(list, caller, take, NO_ACTIVITY_TASK)
}

/** Returns the execution whose started decision task has this token. */
export function openTask(engine: Engine, kind: 'decision', token: string): Execution {
  const { scheduledEventId, startedEventId, ...run } = readTaskToken(kind, token)
  const x = openRun(engine, run)
  if (x?.started?.startedEventId !== startedEventId) {
    throw unknown(`decision task, scheduledEventId = ${scheduledEventId}`)
  }
  return x
}

/** Returns the execution of a token; one that has closed is refused by its own name, as SWF does. */
function openRun(
  engine: Engine,
  { runId, workflowId }: Pick<TaskToken, 'runId' | 'workflowId'>,
): Execution | undefined {
  const x = engine.runs.get(runId)
  if (!x && workflowId !== undefined) throw unknownExecution(workflowId, runId)
  return x
}

function openActivity(engine: Engine, token: string): ActivityTask {
  const { scheduledEventId, startedEventId, ...run } = readTaskToken('activity', token)
  const activity = openRun(engine, run)?.activities.get(scheduledEventId)
  if (activity?.startedEventId !== startedEventId) throw unknown(`activity, scheduledEventId = ${scheduledEventId}`)
  return activity
}

export function recordActivityTaskHeartbeat(
  engine: Engine,
  { taskToken: token, details }: Input<'RecordActivityTaskHeartbeat'>,
): { cancelRequested: boolean } {
  const activity = openActivity(engine, token)
  activity.heartbeatAt = engine.now()
  activity.heartbeatDetails = details
  engine.timers.set(activity, finite(activity.deadline.at))
  engine.store.heartbeat(activity)
  return { cancelRequested: activity.cancelRequestedEventId > 0 }
}

/** Takes a started activity task that is about to close: off its timer, with the ids that its close event has. */
function closing(engine: Engine, token: string) {
  const task = openActivity(engine, token)
  const { execution: x, scheduledEventId, startedEventId } = task
  engine.drop(task)
  return { task, x, ids: { scheduledEventId, startedEventId }, at: engine.now() }
}

export function respondActivityTaskCompleted(engine: Engine, input: Input<'RespondActivityTaskCompleted'>): void {
  const { x, ids, at } = closing(engine, input.taskToken)
  engine.record(x, 'ActivityTaskCompleted', { result: input.result, ...ids }, at)
  engine.wake(x, at)
}

export function respondActivityTaskFailed(engine: Engine, input: Input<'RespondActivityTaskFailed'>): void {
  const { x, ids, at } = closing(engine, input.taskToken)
  engine.record(x, 'ActivityTaskFailed', { reason: input.reason, details: input.details, ...ids }, at)
  engine.wake(x, at)
}

export function respondActivityTaskCanceled(engine: Engine, input: Input<'RespondActivityTaskCanceled'>): void {
  const { task, x, ids, at } = closing(engine, input.taskToken)
  const latestCancelRequestedEventId = task.cancelRequestedEventId || undefined
  engine.record(x, 'ActivityTaskCanceled', { details: input.details, ...ids, latestCancelRequestedEventId }, at)
  engine.wake(x, at)
}
