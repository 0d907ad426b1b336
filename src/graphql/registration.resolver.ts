import { Arg, Args, Ctx, Extensions, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql'
import type { Context } from './context.js'
import { countOf } from './page.type.js'
import { RegisterActivityTypeInput, RegisterWorkflowTypeInput, TypeRef, TypesArgs } from './registration.input.js'
import { PendingTasks, RegisteredType, RegisteredTypeConnection, TypeDefaults } from './registration.type.js'
import {
  changeType,
  defaultsOf,
  describeType,
  listTypes,
  registerActivityType,
  registerWorkflowType,
  type TypeKind,
} from './registrations.js'

const DOMAIN = { nullable: true, description: "The domain. Default: the gateway's." } as const
const WHICH = { description: 'Which one.' } as const

@Resolver(() => RegisteredType)
export class RegistrationResolver {
  @Extensions({ rule: 'registration:read' })
  @Query(() => RegisteredTypeConnection, { nullable: true, description: 'The workflow types of a domain.' })
  workflowTypes(@Args(() => TypesArgs) args: TypesArgs, @Ctx() context: Context): Promise<RegisteredTypeConnection> {
    return listTypes('workflow', args, context)
  }

  @Extensions({ rule: 'registration:read' })
  @Query(() => RegisteredTypeConnection, { nullable: true, description: 'The activity types of a domain.' })
  activityTypes(@Args(() => TypesArgs) args: TypesArgs, @Ctx() context: Context): Promise<RegisteredTypeConnection> {
    return listTypes('activity', args, context)
  }

  @Extensions({ rule: 'registration:read' })
  @Query(() => PendingTasks, { nullable: true, description: 'Tasks of a task list that wait in SWF for a poll.' })
  async pendingTasks(
    @Arg('domain', () => String, DOMAIN) domain: string | null,
    @Arg('taskList', () => String, { description: 'Name of the task list.' }) name: string,
    @Ctx() { domains, swf }: Context,
  ): Promise<PendingTasks> {
    const input = { domain: await domains.resolve(domain), taskList: { name } }
    const [decisionTasks, activityTasks] = await Promise.all([
      swf.countPendingDecisionTasks(input),
      swf.countPendingActivityTasks(input),
    ])
    return { decisionTasks: countOf(decisionTasks), activityTasks: countOf(activityTasks) }
  }

  @FieldResolver(() => TypeDefaults, {
    nullable: true,
    description: 'What it was registered with; SWF is asked for each type.',
  })
  async defaults(@Root() type: RegisteredType, @Ctx() { budget, swf }: Context): Promise<TypeDefaults> {
    budget.read()
    return defaultsOf(swf, type)
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => RegisteredType, { nullable: true, description: 'Registers a workflow type.' })
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
  @Mutation(() => RegisteredType, { nullable: true, description: 'Registers an activity type.' })
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
    nullable: true,
    description: 'Lets no new executions of a workflow type be started; what is open goes on.',
  })
  deprecateWorkflowType(
    @Arg('type', () => TypeRef, WHICH) type: TypeRef,
    @Ctx() context: Context,
  ): Promise<RegisteredType> {
    return changed('workflow', 'deprecate', type, context)
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => RegisteredType, { nullable: true, description: 'Takes a deprecated workflow type into use again.' })
  undeprecateWorkflowType(
    @Arg('type', () => TypeRef, WHICH) type: TypeRef,
    @Ctx() context: Context,
  ): Promise<RegisteredType> {
    return changed('workflow', 'undeprecate', type, context)
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => Boolean, {
    nullable: true,
    description: 'Deletes a deprecated workflow type; its name and version can be registered again.',
  })
  async deleteWorkflowType(
    @Arg('type', () => TypeRef, WHICH) type: TypeRef,
    @Ctx() context: Context,
  ): Promise<boolean> {
    await changeType('workflow', 'delete', type, context)
    return true
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => RegisteredType, {
    nullable: true,
    description: 'Lets no new tasks of an activity type be started; what is open goes on.',
  })
  deprecateActivityType(
    @Arg('type', () => TypeRef, WHICH) type: TypeRef,
    @Ctx() context: Context,
  ): Promise<RegisteredType> {
    return changed('activity', 'deprecate', type, context)
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => RegisteredType, { nullable: true, description: 'Takes a deprecated activity type into use again.' })
  undeprecateActivityType(
    @Arg('type', () => TypeRef, WHICH) type: TypeRef,
    @Ctx() context: Context,
  ): Promise<RegisteredType> {
    return changed('activity', 'undeprecate', type, context)
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => Boolean, {
    nullable: true,
    description: 'Deletes a deprecated activity type; its name and version can be registered again.',
  })
  async deleteActivityType(
    @Arg('type', () => TypeRef, WHICH) type: TypeRef,
    @Ctx() context: Context,
  ): Promise<boolean> {
    await changeType('activity', 'delete', type, context)
    return true
  }
}

async function changed(
  kind: TypeKind,
  change: 'deprecate' | 'undeprecate',
  type: TypeRef,
  context: Context,
): Promise<RegisteredType> {
  const domain = await changeType(kind, change, type, context)
  return describeType(context.swf, kind, domain, { name: type.name, version: type.version })
}
