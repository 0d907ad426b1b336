import { Arg, Ctx, Extensions, FieldResolver, Int, Mutation, Query, Resolver, Root } from 'type-graphql'
import type { Context } from './context.js'
import { pageSize } from './limits.js'
import {
  RegisterActivityTypeInput,
  RegisterDomainInput,
  RegisterWorkflowTypeInput,
  TypeRef,
} from './registration.input.js'
import {
  Domain,
  PendingTasks,
  RegisteredType,
  RegisteredTypeConnection,
  RegistrationStatus,
  TypeDefaults,
} from './registration.type.js'
import { defaultsOf, describeType, listTypes, registerActivityType, registerWorkflowType } from './registrations.js'

/** SWF's limit of a page. */
const PAGE = 1_000
const DOMAIN = { nullable: true, description: "The domain. Default: the gateway's." } as const
const NAME = { nullable: true, description: 'Only types of this name.' } as const
const STATUS = {
  defaultValue: 'REGISTERED',
  description: 'Those that are registered, or those that are deprecated.',
} as const
const FIRST = { defaultValue: 100, description: `How many at most, up to ${PAGE}.` } as const
const AFTER = { nullable: true, description: '`endCursor` of the page before.' } as const

@Resolver(() => RegisteredType)
export class RegistrationResolver {
  @Extensions({ rule: 'registration:read' })
  @Query(() => [Domain], { description: 'The domains of the account, by name.' })
  async domains(
    @Arg('status', () => RegistrationStatus, STATUS) status: RegistrationStatus,
    @Ctx() { swf }: Context,
  ): Promise<Domain[]> {
    const { domainInfos = [] } = await swf.listDomains({ registrationStatus: status })
    return domainInfos.map(({ name, description, arn }) => ({ name: name!, status, description, arn }))
  }

  @Extensions({ rule: 'registration:read' })
  @Query(() => RegisteredTypeConnection, { description: 'The workflow types of a domain.' })
  async workflowTypes(
    @Arg('domain', () => String, DOMAIN) domain: string | null,
    @Arg('name', () => String, NAME) name: string | null,
    @Arg('status', () => RegistrationStatus, STATUS) status: RegistrationStatus,
    @Arg('first', () => Int, FIRST) first: number,
    @Arg('after', () => String, AFTER) after: string | null,
    @Ctx() { domains, swf }: Context,
  ): Promise<RegisteredTypeConnection> {
    const given = { domain: await domains.resolve(domain), name, status, first: pageSize('first', first, PAGE), after }
    return listTypes(swf, 'workflow', given)
  }

  @Extensions({ rule: 'registration:read' })
  @Query(() => RegisteredTypeConnection, { description: 'The activity types of a domain.' })
  async activityTypes(
    @Arg('domain', () => String, DOMAIN) domain: string | null,
    @Arg('name', () => String, NAME) name: string | null,
    @Arg('status', () => RegistrationStatus, STATUS) status: RegistrationStatus,
    @Arg('first', () => Int, FIRST) first: number,
    @Arg('after', () => String, AFTER) after: string | null,
    @Ctx() { domains, swf }: Context,
  ): Promise<RegisteredTypeConnection> {
    const given = { domain: await domains.resolve(domain), name, status, first: pageSize('first', first, PAGE), after }
    return listTypes(swf, 'activity', given)
  }

  @Extensions({ rule: 'registration:read' })
  @Query(() => PendingTasks, { description: 'Tasks of a task list that wait in SWF for a poll.' })
  async pendingTasks(
    @Arg('domain', () => String, DOMAIN) domain: string | null,
    @Arg('taskList', () => String, { description: 'Name of the task list.' }) name: string,
    @Ctx() { domains, swf }: Context,
  ): Promise<PendingTasks> {
    const input = { domain: await domains.resolve(domain), taskList: { name } }
    const [decisions, activities] = await Promise.all([
      swf.countPendingDecisionTasks(input),
      swf.countPendingActivityTasks(input),
    ])
    const count = ({
      count = 0,
      truncated = false,
    }: {
      count?: number | undefined
      truncated?: boolean | undefined
    }) => ({
      value: count,
      truncated,
    })
    return { decisionTasks: count(decisions), activityTasks: count(activities) }
  }

