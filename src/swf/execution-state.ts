// The state of an execution, folded from its history.
//
// S1. The state after event n is a function of events 1 to n and of nothing else.
// S2. `open` holds what has been asked for and has not ended; a closed execution has nothing open (SWF drops what was).

import { timeoutMilliseconds } from './duration.js'
import {
  CLOSE_STATUS,
  type CloseStatus,
  type EventOf,
  type HistoryEvent,
  type TypeName,
  type WorkflowExecution,
} from './history-event.js'

export interface OpenActivity {
  scheduledEventId: number
  activityId: string
  activityType: TypeName
  taskList: string
  scheduledAt: Date
  input?: string
  control?: string
  /** Absent while it waits for a worker. */
  startedEventId?: number
  startedAt?: Date
  identity?: string
  cancelRequested: boolean
}

export interface OpenTimer {
  startedEventId: number
  timerId: string
  startedAt: Date
  firesAt: Date
  control?: string
}

export interface OpenChild {
  initiatedEventId: number
  workflowId: string
  workflowType: TypeName
  initiatedAt: Date
  /** Absent until SWF has started it. */
  runId?: string
  startedAt?: Date
}

export interface OpenLambda {
  scheduledEventId: number
  id: string
  name: string
  scheduledAt: Date
  startedAt?: Date
}

/** At most one decision task is scheduled and at most one is started; both at once is possible. */
export interface OpenDecisionTask {
  scheduled?: { eventId: number; at: Date; taskList: string }
  started?: { eventId: number; at: Date; scheduledEventId: number; identity?: string }
}

export interface ExecutionState {
  workflowType: TypeName
  input?: string
  tagList: string[]
  taskList: string
  taskPriority?: string
  childPolicy?: string
  lambdaRole?: string
  /** SWF's texts: whole seconds, or NONE. */
  executionStartToCloseTimeout?: string
  taskStartToCloseTimeout?: string
  startTimestamp: Date
  closeTimestamp?: Date
  closeStatus?: CloseStatus
  cancelRequested: boolean
  /** The last one that a decider gave. */
  executionContext?: string
  /** Of a completed execution. */
  result?: string
  /** Of the close event: a failure's reason, a termination's reason or cause, the type of a timeout. */
  reason?: string
  /** Of the close event of a failed, canceled or terminated execution. */
  details?: string
  parent?: WorkflowExecution
  /** The run that continued as this one. */
  continuedExecutionRunId?: string
  /** The run that this one continued as. */
  newExecutionRunId?: string
  lastEventId: number
  open: {
    activities: Map<number, OpenActivity>
    timers: Map<number, OpenTimer>
    children: Map<number, OpenChild>
    lambdas: Map<number, OpenLambda>
    decisionTask?: OpenDecisionTask
  }
  /** How many there have been, open and ended. */
  counts: { decisionTasks: number; activityTasks: number; activityTasksNotCompleted: number; signals: number }
}

/** Returns the state of an execution of which no event is known. */
export function initialState(): ExecutionState {
  return {
    workflowType: { name: '', version: '' },
    tagList: [],
    taskList: '',
    startTimestamp: new Date(0),
    cancelRequested: false,
    lastEventId: 0,
    open: { activities: new Map(), timers: new Map(), children: new Map(), lambdas: new Map() },
    counts: { decisionTasks: 0, activityTasks: 0, activityTasksNotCompleted: 0, signals: 0 },
  }
}

/** Returns the state that a history leads to. */
export function fold(events: Iterable<HistoryEvent>): ExecutionState {
  const state = initialState()
  for (const event of events) applyEvent(state, event)
  return state
}

