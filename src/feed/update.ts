// Updates: what subscribers see of a history.
//
// U1. Derivation is a function of the record at event m and of the events that follow it. Whoever derives gets the same,
//     so that writers who race differ in nothing but how far they have got.
// U2. One update a visible change (status, saga, state, a cancel request); its eventId is that of the event which changed it
//     (of DecisionTaskStarted for what `deriveState` tells), and grows from one update of a run to the next.
// U3. A saga's COMPLETED and FAILED are held until the closing event: a close may be refused although SWF took the decision.
// U4. An update holds no payloads. The workflow's own state is there as a digest, so that its change is an update.
// U5. The state that a decider was told is accepted (`deriveState`) is what its DecisionTaskCompleted will say: deriving that
//     event afterwards changes nothing.

import { createHash } from 'node:crypto'
import { beginningOf } from '../cut.js'
import { decodeExecutionContext, fitSaga, openSaga, type Saga, type Stuck } from '../swf/execution-context.js'
import {
  CLOSE_STATUS,
  isCloseEvent,
  type CloseStatus,
  type EventOf,
  type HistoryEvent,
  type TypeName,
  type WorkflowExecution,
} from '../swf/history-event.js'

/** What lists and subscriptions show of one run. Times are milliseconds since 1970. */
export interface ExecutionSummary {
  domain: string
  workflowId: string
  runId: string
  type: TypeName
  status: 'OPEN' | CloseStatus
  saga?: Saga
  /** Changes whenever the workflow's own state does; the state itself is in SWF. */
  stateDigest?: string
  stuck?: Stuck
  tags: string[]
  taskList: string
  startedAt: number
  closedAt?: number
  cancelRequested: boolean
  parent?: WorkflowExecution
  /** The run that continued as this one, and the run that this one continued as. */
  previousRunId?: string
  nextRunId?: string
  /** A failure's reason, a termination's reason or cause, a timeout's type. */
  failureReason?: string
  /** The last event that changed something here; 0 for a run of which no event has been read. */
  eventId: number
}

/** One visible change of one run. */
export interface ExecutionUpdate {
  /** Resumes a subscription after this update. */
  cursor: string
  eventId: number
  /** The eventId of the run's update before this one; 0 for its first. */
  previousEventId: number
  /** When it happened, in milliseconds since 1970. */
  at: number
  summary: ExecutionSummary
}

/** How far a run has been taken: the last event, and 1 when the state that followed that DecisionTaskStarted is in it too. */
export interface RunVersion {
  eventId: number
  n: 0 | 1
}

/** What the feed remembers of a run. */
export interface RunRecord {
  version: RunVersion
  /** The eventId of the run's last update; 0 when there is none. */
  updated: number
  summary: ExecutionSummary
  /** A saga that ended while the execution was open. */
  held?: Saga
}

/** What is to be appended: an update, or `stuck`, which is no event and has no place in the chain of updates. */
export interface Change {
  kind: 'changed' | 'stuck'
  eventId: number
  previousEventId: number
  at: number
  summary: ExecutionSummary
}

export interface Derived {
  record: RunRecord
  changes: Change[]
}

/** Of a summary longer than this, in characters of JSON, the saga leaves steps out. */
const MAX_SUMMARY = 2_048
const MAX_TEXT = 256

/**
 * Returns what events change. They follow the record's last event; without a record they begin with event 1.
 * The record given is left as it is.
 */
export function deriveUpdates(
  domain: string,
  execution: WorkflowExecution,
  record: RunRecord | undefined,
  events: readonly HistoryEvent[],
): Derived {
  const first = events[0]
  let current = record?.version.eventId ? record : undefined
  const changes: Change[] = []
  if (!current) {
    if (first?.eventId !== 1 || first.eventType !== 'WorkflowExecutionStarted')
      throw new Error(`the history of ${execution.workflowId}, run ${execution.runId} does not begin with event 1`)
    current = opened(domain, execution, first)
    changes.push(change('changed', current, first, 0))
    events = events.slice(1)
  }
  for (const event of events) {
    const next = { ...current, version: { eventId: event.eventId, n: 0 as const } }
    current = advance(next, apply(current, event), event, changes)
  }
  return { record: current, changes }
}

