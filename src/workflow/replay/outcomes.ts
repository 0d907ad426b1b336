// Outcomes: events that end, or refuse, what a run has asked for.

import { decodeFailure } from '../../swf/failure.js'
import type { EventOf, HistoryEvent } from '../../swf/history-event.js'
import { decodePayload } from '../../swf/payload.js'
import {
  ActivityTaskCanceled,
  ActivityTaskFailed,
  ActivityTaskTimedOut,
  ScheduleActivityTaskFailed,
} from '../errors.js'
import {
  ChildWorkflowExecutionCanceled,
  ChildWorkflowExecutionFailed,
  ChildWorkflowExecutionTerminated,
  ChildWorkflowExecutionTimedOut,
  StartChildWorkflowExecutionFailed,
} from '../external-errors.js'
import { ActivityOperation } from './activity-tasks.js'
import { askAgain } from './ask-again.js'
import { ChildOperation } from './children.js'
import { isMoreTimer, type Commands } from './commands.js'
import { ExternalOperation } from './external.js'
import { TRY_AGAIN } from './limits.js'
import { isParkTimer } from './park.js'
import { Stuck } from './stuck.js'
import { TimerOperation } from './timers.js'

/**
 * Gives an event to the operation whose outcome it is; true when author code may have been woken. `parkedAt` is the last task
 * that was parked: what SWF refused before that is asked for again.
 */
