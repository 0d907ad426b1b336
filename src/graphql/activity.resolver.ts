import { Arg, Ctx, Extensions, Field, Mutation, ObjectType, Resolver } from 'type-graphql'
import { completeActivity, failActivity, readActivityToken } from '../queues/open-task.js'
import { CompleteActivityInput, FailActivityInput } from './activity.input.js'
import type { Context } from './context.js'
import { Execution } from './execution.type.js'

@ObjectType({ description: 'The outcome of the activity is on record.', simpleResolvers: true })
export class ActivityOutcomePayload {
  @Field(() => String, { description: 'Which activity it is, within its execution.' })
  activityId!: string

  @Field(() => Execution, { nullable: true, description: 'The execution whose activity it is; null when it is gone.' })
  execution?: Execution | undefined
}

@Resolver()
export class ActivityResolver {
  @Extensions({ rule: 'activity:complete' })
  @Mutation(() => ActivityOutcomePayload, {
    nullable: true,
    description: 'Completes an activity that its handler has left open. Safe to send again.',
  })
  async completeActivity(
    @Arg('input', () => CompleteActivityInput, { description: 'Which one, and its result.' })
    { token, result }: CompleteActivityInput,
    @Ctx() context: Context,
  ): Promise<ActivityOutcomePayload> {
    await completeActivity(context.fleet, token, result)
    return outcome(token, 'completed', context)
  }

  @Extensions({ rule: 'activity:complete' })
  @Mutation(() => ActivityOutcomePayload, {
    nullable: true,
    description:
      'Fails an activity that its handler has left open; its retry policy decides whether it is tried again. Safe to send again.',
  })
  async failActivity(
    @Arg('input', () => FailActivityInput, { description: 'Which one, and why.' })
    { token, reason, message, details }: FailActivityInput,
    @Ctx() context: Context,
  ): Promise<ActivityOutcomePayload> {
    const more = { ...(message != null && { message }), ...(details != null && { details }) }
    await failActivity(context.fleet, token, reason, more)
    return outcome(token, 'failed', context)
  }
}

async function outcome(
  token: string,
  told: 'completed' | 'failed',
  { executions, log, caller }: Context,
): Promise<ActivityOutcomePayload> {
  const { domain, workflowExecution, activityId } = readActivityToken(token)
  const { workflowId, runId } = workflowExecution
  log.info({ domain, workflowId, runId, activityId, caller }, `activity ${told} by its token`)
  // The outcome stands, whatever the index or SWF say now.
  const execution = await executions.find(domain, workflowId, runId).catch(() => undefined)
  return { activityId, execution }
}
