// A queue: a task list and the slots of those who work on it.

import { Field, Int, ObjectType } from 'type-graphql'
import type { QueueState } from '../queues/queue.js'
import { Node, encodeNodeId } from './node.type.js'
import { DateTime, Duration } from './scalar.js'
import { Worker, workerOf } from './worker.type.js'

@ObjectType({ description: 'How many tasks may be polled in a time.', simpleResolvers: true })
export class RateLimit {
  @Field(() => Int, { description: 'So many tasks …' })
  tasks!: number

  @Field(() => Duration, { description: '… in this time.' })
  per!: number
}

@ObjectType({ description: 'What an operator may set.', simpleResolvers: true })
export class QueueSettings {
  @Field(() => Int, {
    description:
      'Grows with every change, not with one to what holds already; 0 until an operator makes one. Give it as `expectedVersion`.',
  })
  version!: number

  @Field(() => Int, { description: 'Activities that the whole fleet runs at a time; 0 is the same as paused.' })
  concurrency!: number

  @Field(() => Int, { description: 'Activities that one worker runs at a time.' })
  workerConcurrency!: number

  @Field(() => Int, {
    description: 'Tasks polled beyond those that can run at once. Their clocks run while they wait.',
  })
  prefetch!: number

  @Field(() => Boolean, { description: 'Nothing is polled; what runs goes on.' })
  paused!: boolean

  @Field(() => RateLimit, { nullable: true, description: 'How many tasks may be polled in a time; null for no limit.' })
  rateLimit?: RateLimit

  @Field(() => String, { nullable: true, description: 'Who changed them last.' })
  changedBy?: string

  @Field(() => DateTime, { nullable: true, description: 'When they were changed last.' })
  changedAt?: number
}

@ObjectType({ description: 'What a worker obeys.', simpleResolvers: true })
export class ObservedSettings {
  @Field(() => Worker, { description: 'The worker.' })
  worker!: Worker

  @Field(() => Int, { description: 'The version of the settings that it obeys.' })
  version!: number

  @Field(() => Int, { description: 'Activities that it runs at most, now.' })
  concurrency!: number

  @Field(() => Int, { description: 'Activities that it runs, now.' })
  active!: number

  @Field(() => Boolean, { description: 'It stops: it takes no more work.' })
  draining!: boolean
}

@ObjectType({
  description: 'A task list of activities, and the slots of the workers on it.',
  implements: Node,
  simpleResolvers: true,
})
export class Queue {
  readonly __typename!: 'Queue'
  id!: string

  @Field(() => String, { description: 'Its domain.' })
  domain!: string

  @Field(() => String, { description: 'Name of the task list.' })
  taskList!: string

  @Field(() => Int, { description: 'Tasks polled and not begun. What waits in SWF is not counted.' })
  depth!: number

  @Field(() => Int, { description: 'Tasks that run.' })
  active!: number

  @Field(() => Int, { description: 'Slots in use: open polls, and tasks that wait or run.' })
  slotsHeld!: number

  @Field(() => Duration, {
    nullable: true,
    description: 'How long the oldest waiting task has waited; null when none waits.',
  })
  oldestAge?: number

  @Field(() => QueueSettings, { description: 'What holds now.' })
  settings!: QueueSettings

  @Field(() => [ObservedSettings], {
    description:
      "What each live worker obeys: a change has reached the whole fleet when all show the settings' version.",
  })
  observed!: ObservedSettings[]
}

/** Returns a queue as clients see it. */
export function queueOf({ observed, ...state }: QueueState): Queue {
  const { domain, taskList } = state
  return {
    __typename: 'Queue',
    id: encodeNodeId({ type: 'Queue', domain, taskList }),
    ...state,
    observed: observed.map(({ worker, ...rest }) => ({ worker: workerOf(domain, worker), ...rest })),
  }
}

@ObjectType({ description: 'The settings have been changed.', simpleResolvers: true })
export class UpdateQueuePayload {
  @Field(() => Queue, { description: 'The queue with its new settings.' })
  queue!: Queue

  @Field(() => QueueSettings, { description: 'What held before.' })
  previous!: QueueSettings
}