export function settle(commands: Commands, event: HistoryEvent, parkedAt: number): boolean {
  switch (event.eventType) {
    case 'ActivityTaskCompleted': {
      const { scheduledEventId, result } = event.activityTaskCompletedEventAttributes
      return activity(commands, scheduledEventId, operation => operation.resolve(result))
    }
    case 'ActivityTaskFailed': {
      const { scheduledEventId, reason, details } = event.activityTaskFailedEventAttributes
      const failure = decodeFailure('ACTIVITY_TASK_FAILED', reason, details)
      return activity(commands, scheduledEventId, operation =>
        operation.reject(new ActivityTaskFailed(operation.facts, { ...failure, reason: reason ?? failure.reason })),
      )
    }
    case 'ActivityTaskTimedOut': {
      const { scheduledEventId, timeoutType, details } = event.activityTaskTimedOutEventAttributes
      const lastHeartbeat = decodePayload(details).value
      return activity(commands, scheduledEventId, operation =>
        operation.reject(new ActivityTaskTimedOut(operation.facts, timeoutType, lastHeartbeat)),
      )
    }
    case 'ActivityTaskCanceled': {
      const { scheduledEventId, details } = event.activityTaskCanceledEventAttributes
      return activity(commands, scheduledEventId, operation =>
        operation.reject(new ActivityTaskCanceled(operation.facts, decodePayload(details).value)),
      )
    }
    case 'ScheduleActivityTaskFailed': {
      const { cause } = event.scheduleActivityTaskFailedEventAttributes
      if (TRY_AGAIN.test(cause)) return again(commands, cause, event.eventId)
      return activity(commands, event.eventId, operation =>
        operation.reject(new ScheduleActivityTaskFailed(operation.facts, cause)),
      )
    }

    case 'TimerFired': {
      const operation = commands.take(event.timerFiredEventAttributes.startedEventId)
      if (!(operation instanceof TimerOperation) || operation.settled) return false
      operation.resolve()
      return true
    }
    case 'StartTimerFailed': {
      const { cause, timerId } = event.startTimerFailedEventAttributes
      if (isParkTimer(timerId) || isMoreTimer(timerId)) return false
      if (TRY_AGAIN.test(cause) || parkedAt > event.eventId) return again(commands, cause, event.eventId)
      throw new Stuck(`SWF refused timer ${timerId}: ${cause}`, event.eventId)
    }
    case 'RecordMarkerFailed': {
      const { cause, markerName } = event.recordMarkerFailedEventAttributes
      throw new Stuck(`SWF refused marker ${markerName}: ${cause}`, event.eventId)
    }

    case 'ChildWorkflowExecutionStarted': {
      const { initiatedEventId, workflowExecution } = event.childWorkflowExecutionStartedEventAttributes
      const operation = commands.at(initiatedEventId)
      if (!(operation instanceof ChildOperation)) return false
      operation.startedAs(workflowExecution.runId)
      return true
    }
    case 'StartChildWorkflowExecutionFailed': {
      const { initiatedEventId, cause } = event.startChildWorkflowExecutionFailedEventAttributes
      const began = initiatedEventId || event.eventId
      if (TRY_AGAIN.test(cause)) return again(commands, cause, began, event.eventId)
      return child(commands, began, operation =>
        operation.fail(new StartChildWorkflowExecutionFailed(operation.facts, cause)),
      )
    }
    case 'ChildWorkflowExecutionCompleted': {
      const { initiatedEventId, result } = event.childWorkflowExecutionCompletedEventAttributes
      return child(commands, initiatedEventId, operation => operation.resolve(result))
    }
    case 'ChildWorkflowExecutionFailed': {
      const { initiatedEventId, reason, details } = event.childWorkflowExecutionFailedEventAttributes
      const failure = decodeFailure('WORKFLOW_EXECUTION_FAILED', reason, details)
      return child(commands, initiatedEventId, operation =>
        operation.reject(
          new ChildWorkflowExecutionFailed(operation.facts, { ...failure, reason: reason ?? failure.reason }),
        ),
      )
    }
    case 'ChildWorkflowExecutionTimedOut': {
      const { initiatedEventId, timeoutType } = event.childWorkflowExecutionTimedOutEventAttributes
      return child(commands, initiatedEventId, operation =>
        operation.reject(new ChildWorkflowExecutionTimedOut(operation.facts, timeoutType)),
      )
    }
    case 'ChildWorkflowExecutionCanceled': {
      const { initiatedEventId, details } = event.childWorkflowExecutionCanceledEventAttributes
      return child(commands, initiatedEventId, operation =>
        operation.reject(new ChildWorkflowExecutionCanceled(operation.facts, decodePayload(details).value)),
      )
    }
    case 'ChildWorkflowExecutionTerminated': {
      const { initiatedEventId } = event.childWorkflowExecutionTerminatedEventAttributes
      return child(commands, initiatedEventId, operation =>
        operation.reject(new ChildWorkflowExecutionTerminated(operation.facts)),
      )
    }

    case 'ExternalWorkflowExecutionSignaled':
      return external(commands, event.externalWorkflowExecutionSignaledEventAttributes.initiatedEventId)
    case 'ExternalWorkflowExecutionCancelRequested':
      return external(commands, event.externalWorkflowExecutionCancelRequestedEventAttributes.initiatedEventId)
    case 'SignalExternalWorkflowExecutionFailed':
      return externalFailed(commands, event, event.signalExternalWorkflowExecutionFailedEventAttributes)
    case 'RequestCancelExternalWorkflowExecutionFailed':
      return externalFailed(commands, event, event.requestCancelExternalWorkflowExecutionFailedEventAttributes)

    default:
      return false
  }
}

function activity(commands: Commands, began: number, end: (operation: ActivityOperation) => void): boolean {
  const operation = commands.take(began)
  if (!(operation instanceof ActivityOperation)) return false
  end(operation)
  return true
}

function child(commands: Commands, began: number, end: (operation: ChildOperation) => void): boolean {
  const operation = commands.take(began)
  if (!(operation instanceof ChildOperation)) return false
  end(operation)
  return true
}

function external(commands: Commands, began: number): boolean {
  const operation = commands.take(began)
  if (!(operation instanceof ExternalOperation)) return false
  operation.resolve()
  return true
}

function externalFailed(
  commands: Commands,
  { eventId }: EventOf<'SignalExternalWorkflowExecutionFailed' | 'RequestCancelExternalWorkflowExecutionFailed'>,
  { initiatedEventId, cause }: { initiatedEventId: number; cause: string },
): boolean {
  const began = initiatedEventId || eventId
  if (TRY_AGAIN.test(cause)) return again(commands, cause, began, eventId)
  const operation = commands.take(began)
  if (!(operation instanceof ExternalOperation)) return false
  operation.reject(operation.failure(cause))
  return true
}

function again(commands: Commands, cause: string, began: number, refusedBy = began): false {
  const operation = commands.take(began)
  if (operation) askAgain(commands, operation, refusedBy, cause)
  return false
}
