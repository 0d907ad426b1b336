// The 54 events as GraphQL types, made from the table in swf/event-table.ts.
//
// H1. One field name has one type and one nullability in all 54, so that any fragments can be combined. So every member
//     is nullable, and the 16 enums of causes are one enum, as are those of timeouts.
// H2. An id of an event of the same history is a field that leads to it: `scheduledEventId` is `scheduledEvent`.

import { Field, ID, Int, InterfaceType, ObjectType, registerEnumType } from 'type-graphql'
import { timeoutMilliseconds } from '../swf/duration.js'
import { EVENT_ENUMS, type EventEnum } from '../swf/event-enum.js'
import { HISTORY_EVENTS, type MemberKind } from '../swf/event-table.js'
import * as Swf from '../swf/history-event.js'
import { described, enumOf } from './enum.js'
import { Failure, failureOf } from './failure.type.js'
import {
  CAUSE_DESCRIPTIONS,
  EVENT_DESCRIPTIONS,
  MEMBER_DESCRIPTIONS,
  TIMEOUT_DESCRIPTIONS,
} from './history.description.js'
import { Node, encodeNodeId } from './node.type.js'
import { PageInfo } from './page.type.js'
import { Payload, payloadOf } from './payload.type.js'
import { DateTime, Duration } from './scalar.js'
import { ActivityType, WorkflowType } from './workflow-type.type.js'

const EVENT_TYPES = Object.keys(HISTORY_EVENTS) as Swf.EventType[]

export const HistoryEventType = enumOf(EVENT_TYPES)
registerEnumType(HistoryEventType, {
  name: 'HistoryEventType',
  description: "SWF's 54 types of events.",
  valuesConfig: described(EVENT_DESCRIPTIONS),
})

const unionOf = (suffix: RegExp) =>
  enumOf(
    new Set<string>(
      (Object.keys(EVENT_ENUMS) as EventEnum[])
        .filter(name => suffix.test(name))
        .flatMap(name => [...EVENT_ENUMS[name]]),
    ),
  )

const Cause = unionOf(/Cause$/)
registerEnumType(Cause, {
  name: 'Cause',
  description: "Why SWF refused something, or brought it about: the union of SWF's 16 enums of causes.",
  valuesConfig: described(CAUSE_DESCRIPTIONS),
})

const TimeoutType = unionOf(/TimeoutType$/)
registerEnumType(TimeoutType, {
  name: 'TimeoutType',
  description: 'Which timeout ran out.',
  valuesConfig: described(TIMEOUT_DESCRIPTIONS),
})

export const ChildPolicy = enumOf(EVENT_ENUMS.ChildPolicy)
registerEnumType(ChildPolicy, {
  name: 'ChildPolicy',
  description: 'What becomes of open children when their parent is terminated or times out.',
  valuesConfig: {
    TERMINATE: { description: 'They are terminated.' },
    REQUEST_CANCEL: { description: 'They are asked to cancel themselves.' },
    ABANDON: { description: 'They go on.' },
  },
})

@ObjectType({ description: 'Another execution that an event speaks of.', simpleResolvers: true })
export class WorkflowExecution {
  /** Not a field: where `execution` looks for it. */
  domain!: string

  @Field(() => String, { description: 'Its workflowId.' })
  workflowId!: string

  @Field(() => String, { description: 'Its runId.' })
  runId!: string
}

@InterfaceType({
  description: 'An event of an execution. What happened is told by the fields of its own type.',
  implements: Node,
  resolveType: (event: { eventType: string }) => event.eventType,
})
export abstract class HistoryEvent {
  @Field(() => ID, { description: 'Opaque, and the same for ever.' })
  id!: string

  @Field(() => Int, { description: 'Its number in the history, from 1.' })
  eventId!: number

  @Field(() => HistoryEventType, { description: 'Its type, which is also the name of its GraphQL type.' })
  eventType!: Swf.EventType

  @Field(() => DateTime, { description: 'When it happened, by the clock of SWF.' })
  timestamp!: Date
}

/** A history as far as it has been read: event n stands at index n - 1. */
export interface Run {
  domain: string
  workflowId: string
  runId: string
  events: readonly Swf.HistoryEvent[]
}

