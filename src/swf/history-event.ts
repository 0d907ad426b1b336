// History events as SWF sends them, typed after the table, and what closes an execution.

import type { EVENT_ENUMS, EventEnum } from './event-enum.js'
import { HISTORY_EVENTS } from './event-table.js'

export type EventType = keyof typeof HISTORY_EVENTS

export interface WorkflowExecution {
  workflowId: string
  runId: string
}
export interface TypeName {
  name: string
  version: string
}
export interface TaskList {
  name: string
}

type Held<K> = K extends { kind: 'enum'; name: infer N extends EventEnum }
  ? (typeof EVENT_ENUMS)[N][number]
  : K extends { kind: 'event' | 'otherEvent' }
    ? number
    : K extends { kind: 'taskList' }
      ? TaskList
      : K extends { kind: 'workflowType' | 'activityType' }
        ? TypeName
        : K extends { kind: 'workflowExecution' }
          ? WorkflowExecution
          : K extends { kind: 'tagList' }
            ? string[]
            : string

/** The attributes of one type of event. */
export type Attributes<T extends EventType> = {
  [M in keyof (typeof HISTORY_EVENTS)[T] as (typeof HISTORY_EVENTS)[T][M] extends { optional: true } ? never : M]: Held<
    (typeof HISTORY_EVENTS)[T][M]
  >
} & {
  [
    M in keyof (typeof HISTORY_EVENTS)[T] as (typeof HISTORY_EVENTS)[T][M] extends { optional: true } ? M : never
  ]?: Held<(typeof HISTORY_EVENTS)[T][M]>
}

/** The member that holds an event's attributes, in SWF's spelling: `timerFiredEventAttributes`. */
export type AttributesMember<T extends EventType> = `${Uncapitalize<T>}EventAttributes`

/** One event of type `T`, as SWF sends it; its timestamp is a Date. */
export type EventOf<T extends EventType> = {
  [E in T]: { eventType: E; eventId: number; eventTimestamp: Date } & { [M in AttributesMember<E>]: Attributes<E> }
}[T]

/** Any event; `switch (event.eventType)` narrows it. */
export type HistoryEvent = EventOf<EventType>

const ATTRIBUTES_MEMBER = Object.fromEntries(
  Object.keys(HISTORY_EVENTS).map(type => [type, `${type[0]!.toLowerCase()}${type.slice(1)}EventAttributes`]),
) as { [T in EventType]: AttributesMember<T> }

/** Returns the name of the member that holds the attributes of events of this type. */
export function attributesMember<T extends EventType>(type: T): AttributesMember<T> {
  return ATTRIBUTES_MEMBER[type]
}

/** Returns an event's attributes, whatever its type; narrow the event first where their type matters. */
export function attributesOf(event: HistoryEvent): Record<string, unknown> {
  return (event as unknown as Record<string, Record<string, unknown>>)[ATTRIBUTES_MEMBER[event.eventType]] ?? {}
}

/** The close events, and the status that each gives to its execution. */
export const CLOSE_STATUS = {
  WorkflowExecutionCompleted: 'COMPLETED',
  WorkflowExecutionFailed: 'FAILED',
  WorkflowExecutionCanceled: 'CANCELED',
  WorkflowExecutionTerminated: 'TERMINATED',
  WorkflowExecutionContinuedAsNew: 'CONTINUED_AS_NEW',
  WorkflowExecutionTimedOut: 'TIMED_OUT',
} as const satisfies Partial<Record<EventType, string>>

export type CloseEventType = keyof typeof CLOSE_STATUS
export type CloseStatus = (typeof CLOSE_STATUS)[CloseEventType]

/** Tells whether an event closes its execution. */
export function isCloseEvent(event: HistoryEvent): event is EventOf<CloseEventType> {
  return event.eventType in CLOSE_STATUS
}
