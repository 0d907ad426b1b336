// A process that decides.

import { Field, Int, ObjectType } from 'type-graphql'
import type { DeciderState } from '../queues/queue.js'
import { Node, encodeNodeId } from './node.type.js'
import { DateTime } from './scalar.js'
import { WorkflowType } from './workflow-type.type.js'

@ObjectType({ description: 'A process that runs workflows: a decider.', implements: Node, simpleResolvers: true })
export class Decider {
  readonly __typename!: 'Decider'
  id!: string

  @Field(() => String, { description: 'The machine that it runs on.' })
  host!: string

  @Field(() => Int, { description: 'Its process id there.' })
  pid!: number

  @Field(() => String, { description: 'The version of swf-gateway that it runs.' })
  version!: string

  @Field(() => [String], { description: 'The task lists that it polls for decision tasks.' })
  taskLists!: string[]

  @Field(() => [WorkflowType], { description: 'The workflow types that it decides.' })
  workflowTypes!: WorkflowType[]

  @Field(() => Int, { description: 'Executions that it keeps in memory between decision tasks.' })
  cached!: number

  @Field(() => DateTime, { description: 'When it was started.' })
  startedAt!: number

  @Field(() => DateTime, { description: 'Its last sign of life; one a second is usual.' })
  lastSeen!: number
}

/** Returns a decider as clients see it. */
export function deciderOf(domain: string, { id, ...decider }: DeciderState): Decider {
  return { __typename: 'Decider', id: encodeNodeId({ type: 'Decider', domain, deciderId: id }), ...decider }
}
