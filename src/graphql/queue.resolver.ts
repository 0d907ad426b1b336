import { Arg, Ctx, Extensions, FieldResolver, Int, Mutation, Query, Resolver, Root } from 'type-graphql'
import { CHANGES_KEPT, LONGEST_WINDOW, type SettingsChange } from '../queues/queue.js'
import { MINUTE } from '../swf/duration.js'
import type { Context } from './context.js'
import { apiError } from './errors.js'
import { pageSize } from './limits.js'
import { Count, countOf } from './page.type.js'
import { QueueChange, QueueStatistics, statisticsOf } from './queue-statistics.type.js'
import { UpdateQueueInput } from './queue.input.js'
import { Queue, UpdateQueuePayload, queueOf } from './queue.type.js'
import { Duration } from './scalar.js'
import { Worker, workerOf } from './worker.type.js'

const DOMAIN = { nullable: true, description: "The domain. Default: the gateway's." } as const

@Resolver(() => Queue)
export class QueueResolver {
  @Extensions({ rule: 'queue:read' })
  @Query(() => Queue, {
    nullable: true,
    description: 'A queue; null when no worker has named it within the last 30 days.',
  })
  async queue(
    @Arg('domain', () => String, DOMAIN) domain: string | null,
    @Arg('taskList', () => String, { description: 'Name of the task list.' }) taskList: string,
    @Ctx() context: Context,
  ): Promise<Queue | undefined> {
    const queue = await context.queues.get(await context.domains.resolve(domain), taskList)
    return queue && queueOf(queue)
  }

  @Extensions({ rule: 'queue:read' })
  @Query(() => [Queue], { nullable: true, description: 'Every queue that a worker has named within the last 30 days.' })
  async queues(@Arg('domain', () => String, DOMAIN) domain: string | null, @Ctx() context: Context): Promise<Queue[]> {
    const queues = await context.queues.list(await context.domains.resolve(domain))
    return queues.map(queueOf)
  }

  @Extensions({ rule: 'queue:read' })
  @Query(() => [Worker], { nullable: true, description: 'The activity workers that were seen within the last minute.' })
  async workers(
    @Arg('domain', () => String, DOMAIN) domain: string | null,
    @Ctx() context: Context,
  ): Promise<Worker[]> {
    const name = await context.domains.resolve(domain)
    return (await context.queues.workers(name)).map(worker => workerOf(name, worker))
  }

  @FieldResolver(() => QueueStatistics, {
    description: 'What happened lately: times, outcomes, what went wrong. Counted in Redis, by whole minutes.',
  })
  async statistics(
    @Root() { domain, taskList }: Queue,
    @Arg('window', () => Duration, { defaultValue: 5 * MINUTE, description: 'How far back, at most PT1H.' })
    window: number,
    @Ctx() { queues, places }: Context,
  ): Promise<QueueStatistics> {
    if (window > LONGEST_WINDOW || window < 1_000)
      throw apiError('BAD_USER_INPUT', 'window must be between PT1S and PT1H')
    const [measures, workers] = await Promise.all([queues.measures(domain, taskList, window), places.workers(domain)])
    return statisticsOf(domain, measures, workers)
  }

  @FieldResolver(() => [QueueChange], {
    description: `Who changed the settings, the newest first; the last ${CHANGES_KEPT} changes are kept.`,
  })
  changes(
    @Root() { domain, taskList }: Queue,
    @Arg('first', () => Int, { defaultValue: 20, description: `How many at most, up to ${CHANGES_KEPT}.` })
    first: number,
    @Ctx() { queues }: Context,
  ): Promise<QueueChange[]> {
    return queues.changes(domain, taskList, pageSize('first', first, CHANGES_KEPT))
  }

  @FieldResolver(() => Count, {
    nullable: true,
    description: 'Activities that wait in SWF, not yet polled: an estimate, which SWF is asked for with every query.',
  })
  async backlog(@Root() { domain, taskList }: Queue, @Ctx() { budget, swf }: Context): Promise<Count> {
    budget.read()
    return countOf(await swf.countPendingActivityTasks({ domain, taskList: { name: taskList } }))
  }

  @Extensions({ rule: 'queue:update' })
  @Mutation(() => UpdateQueuePayload, {
    nullable: true,
    description: 'Changes the settings of a queue; every worker obeys within two seconds.',
  })
  async updateQueue(
    @Arg('input', () => UpdateQueueInput, { description: 'Which queue, and what to change.' }) input: UpdateQueueInput,
    @Ctx() { domains, queues, caller }: Context,
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
