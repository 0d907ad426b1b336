import { Arg, Ctx, Extensions, FieldResolver, Int, Mutation, Query, Resolver, Root } from 'type-graphql'
import type { SwfClient } from '../swf/client.js'
import type { Context } from './context.js'
import { inputOr } from './former-argument.js'
import { DomainRef, RegisterDomainInput } from './registration.input.js'
import { Domain, DomainPayload, RegistrationStatus } from './registration.type.js'

const NAME = { description: 'Its name.' } as const
const WHICH = { nullable: true, description: 'Which one; must be given.' } as const
const FORMER_NAME = { nullable: true, ...NAME, deprecationReason: 'Give `input: { name }`.' } as const
const STATUS = {
  defaultValue: 'REGISTERED',
  description: 'Those that are registered, or those that are deprecated.',
} as const

@Resolver(() => Domain)
export class DomainResolver {
  @Extensions({ rule: 'registration:read' })
  @Query(() => [Domain], { nullable: true, description: 'The domains of the account, by name.' })
  async domains(
    @Arg('status', () => RegistrationStatus, STATUS) status: RegistrationStatus,
    @Ctx() { swf }: Context,
  ): Promise<Domain[]> {
    const { domainInfos = [] } = await swf.listDomains({ registrationStatus: status })
    return domainInfos.map(({ name, description, arn }) => ({ name: name!, status, description, arn }))
  }

  @Extensions({ rule: 'registration:read' })
  @Query(() => Domain, {
    nullable: true,
    description: "A domain as it is registered; DOMAIN_NOT_FOUND when it is not. Default: the gateway's.",
  })
  async domain(
    @Arg('name', () => String, { nullable: true, ...NAME }) name: string | null,
    @Ctx() { domains, swf }: Context,
  ): Promise<Domain> {
    return describeDomain(swf, name ?? (await domains.resolve(undefined)))
  }

  @Extensions({ rule: 'registration:read' })
  @FieldResolver(() => Int, {
    nullable: true,
    description: 'Days that closed executions are kept; SWF is asked for each domain of a list.',
  })
  async retentionDays(
    @Root() { name, retentionDays }: Domain,
    @Ctx() { budget, swf }: Context,
  ): Promise<number | undefined> {
    if (retentionDays !== undefined) return retentionDays
    budget.read()
    return (await describeDomain(swf, name)).retentionDays
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => DomainPayload, { nullable: true, description: 'Registers a domain. Its name stays taken for ever.' })
  async registerDomain(
    @Arg('input', () => RegisterDomainInput, { description: 'The domain.' })
    { name, description, retentionDays }: RegisterDomainInput,
    @Ctx() { domains, swf }: Context,
  ): Promise<DomainPayload> {
    await swf.registerDomain({
      name,
      ...(description && { description }),
      workflowExecutionRetentionPeriodInDays: String(retentionDays),
    })
    domains.forget(name)
    return payloadOf(await describeDomain(swf, name))
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => DomainPayload, {
    nullable: true,
    description: 'Lets nothing new start in a domain; what is open goes on.',
  })
  async deprecateDomain(
    @Arg('input', () => DomainRef, WHICH) input: DomainRef | null,
    @Arg('name', () => String, FORMER_NAME) former: string | null,
    @Ctx() { swf }: Context,
  ): Promise<DomainPayload> {
    const { name } = inputOr('name', input, former == null ? null : { name: former })
    await swf.deprecateDomain({ name })
    return payloadOf(await describeDomain(swf, name))
  }

  @Extensions({ rule: 'registration:write' })
  @Mutation(() => DomainPayload, { nullable: true, description: 'Takes a deprecated domain into use again.' })
  async undeprecateDomain(
    @Arg('input', () => DomainRef, WHICH) input: DomainRef | null,
    @Arg('name', () => String, FORMER_NAME) former: string | null,
    @Ctx() { swf }: Context,
  ): Promise<DomainPayload> {
    const { name } = inputOr('name', input, former == null ? null : { name: former })
    await swf.undeprecateDomain({ name })
    return payloadOf(await describeDomain(swf, name))
  }
}

function payloadOf(domain: Domain): DomainPayload {
  return { ...domain, domain }
}

/** Reads a domain as it stands. */
async function describeDomain(swf: SwfClient, name: string): Promise<Domain> {
  const { domainInfo, configuration } = await swf.describeDomain({ name })
  const days = configuration?.workflowExecutionRetentionPeriodInDays
  return {
    name,
    status: domainInfo?.status ?? 'REGISTERED',
    description: domainInfo?.description,
    arn: domainInfo?.arn,
    // NONE: none is kept.
    retentionDays: days === undefined ? undefined : days === 'NONE' ? 0 : Number(days),
  }
}
