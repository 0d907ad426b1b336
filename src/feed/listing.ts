// What SWF's lists of executions say.

import type { SwfClient, WorkflowExecutionInfo } from '../swf/client.js'
import type { CloseStatus } from '../swf/history-event.js'
import type { ExecutionSummary } from './update.js'

export type List = 'open' | 'closed'

const PAGE = 1_000

/** Reads a list page by page, newest first: open runs by their start, closed ones by their close. */
export async function* listPages(
  swf: SwfClient,
  domain: string,
  list: List,
  oldestDate: Date,
): AsyncGenerator<WorkflowExecutionInfo[]> {
  let nextPageToken: string | undefined
  do {
    const input = { domain, maximumPageSize: PAGE, ...(nextPageToken !== undefined && { nextPageToken }) }
    const page =
      list === 'open'
        ? await swf.listOpenWorkflowExecutions({ ...input, startTimeFilter: { oldestDate } })
        : await swf.listClosedWorkflowExecutions({ ...input, closeTimeFilter: { oldestDate } })
    yield page.executionInfos ?? []
    nextPageToken = page.nextPageToken
  } while (nextPageToken)
}

/** When a listed execution entered its list, in milliseconds since 1970. */
export function listedAt(list: List, { startTimestamp, closeTimestamp }: WorkflowExecutionInfo): number {
  return (list === 'open' ? startTimestamp! : closeTimestamp!).getTime()
}

/** Returns what a list says of a run. It knows neither its task list, nor its saga, nor why it failed. */
export function listedSummary(domain: string, info: WorkflowExecutionInfo): ExecutionSummary {
  const { execution, workflowType, closeStatus, parent, tagList } = info
  return {
    domain,
    workflowId: execution!.workflowId!,
    runId: execution!.runId!,
    type: { name: workflowType!.name!, version: workflowType!.version! },
    status: (info.executionStatus === 'CLOSED' ? closeStatus : 'OPEN') as 'OPEN' | CloseStatus,
    tags: tagList ?? [],
    taskList: '',
    startedAt: info.startTimestamp!.getTime(),
    ...(info.closeTimestamp && { closedAt: info.closeTimestamp.getTime() }),
    cancelRequested: info.cancelRequested ?? false,
    ...(parent && { parent: { workflowId: parent.workflowId!, runId: parent.runId! } }),
    eventId: 0,
  }
}