/** What a resolver hands to graphql-js for an event; the members are getters of a class of each type. */
abstract class EventSource implements HistoryEvent {
  readonly #event: Swf.HistoryEvent
  readonly #run: Run
  constructor(event: Swf.HistoryEvent, run: Run) {
    this.#event = event
    this.#run = run
  }
  get __typename(): string {
    return this.#event.eventType
  }
  get id(): string {
    const { domain, workflowId, runId } = this.#run
    return encodeNodeId({ type: 'HistoryEvent', domain, workflowId, runId, eventId: this.eventId })
  }
  get eventId(): number {
    return this.#event.eventId
  }
  get eventType(): Swf.EventType {
    return this.#event.eventType
  }
  get timestamp(): Date {
    return this.#event.eventTimestamp
  }
  /** Returns a member of the event as its field shows it. */
  read(read: Read, member: string): unknown {
    const value = Swf.attributesOf(this.#event)[member]
    return value === undefined ? undefined : read(value as never, this.#run)
  }
  get failure(): Failure {
    const { reason, details } = Swf.attributesOf(this.#event) as { reason?: string; details?: string }
    const code = this.eventType.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()
    return failureOf(code, reason, details)
  }
}

type Read = (value: never, run: Run) => unknown

interface MemberField {
  name: string
  type: () => object
  list?: true
  read: Read
}

/** Returns the field that shows a member of an event. */
function fieldOf(member: string, { kind }: MemberKind): MemberField {
  const is = (type: () => object, read: Read = value => value): MemberField => ({ name: member, type, read })
  switch (kind) {
    case 'text':
      if (member === 'taskPriority')
        return is(
          () => Int,
          (text: string) => Number(text),
        )
      // `id` is the node's own.
      return member === 'id' ? { ...is(() => String), name: 'lambdaId' } : is(() => String)
    case 'payload':
      return is(() => Payload, payloadOf)
    case 'duration':
      return is(() => Duration, timeoutMilliseconds)
    case 'taskList':
      return is(
        () => String,
        (taskList: Swf.TaskList) => taskList.name,
      )
    case 'workflowType':
      return is(() => WorkflowType)
    case 'activityType':
      return is(() => ActivityType)
    case 'workflowExecution':
      return is(
        () => WorkflowExecution,
        (execution: Swf.WorkflowExecution, { domain }) =>
          Object.assign(new WorkflowExecution(), { domain, ...execution }),
      )
    case 'tagList':
      return {
        name: member,
        list: true,
        type: () => String,
        read: (tags: (string | null)[]) => tags.filter(tag => tag !== null),
      }
    case 'enum':
      return is(() => (member === 'cause' ? Cause : member === 'timeoutType' ? TimeoutType : ChildPolicy))
    case 'event':
      return {
        name: member.replace(/Id$/, ''),
        type: () => HistoryEvent,
        read: (eventId: number, run) => eventOf(run, eventId),
      }
    case 'otherEvent':
      return is(
        () => Int,
        (eventId: number) => eventId || undefined,
      )
  }
}

const SOURCES = new Map<Swf.EventType, new (event: Swf.HistoryEvent, run: Run) => EventSource>()

for (const type of EVENT_TYPES) {
  const Source = class extends EventSource {}
  const declare = (name: string, returns: () => object, get?: (this: EventSource) => unknown) => {
    if (get) Object.defineProperty(Source.prototype, name, { get })
    const description = MEMBER_DESCRIPTIONS[name] ?? name
    Field(returns as () => never, { nullable: true, description })(Source.prototype, name)
  }
  const members = Object.entries(HISTORY_EVENTS[type] as Record<string, MemberKind>)
  for (const [member, kind] of members) {
    const { name, type: returns, list, read } = fieldOf(member, kind)
    declare(name, list ? () => [returns()] : returns, function () {
      return this.read(read, member)
    })
  }
  if (type.endsWith('Failed') && members.some(([member]) => member === 'details')) declare('failure', () => Failure)
  ObjectType(type, { description: EVENT_DESCRIPTIONS[type], implements: [HistoryEvent, Node], simpleResolvers: true })(
    Source,
  )
  SOURCES.set(type, Source)
}

/** Returns an event of a run for graphql-js; undefined for a number that the run does not have. */
export function eventOf(run: Run, eventId: number): HistoryEvent | undefined {
  const event = run.events[eventId - 1]
  return event && new (SOURCES.get(event.eventType)!)(event, run)
}

@ObjectType({ description: 'An event and its cursor.', simpleResolvers: true })
export class HistoryEdge {
  @Field(() => String, { description: 'The number of the event.' })
  cursor!: string

  @Field(() => HistoryEvent, { description: 'The event.' })
  node!: HistoryEvent
}

@ObjectType({ description: 'A page of a history, in the order of the events.', simpleResolvers: true })
export class HistoryConnection {
  @Field(() => [HistoryEdge], { description: 'The events with their cursors.' })
  edges!: HistoryEdge[]

  @Field(() => [HistoryEvent], { description: 'The events.' })
  nodes!: HistoryEvent[]

  @Field(() => PageInfo, { description: 'Where this page stands.' })
  pageInfo!: PageInfo
}
