import { Arg, Ctx, Extensions, Query, Resolver } from 'type-graphql'
import { DAY } from '../swf/duration.js'
import type { Context } from './context.js'
import { apiError } from './errors.js'
import { indexFilter } from './execution-filter.js'
import { ExecutionStats } from './execution-stats.type.js'
import { ExecutionFilter } from './execution.input.js'
import { fromIndex } from './index-progress.type.js'
import { DateTime, Duration } from './scalar.js'

interface Window {
  from: Date | null
  to: Date | null
  window: number | null
}

@Resolver()
export class ExecutionStatsResolver {
  @Extensions({ rule: 'execution:read' })
  @Query(() => ExecutionStats, {
    nullable: true,
    description:
      'What became of executions over a window of time, by type: started, completed, failed, success rate, duration.',
  })
  async stats(
    @Arg('domain', () => String, { nullable: true, description: "The domain. Default: the gateway's." })
    domain: string | null,
    @Arg('filter', () => ExecutionFilter, { nullable: true, description: 'Of which ones.' })
    filter: ExecutionFilter | null,
    @Arg('from', () => DateTime, {
      nullable: true,
      description: 'Where the window begins. Default: `window` before `to`.',
    })
    from: Date | null,
    @Arg('to', () => DateTime, { nullable: true, description: 'Where the window ends. Default: now.' })
    to: Date | null,
    @Arg('window', () => Duration, {
      nullable: true,
      description: 'How long it is, instead of `from`. Default: a day.',
    })
    window: number | null,
    @Arg('versions', () => Boolean, { defaultValue: false, description: 'Whether versions of a type are told apart.' })
    versions: boolean,
    @Ctx() { domains, index }: Context,
  ): Promise<ExecutionStats> {
    const name = await domains.resolve(domain)
    const within = windowOf({ from, to, window })
    const { total, types, ...indexed } = index.stats(name, { ...within, filter: indexFilter(filter), versions })
    return { from: new Date(within.from), to: new Date(within.to), total, types, ...fromIndex(indexed) }
  }
}

/** Returns a window in milliseconds since 1970; throws BAD_USER_INPUT for one that is said twice, or that ends before it begins. */
function windowOf({ from, to, window }: Window): { from: number; to: number } {
  if (from != null && window != null)
    throw apiError('BAD_USER_INPUT', 'A window begins at `from` or is `window` long: give one of them')
  const end = to?.getTime() ?? Date.now()
  const start = from?.getTime() ?? Math.max(0, end - (window ?? DAY))
  if (start > end) throw apiError('BAD_USER_INPUT', '`from` must not be later than `to`')
  return { from: start, to: end }
}
