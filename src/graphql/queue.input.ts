// What is to be changed about a queue.

import { Length, ValidateNested } from 'class-validator'
import { Field, InputType, Int } from 'type-graphql'
import { DAY, SECOND } from '../swf/duration.js'
import { Lasts } from './duration-limit.js'
import { Duration } from './scalar.js'

@InputType({ description: 'How many tasks may be polled in a time.' })
export class RateLimitInput {
  @Field(() => Int, { description: 'So many tasks, from 1 to 1,000,000 …' })
  tasks!: number

  @Field(() => Duration, { description: '… in this time, from PT0.1S to P1D.' })
  @Lasts(SECOND / 10, DAY)
  per!: number
}

@InputType({
  description:
    'Which queue, and what to change; what is left out stays as it is. What changes nothing leaves the version as it is.',
})
export class UpdateQueueInput {
  @Field(() => String, { nullable: true, description: "Its domain. Default: the gateway's." })
  @Length(1, 256)
  domain?: string | null

  @Field(() => String, { description: 'Name of the task list.' })
  @Length(1, 256)
  taskList!: string

  @Field(() => Int, {
    nullable: true,
    description: 'Change them only if they are still at this version; else VERSION_CONFLICT.',
  })
  expectedVersion?: number | null

  @Field(() => Int, {
    nullable: true,
    description: 'Activities that the whole fleet runs at a time, from 0 to 100,000; 0 is the same as paused.',
  })
  concurrency?: number | null

  @Field(() => Int, { nullable: true, description: 'Activities that one worker runs at a time, from 1 to 10,000.' })
  workerConcurrency?: number | null

  @Field(() => Int, {
    nullable: true,
    description: 'Tasks polled beyond those that can run at once, from 0 to 10,000.',
  })
  prefetch?: number | null

  @Field(() => Boolean, { nullable: true, description: 'Whether to poll nothing; what runs goes on.' })
  paused?: boolean | null

  @Field(() => RateLimitInput, {
    nullable: true,
    description: 'How many tasks may be polled in a time; null takes the limit away.',
  })
  @ValidateNested()
  rateLimit?: RateLimitInput | null
}
