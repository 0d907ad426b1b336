import type { SwfClient } from '../swf/client.js'
import type { WorkflowExecution } from '../swf/history-event.js'
import { CliError } from './error.js'

/** Finds the open run of a workflowId, else the one that closed last. */
export async function lastRun(swf: SwfClient, domain: string, workflowId: string): Promise<WorkflowExecution> {
  const given = {
    domain,
    startTimeFilter: { oldestDate: new Date(0) },
    executionFilter: { workflowId },
    maximumPageSize: 1,
  }
  const open = await swf.listOpenWorkflowExecutions(given)
  const found = open.executionInfos?.[0] ?? (await swf.listClosedWorkflowExecutions(given)).executionInfos?.[0]
  if (!found) throw new CliError('NOT_FOUND', `There is no execution ${workflowId} in domain ${domain}`)
  return found.execution as WorkflowExecution
}
