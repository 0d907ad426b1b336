import { Args, Arg, Ctx, Extensions, FieldResolver, Int, Resolver, Root, Subscription } from 'type-graphql'
import type { FeedItem } from '../feed/item.js'
import type { Context } from './context.js'
import { indexFilter, summaryFilter } from './execution-filter.js'
import { listExecutions, onlyExecution } from './execution-list.js'
import { ExecutionUpdate, Resync, updateOf, type About } from './execution-updates.type.js'
import { ExecutionUpdatesArgs } from './execution.input.js'
import { ExecutionConnection } from './execution.type.js'
import { apiError } from './errors.js'
import { LIMITS } from './limits.js'

@Resolver(() => Resync)
export class ExecutionUpdatesResolver {
  @Extensions({ rule: 'execution:read' })
  @Subscription(() => ExecutionUpdate, {
    description:
      'Every visible change of executions, in order, without gap or duplicate, or a Resync that says so. With `after`, first what was missed since that cursor.',
    subscribe: ({ args, context }) => subscribe(args as ExecutionUpdatesArgs, context as Context),
  })
  async executionUpdates(
    // A union has no class: `object` keeps the decorator from looking for one.
    @Root() item: object,
    @Args(() => ExecutionUpdatesArgs) args: ExecutionUpdatesArgs,
    @Ctx() context: Context,
  ): Promise<object> {
    return updateOf(item as FeedItem, () => aboutOf(args, context))
  }

  @FieldResolver(() => ExecutionConnection, {
    description:
      'The executions that this subscription is about, as they are now: all of them, also when the Resync is about one.',
  })
  async executions(
    @Root() { topic, cursor }: Resync,
    @Arg('first', () => Int, { defaultValue: 50, description: `How many at most, up to ${LIMITS.page}.` })
    first: number,
    @Ctx() context: Context,
  ): Promise<ExecutionConnection> {
    const { domain, workflowId, runId, filter } = topic
    if (workflowId !== undefined) return onlyExecution(await context.executions.find(domain, workflowId, runId), cursor)
    return listExecutions(context, domain, { filter, orderBy: 'STARTED_DESC', first })
  }
}

async function subscribe(args: ExecutionUpdatesArgs, context: Context): Promise<AsyncIterableIterator<FeedItem>> {
  const { domain, workflowId, runId, filter } = await aboutOf(args, context)
  const topic = { ...(workflowId && { workflowId }), ...(runId && { runId }), filter: summaryFilter(filter) }
  const after = context.resumeFrom ?? args.after
  return context.subscriber.subscribe(domain, topic, after != null ? { after } : {})
}

async function aboutOf(
  { workflowId, runId, filter, ...args }: ExecutionUpdatesArgs,
  { domains }: Context,
): Promise<About> {
  if (runId != null && workflowId == null)
    throw apiError('BAD_USER_INPUT', 'A run is named by workflowId and runId together: give both')
  const domain = await domains.resolve(args.domain)
  return { domain, workflowId: workflowId ?? undefined, runId: runId ?? undefined, filter: indexFilter(filter) }
}
