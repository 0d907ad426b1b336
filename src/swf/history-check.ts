// The rules that every history of SWF keeps. What is imported is held to them, and so is every history of a test.

import { CLOSE_STATUS, HISTORY_EVENTS, attributesMember } from './history-event.js'
import type { EventType, MemberKind } from './history-event.js'

/** An event as the SDK or the wire gives it. */
export interface CheckedEvent {
  eventId?: number | undefined
  eventType?: string | undefined
  eventTimestamp?: Date | number | undefined
}

/** These name an event that may be absent: 0 says that there is none. */
const MAY_BE_ZERO = new Set([
  'ActivityTaskTimedOut.startedEventId',
  'ActivityTaskCanceled.startedEventId',
  'DecisionTaskTimedOut.startedEventId',
  'StartChildWorkflowExecutionFailed.initiatedEventId',
  'SignalExternalWorkflowExecutionFailed.initiatedEventId',
  'RequestCancelExternalWorkflowExecutionFailed.initiatedEventId',
])

/**
 * Returns what is wrong with a whole history, oldest event first; nothing when it is right:
 * ids contiguous from 1, timestamps that never go back, required members present, every referenced event there, earlier and
 * of the right type, at most one decision task scheduled and one started, nothing closed twice, nothing after the close event.
 */
export function checkHistory(events: readonly CheckedEvent[]): string[] {
  const violations: string[] = []
  const types: string[] = []
  const closed = new Set<number>()
  let scheduled: number | undefined
  let started: number | undefined
  let closedBy: string | undefined
  let last = 0
  if (events[0]?.eventType !== 'WorkflowExecutionStarted')
    violations.push('the first event is not WorkflowExecutionStarted')
  for (const [index, event] of events.entries()) {
    const id = index + 1
    const type = event.eventType as EventType
    const wrong = (what: string) => violations.push(`event ${id} ${type}: ${what}`)
    if (event.eventId !== id) wrong(`its id is ${event.eventId}`)
    if (closedBy) wrong(`comes after ${closedBy}`)
    if (type in CLOSE_STATUS) closedBy = type
    const at = Number(event.eventTimestamp)
    if (!(at >= last)) wrong(`its timestamp ${at} is before ${last}`)
    last = at
    types.push(type)

    const members = HISTORY_EVENTS[type] as Record<string, MemberKind & { optional?: true }> | undefined
    if (!members) {
      wrong('is no type of event')
      continue
    }
    const attributes = (event as Record<string, unknown>)[attributesMember(type)] as Record<string, unknown> | undefined
    if (!attributes) {
      wrong('has no attributes')
      continue
    }
    for (const name of Object.keys(attributes)) if (!(name in members)) wrong(`has an unknown member ${name}`)
    for (const [name, member] of Object.entries(members)) {
      const value = attributes[name]
      if (value === undefined || value === null) {
        if (!member.optional) wrong(`lacks ${name}`)
        continue
      }
      if (member.kind !== 'event') continue
      const referenced = value as number
      if (referenced === 0 && MAY_BE_ZERO.has(`${type}.${name}`)) continue
      if (!(referenced >= 1 && referenced < id)) wrong(`${name} ${referenced} is not an earlier event`)
      else if (types[referenced - 1] !== member.type) {
        wrong(`${name} ${referenced} is ${types[referenced - 1]}, not ${member.type}`)
      }
    }

    const idOf = (name: string) => Number(attributes[name])
    if (type === 'DecisionTaskScheduled') {
      if (scheduled !== undefined) wrong(`while ${scheduled} is scheduled`)
      scheduled = id
    } else if (type === 'DecisionTaskStarted') {
      if (started !== undefined) wrong(`while ${started} is started`)
      if (idOf('scheduledEventId') !== scheduled) wrong('is not of the scheduled decision task')
      scheduled = undefined
      started = id
    } else if (type === 'DecisionTaskCompleted') {
      if (idOf('startedEventId') !== started) wrong('is not of the started decision task')
      started = undefined
    } else if (type === 'DecisionTaskTimedOut') {
      if (idOf('startedEventId') === 0) {
        if (idOf('scheduledEventId') !== scheduled) wrong('is not of the scheduled decision task')
        scheduled = undefined
      } else {
        if (idOf('startedEventId') !== started) wrong('is not of the started decision task')
        started = undefined
      }
    }
    const opened = OPENED_BY[type]
    if (opened) {
      const open = idOf(opened)
      if (open > 0 && closed.has(open)) wrong(`closes ${open} a second time`)
      closed.add(open)
    }
  }
  return violations
}

/** The events that close something other than the execution, and the member that names what they close. */
const OPENED_BY: Partial<Record<string, string>> = {
  ActivityTaskCompleted: 'scheduledEventId',
  ActivityTaskFailed: 'scheduledEventId',
  ActivityTaskTimedOut: 'scheduledEventId',
  ActivityTaskCanceled: 'scheduledEventId',
  TimerFired: 'startedEventId',
  TimerCanceled: 'startedEventId',
  ChildWorkflowExecutionCompleted: 'initiatedEventId',
  ChildWorkflowExecutionFailed: 'initiatedEventId',
  ChildWorkflowExecutionCanceled: 'initiatedEventId',
  ChildWorkflowExecutionTimedOut: 'initiatedEventId',
  ChildWorkflowExecutionTerminated: 'initiatedEventId',
  StartLambdaFunctionFailed: 'scheduledEventId',
  LambdaFunctionCompleted: 'scheduledEventId',
  LambdaFunctionFailed: 'scheduledEventId',
  LambdaFunctionTimedOut: 'scheduledEventId',
  ExternalWorkflowExecutionSignaled: 'initiatedEventId',
  SignalExternalWorkflowExecutionFailed: 'initiatedEventId',
  ExternalWorkflowExecutionCancelRequested: 'initiatedEventId',
  RequestCancelExternalWorkflowExecutionFailed: 'initiatedEventId',
}
