// Connections of executions.

import { encodeCursor } from '../feed/cursor.js'
import type { ExecutionFilter } from '../feed/execution-query.js'
import type { Context } from './context.js'
import type { ExecutionOrder } from './execution.input.js'
import { executionOf, type Execution, type ExecutionConnection } from './execution.type.js'
import { fromIndex } from './index-progress.type.js'
import { LIMITS, pageSize } from './limits.js'
import { listCursors } from './list-cursor.js'

export interface Listing {
  filter: ExecutionFilter
  orderBy: ExecutionOrder
  first: number
  after?: string | null
}

/** Lists executions from the index; throws BAD_USER_INPUT for a `first` out of range and for a cursor of another list. */
export async function listExecutions(
  { budget, executions, index }: Pick<Context, 'budget' | 'executions' | 'index'>,
  domain: string,
  { filter, orderBy, first, after }: Listing,
): Promise<ExecutionConnection> {
  if (budget.isDue) await budget.turn()
  const asOf = new Date()
  const { encode, decode } = listCursors({ kind: 'executions', domain, orderBy, filter })
  const query = {
    ...{ filter, orderBy, first: pageSize('first', first, LIMITS.page) },
    ...(after != null && { after: decode(after) }),
  }
  const { items, cursors: places, hasNextPage, count, streamId, ...indexed } = index.list(domain, query)
  const cursors = places.map(encode)
  const nodes = items.map(summary => executions.asShown(executionOf(summary, 'INDEX', asOf)))
  return {
    nodes,
    edges: nodes.map((node, i) => ({ node, cursor: cursors[i]! })),
    pageInfo: { hasNextPage, hasPreviousPage: after != null, startCursor: cursors[0], endCursor: cursors.at(-1) },
    count,
    source: 'INDEX',
    ...fromIndex(indexed),
    updatesCursor: streamId === undefined ? undefined : encodeCursor({ streamId }),
  }
}

/** Returns a list of one, or of none; it was read after the feed had told what is before `updatesCursor`. */
export function onlyExecution(execution: Execution | undefined, updatesCursor: string): ExecutionConnection {
  const nodes = execution ? [execution] : []
  const cursor = execution?.id
  return {
    nodes,
    edges: nodes.map(node => ({ node, cursor: node.id })),
    pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: cursor, endCursor: cursor },
    count: { value: nodes.length, truncated: false },
    source: execution?.source ?? 'INDEX',
    updatesCursor,
  }
}
