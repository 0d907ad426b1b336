import { Arg, Ctx, Extensions, Query, Resolver } from 'type-graphql'
import type { Context } from './context.js'
import { Decider, deciderOf } from './decider.type.js'

const DOMAIN = { nullable: true, description: "The domain. Default: the gateway's." } as const

@Resolver()
export class DeciderResolver {
  @Extensions({ rule: 'decider:read' })
  @Query(() => [Decider], { nullable: true, description: 'The deciders that were seen within the last minute.' })
  async deciders(
    @Arg('domain', () => String, DOMAIN) domain: string | null,
    @Ctx() { domains, queues }: Context,
  ): Promise<Decider[]> {
    const name = await domains.resolve(domain)
    return (await queues.deciders(name)).map(decider => deciderOf(name, decider))
  }
}
