import { Arg, Ctx, Extensions, Mutation, Query, Resolver } from 'type-graphql'
import type { SettingsChange } from '../queues/queue.js'
import type { Context } from './context.js'
import { UpdateQueueInput } from './queue.input.js'
import { Queue, UpdateQueuePayload, queueOf } from './queue.type.js'
import { Worker, workerOf } from './worker.type.js'

const DOMAIN = { nullable: true, description: "The domain. Default: the gateway's." } as const

@Resolver()
export class QueueResolver {
  @Extensions({ rule: 'queue:read' })
  @Query(() => Queue, { nullable: true, description: 'A queue; null when no worker has ever announced it.' })
  async queue(
    @Arg('domain', () => String, DOMAIN) domain: string | null,
    @Arg('taskList', () => String, { description: 'Name of the task list.' }) taskList: string,
    @Ctx() context: Context,
  ): Promise<Queue | undefined> {
    const queue = await context.queues.get(await context.domains.resolve(domain), taskList)
    return queue && queueOf(queue)
  }

  @Extensions({ rule: 'queue:read' })
  @Query(() => [Queue], { description: 'Every queue that a worker has ever announced.' })
  async queues(@Arg('domain', () => String, DOMAIN) domain: string | null, @Ctx() context: Context): Promise<Queue[]> {
    const queues = await context.queues.list(await context.domains.resolve(domain))
    return queues.map(queueOf)
  }

  @Extensions({ rule: 'queue:read' })
  @Query(() => [Worker], { description: 'The activity workers that were seen within the last minute.' })
  async workers(
    @Arg('domain', () => String, DOMAIN) domain: string | null,
    @Ctx() context: Context,
  ): Promise<Worker[]> {
    const name = await context.domains.resolve(domain)
    return (await context.queues.workers(name)).map(worker => workerOf(name, worker))
  }

  @Extensions({ rule: 'queue:update' })
  @Mutation(() => UpdateQueuePayload, {
    description: 'Changes the settings of a queue; every worker obeys within two seconds.',
  })
  async updateQueue(
    @Arg('input', () => UpdateQueueInput, { description: 'Which queue, and what to change.' }) input: UpdateQueueInput,
    @Ctx() { domains, queues, caller, log }: Context,
  ): Promise<UpdateQueuePayload> {
    const { domain: given, taskList, expectedVersion, ...change } = input
    const domain = await domains.resolve(given)
    const { queue, previous } = await queues.update(
      domain,
      taskList,
      changeOf(change),
      caller,
      expectedVersion ?? undefined,
    )
    log.info({ domain, taskList, caller, from: previous, to: queue.settings }, 'queue updated')
    return { queue: queueOf(queue), previous }
  }
}

/** Null means "as it is", but for the rate limit, which it takes away. */
function changeOf({
  rateLimit,
  ...rest
}: Omit<UpdateQueueInput, 'domain' | 'taskList' | 'expectedVersion'>): SettingsChange {
  const given = Object.entries(rest).filter(([, value]) => value != null)
  return {
    ...Object.fromEntries(given),
    ...(rateLimit !== undefined && { rateLimit: rateLimit && { tasks: rateLimit.tasks, per: rateLimit.per } }),
  }
}
