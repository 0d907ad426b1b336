// An open workflow execution: its history, and the state that its history adds up to.
//
// E1. State changes only in `apply`, from one event. An execution read back from its history equals the one that was live.
//     (Apart from heartbeats, of which SWF keeps no event: the store keeps the last one of each open activity.)
// E2. At most one decision task is scheduled and one is started.
// E3. After the close event nothing is applied.

import type { Attributes, CloseStatus, EventType, TypeName } from '../history-event.js'
import { CLOSE_STATUS, attributesMember } from '../history-event.js'
import type { ListedTask, TaskList } from './task-list.js'
import type { Timed } from './timers.js'

/** An event's attributes as the engine gives them: absent members may be there as undefined. */
export type Given<T extends EventType> = {
  [M in keyof Attributes<T>]: Attributes<T>[M] | (object extends Pick<Attributes<T>, M> ? undefined : never)
}

abstract class Waiting implements Timed {
  at = 0
  slot = -1
  order = 0
}

abstract class Task<T> extends Waiting implements ListedTask<T> {
  list: TaskList<never> | undefined = undefined
  before: T | undefined = undefined
  after: T | undefined = undefined
  startedEventId = 0
  startedAt = 0
  constructor(
    readonly execution: Execution,
    readonly scheduledEventId: number,
    readonly scheduledAt: number,
    readonly taskList: string,
    readonly taskPriority: number,
  ) {
    super()
  }
}

/** The longest that an execution is open, in milliseconds: a year, whatever its timeout says. */
const LONGEST = 31_536_000_000

const limit = (from: number, timeout: string | undefined) =>
  timeout === undefined || timeout === 'NONE' ? Infinity : from + Number(timeout) * 1_000

export class DecisionTask extends Task<DecisionTask> {
  readonly kind = 'decision'
  /** When it could first be given to a poller: while another is started, it can not. */
  availableAt = 0
  startToClose: string | undefined
  scheduleToStart: string | undefined

  get deadline(): number {
    return this.startedEventId > 0
      ? limit(this.startedAt, this.startToClose)
      : limit(this.availableAt, this.scheduleToStart)
  }
}

export class ActivityTask extends Task<ActivityTask> {
  readonly kind = 'activity'
  activityId = ''
  activityType: TypeName = { name: '', version: '' }
  input: string | undefined
  scheduleToStart: string | undefined
  scheduleToClose: string | undefined
  startToClose: string | undefined
  heartbeat: string | undefined
  heartbeatAt = 0
  heartbeatDetails: string | undefined
  cancelRequestedEventId = 0

  /** The earliest of its deadlines, and the timeout that it is. */
  get deadline(): { at: number; type: Attributes<'ActivityTaskTimedOut'>['timeoutType'] } {
    let at = limit(this.scheduledAt, this.scheduleToClose)
    let type: Attributes<'ActivityTaskTimedOut'>['timeoutType'] = 'SCHEDULE_TO_CLOSE'
    const consider = (other: number, otherType: typeof type) => {
      if (other <= at) [at, type] = [other, otherType]
    }
    if (this.startedEventId > 0) {
      consider(limit(this.heartbeatAt, this.heartbeat), 'HEARTBEAT')
      consider(limit(this.startedAt, this.startToClose), 'START_TO_CLOSE')
    } else consider(limit(this.scheduledAt, this.scheduleToStart), 'SCHEDULE_TO_START')
    return { at, type }
  }
}

export class Timer extends Waiting {
  readonly kind = 'timer'
  constructor(
    readonly execution: Execution,
    readonly timerId: string,
    readonly startedEventId: number,
    readonly firesAt: number,
  ) {
    super()
  }
}

/** A Lambda function that was scheduled and has not closed. */
export class LambdaFunction extends Waiting {
  readonly kind = 'lambda'
  startedEventId = 0
  startedAt = 0
  constructor(
    readonly execution: Execution,
    readonly scheduledEventId: number,
    readonly id: string,
    readonly name: string,
    readonly input: string | undefined,
    readonly startToClose: string | undefined,
  ) {
    super()
  }

  get deadline(): number {
    return this.startedEventId > 0 ? limit(this.startedAt, this.startToClose) : Infinity
  }
}

export interface Child {
  readonly workflowId: string
  readonly workflowType: TypeName
  readonly initiatedEventId: number
  startedEventId: number
}

// Most executions have no timers and no children: those share one map that stays empty.
const EMPTY = new Map<never, never>()
const empty = <K, V>() => EMPTY as unknown as Map<K, V>
function put<K, V>(map: Map<K, V>, key: K, value: V): Map<K, V> {
  return ((map as unknown) === EMPTY ? new Map<K, V>() : map).set(key, value)
}