/** Returns what an accepted decision's executionContext changes, before its DecisionTaskCompleted is known. */
export function deriveState(record: RunRecord, executionContext: string, at: number): Derived {
  const version = { eventId: record.version.eventId, n: 1 as const }
  const changes: Change[] = []
  const event = { eventId: version.eventId, eventTimestamp: new Date(at) }
  const next = advance({ ...record, version }, withContext(record, executionContext), event, changes)
  return { record: next, changes }
}

type Visible = Pick<RunRecord, 'summary' | 'held'>

function advance(
  record: RunRecord,
  { summary, held }: Visible,
  event: Pick<HistoryEvent, 'eventId' | 'eventTimestamp'>,
  changes: Change[],
): RunRecord {
  const { held: _held, ...rest } = record
  const next: RunRecord = { ...rest, ...(held && { held }) }
  if (summary === record.summary) return next
  next.summary = fit({ ...summary, eventId: event.eventId })
  const before = changes.length
  if (visible(record.summary) !== visible(next.summary)) {
    changes.push(change('changed', next, event, record.updated))
    next.updated = event.eventId
  }
  if (JSON.stringify(record.summary.stuck) !== JSON.stringify(next.summary.stuck))
    changes.push(change('stuck', next, event, record.updated))
  if (changes.length === before) next.summary = record.summary
  return next
}

function change(
  kind: Change['kind'],
  { summary }: RunRecord,
  { eventId, eventTimestamp }: Pick<HistoryEvent, 'eventId' | 'eventTimestamp'>,
  previousEventId: number,
): Change {
  return { kind, eventId, previousEventId, at: eventTimestamp.getTime(), summary }
}

function visible({ status, saga, stateDigest, cancelRequested }: ExecutionSummary): string {
  return JSON.stringify([status, saga, stateDigest, cancelRequested])
}

function opened(
  domain: string,
  { workflowId, runId }: WorkflowExecution,
  event: EventOf<'WorkflowExecutionStarted'>,
): RunRecord {
  const { workflowType, tagList, taskList, parentWorkflowExecution, continuedExecutionRunId } =
    event.workflowExecutionStartedEventAttributes
  const summary: ExecutionSummary = {
    domain,
    workflowId,
    runId,
    type: { name: workflowType.name, version: workflowType.version },
    status: 'OPEN',
    tags: tagList ?? [],
    taskList: taskList.name,
    startedAt: event.eventTimestamp.getTime(),
    cancelRequested: false,
    ...(parentWorkflowExecution && {
      parent: { workflowId: parentWorkflowExecution.workflowId, runId: parentWorkflowExecution.runId },
    }),
    ...(continuedExecutionRunId && { previousRunId: continuedExecutionRunId }),
    eventId: 1,
  }
  return { version: { eventId: 1, n: 0 }, updated: 1, summary }
}

/** Returns what an event leaves visible; the summary given is returned itself when the event changes nothing. */
function apply(record: RunRecord, event: HistoryEvent): Visible {
  if (isCloseEvent(event)) return closed(record, event)
  if (event.eventType === 'DecisionTaskCompleted') {
    const { executionContext } = event.decisionTaskCompletedEventAttributes
    return executionContext === undefined ? record : withContext(record, executionContext)
  }
  if (event.eventType === 'WorkflowExecutionCancelRequested')
    return { ...record, summary: { ...record.summary, cancelRequested: true } }
  return record
}

