// Why something failed: a chain of causes.

import { Field, Int, ObjectType } from 'type-graphql'
import { decodeFailure } from '../swf/failure.js'
import type * as Swf from '../swf/failure.js'
import { isRounded } from '../swf/payload.js'
import { Payload, payloadOf, payloadOfValue } from './payload.type.js'

@ObjectType({ description: 'Why something failed; `cause` leads on to what was behind it.', simpleResolvers: true })
export class Failure {
  @Field(() => String, {
    description: 'A stable code, such as `ACTIVITY_TASK_FAILED` or `WORKFLOW_EXECUTION_TIMED_OUT`.',
  })
  code!: string

  @Field(() => String, { description: "The author's word for what happened, such as `OutOfStock`." })
  reason!: string

  @Field(() => String, { nullable: true, description: 'What happened, for people.' })
  message?: string | undefined

  @Field(() => Payload, { nullable: true, description: 'Facts that the author gave.' })
  details?: Payload | undefined

  @Field(() => Int, { nullable: true, description: 'How often the activity was tried.' })
  attempts?: number | undefined

  @Field(() => String, { nullable: true, description: 'The activity that failed.' })
  activityId?: string | undefined

  @Field(() => String, { nullable: true, description: 'Name of the activity or workflow type that failed.' })
  type?: string | undefined

  @Field(() => Failure, { nullable: true, description: 'The failure behind this one.' })
  cause?: Failure | undefined

  @Field(() => [Failure], {
    nullable: true,
    description: 'The failures of what failed in several ways at once, such as an `AggregateError`.',
  })
  errors?: Failure[] | undefined
}

/** Returns the failure that a `reason` and `details` tell of as clients see it; `code` is used where they name none. */
export function failureOf(code: string, reason: string | undefined, details: string | undefined): Failure {
  const failure = linkOf(decodeFailure(code, reason, details))
  // What others wrote stands for itself, and none of its numbers is rounded.
  if (details !== undefined && failure.details && isRounded(details)) failure.details = payloadOf(details)
  return failure
}

function linkOf(failure: Swf.Failure): Failure {
  const { details, cause, errors, ...rest } = failure
  return {
    ...rest,
    details: payloadOfValue(details),
    cause: cause && linkOf(cause),
    errors: errors?.map(linkOf),
  }
}
