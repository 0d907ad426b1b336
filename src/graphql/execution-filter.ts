// A filter as clients give it, for the index and for the feed. Both must let through the same executions.

import type * as Index from '../feed/execution-query.js'
import type { ExecutionSummary } from '../feed/update.js'
import { apiError } from './errors.js'
import type { ExecutionFilter } from './execution.input.js'
import { decodeNodeId } from './node.type.js'

/** Returns a filter for the index, the same for what means the same; throws BAD_USER_INPUT for a parent that is no execution's id. */
export function indexFilter(filter: ExecutionFilter | null | undefined): Index.ExecutionFilter {
  const { startedAfter, startedBefore, closedAfter, closedBefore, parent, status, sagaState, ...rest } = filter ?? {}
  return withoutNulls({
    ...rest,
    status: status && [...new Set(status)].sort(),
    sagaState: sagaState && [...new Set(sagaState)].sort(),
    startedAfter: startedAfter?.getTime(),
    startedBefore: startedBefore?.getTime(),
    closedAfter: closedAfter?.getTime(),
    closedBefore: closedBefore?.getTime(),
    parent: parent == null ? undefined : executionId(parent),
  })
}

/** Returns what tells whether the filter lets a summary through. */
export function summaryFilter(filter: Index.ExecutionFilter): (summary: ExecutionSummary) => boolean {
  const { type, version, status, sagaState, tag, workflowIdPrefix, stuck, parent, ...times } = filter
  const { startedAfter = -Infinity, startedBefore = Infinity, closedAfter, closedBefore } = times
  const closes = closedAfter !== undefined || closedBefore !== undefined
  return summary =>
    (type === undefined || summary.type.name === type) &&
    (version === undefined || summary.type.version === version) &&
    (status === undefined || status.includes(summary.status)) &&
    (sagaState === undefined || (summary.saga !== undefined && sagaState.includes(summary.saga.state))) &&
    (tag === undefined || summary.tags.includes(tag)) &&
    (workflowIdPrefix === undefined || summary.workflowId.startsWith(workflowIdPrefix)) &&
    summary.startedAt >= startedAfter &&
    summary.startedAt <= startedBefore &&
    (!closes || within(summary.closedAt, closedAfter, closedBefore)) &&
    (stuck === undefined || (summary.stuck !== undefined) === stuck) &&
    (parent === undefined || summary.parent?.runId === parent.runId)
}

function within(time: number | undefined, after = -Infinity, before = Infinity): boolean {
  return time !== undefined && time >= after && time <= before
}

function executionId(id: string): { workflowId: string; runId: string } {
  const node = decodeNodeId(id)
  if (node?.type === 'Execution') return { workflowId: node.workflowId, runId: node.runId }
  throw apiError('BAD_USER_INPUT', 'filter.parent must be the id of an Execution')
}

type WithoutNulls<T> = { [K in keyof T]?: Exclude<T[K], null | undefined> }

function withoutNulls<T extends object>(object: T): WithoutNulls<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value != null)) as WithoutNulls<T>
}
