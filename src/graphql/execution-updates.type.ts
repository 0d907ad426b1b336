// What a subscription to executions gives.

import { Field, Int, ObjectType, createUnionType, registerEnumType } from 'type-graphql'
import type { ExecutionFilter } from '../feed/execution-query.js'
import type { FeedItem } from '../feed/subscriber.js'
import { RESYNC_REASONS, type ResyncReason } from '../feed/resync-reason.js'
import { described, enumOf } from './enum.js'
import { Execution, ExecutionStatus, executionOf } from './execution.type.js'
import { Saga, Stuck } from './saga.type.js'
import { DateTime } from './scalar.js'

const ResyncReasonEnum = enumOf(Object.keys(RESYNC_REASONS) as ResyncReason[])
registerEnumType(ResyncReasonEnum, {
  name: 'ResyncReason',
  description: 'Why updates may be missing.',
  valuesConfig: described(RESYNC_REASONS),
})

@ObjectType({
  description: 'An execution changed visibly: its status, its saga, its state, or a cancel was requested.',
  simpleResolvers: true,
})
export class ExecutionChanged {
  readonly kind!: 'changed'

  @Field(() => String, { description: 'Give it as `after` to go on behind this update.' })
  cursor!: string

  @Field(() => Int, { description: 'The last event that this covers.' })
  eventId!: number

  @Field(() => Int, {
    description:
      "The eventId of this run's update before this one; 0 for its first. If you have not seen that one, you missed something.",
  })
  previousEventId!: number

  @Field(() => String, { description: 'Its workflowId.' })
  workflowId!: string

  @Field(() => String, { description: 'Its runId.' })
  runId!: string

  @Field(() => DateTime, { description: 'When it changed.' })
  at!: number

  @Field(() => ExecutionStatus, { description: 'Its status after the change.' })
  status!: ExecutionStatus

  @Field(() => Saga, { nullable: true, description: 'Its saga after the change; null when its workflow is none.' })
  saga?: Saga | undefined

  @Field(() => Execution, { description: 'The execution after the change.' })
  execution!: Execution
}

@ObjectType({
  description: 'An execution became stuck, or goes on again. Not an event, so it has no cursor.',
  simpleResolvers: true,
})
export class ExecutionStuck {
  readonly kind!: 'stuck'

  @Field(() => Execution, { description: 'The execution.' })
  execution!: Execution

  @Field(() => Stuck, { nullable: true, description: 'Why it makes no progress; null when it goes on again.' })
  stuck?: Stuck | undefined
}

@ObjectType({
  description:
    'Updates may be missing before this point: show the execution that it is `about` as it is, or without one what `executions` says; then go on from here. Never silence.',
  simpleResolvers: true,
})
export class Resync {
  readonly kind!: 'resync'

  /** Not fields: what the subscription is about, from which `executions` is listed. */
  topic!: About

  @Field(() => String, { description: 'Give it as `after` to go on from here.' })
  cursor!: string

  @Field(() => ResyncReasonEnum, { description: 'Why updates may be missing.' })
  reason!: ResyncReason

  @Field(() => String, { description: 'The same in words.' })
  message!: string

  @Field(() => Execution, {
    nullable: true,
    description: 'The run that this is about, as it was read; null when it is about all that the subscription shows.',
  })
  about?: Execution | undefined
}

/** What a subscription is about. */
export interface About {
  domain: string
  workflowId?: string | undefined
  runId?: string | undefined
  filter: ExecutionFilter
}

const NAMES = { changed: 'ExecutionChanged', stuck: 'ExecutionStuck', resync: 'Resync' } as const

export type Update = ExecutionChanged | ExecutionStuck | Resync
export const ExecutionUpdate = createUnionType({
  name: 'ExecutionUpdate',
  description: 'What a subscription to executions gives.',
  types: () => [ExecutionChanged, ExecutionStuck, Resync] as const,
  resolveType: ({ kind }: Update) => NAMES[kind],
})

/** Returns an item of the feed as clients see it; what the subscription is about is asked for where it matters. */
export async function updateOf(item: FeedItem, about: () => Promise<About>): Promise<Update> {
  switch (item.kind) {
    case 'changed': {
      const { cursor, eventId, previousEventId, at, summary } = item.update
      const { workflowId, runId, status, saga } = summary
      const execution = executionOf(summary, 'INDEX')
      return { kind: 'changed', cursor, eventId, previousEventId, workflowId, runId, at, status, saga, execution }
    }
    case 'stuck':
      return { kind: 'stuck', execution: executionOf(item.summary, 'INDEX'), stuck: item.stuck }
    case 'resync': {
      const { cursor, reason, summary } = item
      return Object.assign(new Resync(), {
        ...{ kind: 'resync' as const, cursor, reason, message: RESYNC_REASONS[reason], topic: await about() },
        about: summary && executionOf(summary, 'INDEX'),
      })
    }
  }
}
