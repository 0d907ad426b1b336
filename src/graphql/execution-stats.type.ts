// What became of executions over a window of time.

import { Field, Float, Int, InterfaceType, ObjectType } from 'type-graphql'
import type { ExecutionFigures as Figures, TypeFigures } from '../feed/execution-query.js'
import { FromIndex } from './index-progress.type.js'
import { Percentiles } from './queue-statistics.type.js'
import { DateTime } from './scalar.js'

@InterfaceType({
  description:
    'What became of executions. All but `started` is of those that closed within the window, whenever they started.',
  resolveType: () => undefined,
})
export abstract class ExecutionFigures implements Figures {
  @Field(() => Int, { description: 'Started within the window.' })
  started!: number

  @Field(() => Int, { description: 'Completed.' })
  completed!: number

  @Field(() => Int, { description: 'Failed, timed out or were terminated.' })
  failed!: number

  @Field(() => Float, {
    nullable: true,
    description: 'Completed among completed and failed, from 0 to 1; null when there were none.',
  })
  successRate?: number

  @Field(() => Percentiles, {
    nullable: true,
    description: 'From the start to the close of those that completed; null when none did.',
  })
  duration?: Percentiles

  @Field(() => Int, { description: 'Of those that failed: timed out.' })
  timedOut!: number

  @Field(() => Int, { description: 'Of those that failed: were terminated.' })
  terminated!: number

  @Field(() => Int, { description: 'Canceled, which is neither completed nor failed.' })
  canceled!: number

  @Field(() => Int, { description: 'Continued as new: their next runs are counted on their own.' })
  continuedAsNew!: number
}

@ObjectType({ description: 'What became of all of them.', implements: ExecutionFigures, simpleResolvers: true })
export class TotalFigures extends ExecutionFigures {}

@ObjectType({
  description: 'What became of the executions of one workflow type.',
  implements: ExecutionFigures,
  simpleResolvers: true,
})
export class WorkflowTypeFigures extends ExecutionFigures implements TypeFigures {
  @Field(() => String, { description: 'Name of the workflow type.' })
  type!: string

  @Field(() => String, { nullable: true, description: 'Its version, where versions are told apart.' })
  version?: string
}

@ObjectType({ description: 'What became of executions over a window of time.', simpleResolvers: true })
export class ExecutionStats extends FromIndex {
  @Field(() => DateTime, { description: 'Where the window begins.' })
  from!: Date

  @Field(() => DateTime, { description: 'Where it ends.' })
  to!: Date

  @Field(() => TotalFigures, { description: 'All types together.' })
  total!: TotalFigures

  @Field(() => [WorkflowTypeFigures], {
    description: 'By type, the busiest first; types of which nothing started or closed are left out.',
  })
  types!: WorkflowTypeFigures[]
}
