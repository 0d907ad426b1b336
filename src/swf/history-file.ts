// A history in a file: JSON with the ids of its run, which no event carries, and its type.

import { beginningOf } from '../cut.js'
import { HISTORY_EVENTS, type MemberKind } from './event-table.js'
import { attributesMember, type HistoryEvent, type TypeName, type WorkflowExecution } from './history-event.js'

/** A history and whose it is. In JSON, timestamps are ISO 8601; reading also takes seconds since 1970, as SWF and the AWS CLI write them. */
export interface HistoryFile {
  readonly execution: WorkflowExecution
  readonly workflowType: TypeName
  readonly events: readonly HistoryEvent[]
}

/** The text is no history. `code` is `HISTORY_INVALID`; the message says what is wrong. */
export class HistoryInvalid extends Error {
  override readonly name = 'HistoryInvalid'
  readonly code = 'HISTORY_INVALID'
}

/** Returns a history as text: one event a line, so that two histories can be compared line by line. */
export function writeHistoryFile({ execution, workflowType, events }: HistoryFile): string {
  const lines = events.map(event => `    ${JSON.stringify(event)}`)
  return `{
  "execution": ${JSON.stringify(execution)},
  "workflowType": ${JSON.stringify(workflowType)},
  "events": [
${lines.join(',\n')}
  ]
}
`
}

/**
 * Reads a history: a text or what JSON.parse made of it. The output of `aws swf get-workflow-execution-history` has no ids:
 * give `execution` with it. A decision task, as PollForDecisionTask answers with it, is taken as well, and events that begin with
 * the newest. Throws HistoryInvalid unless the events are whole, known and numbered from 1.
 */
export function readHistoryFile(json: unknown, execution?: WorkflowExecution): HistoryFile {
  const file = (typeof json === 'string' ? parse(json) : json) as GivenFile | null
  const run = file?.execution ?? file?.workflowExecution ?? execution
  if (typeof run?.workflowId !== 'string' || typeof run.runId !== 'string') {
    throw new HistoryInvalid('The history has no execution { workflowId, runId }')
  }
  if (!Array.isArray(file?.events) || file.events.length === 0) throw new HistoryInvalid('The history has no events')
  if (file.nextPageToken || file.NextToken) {
    throw new HistoryInvalid('The history is a page that others follow: put the events of all pages into one list')
  }
  const given = isNewestFirst(file.events) ? file.events.toReversed() : file.events
  const events = given.map((event, index) => readEvent(event, index + 1))
  const [first] = events
  if (first!.eventType !== 'WorkflowExecutionStarted') {
    throw new HistoryInvalid(`Event 1 is ${first!.eventType}, not WorkflowExecutionStarted`)
  }
  const { workflowType } = first!.workflowExecutionStartedEventAttributes
  return { execution: { workflowId: run.workflowId, runId: run.runId }, workflowType, events }
}

/** What can be read: our own file, what the AWS CLI prints, a decision task. */
interface GivenFile {
  execution?: Partial<WorkflowExecution>
  workflowExecution?: Partial<WorkflowExecution>
  events?: unknown
  nextPageToken?: unknown
  NextToken?: unknown
}

function isNewestFirst(events: readonly unknown[]): boolean {
  const [first, last] = [events[0], events.at(-1)] as ({ eventId?: number } | null)[]
  return Number(first?.eventId) > Number(last?.eventId)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new HistoryInvalid(`The history is not JSON: ${(error as Error).message}`)
  }
}

function readEvent(value: unknown, id: number): HistoryEvent {
  const { eventType, eventId, eventTimestamp, ...rest } = (value ?? {}) as Record<string, unknown>
  if (eventId !== id)
    throw new HistoryInvalid(`Event ${id} is missing: there is ${JSON.stringify(eventId) ?? 'nothing'}`)
  if (typeof eventType !== 'string' || !Object.hasOwn(HISTORY_EVENTS, eventType)) {
    throw new HistoryInvalid(`Event ${id} has the unknown type ${JSON.stringify(eventType)}`)
  }
  const at =
    eventTimestamp instanceof Date
      ? eventTimestamp
      : new Date(typeof eventTimestamp === 'number' ? Math.round(eventTimestamp * 1_000) : String(eventTimestamp))
  if (Number.isNaN(at.getTime())) throw new HistoryInvalid(`Event ${id} has no timestamp`)
  const type = eventType as HistoryEvent['eventType']
  const member = attributesMember(type)
  const attributes = rest[member]
  if (typeof attributes !== 'object' || attributes === null) throw new HistoryInvalid(`Event ${id} has no ${member}`)
  const given = Object.fromEntries(Object.entries(attributes).filter(([, held]) => held !== null))
  for (const [name, kind] of Object.entries<MemberKind>(HISTORY_EVENTS[type])) {
    const held: unknown = given[name]
    if (held === undefined) {
      if (!('optional' in kind)) throw new HistoryInvalid(`Event ${id} has no ${name}`)
    } else if (!IS[kind.kind](held) || !(NUMERIC[name]?.test(held as string) ?? true)) {
      throw new HistoryInvalid(`Event ${id} has a ${name} that can not be: ${beginningOf(JSON.stringify(held), 100)}`)
    }
  }
  return { eventType: type, eventId: id, eventTimestamp: at, [member]: given } as unknown as HistoryEvent
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isId = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0
const hasTexts =
  (...names: string[]) =>
  (value: unknown) =>
    typeof value === 'object' && value !== null && names.every(name => isText((value as Record<string, unknown>)[name]))

/** Whether a value is what a member of a kind holds. */
const IS: { readonly [K in MemberKind['kind']]: (value: unknown) => boolean } = {
  payload: isText,
  text: isText,
  enum: isText,
  duration: value => isText(value) && /^(?:NONE|\d{1,8})$/.test(value),
  taskList: hasTexts('name'),
  workflowType: hasTexts('name', 'version'),
  activityType: hasTexts('name', 'version'),
  workflowExecution: hasTexts('workflowId', 'runId'),
  // SWF has been seen to send a null among them.
  tagList: value => Array.isArray(value) && value.every(tag => tag === null || isText(tag)),
  event: isId,
  otherEvent: isId,
}

/** Members whose texts must be numbers, by name. */
const NUMERIC: { readonly [name: string]: RegExp } = {
  taskPriority: /^[+-]?\d{1,10}$/,
  startToFireTimeout: /^\d{1,8}$/,
}