export class Execution extends Waiting {
  readonly kind = 'execution'
  startedAt = 0
  closedAt = 0
  closeStatus: CloseStatus | undefined
  workflowType: TypeName = { name: '', version: '' }
  taskList = ''
  taskPriority: string | undefined
  taskStartToClose: string | undefined
  executionStartToClose: string | undefined
  childPolicy: Attributes<'WorkflowExecutionStarted'>['childPolicy'] = 'TERMINATE'
  lambdaRole: string | undefined
  tagList: readonly string[] | undefined
  parent: { readonly workflowId: string; readonly runId: string; readonly initiatedEventId: number } | undefined
  /** The texts of the events, in order: the event with id N is `events[N - 1]`. */
  readonly events: string[] = []
  scheduled: DecisionTask | undefined
  started: DecisionTask | undefined
  /** The task list that a decider asked for ("sticky"), and how long a task may wait on it. */
  override: { readonly taskList: string; readonly scheduleToStart: string | undefined } | undefined
  /** DecisionTaskStarted of the last decision task that completed; 0 before that. */
  previousStartedEventId = 0
  activities = empty<number, ActivityTask>()
  activityById = empty<string, ActivityTask>()
  timers = empty<string, Timer>()
  children = empty<number, Child>()
  lambdas = empty<number, LambdaFunction>()
  lambdaById = empty<string, LambdaFunction>()
  cancelRequested = false
  latestActivityTaskAt = 0
  latestExecutionContext: string | undefined

  constructor(
    /** The number of this execution in this server; grows with the time of start. */
    readonly serial: number,
    readonly domain: string,
    readonly workflowId: string,
    readonly runId: string,
  ) {
    super()
  }

  get open(): boolean {
    return this.closeStatus === undefined
  }

  get lastEventId(): number {
    return this.events.length
  }

  get deadline(): number {
    return Math.min(limit(this.startedAt, this.executionStartToClose), this.startedAt + LONGEST)
  }

  /** Takes an event's text and changes the state by it. */
  apply<T extends EventType>(type: T, attributes: Given<T>, at: number, text: string): number {
    const eventId = this.events.push(text)
    const fold = FOLD[type] as ((x: Execution, a: Given<T>, eventId: number, at: number) => void) | undefined
    fold?.(this, attributes, eventId, at)
    const closeStatus = (CLOSE_STATUS as Partial<Record<EventType, CloseStatus>>)[type]
    if (closeStatus) {
      this.closeStatus = closeStatus
      this.closedAt = at
    }
    return eventId
  }

  closeActivity(scheduledEventId: number): void {
    const activity = this.activities.get(scheduledEventId)
    if (!activity) return
    this.activities.delete(scheduledEventId)
    this.activityById.delete(activity.activityId)
  }

  closeLambda(scheduledEventId: number): void {
    const lambda = this.lambdas.get(scheduledEventId)
    if (!lambda) return
    this.lambdas.delete(scheduledEventId)
    this.lambdaById.delete(lambda.id)
  }

  /** Reads an execution's next event back from its text. */
  restore(text: string): void {
    const event = JSON.parse(text) as { eventTimestamp: number; eventType: EventType; eventId: number }
    if (event.eventId !== this.events.length + 1) {
      throw new Error(
        `run ${this.runId} of ${this.workflowId}: event ${this.events.length + 1} is missing from its history`,
      )
    }
    const attributes = (event as unknown as Record<string, unknown>)[attributesMember(event.eventType)]
    this.apply(event.eventType, attributes as never, Math.round(event.eventTimestamp * 1_000), text)
  }
}

/** Returns the text of an event as SWF sends it. */
export function eventText<T extends EventType>(type: T, eventId: number, at: number, attributes: Given<T>): string {
  // One stringify makes one flat text: half the memory, and half the time to send, of a text that is put together.
  return JSON.stringify({
    eventTimestamp: at / 1_000,
    eventType: type,
    eventId,
    [attributesMember(type)]: attributes,
  })
}

const TIMESTAMP = '{"eventTimestamp":'.length
/** Returns the time of an event from its text, in milliseconds since 1970. */
export const timeOf = (text: string): number => Math.round(parseFloat(text.slice(TIMESTAMP, TIMESTAMP + 20)) * 1_000)

type Fold = { [T in EventType]?: (x: Execution, a: Given<T>, eventId: number, at: number) => void }

const closesActivity = (x: Execution, a: { scheduledEventId: number }) => x.closeActivity(a.scheduledEventId)
const closesTimer = (x: Execution, a: { timerId: string }) => void x.timers.delete(a.timerId)
const closesChild = (x: Execution, a: { initiatedEventId: number }) => void x.children.delete(a.initiatedEventId)
const closesLambda = (x: Execution, a: { scheduledEventId?: number | undefined }) =>
  x.closeLambda(a.scheduledEventId ?? 0)
const taskPriority = (text: string | undefined) => (text === undefined ? 0 : Number(text))