function withContext({ summary }: Visible, executionContext: string): Visible {
  const { saga: given, state, stuck } = decodeExecutionContext(executionContext)
  const { saga: shown, stateDigest: _state, stuck: _stuck, ...rest } = summary
  const saga = given && copySaga(given)
  const ended = saga?.state === 'COMPLETED' || saga?.state === 'FAILED'
  const visibleSaga = saga && ended ? stillOpen(saga, shown) : saga
  const next: ExecutionSummary = {
    ...rest,
    ...(visibleSaga && { saga: visibleSaga }),
    ...(state !== undefined && { stateDigest: digest(state) }),
    ...(stuck && { stuck: copyStuck(stuck) }),
  }
  return { summary: next, ...(ended && { held: saga }) }
}

/** Returns what a saga that ended shows until its execution closes: that it undid, where nobody has been told of that. */
function stillOpen(saga: Saga, shown: Saga | undefined): Saga | undefined {
  const open = openSaga(saga)
  const told = shown?.state !== 'RUNNING' && shown?.state !== 'RETRYING'
  return open.state === 'COMPENSATING' && shown && !told ? open : shown
}

function closed({ summary, held }: Visible, event: EventOf<keyof typeof CLOSE_STATUS>): Visible {
  const status = CLOSE_STATUS[event.eventType]
  const { stuck: _stuck, saga: shown, ...rest } = summary
  const saga = endedSaga(held, shown, status)
  const reason = failureReason(event)
  const next: ExecutionSummary = {
    ...rest,
    status,
    ...(saga && { saga }),
    closedAt: event.eventTimestamp.getTime(),
    ...(reason !== undefined && { failureReason: beginningOf(reason, MAX_TEXT) }),
    ...(event.eventType === 'WorkflowExecutionContinuedAsNew' && {
      nextRunId: event.workflowExecutionContinuedAsNewEventAttributes.newExecutionRunId,
    }),
  }
  return { summary: next }
}

function endedSaga(held: Saga | undefined, shown: Saga | undefined, status: CloseStatus): Saga | undefined {
  const saga = held ?? shown
  if (!saga || status === 'CONTINUED_AS_NEW') return saga
  if (status === 'TERMINATED' || status === 'TIMED_OUT') return { ...saga, state: 'FAILED' }
  return held ?? { ...saga, state: status === 'COMPLETED' ? 'COMPLETED' : 'FAILED' }
}

function failureReason(event: EventOf<keyof typeof CLOSE_STATUS>): string | undefined {
  switch (event.eventType) {
    case 'WorkflowExecutionFailed':
      return event.workflowExecutionFailedEventAttributes.reason
    case 'WorkflowExecutionTerminated': {
      const { reason, cause } = event.workflowExecutionTerminatedEventAttributes
      return reason ?? cause
    }
    case 'WorkflowExecutionTimedOut':
      return event.workflowExecutionTimedOutEventAttributes.timeoutType
    default:
      return undefined
  }
}

// Copies have their members in one order, so that equal values are equal as JSON.

function copySaga({ state, step, attempt, steps, omittedSteps }: Saga): Saga {
  const copy = (steps ?? []).map(({ name, state, attempts }) => ({ name, state, attempts }))
  return {
    state,
    ...(step !== undefined && { step }),
    attempt,
    steps: copy,
    ...(typeof omittedSteps === 'number' && { omittedSteps }),
  }
}

function copyStuck({ since, reason, eventId, location }: Stuck): Stuck {
  return {
    since,
    reason: beginningOf(reason, MAX_TEXT),
    ...(eventId !== undefined && { eventId }),
    ...(location !== undefined && { location: beginningOf(location, MAX_TEXT) }),
  }
}

function digest(state: unknown): string {
  return createHash('sha1').update(JSON.stringify(state)).digest('base64url').slice(0, 10)
}

function fit(summary: ExecutionSummary): ExecutionSummary {
  const { saga } = summary
  const over = JSON.stringify(summary).length - MAX_SUMMARY
  if (!saga?.steps.length || over <= 0) return summary
  return { ...summary, saga: fitSaga(saga, JSON.stringify(saga).length - over) }
}
