import { Arg, Args, Ctx, Extensions, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql'
import type { Context } from './context.js'
import { inputOr } from './former-argument.js'
import { countOf } from './page.type.js'
import { RegisterActivityTypeInput, RegisterWorkflowTypeInput, TypeRef, TypesArgs } from './registration.input.js'
import {
  DeletedTypePayload,
  PendingTasks,
  RegisteredType,
  RegisteredTypeConnection,
  RegisteredTypePayload,
  TypeDefaults,
} from './registration.type.js'
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
const WHICH = { nullable: true, description: 'Which one; must be given.' } as const
const FORMER_TYPE = {
  nullable: true,
  description: 'Which one.',
  deprecationReason: 'Give it as `input`.',
} as const

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
  @Mutation(() => RegisteredTypePayload, { nullable: true, description: 'Registers a workflow type.' })
  async registerWorkflowType(
    @Arg('input', () => RegisterWorkflowTypeInput, { description: 'The type.' }) input: RegisterWorkflowTypeInput,
    @Ctx() { domains, swf, types }: Context,
  ): Promise<RegisteredTypePayload> {
    const domain = await domains.resolve(input.domain)
    await registerWorkflowType(swf, domain, input)
    types.forget(domain, input.name)
    return payloadOf(await describeType(swf, 'workflow', domain, { name: input.name, version: input.version }))
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => RegisteredTypePayload, { nullable: true, description: 'Registers an activity type.' })
  async registerActivityType(
    @Arg('input', () => RegisterActivityTypeInput, { description: 'The type.' }) input: RegisterActivityTypeInput,
    @Ctx() { domains, swf }: Context,
  ): Promise<RegisteredTypePayload> {
    const domain = await domains.resolve(input.domain)
    await registerActivityType(swf, domain, input)
    return payloadOf(await describeType(swf, 'activity', domain, { name: input.name, version: input.version }))
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => RegisteredTypePayload, {
    nullable: true,
    description: 'Lets no new executions of a workflow type be started; what is open goes on.',
  })
  async deprecateWorkflowType(
    @Arg('input', () => TypeRef, WHICH) input: TypeRef | null,
    @Arg('type', () => TypeRef, FORMER_TYPE) former: TypeRef | null,
    @Ctx() context: Context,
  ): Promise<RegisteredTypePayload> {
    return changed('workflow', 'deprecate', inputOr('type', input, former), context)
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => RegisteredTypePayload, {
    nullable: true,
    description: 'Takes a deprecated workflow type into use again.',
  })
  async undeprecateWorkflowType(
    @Arg('input', () => TypeRef, WHICH) input: TypeRef | null,
    @Arg('type', () => TypeRef, FORMER_TYPE) former: TypeRef | null,
    @Ctx() context: Context,
  ): Promise<RegisteredTypePayload> {
    return changed('workflow', 'undeprecate', inputOr('type', input, former), context)
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => DeletedTypePayload, {
    nullable: true,
    description: 'Deletes a deprecated workflow type; its name and version can be registered again.',
  })
  async deleteWorkflowType(
    @Arg('input', () => TypeRef, WHICH) input: TypeRef | null,
    @Arg('type', () => TypeRef, FORMER_TYPE) former: TypeRef | null,
    @Ctx() context: Context,
  ): Promise<DeletedTypePayload> {
    return deleted('workflow', inputOr('type', input, former), context)
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => RegisteredTypePayload, {
    nullable: true,
    description: 'Lets no new tasks of an activity type be started; what is open goes on.',
  })
  async deprecateActivityType(
    @Arg('input', () => TypeRef, WHICH) input: TypeRef | null,
    @Arg('type', () => TypeRef, FORMER_TYPE) former: TypeRef | null,
    @Ctx() context: Context,
  ): Promise<RegisteredTypePayload> {
    return changed('activity', 'deprecate', inputOr('type', input, former), context)
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => RegisteredTypePayload, {
    nullable: true,
    description: 'Takes a deprecated activity type into use again.',
  })
  async undeprecateActivityType(
    @Arg('input', () => TypeRef, WHICH) input: TypeRef | null,
    @Arg('type', () => TypeRef, FORMER_TYPE) former: TypeRef | null,
    @Ctx() context: Context,
  ): Promise<RegisteredTypePayload> {
    return changed('activity', 'undeprecate', inputOr('type', input, former), context)
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => DeletedTypePayload, {
    nullable: true,
    description: 'Deletes a deprecated activity type; its name and version can be registered again.',
  })
  async deleteActivityType(
    @Arg('input', () => TypeRef, WHICH) input: TypeRef | null,
    @Arg('type', () => TypeRef, FORMER_TYPE) former: TypeRef | null,
    @Ctx() context: Context,
  ): Promise<DeletedTypePayload> {
    return deleted('activity', inputOr('type', input, former), context)
  }
}

@Resolver(() => RegisteredTypePayload)
export class RegisteredTypePayloadResolver {
  @FieldResolver(() => TypeDefaults, {
    nullable: true,
    description: 'What it was registered with.',
    deprecationReason: 'Ask it of `type`.',
  })
  async defaults(@Root() { type }: RegisteredTypePayload, @Ctx() { budget, swf }: Context): Promise<TypeDefaults> {
    budget.read()
    return defaultsOf(swf, type)
  }
}

async function changed(
  kind: TypeKind,
  change: 'deprecate' | 'undeprecate',
  type: TypeRef,
  context: Context,
): Promise<RegisteredTypePayload> {
  const domain = await changeType(kind, change, type, context)
  return payloadOf(await describeType(context.swf, kind, domain, { name: type.name, version: type.version }))
}

function payloadOf(type: RegisteredType): RegisteredTypePayload {
  return { ...type, type }
}

async function deleted(kind: TypeKind, type: TypeRef, context: Context): Promise<DeletedTypePayload> {
  const domain = await changeType(kind, 'delete', type, context)
  return { domain, name: type.name, version: type.version }
}
