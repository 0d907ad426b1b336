import { Arg, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql'
import type { EventType } from '../swf/history-event.js'
import type { Context } from './context.js'
import { apiError } from './errors.js'
import { Execution } from './execution.type.js'
import { HistoryConnection, HistoryEventType, WorkflowExecution, eventOf, type Run } from './history.type.js'
import { LIMITS, pageSize } from './limits.js'

const PAGE = `up to ${LIMITS.historyPage}`

@Resolver(() => Execution)
export class HistoryResolver {
  @FieldResolver(() => HistoryConnection, {
    nullable: true,
    description: 'Its events, oldest first. `first` and `after` go forward, `last` and `before` backward.',
  })
  async history(
    @Root() execution: Execution,
    @Arg('first', () => Int, { nullable: true, description: `The first so many, ${PAGE}, which is the default.` })
    first: Maybe<number>,
    @Arg('after', () => String, { nullable: true, description: 'Those behind this cursor.' }) after: Maybe<string>,
    @Arg('last', () => Int, { nullable: true, description: `The last so many, ${PAGE}.` }) last: Maybe<number>,
    @Arg('before', () => String, { nullable: true, description: 'Those ahead of this cursor.' }) before: Maybe<string>,
    @Arg('types', () => [HistoryEventType], { nullable: true, description: 'Only events of these types.' })
    types: Maybe<EventType[]>,
    @Ctx() { executions }: Context,
  ): Promise<HistoryConnection> {
    const page = { first, after, last, before, types }
    return pageOf(await executions.history(execution), page)
  }
}

@Resolver(() => WorkflowExecution)
export class WorkflowExecutionResolver {
  @FieldResolver(() => Execution, { nullable: true, description: 'The execution itself; null when it is gone.' })
  execution(
    @Root() { domain, workflowId, runId }: WorkflowExecution,
    @Ctx() { executions }: Context,
  ): Promise<Execution | undefined> {
    return executions.find(domain, workflowId, runId)
  }
}

/** GraphQL tells null from absent; here they mean the same. */
type Maybe<T> = T | null | undefined

interface Page {
  first: Maybe<number>
  after: Maybe<string>
  last: Maybe<number>
  before: Maybe<string>
  types: Maybe<readonly EventType[]>
}

function pageOf(run: Run, { first, after, last, before, types }: Page): HistoryConnection {
  if (first != null && last != null) throw apiError('BAD_USER_INPUT', 'Give first or last, not both')
  const size = pageSize(last == null ? 'first' : 'last', first ?? last ?? LIMITS.historyPage, LIMITS.historyPage)
  const wanted = types == null ? run.events : run.events.filter(({ eventType }) => types.includes(eventType))
  const [from, to] = [eventCursor('after', after) ?? 0, eventCursor('before', before) ?? Infinity]
  const between = wanted.filter(({ eventId }) => eventId > from && eventId < to)
  const shown = last == null ? between.slice(0, size) : between.slice(Math.max(0, between.length - size))
  const nodes = shown.map(({ eventId }) => eventOf(run, eventId)!)
  const edges = nodes.map(node => ({ node, cursor: String(node.eventId) }))
  // An empty page stands where a longer one would begin: behind `after`, or ahead of `before`.
  const [start, end] =
    last == null
      ? [shown[0]?.eventId ?? from + 1, shown.at(-1)?.eventId ?? from]
      : [shown[0]?.eventId ?? to, shown.at(-1)?.eventId ?? to - 1]
  return {
    nodes,
    edges,
    pageInfo: {
      hasPreviousPage: wanted.some(({ eventId }) => eventId < start),
      hasNextPage: wanted.some(({ eventId }) => eventId > end),
      startCursor: edges[0]?.cursor,
      endCursor: edges.at(-1)?.cursor,
    },
  }
}

/** Reads the cursor of an event: its number. Throws BAD_USER_INPUT. */
export function eventCursor(name: string, cursor: Maybe<string>): number | undefined {
  if (cursor == null) return undefined
  if (/^\d{1,9}$/.test(cursor)) return Number(cursor)
  throw apiError('BAD_USER_INPUT', `${name} must be the cursor of an event: its eventId`)
}
