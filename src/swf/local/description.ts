// What DescribeWorkflowExecution and the lists say of an execution.

import type { Execution } from './execution.js'
import type { ClosedExecution } from './store.js'

const seconds = (at: number) => at / 1_000

type Listed = Pick<ClosedExecution, 'workflowId' | 'runId' | 'workflowType' | 'startedAt' | 'closedAt' | 'tagList'> & {
  closeStatus: ClosedExecution['closeStatus'] | undefined
  parent?: { workflowId: string; runId: string } | undefined
  cancelRequested: boolean
}

/** WorkflowExecutionInfo. Of a closed execution SWF says `cancelRequested: false`, whatever was requested. */
export function executionInfo(x: Listed): object {
  const closed = x.closeStatus !== undefined
  return {
    execution: { workflowId: x.workflowId, runId: x.runId },
    workflowType: x.workflowType,
    startTimestamp: seconds(x.startedAt),
    closeTimestamp: closed ? seconds(x.closedAt) : undefined,
    executionStatus: closed ? 'CLOSED' : 'OPEN',
    closeStatus: x.closeStatus,
    parent: x.parent && { workflowId: x.parent.workflowId, runId: x.parent.runId },
    tagList: x.tagList,
    cancelRequested: !closed && x.cancelRequested,
  }
}

/** The reply of DescribeWorkflowExecution. */
export function executionDetail(x: Execution): object {
  return {
    executionInfo: executionInfo(x),
    executionConfiguration: {
      taskStartToCloseTimeout: x.taskStartToClose,
      executionStartToCloseTimeout: x.executionStartToClose,
      taskList: { name: x.taskList },
      taskPriority: x.taskPriority,
      childPolicy: x.childPolicy,
      lambdaRole: x.lambdaRole,
    },
    openCounts: {
      openActivityTasks: x.activities.size,
      openDecisionTasks: x.scheduled || x.started ? 1 : 0,
      openTimers: x.timers.size,
      openChildWorkflowExecutions: x.children.size,
      openLambdaFunctions: x.lambdas.size,
    },
    latestActivityTaskTimestamp: x.latestActivityTaskAt > 0 ? seconds(x.latestActivityTaskAt) : undefined,
    latestExecutionContext: x.latestExecutionContext,
  }
}

/** What a store keeps of an execution that has closed. */
export function closedExecution(x: Execution): ClosedExecution {
  return {
    serial: x.serial,
    domain: x.domain,
    workflowId: x.workflowId,
    runId: x.runId,
    workflowType: x.workflowType,
    startedAt: x.startedAt,
    closedAt: x.closedAt,
    closeStatus: x.closeStatus!,
    tagList: x.tagList,
    lastEventId: x.lastEventId,
    description: JSON.stringify(executionDetail(x)),
  }
}

/** WorkflowExecutionInfo of a closed execution. */
export const closedInfo = (x: ClosedExecution): object =>
  (JSON.parse(x.description) as { executionInfo: object }).executionInfo
