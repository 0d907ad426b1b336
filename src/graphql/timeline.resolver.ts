import { Arg, Ctx, Extensions, FieldResolver, Int, Resolver, Root } from 'type-graphql'
import { timelineOf, type SpanKind as Kind } from '../swf/timeline.js'
import type { Context } from './context.js'
import { Execution } from './execution.type.js'
import { LIMITS, pageSize } from './limits.js'
import { Span, SpanKind } from './timeline.type.js'

const ALL_BUT_DECISION_TASKS: readonly Kind[] = ['ACTIVITY_TASK', 'TIMER', 'CHILD', 'LAMBDA_FUNCTION', 'SIGNAL']

@Resolver(() => Execution)
export class TimelineResolver {
  @Extensions({ rule: 'execution:read' })
  @FieldResolver(() => [Span], {
    nullable: true,
    description:
      'What it did and when, in the order in which it began; time in a queue stands apart from time at work. Null with an error when its history cannot be read.',
  })
  async timeline(
    @Root() execution: Execution,
    @Arg('kinds', () => [SpanKind], { nullable: true, description: 'Only these. Default: all but decision tasks.' })
    kinds: Kind[] | null,
    @Arg('first', () => Int, {
      defaultValue: LIMITS.historyPage,
      description: `How many at most, up to ${LIMITS.historyPage}.`,
    })
    first: number,
    @Arg('afterEventId', () => Int, {
      defaultValue: 0,
      description: 'Go on behind the span that begins with this event.',
    })
    afterEventId: number,
    @Ctx() { executions }: Context,
  ): Promise<Span[]> {
    const { events } = await executions.history(execution)
    const wanted = new Set(kinds ?? ALL_BUT_DECISION_TASKS)
    return timelineOf(events)
      .filter(({ kind, eventId }) => wanted.has(kind) && eventId > afterEventId)
      .slice(0, pageSize('first', first, LIMITS.historyPage))
  }
}
