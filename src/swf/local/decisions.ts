// The 13 decisions of RespondDecisionTaskCompleted.
//
// DE1. A batch is atomic: DecisionTaskCompleted and the events of its decisions stand together, in the order of the
//      decisions, with one timestamp; what they cause elsewhere (children, signals, cancels) follows after the batch.
// DE2. A decision that cannot be done is an event with a cause, never a fault; however many fail, one decision task
//      follows, after the batch.
// DE3. An execution does not close while another decision task is scheduled: UNHANDLED_DECISION.

import type { EventType } from '../history-event.js'
import type { Engine } from './engine.js'
import type { Execution, Given } from './execution.js'
import { validation } from './fault.js'
import type { Decision, DecisionType, Input } from './model.js'
import { UNDEFINED_CAUSE, runAttributes } from './run-options.js'

/** The most open activities, and timers, and children, and lambda functions, of one execution. */
const MAX_OPEN = 1_000

const CLOSING: ReadonlySet<DecisionType> = new Set<DecisionType>([
  'CompleteWorkflowExecution',
  'FailWorkflowExecution',
  'CancelWorkflowExecution',
  'ContinueAsNewWorkflowExecution',
])

/** One batch of decisions being applied. */
interface Batch {
  readonly engine: Engine
  readonly x: Execution
  readonly at: number
  readonly decisionTaskCompletedEventId: number
  /** What follows after the batch. */
  readonly after: (() => void)[]
  /** Set when an event of the batch needs the decider. */
  wake: boolean
}

/** Refuses a list in which a closing decision is not the last. */
export function checkOrder(decisions: readonly Decision[]): void {
  for (let i = 0; i < decisions.length - 1; i++) {
    if (CLOSING.has(decisions[i]!.type)) throw validation('Close must be last decision in list')
  }
}

/** Completes the started decision task of an execution with these decisions, which have been checked. */
export function respondDecisionTaskCompleted(
  engine: Engine,
  x: Execution,
  input: Omit<Input<'RespondDecisionTaskCompleted'>, 'taskToken'>,
): void {
  const at = engine.now()
  const { scheduledEventId, startedEventId } = x.started!
  const { executionContext, taskList, taskListScheduleToStartTimeout } = input
  engine.drop(x.started!)
  const decisionTaskCompletedEventId = engine.record(
    x,
    'DecisionTaskCompleted',
    { executionContext, scheduledEventId, startedEventId, taskList, taskListScheduleToStartTimeout },
    at,
  )
  const batch: Batch = { engine, x, at, decisionTaskCompletedEventId, after: [], wake: false }
  for (const { type, attributes } of input.decisions ?? []) {
    if (!x.open) break
    const decide = DECIDE[type] as (batch: Batch, attributes: Decision['attributes']) => void
    decide(batch, attributes)
  }
  engine.offerDecision(x)
  if (batch.wake) engine.wake(x, at)
  for (const next of batch.after) next()
}

function record<T extends EventType>({ engine, x, at }: Batch, type: T, attributes: Given<T>): number {
  return engine.record(x, type, attributes, at)
}

/** Records that a decision could not be done. */
function fail<T extends EventType>(batch: Batch, type: T, attributes: Given<T>): void {
  record(batch, type, attributes)
  batch.wake = true
}

type Decide = { [T in DecisionType]: (batch: Batch, attributes: Extract<Decision, { type: T }>['attributes']) => void }