const FOLD = {
  WorkflowExecutionStarted(x, a, _id, at) {
    x.startedAt = at
    x.workflowType = a.workflowType
    x.taskList = a.taskList.name
    x.taskPriority = a.taskPriority
    x.taskStartToClose = a.taskStartToCloseTimeout
    x.executionStartToClose = a.executionStartToCloseTimeout
    x.childPolicy = a.childPolicy
    x.lambdaRole = a.lambdaRole
    x.tagList = a.tagList
    if (a.parentWorkflowExecution) {
      x.parent = { ...a.parentWorkflowExecution, initiatedEventId: a.parentInitiatedEventId ?? 0 }
    }
  },
  WorkflowExecutionCancelRequested(x) {
    x.cancelRequested = true
  },
  DecisionTaskScheduled(x, a, id, at) {
    x.scheduled = new DecisionTask(x, id, at, a.taskList.name, taskPriority(a.taskPriority))
    x.scheduled.availableAt = at
    x.scheduled.startToClose = a.startToCloseTimeout
    x.scheduled.scheduleToStart = a.scheduleToStartTimeout
  },
  DecisionTaskStarted(x, _a, id, at) {
    x.started = x.scheduled!
    x.scheduled = undefined
    x.started.startedEventId = id
    x.started.startedAt = at
  },
  DecisionTaskCompleted(x, a, _id, at) {
    x.previousStartedEventId = a.startedEventId
    x.started = undefined
    if (x.scheduled) x.scheduled.availableAt = at
    if (a.executionContext !== undefined) x.latestExecutionContext = a.executionContext
    if (a.taskList) x.override = { taskList: a.taskList.name, scheduleToStart: a.taskListScheduleToStartTimeout }
  },
  DecisionTaskTimedOut(x, a, _id, at) {
    const { taskList } = (a.startedEventId === 0 ? x.scheduled : x.started)!
    if (a.startedEventId === 0) x.scheduled = undefined
    else x.started = undefined
    if (x.scheduled) x.scheduled.availableAt = at
    // An override without a timeout is permanent.
    if (x.override?.scheduleToStart !== undefined && x.override.taskList === taskList) x.override = undefined
  },
  ActivityTaskScheduled(x, a, id, at) {
    const activity = new ActivityTask(x, id, at, a.taskList.name, taskPriority(a.taskPriority))
    activity.activityId = a.activityId
    activity.activityType = a.activityType
    activity.input = a.input
    activity.scheduleToStart = a.scheduleToStartTimeout
    activity.scheduleToClose = a.scheduleToCloseTimeout
    activity.startToClose = a.startToCloseTimeout
    activity.heartbeat = a.heartbeatTimeout
    x.activities = put(x.activities, id, activity)
    x.activityById = put(x.activityById, activity.activityId, activity)
    x.latestActivityTaskAt = at
  },
  ActivityTaskStarted(x, a, id, at) {
    const activity = x.activities.get(a.scheduledEventId)!
    activity.startedEventId = id
    activity.startedAt = activity.heartbeatAt = at
    activity.input = undefined
  },
  ActivityTaskCancelRequested(x, a, id) {
    x.activityById.get(a.activityId)!.cancelRequestedEventId = id
  },
  ActivityTaskCompleted: closesActivity,
  ActivityTaskFailed: closesActivity,
  ActivityTaskTimedOut: closesActivity,
  ActivityTaskCanceled: closesActivity,
  TimerStarted(x, a, id, at) {
    const firesAt = at + Number(a.startToFireTimeout) * 1_000
    x.timers = put(x.timers, a.timerId, new Timer(x, a.timerId, id, firesAt))
  },
  TimerFired: closesTimer,
  TimerCanceled: closesTimer,
  StartChildWorkflowExecutionInitiated(x, a, id) {
    const { workflowId, workflowType } = a
    x.children = put(x.children, id, { workflowId, workflowType, initiatedEventId: id, startedEventId: 0 })
  },
  StartChildWorkflowExecutionFailed: closesChild,
  ChildWorkflowExecutionStarted(x, a, id) {
    x.children.get(a.initiatedEventId)!.startedEventId = id
  },
  ChildWorkflowExecutionCompleted: closesChild,
  ChildWorkflowExecutionFailed: closesChild,
  ChildWorkflowExecutionCanceled: closesChild,
  ChildWorkflowExecutionTimedOut: closesChild,
  ChildWorkflowExecutionTerminated: closesChild,
  LambdaFunctionScheduled(x, a, id) {
    const lambda = new LambdaFunction(x, id, a.id, a.name, a.input, a.startToCloseTimeout)
    x.lambdas = put(x.lambdas, id, lambda)
    x.lambdaById = put(x.lambdaById, a.id, lambda)
  },
  LambdaFunctionStarted(x, a, id, at) {
    const lambda = x.lambdas.get(a.scheduledEventId)!
    lambda.startedEventId = id
    lambda.startedAt = at
  },
  StartLambdaFunctionFailed: closesLambda,
  LambdaFunctionCompleted: closesLambda,
  LambdaFunctionFailed: closesLambda,
  LambdaFunctionTimedOut: closesLambda,
} satisfies Fold as Fold
