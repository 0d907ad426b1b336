// What an open execution waits for.

import { Field, Int, InterfaceType, ObjectType, registerEnumType } from 'type-graphql'
import type { ActivityRef, TaskPlace, WaitReason as Reason } from '../queues/queue.js'
import { enumOf } from './enum.js'
import { HistoryEvent } from './history.type.js'
import { DateTime } from './scalar.js'
import { ActivityType, WorkflowType } from './workflow-type.type.js'

export const WaitReason = enumOf([
  'PAUSED',
  'NO_POLLER',
  'CONCURRENCY',
  'WORKER_CONCURRENCY',
  'RATE_LIMIT',
  'REDIS_UNAVAILABLE',
])
export type WaitReason = Reason | 'REDIS_UNAVAILABLE'
registerEnumType(WaitReason, {
  name: 'WaitReason',
  description: 'What holds an activity back.',
  valuesConfig: {
    PAUSED: { description: 'Its queue is paused, or its concurrency is 0: resume it.' },
    NO_POLLER: { description: 'No worker of its task list is alive and takes work: start one.' },
    CONCURRENCY: { description: "As many run as the fleet may: raise the queue's `concurrency`." },
    WORKER_CONCURRENCY: {
      description: 'As many run as the live workers may together: start more, or raise `workerConcurrency`.',
    },
    RATE_LIMIT: { description: "As many have been polled as the queue's `rateLimit` allows in this time." },
    REDIS_UNAVAILABLE: { description: 'Redis does not answer, so nothing is polled; more is not known.' },
  },
})

export const PendingActivityState = enumOf(['SCHEDULED', 'QUEUED', 'RUNNING', 'LEFT_OPEN', 'ANSWERED', 'UNKNOWN'])
export type PendingActivityState = keyof typeof PendingActivityState
registerEnumType(PendingActivityState, {
  name: 'PendingActivityState',
  description: 'Where an open activity stands.',
  valuesConfig: {
    SCHEDULED: { description: 'In SWF: no worker has polled it.' },
    QUEUED: { description: 'Polled; it waits in its queue.' },
    RUNNING: { description: 'A worker runs it.' },
    LEFT_OPEN: { description: 'Its handler left it open: somebody is to complete it with its token, by `openUntil`.' },
    ANSWERED: { description: 'It has run; its outcome is on its way to SWF.' },
    UNKNOWN: {
      description:
        'SWF has handed it out and its queue knows nothing of it: a worker of another kind runs it, or it waits for its timeout.',
    },
  },
})

@InterfaceType({
  description: 'Something that an execution waits for.',
  resolveType: (operation: { __typename: string }) => operation.__typename,
})
export abstract class PendingOperation {
  @Field(() => DateTime, { description: 'Since when.' })
  since!: Date

  @Field(() => HistoryEvent, { description: 'The event with which it began.' })
  scheduledEvent!: HistoryEvent
}

/** What the queue knows of a pending activity. */
export interface Standing {
  state: PendingActivityState
  waitingFor?: WaitReason
  place?: TaskPlace
}

@ObjectType({ description: 'An activity that has not ended.', implements: PendingOperation })
export class PendingActivity extends PendingOperation {
  readonly __typename = 'PendingActivity'

  /** Not fields: how its queue is found, and what the queue said. */
  domain!: string
  ref!: ActivityRef
  standing?: Promise<Standing>

  @Field(() => String, { description: 'Its activityId.' })
  activityId!: string

  @Field(() => ActivityType, { description: 'Its type.' })
  activityType!: ActivityType

  @Field(() => String, { description: 'Its task list, which is also the name of its queue.' })
  taskList!: string

  @Field(() => Int, { description: 'Which try it is, from 1.' })
  attempt!: number

  @Field(() => Boolean, { description: 'The workflow has asked it to cancel itself.' })
  cancelRequested!: boolean

  @Field(() => DateTime, { nullable: true, description: 'When SWF handed it to a worker; null while it has not.' })
  startedAt?: Date | undefined
}

@ObjectType({ description: 'A timer that has not fired.', implements: PendingOperation })
export class PendingTimer extends PendingOperation {
  readonly __typename = 'PendingTimer'

  @Field(() => String, { description: 'Its timerId.' })
  timerId!: string

  @Field(() => DateTime, { description: 'When it fires.' })
  firesAt!: Date
}

@ObjectType({ description: 'A child that has not closed.', implements: PendingOperation })
export class PendingChild extends PendingOperation {
  readonly __typename = 'PendingChild'

  /** Not a field: where `execution` looks. */
  domain!: string

  @Field(() => String, { description: 'Its workflowId.' })
  workflowId!: string

  @Field(() => String, { nullable: true, description: 'Its runId; null until SWF has started it.' })
  runId?: string | undefined

  @Field(() => WorkflowType, { description: 'Its type.' })
  workflowType!: WorkflowType
}
