// Outcomes of activities that their handlers have left open.

import { Length, MaxLength } from 'class-validator'
import { Field, InputType } from 'type-graphql'
import { Json } from './scalar.js'

const TOKEN = { description: 'What the handler was given as `token` when it left the activity open.' } as const
/** SWF's own token has up to 1,024 characters, the names beside it up to 256 each. */
const LONGEST_TOKEN = 4_096

@InputType({ description: 'Which activity to complete, and with what.' })
export class CompleteActivityInput {
  @Field(() => String, TOKEN)
  @Length(1, LONGEST_TOKEN)
  token!: string

  @Field(() => Json, { nullable: true, description: 'Its result: at most 32,768 characters of JSON.' })
  result?: unknown
}

@InputType({ description: 'Which activity to fail, and why.' })
export class FailActivityInput {
  @Field(() => String, TOKEN)
  @Length(1, LONGEST_TOKEN)
  token!: string

  @Field(() => String, {
    description:
      "The short word for what happened, which a retry policy's `nonRetryable` names: at most 256 characters.",
  })
  @Length(1, 256)
  reason!: string

  @Field(() => String, { nullable: true, description: 'What happened, for people: at most 4,096 characters.' })
  @MaxLength(4_096)
  message?: string | null

  @Field(() => Json, { nullable: true, description: 'Facts for the reader.' })
  details?: unknown
}
