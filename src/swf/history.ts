// Histories: paging them, and having them whole.
//
// H1. GetWorkflowExecutionHistory is eventually consistent: it may show a prefix of what has happened, never a wrong event.
//     Absence of an event proves nothing; whoever must have events up to an id says so (`upTo`), and is served or refused.
// H2. The pages of a decision task are handed out by PollForDecisionTask itself, and are the authoritative view.

import { monotonic } from '../clock.js'
import { Backoff } from '../lifecycle.js'
import type { DecisionTask, SwfClient } from './client.js'
import { SECOND } from './duration.js'
import { SwfFault } from './errors.js'
import type { HistoryEvent, WorkflowExecution } from './history-event.js'

export interface HistoryPagesOptions {
  /** Newest event first. @default false */
  reverse?: boolean
  /** Events a page, at most 1,000. @default 1_000 */
  pageSize?: number
}

/** Reads a history page by page; stop iterating and no further page is read. */
export async function* historyPages(
  swf: SwfClient,
  domain: string,
  execution: WorkflowExecution,
  { reverse = false, pageSize = 1_000 }: HistoryPagesOptions = {},
): AsyncGenerator<HistoryEvent[]> {
  let nextPageToken: string | undefined
  do {
    const page = await swf.getWorkflowExecutionHistory({
      domain,
      execution,
      maximumPageSize: pageSize,
      ...(reverse && { reverseOrder: true }),
      ...(nextPageToken !== undefined && { nextPageToken }),
    })
    yield page.events
    nextPageToken = page.nextPageToken
  } while (nextPageToken)
}

export interface ReadHistoryOptions {
  /** The last event wanted, by id: newer ones are cut off, and it is waited for when SWF does not show it yet. */
  upTo?: number
  /** The last event that is not wanted, by id. Near the end of a long history this reads backwards, few pages. @default 0 */
  after?: number
  /** How long to wait for `upTo`, in milliseconds. @default 5 * SECOND */
  patience?: number
}

/** Reads a history, whole unless told otherwise, oldest event first. Rejects with HistoryIncomplete when SWF does not show `upTo` in time. */
export async function readHistory(
  swf: SwfClient,
  domain: string,
  execution: WorkflowExecution,
  { upTo, after = 0, patience = 5 * SECOND }: ReadHistoryOptions = {},
): Promise<HistoryEvent[]> {
  const backoff = new Backoff(50, 1_000)
  const until = monotonic() + patience
  for (;;) {
    const events =
      after > 0 ? await readEnd(swf, domain, execution, after) : await readStart(swf, domain, execution, upTo)
    const shown = events.at(-1)?.eventId ?? 0
    if (upTo === undefined) return events
    if (shown >= upTo) return events.slice(0, Math.max(0, upTo - after))
    if (monotonic() >= until) throw new HistoryIncomplete(execution, upTo, shown)
    await backoff.wait()
  }
}

async function readStart(
  swf: SwfClient,
  domain: string,
  execution: WorkflowExecution,
  upTo = Number.POSITIVE_INFINITY,
): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = []
  for await (const page of historyPages(swf, domain, execution)) {
    events.push(...page)
    if ((events.at(-1)?.eventId ?? 0) >= upTo) break
  }
  return events
}

async function readEnd(
  swf: SwfClient,
  domain: string,
  execution: WorkflowExecution,
  after: number,
): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = []
  for await (const page of historyPages(swf, domain, execution, { reverse: true, pageSize: 50 })) {
    for (const event of page) if (event.eventId > after) events.push(event)
    if (page.some(event => event.eventId <= after)) break
  }
  return events.reverse()
}

/** SWF does not show yet what has happened; the same call succeeds later. */
export class HistoryIncomplete extends Error {
  override readonly name = 'HistoryIncomplete'
  readonly code = 'HISTORY_INCOMPLETE'
  constructor(
    readonly execution: WorkflowExecution,
    readonly wanted: number,
    readonly shown: number,
  ) {
    super(`SWF shows ${shown} of ${wanted} events of ${execution.workflowId}, run ${execution.runId}`)
  }
}

export interface CompleteDecisionTaskOptions {
  /** As in the poll that the task came from: SWF wants the same arguments for its further pages. @default false */
  startAtPreviousStartedEvent?: boolean
  maximumPageSize?: number
}

const TRIES = 3

/** Returns all events of a polled decision task, oldest first; its further pages are read through PollForDecisionTask. */
export async function completeDecisionTask(
  swf: SwfClient,
  domain: string,
  taskList: string,
  task: DecisionTask,
  identity: string | undefined,
  { startAtPreviousStartedEvent, maximumPageSize }: CompleteDecisionTaskOptions = {},
): Promise<HistoryEvent[]> {
  const events = [...task.events]
  for (let nextPageToken = task.nextPageToken; nextPageToken;) {
    const page = await again(() =>
      swf.pollForDecisionTask({
        domain,
        taskList: { name: taskList },
        nextPageToken,
        ...(identity !== undefined && { identity }),
        ...(startAtPreviousStartedEvent && { startAtPreviousStartedEvent }),
        ...(maximumPageSize !== undefined && { maximumPageSize }),
      }),
    )
    events.push(...page.events)
    nextPageToken = page.nextPageToken
  }
  return events
}

// A page takes no task, so it may be asked for again, which the client never does for a poll.
async function again<T>(call: () => Promise<T>): Promise<T> {
  const backoff = new Backoff(100)
  for (let tries = 1; ; tries++) {
    try {
      return await call()
    } catch (error) {
      if (tries >= TRIES || !(error instanceof SwfFault) || !error.retryable) throw error
      await backoff.wait()
    }
  }
}
