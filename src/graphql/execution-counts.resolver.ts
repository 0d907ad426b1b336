import { Arg, Ctx, Extensions, Query, Resolver } from 'type-graphql'
import type { ExecutionGrouping as Grouping } from '../feed/execution-query.js'
import type { Context } from './context.js'
import { ExecutionCounts, ExecutionGrouping, type ExecutionCount } from './execution-counts.type.js'
import { indexFilter } from './execution-filter.js'
import { ExecutionFilter } from './execution.input.js'
import { fromIndex } from './index-progress.type.js'

@Resolver()
export class ExecutionCountsResolver {
  @Extensions({ rule: 'execution:read' })
  @Query(() => ExecutionCounts, {
    nullable: true,
    description: 'How many executions there are of each kind: by type, status, state of their saga.',
  })
  async executionCounts(
    @Arg('domain', () => String, { nullable: true, description: "The domain. Default: the gateway's." })
    domain: string | null,
    @Arg('filter', () => ExecutionFilter, { nullable: true, description: 'Which ones are counted.' })
    filter: ExecutionFilter | null,
    @Arg('by', () => [ExecutionGrouping], {
      defaultValue: ['TYPE', 'STATUS'],
      description: 'What they are counted by.',
    })
    by: Grouping[],
    @Ctx() { domains, index }: Context,
  ): Promise<ExecutionCounts> {
    const name = await domains.resolve(domain)
    const { groups, truncated, ...indexed } = index.groups(name, indexFilter(filter), [...new Set(by)])
    return { groups: groups as ExecutionCount[], truncated, ...fromIndex(indexed) }
  }
}
