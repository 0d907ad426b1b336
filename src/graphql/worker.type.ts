// A process that runs activities.

import { Field, Int, ObjectType } from 'type-graphql'
import type { WorkerState } from '../queues/queue.js'
import { Node, encodeNodeId } from './node.type.js'
import { DateTime } from './scalar.js'
import { ActivityType } from './workflow-type.type.js'

@ObjectType({ description: 'A process that runs activities.', implements: Node, simpleResolvers: true })
export class Worker {
  readonly __typename!: 'Worker'
  id!: string

  @Field(() => String, { description: 'The machine that it runs on.' })
  host!: string

  @Field(() => Int, { description: 'Its process id there.' })
  pid!: number

  @Field(() => String, { description: 'The version of swf-gateway that it runs.' })
  version!: string

  @Field(() => [ActivityType], { description: 'The activity types that it has handlers for.' })
  activityTypes!: ActivityType[]

  @Field(() => DateTime, { description: 'When it was started.' })
  startedAt!: number

  @Field(() => Int, { description: 'Activities that it runs now, on all its task lists.' })
  active!: number

  @Field(() => DateTime, { description: 'Its last sign of life; one a second is usual.' })
  lastSeen!: number
}

/** Returns a worker as clients see it. */
export function workerOf(domain: string, { id, ...worker }: WorkerState): Worker {
  return { __typename: 'Worker', id: encodeNodeId({ type: 'Worker', domain, workerId: id }), ...worker }
}