/** Changes a state by the event that follows its last one. */
export function applyEvent(state: ExecutionState, event: HistoryEvent): void {
  const { open, counts } = state
  const at = event.eventTimestamp
  state.lastEventId = event.eventId
  switch (event.eventType) {
    case 'WorkflowExecutionStarted':
      return started(state, event)

    case 'WorkflowExecutionCompleted':
      assign(state, { result: event.workflowExecutionCompletedEventAttributes.result })
      return close(state, event)
    case 'WorkflowExecutionFailed': {
      const { reason, details } = event.workflowExecutionFailedEventAttributes
      assign(state, { reason, details })
      return close(state, event)
    }
    case 'WorkflowExecutionCanceled':
      assign(state, { details: event.workflowExecutionCanceledEventAttributes.details })
      return close(state, event)
    case 'WorkflowExecutionTerminated': {
      const { reason, details, cause } = event.workflowExecutionTerminatedEventAttributes
      assign(state, { reason: reason ?? cause, details })
      return close(state, event)
    }
    case 'WorkflowExecutionTimedOut':
      assign(state, { reason: event.workflowExecutionTimedOutEventAttributes.timeoutType })
      return close(state, event)
    case 'WorkflowExecutionContinuedAsNew':
      state.newExecutionRunId = event.workflowExecutionContinuedAsNewEventAttributes.newExecutionRunId
      return close(state, event)

    case 'WorkflowExecutionCancelRequested':
      state.cancelRequested = true
      return
    case 'WorkflowExecutionSignaled':
      counts.signals++
      return

    case 'DecisionTaskScheduled': {
      const taskList = event.decisionTaskScheduledEventAttributes.taskList.name
      open.decisionTask = { ...open.decisionTask, scheduled: { eventId: event.eventId, at, taskList } }
      return
    }
    case 'DecisionTaskStarted': {
      const { scheduledEventId, identity } = event.decisionTaskStartedEventAttributes
      const started = { eventId: event.eventId, at, scheduledEventId, ...(identity !== undefined && { identity }) }
      open.decisionTask = { started }
      counts.decisionTasks++
      return
    }
    case 'DecisionTaskCompleted':
      assign(state, { executionContext: event.decisionTaskCompletedEventAttributes.executionContext })
      return decisionTaskEnded(state, event.decisionTaskCompletedEventAttributes.scheduledEventId)
    case 'DecisionTaskTimedOut':
      return decisionTaskEnded(state, event.decisionTaskTimedOutEventAttributes.scheduledEventId)

    case 'ActivityTaskScheduled': {
      const { activityId, activityType, taskList, input, control } = event.activityTaskScheduledEventAttributes
      const activity = { scheduledEventId: event.eventId, activityId, activityType, taskList: taskList.name }
      open.activities.set(
        event.eventId,
        assign({ ...activity, scheduledAt: at, cancelRequested: false }, { input, control }),
      )
      counts.activityTasks++
      return
    }
    case 'ActivityTaskStarted': {
      const { scheduledEventId, identity } = event.activityTaskStartedEventAttributes
      const activity = open.activities.get(scheduledEventId)
      if (activity) assign(activity, { startedEventId: event.eventId, startedAt: at, identity })
      return
    }
    case 'ActivityTaskCancelRequested': {
      const { activityId } = event.activityTaskCancelRequestedEventAttributes
      for (const activity of open.activities.values())
        if (activity.activityId === activityId) activity.cancelRequested = true
      return
    }
    case 'ActivityTaskCompleted':
      open.activities.delete(event.activityTaskCompletedEventAttributes.scheduledEventId)
      return
    case 'ActivityTaskFailed':
      open.activities.delete(event.activityTaskFailedEventAttributes.scheduledEventId)
      counts.activityTasksNotCompleted++
      return
    case 'ActivityTaskTimedOut':
      open.activities.delete(event.activityTaskTimedOutEventAttributes.scheduledEventId)
      counts.activityTasksNotCompleted++
      return
    case 'ActivityTaskCanceled':
      open.activities.delete(event.activityTaskCanceledEventAttributes.scheduledEventId)
      counts.activityTasksNotCompleted++
      return

    case 'TimerStarted': {
      const { timerId, startToFireTimeout, control } = event.timerStartedEventAttributes
      const firesAt = new Date(at.getTime() + (timeoutMilliseconds(startToFireTimeout) ?? 0))
      open.timers.set(
        event.eventId,
        assign({ startedEventId: event.eventId, timerId, startedAt: at, firesAt }, { control }),
      )
      return
    }
    case 'TimerFired':
      open.timers.delete(event.timerFiredEventAttributes.startedEventId)
      return
    case 'TimerCanceled':
      open.timers.delete(event.timerCanceledEventAttributes.startedEventId)
      return

    case 'StartChildWorkflowExecutionInitiated': {
      const { workflowId, workflowType } = event.startChildWorkflowExecutionInitiatedEventAttributes
      open.children.set(event.eventId, { initiatedEventId: event.eventId, workflowId, workflowType, initiatedAt: at })
      return
    }
    case 'ChildWorkflowExecutionStarted': {
      const { initiatedEventId, workflowExecution } = event.childWorkflowExecutionStartedEventAttributes
      const child = open.children.get(initiatedEventId)
      if (child) assign(child, { runId: workflowExecution.runId, startedAt: at })
      return
    }
    case 'StartChildWorkflowExecutionFailed':
      open.children.delete(event.startChildWorkflowExecutionFailedEventAttributes.initiatedEventId)
      return
    case 'ChildWorkflowExecutionCompleted':
      open.children.delete(event.childWorkflowExecutionCompletedEventAttributes.initiatedEventId)
      return
    case 'ChildWorkflowExecutionFailed':
      open.children.delete(event.childWorkflowExecutionFailedEventAttributes.initiatedEventId)
      return
    case 'ChildWorkflowExecutionTimedOut':
      open.children.delete(event.childWorkflowExecutionTimedOutEventAttributes.initiatedEventId)
      return
    case 'ChildWorkflowExecutionCanceled':
      open.children.delete(event.childWorkflowExecutionCanceledEventAttributes.initiatedEventId)
      return
    case 'ChildWorkflowExecutionTerminated':
      open.children.delete(event.childWorkflowExecutionTerminatedEventAttributes.initiatedEventId)
      return

    case 'LambdaFunctionScheduled': {
      const { id, name } = event.lambdaFunctionScheduledEventAttributes
      open.lambdas.set(event.eventId, { scheduledEventId: event.eventId, id, name, scheduledAt: at })
      return
    }
    case 'LambdaFunctionStarted': {
      const lambda = open.lambdas.get(event.lambdaFunctionStartedEventAttributes.scheduledEventId)
      if (lambda) lambda.startedAt = at
      return
    }
    case 'LambdaFunctionCompleted':
      open.lambdas.delete(event.lambdaFunctionCompletedEventAttributes.scheduledEventId)
      return
    case 'LambdaFunctionFailed':
      open.lambdas.delete(event.lambdaFunctionFailedEventAttributes.scheduledEventId)
      return
    case 'LambdaFunctionTimedOut':
      open.lambdas.delete(event.lambdaFunctionTimedOutEventAttributes.scheduledEventId)
      return
    case 'StartLambdaFunctionFailed':
      open.lambdas.delete(event.startLambdaFunctionFailedEventAttributes.scheduledEventId ?? 0)
      return
  }
}

