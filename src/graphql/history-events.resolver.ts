import { Arg, Extensions, Resolver, Root, Subscription } from 'type-graphql'
import type { Context } from './context.js'
import { apiError } from './errors.js'
import { ExecutionRef } from './execution.input.js'
import { HistoryEvents } from './history-events.js'
import { eventCursor } from './history.resolver.js'
import { HistoryEdge } from './history.type.js'

interface Args {
  execution: ExecutionRef
  after?: string | null
}

@Resolver()
export class HistoryEventsResolver {
  @Extensions({ rule: 'execution:read' })
  @Subscription(() => HistoryEdge, {
    description:
      'The events of one run, in order, without gap or duplicate: first those that are there, then the new ones. Ends after the close event. With `after` it goes on behind that event.',
    subscribe: ({ args, context }) => subscribe(args as Args, context as Context),
  })
  historyEvents(
    @Root() edge: HistoryEdge,
    @Arg('execution', () => ExecutionRef, { description: 'Which run; without a runId the open one, else the latest.' })
    _execution: ExecutionRef,
    @Arg('after', () => String, { nullable: true, description: 'The cursor of the last event that you have.' })
    _after: string | null,
  ): HistoryEdge {
    return edge
  }
}

async function subscribe({ execution: ref, ...args }: Args, context: Context): Promise<HistoryEvents> {
  const { domains, executions, watchedHistories } = context
  const after = eventCursor('after', context.resumeFrom ?? args.after) ?? 0
  const domain = await domains.resolve(ref.domain)
  const execution = await executions.find(domain, ref.workflowId, ref.runId)
  if (!execution) {
    throw apiError(
      'EXECUTION_NOT_FOUND',
      `Execution "${ref.workflowId}" is not in domain "${domain}": check domain, workflowId and runId`,
      { domain, workflowId: ref.workflowId },
    )
  }
  const { workflowId, runId } = execution
  return new HistoryEvents(watchedHistories.watch(domain, { workflowId, runId }), after)
}