  @FieldResolver(() => TypeDefaults, {
    nullable: true,
    description: 'What it was registered with; SWF is asked for each type.',
  })
  defaults(@Root() type: RegisteredType, @Ctx() { swf }: Context): Promise<TypeDefaults> {
    return defaultsOf(swf, type)
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => Domain, { description: 'Registers a domain. Its name stays taken for ever.' })
  async registerDomain(
    @Arg('input', () => RegisterDomainInput, { description: 'The domain.' })
    { name, description, retentionDays }: RegisterDomainInput,
    @Ctx() { swf }: Context,
  ): Promise<Domain> {
    await swf.registerDomain({
      name,
      ...(description && { description }),
      workflowExecutionRetentionPeriodInDays: String(retentionDays),
    })
    const { domainInfo } = await swf.describeDomain({ name })
    return { name, status: 'REGISTERED', description: description ?? undefined, arn: domainInfo?.arn }
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => RegisteredType, { description: 'Registers a workflow type.' })
  async registerWorkflowType(
    @Arg('input', () => RegisterWorkflowTypeInput, { description: 'The type.' }) input: RegisterWorkflowTypeInput,
    @Ctx() { domains, swf, types }: Context,
  ): Promise<RegisteredType> {
    const domain = await domains.resolve(input.domain)
    await registerWorkflowType(swf, domain, input)
    types.forget(domain, input.name)
    return describeType(swf, 'workflow', domain, { name: input.name, version: input.version })
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => RegisteredType, { description: 'Registers an activity type.' })
  async registerActivityType(
    @Arg('input', () => RegisterActivityTypeInput, { description: 'The type.' }) input: RegisterActivityTypeInput,
    @Ctx() { domains, swf }: Context,
  ): Promise<RegisteredType> {
    const domain = await domains.resolve(input.domain)
    await registerActivityType(swf, domain, input)
    return describeType(swf, 'activity', domain, { name: input.name, version: input.version })
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => RegisteredType, {
    description: 'Lets no new executions of a workflow type be started; what is open goes on.',
  })
  async deprecateWorkflowType(
    @Arg('type', () => TypeRef, { description: 'Which one.' }) type: TypeRef,
    @Ctx() { domains, swf, types }: Context,
  ): Promise<RegisteredType> {
    const domain = await domains.resolve(type.domain)
    const { name, version } = type
    await swf.deprecateWorkflowType({ domain, workflowType: { name, version } })
    types.forget(domain, name)
    return describeType(swf, 'workflow', domain, { name, version })
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => RegisteredType, { description: 'Takes a deprecated workflow type into use again.' })
  async undeprecateWorkflowType(
    @Arg('type', () => TypeRef, { description: 'Which one.' }) type: TypeRef,
    @Ctx() { domains, swf, types }: Context,
  ): Promise<RegisteredType> {
    const domain = await domains.resolve(type.domain)
    const { name, version } = type
    await swf.undeprecateWorkflowType({ domain, workflowType: { name, version } })
    types.forget(domain, name)
    return describeType(swf, 'workflow', domain, { name, version })
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => Boolean, {
    description: 'Deletes a deprecated workflow type; its name and version can be registered again.',
  })
  async deleteWorkflowType(
    @Arg('type', () => TypeRef, { description: 'Which one.' }) type: TypeRef,
    @Ctx() { domains, swf, types }: Context,
  ): Promise<boolean> {
    const domain = await domains.resolve(type.domain)
    const { name, version } = type
    await swf.deleteWorkflowType({ domain, workflowType: { name, version } })
    types.forget(domain, name)
    return true
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => RegisteredType, {
    description: 'Lets no new tasks of an activity type be started; what is open goes on.',
  })
  async deprecateActivityType(
    @Arg('type', () => TypeRef, { description: 'Which one.' }) type: TypeRef,
    @Ctx() { domains, swf }: Context,
  ): Promise<RegisteredType> {
    const domain = await domains.resolve(type.domain)
    const { name, version } = type
    await swf.deprecateActivityType({ domain, activityType: { name, version } })

    return describeType(swf, 'activity', domain, { name, version })
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => RegisteredType, { description: 'Takes a deprecated activity type into use again.' })
  async undeprecateActivityType(
    @Arg('type', () => TypeRef, { description: 'Which one.' }) type: TypeRef,
    @Ctx() { domains, swf }: Context,
  ): Promise<RegisteredType> {
    const domain = await domains.resolve(type.domain)
    const { name, version } = type
    await swf.undeprecateActivityType({ domain, activityType: { name, version } })

    return describeType(swf, 'activity', domain, { name, version })
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => Boolean, {
    description: 'Deletes a deprecated activity type; its name and version can be registered again.',
  })
  async deleteActivityType(
    @Arg('type', () => TypeRef, { description: 'Which one.' }) type: TypeRef,
    @Ctx() { domains, swf }: Context,
  ): Promise<boolean> {
    const domain = await domains.resolve(type.domain)
    const { name, version } = type
    await swf.deleteActivityType({ domain, activityType: { name, version } })

    return true
  }
}