const DECIDE: Decide = {
  ScheduleActivityTask(batch, given) {
    const { engine, x, decisionTaskCompletedEventId } = batch
    const { activityType, activityId, input, control } = given
    const failed = (cause: Given<'ScheduleActivityTaskFailed'>['cause']) =>
      fail(batch, 'ScheduleActivityTaskFailed', { activityType, activityId, cause, decisionTaskCompletedEventId })
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
    if (x.activities.size >= MAX_OPEN) return failed('OPEN_ACTIVITIES_LIMIT_EXCEEDED')
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
  },

  RequestCancelActivityTask(batch, { activityId }) {
    const { engine, x, decisionTaskCompletedEventId } = batch
    const activity = x.activityById.get(activityId)
    if (!activity) {
      const cause = 'ACTIVITY_ID_UNKNOWN'
      return fail(batch, 'RequestCancelActivityTaskFailed', { activityId, cause, decisionTaskCompletedEventId })
    }
    const latestCancelRequestedEventId = record(batch, 'ActivityTaskCancelRequested', {
      decisionTaskCompletedEventId,
      activityId,
    })
    if (activity.startedEventId > 0 || !x.open) return
    const { scheduledEventId } = activity
    engine.drop(activity)
    record(batch, 'ActivityTaskCanceled', { scheduledEventId, startedEventId: 0, latestCancelRequestedEventId })
    batch.wake = true
  },

  CompleteWorkflowExecution(batch, { result }) {
    const { engine, x, at, decisionTaskCompletedEventId } = batch
    if (x.scheduled) {
      const cause = 'UNHANDLED_DECISION'
      return fail(batch, 'CompleteWorkflowExecutionFailed', { cause, decisionTaskCompletedEventId })
    }
    engine.close(x, 'WorkflowExecutionCompleted', { result, decisionTaskCompletedEventId }, at)
  },

  FailWorkflowExecution(batch, { reason, details }) {
    const { engine, x, at, decisionTaskCompletedEventId } = batch
    if (x.scheduled) {
      const cause = 'UNHANDLED_DECISION'
      return fail(batch, 'FailWorkflowExecutionFailed', { cause, decisionTaskCompletedEventId })
    }
    engine.close(x, 'WorkflowExecutionFailed', { reason, details, decisionTaskCompletedEventId }, at)
  },

  CancelWorkflowExecution(batch, { details }) {
    const { engine, x, at, decisionTaskCompletedEventId } = batch
    if (x.scheduled) {
      const cause = 'UNHANDLED_DECISION'
      return fail(batch, 'CancelWorkflowExecutionFailed', { cause, decisionTaskCompletedEventId })
    }
    engine.close(x, 'WorkflowExecutionCanceled', { details, decisionTaskCompletedEventId }, at)
  },

  ContinueAsNewWorkflowExecution(batch, given) {
    const { engine, x, at, decisionTaskCompletedEventId } = batch
    const failed = (cause: Given<'ContinueAsNewWorkflowExecutionFailed'>['cause']) =>
      fail(batch, 'ContinueAsNewWorkflowExecutionFailed', { cause, decisionTaskCompletedEventId })
    if (x.scheduled) return failed('UNHANDLED_DECISION')
    const domain = engine.domainOf(x)
    const version = given.workflowTypeVersion ?? x.workflowType.version
    const type = domain.findType('WorkflowType', { name: x.workflowType.name, version })
    if (!type) return failed('WORKFLOW_TYPE_DOES_NOT_EXIST')
    if (type.status === 'DEPRECATED') return failed('WORKFLOW_TYPE_DEPRECATED')
    const attributes = runAttributes(given, type)
    if (typeof attributes === 'string') return failed(UNDEFINED_CAUSE[attributes])
    engine.continueAsNew(x, attributes, decisionTaskCompletedEventId, at)
  },

  RecordMarker(batch, { markerName, details }) {
    const { decisionTaskCompletedEventId } = batch
    record(batch, 'MarkerRecorded', { markerName, details, decisionTaskCompletedEventId })
  },

  StartTimer(batch, { timerId, control, startToFireTimeout }) {
    const { engine, x, decisionTaskCompletedEventId } = batch
    const failed = (cause: Given<'StartTimerFailed'>['cause']) =>
      fail(batch, 'StartTimerFailed', { timerId, cause, decisionTaskCompletedEventId })
    if (x.timers.has(timerId)) return failed('TIMER_ID_ALREADY_IN_USE')
    if (x.timers.size >= MAX_OPEN) return failed('OPEN_TIMERS_LIMIT_EXCEEDED')
    record(batch, 'TimerStarted', { timerId, control, startToFireTimeout, decisionTaskCompletedEventId })
    const timer = x.timers.get(timerId)
    if (x.open && timer) engine.timers.set(timer, timer.firesAt)
  },

  CancelTimer(batch, { timerId }) {
    const { engine, x, decisionTaskCompletedEventId } = batch
    const timer = x.timers.get(timerId)
    if (!timer) {
      const cause = 'TIMER_ID_UNKNOWN'
      return fail(batch, 'CancelTimerFailed', { timerId, cause, decisionTaskCompletedEventId })
    }
    engine.timers.cancel(timer)
    const { startedEventId } = timer
    record(batch, 'TimerCanceled', { timerId, startedEventId, decisionTaskCompletedEventId })
  },

  SignalExternalWorkflowExecution(batch, { workflowId, runId, signalName, input, control }) {
    const { engine, x, at, after, decisionTaskCompletedEventId } = batch
    const initiatedEventId = record(batch, 'SignalExternalWorkflowExecutionInitiated', {
      workflowId,
      runId,
      signalName,
      input,
      decisionTaskCompletedEventId,
      control,
    })
    if (!initiatedEventId) return
    after.push(() => {
      const target = engine.findOpen(x.domain, workflowId, runId)
      if (target) {
        engine.signal(target, { signalName, input, ...external(x, initiatedEventId) }, at)
        const workflowExecution = { workflowId, runId: target.runId }
        engine.record(x, 'ExternalWorkflowExecutionSignaled', { workflowExecution, initiatedEventId }, at)
      } else {
        engine.record(
          x,
          'SignalExternalWorkflowExecutionFailed',
          {
            workflowId,
            runId,
            cause: 'UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION',
            initiatedEventId,
            decisionTaskCompletedEventId,
            control,
          },
          at,
        )
      }
      engine.wake(x, at)
    })
  },

  RequestCancelExternalWorkflowExecution(batch, { workflowId, runId, control }) {
    const { engine, x, at, after, decisionTaskCompletedEventId } = batch
    const initiatedEventId = record(batch, 'RequestCancelExternalWorkflowExecutionInitiated', {
      workflowId,
      runId,
      decisionTaskCompletedEventId,
      control,
    })
    if (!initiatedEventId) return
    after.push(() => {
      const target = engine.findOpen(x.domain, workflowId, runId)
      if (target) {
        engine.requestCancel(target, external(x, initiatedEventId), at)
        const workflowExecution = { workflowId, runId: target.runId }
        engine.record(x, 'ExternalWorkflowExecutionCancelRequested', { workflowExecution, initiatedEventId }, at)
      } else {
        engine.record(
          x,
          'RequestCancelExternalWorkflowExecutionFailed',
          {
            workflowId,
            runId,
            cause: 'UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION',
            initiatedEventId,
            decisionTaskCompletedEventId,
            control,
          },
          at,
        )
      }
      engine.wake(x, at)
    })
  },

  StartChildWorkflowExecution(batch, given) {
    const { engine, x, at, after, decisionTaskCompletedEventId } = batch
    const { workflowType, workflowId, control } = given
    const refusal = (cause: Given<'StartChildWorkflowExecutionFailed'>['cause'], initiatedEventId: number) => ({
      workflowType,
      cause,
      workflowId,
      initiatedEventId,
      decisionTaskCompletedEventId,
      control,
    })
    const failed = (cause: Given<'StartChildWorkflowExecutionFailed'>['cause']) =>
      fail(batch, 'StartChildWorkflowExecutionFailed', refusal(cause, 0))
    const domain = engine.domainOf(x)
    const type = domain.findType('WorkflowType', workflowType)
    if (!type) return failed('WORKFLOW_TYPE_DOES_NOT_EXIST')
    if (type.status === 'DEPRECATED') return failed('WORKFLOW_TYPE_DEPRECATED')
    const attributes = runAttributes(given, type)
    if (typeof attributes === 'string') return failed(UNDEFINED_CAUSE[attributes])
    if (x.children.size >= MAX_OPEN) return failed('OPEN_CHILDREN_LIMIT_EXCEEDED')
    const initiatedEventId = record(batch, 'StartChildWorkflowExecutionInitiated', {
      ...attributes,
      workflowId,
      control,
      decisionTaskCompletedEventId,
    })
    if (!initiatedEventId) return
    after.push(() => {
      if (domain.open.has(workflowId)) {
        const failure = refusal('WORKFLOW_ALREADY_RUNNING', initiatedEventId)
        engine.record(x, 'StartChildWorkflowExecutionFailed', failure, at)
      } else {
        const parent = { workflowId: x.workflowId, runId: x.runId, initiatedEventId }
        const { runId } = engine.start(domain, workflowId, attributes, at, { parent })
        const workflowExecution = { workflowId, runId }
        engine.record(x, 'ChildWorkflowExecutionStarted', { workflowExecution, workflowType, initiatedEventId }, at)
      }
      engine.wake(x, at)
    })
  },

  // A local SWF has no IAM, so no role can be assumed.
  ScheduleLambdaFunction(batch, { id, name, control, input, startToCloseTimeout }) {
    const { engine, x, at, after, decisionTaskCompletedEventId } = batch
    const scheduledEventId = record(batch, 'LambdaFunctionScheduled', {
      id,
      name,
      control,
      input,
      startToCloseTimeout,
      decisionTaskCompletedEventId,
    })
    if (!scheduledEventId) return
    after.push(() => {
      const message = `The lambda role ${x.lambdaRole ? `${x.lambdaRole} can not be assumed` : 'is not set'}`
      engine.record(x, 'StartLambdaFunctionFailed', { scheduledEventId, cause: 'ASSUME_ROLE_FAILED', message }, at)
      engine.wake(x, at)
    })
  },
}

const external = (x: Execution, externalInitiatedEventId: number) => ({
  externalWorkflowExecution: { workflowId: x.workflowId, runId: x.runId },
  externalInitiatedEventId,
})
