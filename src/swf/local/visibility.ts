// What can be seen of executions: lists, counts, descriptions and histories, open and closed.
//
// V1. At most one of the type, tag, execution and close status filters; closed ones by start time or by close time, not both.
// V2. Newest first by the time that is filtered; reverseOrder is oldest first. Executions of one moment go by serial.

import { closedInfo, executionDetail, executionInfo } from './description.js'
import type { Engine } from './engine.js'
import { unknownExecution, validation } from './fault.js'
import { eventList, historyPage } from './history.js'
import type { Input } from './model.js'
import type { Filter } from './filter.js'
import { passes } from './filter.js'
import type { ClosedExecution, ClosedQuery } from './store.js'
import { pageSize, pageToken, readPageToken } from './token.js'

type Filters = Pick<
  Input<'CountClosedWorkflowExecutions'>,
  'typeFilter' | 'tagFilter' | 'executionFilter' | 'closeStatusFilter'
>

function filterOf({ typeFilter, tagFilter, executionFilter, closeStatusFilter }: Filters): Filter {
  const given = [typeFilter, tagFilter, executionFilter, closeStatusFilter].filter(filter => filter !== undefined)
  if (given.length > 1) {
    throw validation('Must specify at most one of typeFilter, tagFilter, executionFilter and closeStatusFilter')
  }
  return {
    workflowId: executionFilter?.workflowId,
    typeName: typeFilter?.name,
    typeVersion: typeFilter?.version || undefined,
    tag: tagFilter?.tag,
    closeStatus: closeStatusFilter?.status,
  }
}

function* openExecutions(engine: Engine, input: Input<'CountOpenWorkflowExecutions'>, newestFirst: boolean) {
  const domain = engine.domain(input.domain)
  const filter = filterOf(input)
  const { oldestDate, latestDate = Infinity } = input.startTimeFilter
  if (filter.workflowId !== undefined) {
    const x = domain.open.get(filter.workflowId)
    if (x && x.startedAt >= oldestDate && x.startedAt <= latestDate) yield x
    return
  }
  for (const x of domain.byStart.between(filter, oldestDate, latestDate, newestFirst)) if (passes(x, filter)) yield x
}

export function countOpen(engine: Engine, input: Input<'CountOpenWorkflowExecutions'>): object {
  let count = 0
  for (const _ of openExecutions(engine, input, true)) count++
  return { count, truncated: false }
}

export function listOpen(engine: Engine, input: Input<'ListOpenWorkflowExecutions'>): object {
  const newestFirst = !input.reverseOrder
  const [at, serial] = (readPageToken('open', input.nextPageToken, engine.now()) ?? []) as number[]
  const size = pageSize(input.maximumPageSize)
  const executionInfos: object[] = []
  let last
  const { oldestDate, latestDate = Infinity } = input.startTimeFilter
  const startTimeFilter = newestFirst
    ? { oldestDate, latestDate: Math.min(latestDate, at ?? Infinity) }
    : { oldestDate: Math.max(oldestDate, at ?? oldestDate), latestDate }
  for (const x of openExecutions(engine, { ...input, startTimeFilter }, newestFirst)) {
    if (at !== undefined && (x.startedAt - at || x.serial - serial!) * (newestFirst ? -1 : 1) <= 0) continue
    if (executionInfos.length === size) {
      return { executionInfos, nextPageToken: pageToken('open', [last!.startedAt, last!.serial], engine.now()) }
    }
    executionInfos.push(executionInfo(x))
    last = x
  }
  return { executionInfos }
}

function closedQuery(engine: Engine, input: Input<'ListClosedWorkflowExecutions'>): ClosedQuery {
  const { name } = engine.domain(input.domain)
  const { startTimeFilter, closeTimeFilter } = input
  if ((startTimeFilter === undefined) === (closeTimeFilter === undefined)) {
    throw validation('Must specify exactly one of startTimeFilter and closeTimeFilter')
  }
  const { oldestDate, latestDate = Number.MAX_SAFE_INTEGER } = (startTimeFilter ?? closeTimeFilter)!
  const [at, serial] = (readPageToken('closed', input.nextPageToken, engine.now()) ?? []) as number[]
  return {
    ...filterOf(input),
    domain: name,
    by: startTimeFilter ? 'startedAt' : 'closedAt',
    oldest: oldestDate,
    latest: latestDate,
    newestFirst: !input.reverseOrder,
    after: at === undefined || serial === undefined ? undefined : [at, serial],
    limit: pageSize(input.maximumPageSize) + 1,
  }
}

export async function countClosed(engine: Engine, input: Input<'CountClosedWorkflowExecutions'>): Promise<object> {
  const count = await engine.store.closedExecutions.count(closedQuery(engine, input))
  return { count, truncated: false }
}

export async function listClosed(engine: Engine, input: Input<'ListClosedWorkflowExecutions'>): Promise<object> {
  const query = closedQuery(engine, input)
  const found = await engine.store.closedExecutions.list(query)
  const page = found.slice(0, query.limit - 1)
  const last = page.at(-1)
  const executionInfos = page.map(closedInfo)
  if (found.length === page.length || !last) return { executionInfos }
  const nextPageToken = pageToken('closed', [last[query.by], last.serial], engine.now())
  return { executionInfos, nextPageToken }
}

/** Returns a closed execution, or refuses: it is neither open nor kept. */
async function closedOf(
  engine: Engine,
  { domain, execution: { workflowId, runId } }: Input<'DescribeWorkflowExecution'>,
): Promise<ClosedExecution> {
  const closed = await engine.store.closedExecutions.find(domain, workflowId, runId)
  if (!closed) throw unknownExecution(workflowId, runId)
  return closed
}

export function describeExecution(
  engine: Engine,
  input: Input<'DescribeWorkflowExecution'>,
): object | string | Promise<string> {
  const { name } = engine.domain(input.domain)
  const x = engine.findOpen(name, input.execution.workflowId, input.execution.runId)
  return x ? executionDetail(x) : closedOf(engine, input).then(({ description }) => description)
}

export function getHistory(engine: Engine, input: Input<'GetWorkflowExecutionHistory'>): string | Promise<string> {
  const { name } = engine.domain(input.domain)
  const { runId, workflowId } = input.execution
  const reverse = input.reverseOrder ?? false
  const [start] = (readPageToken('history', input.nextPageToken, engine.now()) ?? []) as number[]
  const page = (last: number) => historyPage(1, last, pageSize(input.maximumPageSize), reverse, start)
  const answer = (events: readonly string[], next: number | undefined) => {
    const nextPageToken = next && pageToken('history', [next], engine.now())
    return `{"events":${eventList(events, reverse)}${next ? `,"nextPageToken":"${nextPageToken}"` : ''}}`
  }
  const x = engine.findOpen(name, workflowId, runId)
  if (x) {
    const { from, to, next } = page(x.lastEventId)
    return answer(x.events.slice(from - 1, to), next)
  }
  return closedOf(engine, input).then(async closed => {
    const { from, to, next } = page(closed.lastEventId)
    return answer(await engine.store.closedExecutions.events(closed, from, to), next)
  })
}
