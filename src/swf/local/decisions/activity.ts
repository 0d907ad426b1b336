// ScheduleActivityTask and RequestCancelActivityTask.

import type { Decide } from './batch.js'
import { fail, record } from './batch.js'

export const scheduleActivityTask: Decide<'ScheduleActivityTask'> = (batch, given) => {
  const { engine, x, decisionTaskCompletedEventId } = batch
  const { activityType, activityId, input, control } = given
  const failed = (cause: Parameters<typeof fail<'ScheduleActivityTask'>>[3]) =>
    fail(batch, 'ScheduleActivityTask', given, cause)
  const type = engine.domainOf(x).findType('ActivityType', activityType)
  if (!type) return failed('ACTIVITY_TYPE_DOES_NOT_EXIST')
  if (type.status === 'DEPRECATED') return failed('ACTIVITY_TYPE_DEPRECATED')
  const { defaults } = type
  const taskList = given.taskList ?? defaults.defaultTaskList
  const scheduleToCloseTimeout = given.scheduleToCloseTimeout ?? defaults.defaultTaskScheduleToCloseTimeout
  const scheduleToStartTimeout = given.scheduleToStartTimeout ?? defaults.defaultTaskScheduleToStartTimeout
  const startToCloseTimeout = given.startToCloseTimeout ?? defaults.defaultTaskStartToCloseTimeout
  const heartbeatTimeout = given.heartbeatTimeout ?? defaults.defaultTaskHeartbeatTimeout
  if (!taskList) return failed('DEFAULT_TASK_LIST_UNDEFINED')
  if (scheduleToCloseTimeout === undefined) return failed('DEFAULT_SCHEDULE_TO_CLOSE_TIMEOUT_UNDEFINED')
  if (scheduleToStartTimeout === undefined) return failed('DEFAULT_SCHEDULE_TO_START_TIMEOUT_UNDEFINED')
  if (startToCloseTimeout === undefined) return failed('DEFAULT_START_TO_CLOSE_TIMEOUT_UNDEFINED')
  if (heartbeatTimeout === undefined) return failed('DEFAULT_HEARTBEAT_TIMEOUT_UNDEFINED')
  if (x.activityById.has(activityId)) return failed('ACTIVITY_ID_ALREADY_IN_USE')
  if (x.activities.size >= engine.quotas.openActivities) return failed('OPEN_ACTIVITIES_LIMIT_EXCEEDED')
  if (!engine.meter.takeTask(x.domain, taskList.name)) return failed('ACTIVITY_CREATION_RATE_EXCEEDED')
  const scheduled = record(batch, 'ActivityTaskScheduled', {
    activityType,
    activityId,
    input,
    control,
    scheduleToStartTimeout,
    scheduleToCloseTimeout,
    startToCloseTimeout,
    heartbeatTimeout,
    taskList,
    taskPriority: given.taskPriority ?? defaults.defaultTaskPriority,
    decisionTaskCompletedEventId,
  })
  if (scheduled) engine.offerActivity(x.activities.get(scheduled)!)
}

export const requestCancelActivityTask: Decide<'RequestCancelActivityTask'> = (batch, given) => {
  const { engine, x, decisionTaskCompletedEventId } = batch
  const { activityId } = given
  const activity = x.activityById.get(activityId)
  if (!activity) return fail(batch, 'RequestCancelActivityTask', given, 'ACTIVITY_ID_UNKNOWN')
  const latestCancelRequestedEventId = record(batch, 'ActivityTaskCancelRequested', {
    decisionTaskCompletedEventId,
    activityId,
  })
  if (activity.startedEventId > 0 || !x.open) return
  const { scheduledEventId } = activity
  engine.drop(activity)
  record(batch, 'ActivityTaskCanceled', { scheduledEventId, startedEventId: 0, latestCancelRequestedEventId })
  batch.wake = true
}