function started(state: ExecutionState, event: EventOf<'WorkflowExecutionStarted'>): void {
  const attributes = event.workflowExecutionStartedEventAttributes
  state.workflowType = attributes.workflowType
  state.tagList = attributes.tagList ?? []
  state.taskList = attributes.taskList.name
  state.startTimestamp = event.eventTimestamp
  const { input, taskPriority, childPolicy, lambdaRole, continuedExecutionRunId } = attributes
  const { executionStartToCloseTimeout, taskStartToCloseTimeout, parentWorkflowExecution: parent } = attributes
  assign(state, { input, taskPriority, childPolicy, lambdaRole, continuedExecutionRunId, parent })
  assign(state, { executionStartToCloseTimeout, taskStartToCloseTimeout })
}

function close(state: ExecutionState, event: EventOf<keyof typeof CLOSE_STATUS>): void {
  state.closeStatus = CLOSE_STATUS[event.eventType]
  state.closeTimestamp = event.eventTimestamp
  const { activities, timers, children, lambdas } = state.open
  for (const operations of [activities, timers, children, lambdas]) operations.clear()
  delete state.open.decisionTask
}

function decisionTaskEnded(state: ExecutionState, scheduledEventId: number): void {
  const task = state.open.decisionTask
  if (task?.started?.scheduledEventId === scheduledEventId) delete task.started
  if (task?.scheduled?.eventId === scheduledEventId) delete task.scheduled
  if (!task?.started && !task?.scheduled) delete state.open.decisionTask
}

/** Sets those members that have a value. */
function assign<T extends object, M extends object>(target: T, members: M): T & Known<M> {
  for (const [name, value] of Object.entries(members))
    if (value !== undefined) (target as Record<string, unknown>)[name] = value
  return target as T & Known<M>
}

type Known<M> = { [K in keyof M]?: Exclude<M[K], undefined> }
