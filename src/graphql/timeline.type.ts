// What an execution did and when, ready to draw.

import { Field, Int, ObjectType, registerEnumType } from 'type-graphql'
import type { Span as SpanData, SpanKind as Kind, SpanOutcome as Outcome } from '../swf/timeline.js'
import { enumOf } from './enum.js'
import { DateTime } from './scalar.js'

export const SpanKind = enumOf(['ACTIVITY_TASK', 'TIMER', 'CHILD', 'LAMBDA_FUNCTION', 'SIGNAL', 'DECISION_TASK'])
registerEnumType(SpanKind, {
  name: 'SpanKind',
  description: 'What a span of a timeline is.',
  valuesConfig: {
    ACTIVITY_TASK: { description: 'An activity, from its scheduling on.' },
    TIMER: { description: 'A timer.' },
    CHILD: { description: 'A child, from the decision to start it on.' },
    LAMBDA_FUNCTION: { description: 'A Lambda function, from its scheduling on.' },
    SIGNAL: { description: 'A signal that arrived.' },
    DECISION_TASK: { description: 'A decision task, from its scheduling on.' },
  },
})

export const SpanOutcome = enumOf(['COMPLETED', 'FAILED', 'TIMED_OUT', 'CANCELED', 'TERMINATED', 'FIRED', 'DROPPED'])
registerEnumType(SpanOutcome, {
  name: 'SpanOutcome',
  description: 'How a span of a timeline ended.',
  valuesConfig: {
    COMPLETED: { description: 'It succeeded; of a decision task, it was answered; of a signal, it arrived.' },
    FAILED: { description: 'It failed, or could not be started.' },
    TIMED_OUT: { description: 'It took longer than it may.' },
    CANCELED: { description: 'It was canceled.' },
    TERMINATED: { description: 'A child that somebody ended.' },
    FIRED: { description: 'A timer whose time came.' },
    DROPPED: { description: 'It was open when the execution closed: SWF does not wait for it.' },
  },
})

@ObjectType({
  description: 'Something that an execution did or that happened to it, from its beginning to its end.',
  simpleResolvers: true,
})
export class Span implements SpanData {
  @Field(() => Int, { description: 'The event that it begins with.' })
  eventId!: number

  @Field(() => SpanKind, { description: 'What it is.' })
  kind!: Kind

  @Field(() => String, {
    description: 'Name of the activity or workflow type, of the function or the signal; id of a timer.',
  })
  name!: string

  @Field(() => String, {
    nullable: true,
    description: 'activityId, timerId, workflowId of a child, or id of a Lambda function.',
  })
  subjectId?: string

  @Field(() => DateTime, {
    nullable: true,
    description: 'Since when it waited to be started; null for what does not wait.',
  })
  queuedAt?: Date

  @Field(() => DateTime, { nullable: true, description: 'When it started; null while it waits.' })
  startedAt?: Date

  @Field(() => DateTime, { nullable: true, description: 'When it ended; null while it goes on.' })
  endedAt?: Date

  @Field(() => SpanOutcome, { nullable: true, description: 'How it ended; null while it goes on.' })
  outcome?: Outcome
}
