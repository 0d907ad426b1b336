import { Arg, Extensions, Resolver, Root, Subscription } from 'type-graphql'
import type { QueueState } from '../queues/queue.js'
import type { Context } from './context.js'
import { Queue, queueOf } from './queue.type.js'

interface Args {
  domain?: string | null
  taskList?: string | null
}

@Resolver()
export class QueueUpdatesResolver {
  @Extensions({ rule: 'queue:read' })
  @Subscription(() => Queue, {
    description:
      'Queues as they change: each as it is now, then its newest state, at most once a second. Nothing is to be resumed: the newest state is all there is.',
    subscribe: ({ args, context }) => subscribe(args as Args, context as Context),
  })
  queueUpdates(
    @Root() queue: QueueState,
    @Arg('domain', () => String, { nullable: true, description: "The domain. Default: the gateway's." })
    _domain: string | null,
    @Arg('taskList', () => String, { nullable: true, description: 'Only this queue.' }) _taskList: string | null,
  ): Queue {
    return queueOf(queue)
  }
}

async function subscribe(
  { domain, taskList }: Args,
  { domains, queueUpdates }: Context,
): Promise<AsyncIterableIterator<QueueState>> {
  return queueUpdates.subscribe(await domains.resolve(domain), taskList ?? undefined)
}
