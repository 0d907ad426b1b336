// What a handler gets that leaves its task open.

import { momentOf } from '../../clock.js'
import { activityToken } from '../../queues/open-task.js'
import type { TaskRecord } from '../../queues/task-record.js'
import { milliseconds, type Duration } from '../../swf/duration.js'
import { OpenActivity } from '../definitions.js'

/** Where and when a task is left open. */
export interface Leaving {
  domain: string
  taskList: string
  /** Moments of one clock, and what they are for people. */
  deadline: number | undefined
  now: number
  dateAt: (moment: number) => Date
}

/** Returns the token of a task, and until when it stays open. Throws a RangeError for what is no duration. */
export function leaveOpen(
  task: Pick<TaskRecord, 'workflowExecution' | 'activityId' | 'startedEventId' | 'taskToken'>,
  { domain, taskList, deadline = Infinity, now, dateAt }: Leaving,
  time?: Duration,
): OpenActivity {
  const until = Math.min(deadline, time === undefined ? Infinity : now + milliseconds(time))
  const activity = new OpenActivity(
    activityToken(domain, taskList, task),
    until === Infinity ? undefined : dateAt(until),
  )
  moments.set(activity, until)
  return activity
}

const moments = new WeakMap<OpenActivity, number>()

/** Returns until when an activity stays open, a moment of the clock by which it was left so; undefined: with its execution. */
export function openUntil(activity: OpenActivity): number | undefined {
  const until = moments.get(activity) ?? (activity.until ? momentOf(activity.until) : Infinity)
  return until === Infinity ? undefined : until
}
