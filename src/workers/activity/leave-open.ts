// What a handler gets that leaves its task open.

import { activityToken } from '../../queues/open-task.js'
import type { TaskRecord } from '../../queues/task-record.js'
import { milliseconds, type Duration } from '../../swf/duration.js'
import { OpenActivity } from '../definitions.js'

/** Where and when a task is left open. Times are milliseconds since 1970. */
export interface Leaving {
  domain: string
  taskList: string
  deadline: number | undefined
  now: number
}

/** Returns the token of a task, and until when it stays open. Throws a RangeError for what is no duration. */
export function leaveOpen(
  task: Pick<TaskRecord, 'workflowExecution' | 'activityId' | 'startedEventId' | 'taskToken'>,
  { domain, taskList, deadline = Infinity, now }: Leaving,
  time?: Duration,
): OpenActivity {
  const until = Math.min(deadline, time === undefined ? Infinity : now + milliseconds(time))
  return new OpenActivity(activityToken(domain, taskList, task), until === Infinity ? undefined : new Date(until))
}
