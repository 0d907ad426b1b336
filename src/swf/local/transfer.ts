// Histories that leave a local SWF and come into one.

import { checkHistory } from '../history-check.js'
import type { HistoryEvent } from '../history-event.js'
import { attributesMember } from '../history-event.js'
import type { HistoryFile } from '../history-file.js'
import { HistoryInvalid, readHistoryFile } from '../history-file.js'
import type { Engine } from './engine.js'
import { MAX_EVENTS } from './engine.js'
import type { ActivityTask, DecisionTask } from './execution.js'
import { Execution, eventText } from './execution.js'
import { Fault } from './fault.js'
import { INPUTS } from './model.js'
import { offerInOrder, resume } from './restore.js'
import { parse } from './shape.js'
import { getHistory } from './visibility.js'

/** Which run: as DescribeWorkflowExecution names it. */
export interface RunName {
  readonly domain: string
  readonly workflowId: string
  readonly runId: string
}

/** Returns the whole history of a run, open or closed; rejects with UnknownResourceFault. */
export async function exportHistory(engine: Engine, { domain, workflowId, runId }: RunName): Promise<HistoryFile> {
  const execution = { workflowId, runId }
  const events: unknown[] = []
  let nextPageToken: string | undefined
  do {
    const input = { domain, execution, ...(nextPageToken && { nextPageToken }) }
    const page = JSON.parse(await getHistory(engine, input)) as { events: unknown[]; nextPageToken?: string }
    events.push(...page.events)
    nextPageToken = page.nextPageToken
  } while (nextPageToken)
  return readHistoryFile({ events }, execution)
}

/**
 * Takes a history in as an execution of a domain, which must be there: a closed one can be read and listed, an open one
 * goes on, with its timers and its tasks. Throws UnknownResourceFault, WorkflowExecutionAlreadyStartedFault, and
 * HistoryInvalid when it cannot be.
 */
export async function importHistory(engine: Engine, domainName: string, file: HistoryFile): Promise<void> {
  const domain = engine.domain(domainName)
  const { execution, events } = file
  const { workflowId, runId } = execution
  // Ids and names that SWF would not have taken do not come in this way, either.
  parse(INPUTS.DescribeWorkflowExecution, { domain: domainName, execution })
  parse(INPUTS.DescribeWorkflowType, { domain: domainName, workflowType: file.workflowType })
  const closed = await engine.store.closedExecutions.find(domainName, workflowId, runId)
  if (closed || engine.runs.has(runId)) throw new HistoryInvalid(`The run ${runId} of ${workflowId} is already there`)
  if (events.length > MAX_EVENTS) throw new HistoryInvalid(`A history has at most ${MAX_EVENTS} events`)
  const violations = checkHistory(events)
  if (violations.length > 0)
    throw new HistoryInvalid(`The history breaks SWF's rules: ${violations.slice(0, 5).join('; ')}`)
  const x = new Execution(++engine.lastSerial, domainName, workflowId, runId)
  const texts = events.map(textOf)
  try {
    for (const text of texts) x.restore(text)
  } catch (error) {
    throw new HistoryInvalid(`Event ${x.lastEventId + 1} does not fit: ${(error as Error).message}`)
  }
  if (x.open && domain.open.has(workflowId)) throw new Fault('WorkflowExecutionAlreadyStartedFault', 'Already Started')
  engine.store.imported(x, texts)
  if (x.open) {
    const waiting: (ActivityTask | DecisionTask)[] = []
    resume(engine, x, waiting)
    offerInOrder(engine, waiting)
    engine.settle()
  } else engine.store.closed(x, Number(domain.record.retention) > 0)
}

function textOf(event: HistoryEvent): string {
  const { eventType, eventId, eventTimestamp } = event
  const attributes = (event as unknown as Record<string, unknown>)[attributesMember(eventType)]
  return eventText(eventType, eventId, eventTimestamp.getTime(), attributes as never)
}
