// What is to be registered.

import { IsInt, Length, Max, MaxLength, Min } from 'class-validator'
import { ArgsType, Field, InputType, Int } from 'type-graphql'
import { DAY, SECOND } from '../swf/duration.js'
import { Lasts } from './duration-limit.js'
import { ChildPolicy } from './history.type.js'
import { RegistrationStatus } from './registration.type.js'
import { Duration } from './scalar.js'

/** SWF's limit of a page. */
export const TYPES_PAGE = 1_000

@ArgsType()
export class TypesArgs {
  @Field(() => String, { nullable: true, description: "The domain. Default: the gateway's." })
  domain?: string | null

  @Field(() => String, { nullable: true, description: 'Only types of this name.' })
  name?: string | null

  @Field(() => RegistrationStatus, {
    defaultValue: 'REGISTERED',
    description: 'Those that are registered, or those that are deprecated.',
  })
  status!: RegistrationStatus

  @Field(() => Int, { defaultValue: 100, description: `How many at most, up to ${TYPES_PAGE}.` })
  first!: number

  @Field(() => String, { nullable: true, description: '`endCursor` of the page before.' })
  after?: string | null
}

@InputType({ description: 'A domain to register.' })
export class RegisterDomainInput {
  @Field(() => String, { description: 'Its name.' })
  @Length(1, 256)
  name!: string

  @Field(() => Int, { defaultValue: 30, description: 'Days that closed executions are kept, 0 to 90.' })
  @IsInt()
  @Min(0)
  @Max(90)
  retentionDays!: number

  @Field(() => String, { nullable: true, description: 'What it is for.' })
  @MaxLength(1_024)
  description?: string | null
}

@InputType({ description: 'Which type.' })
export class TypeRef {
  @Field(() => String, { nullable: true, description: "Its domain. Default: the gateway's." })
  @Length(1, 256)
  domain?: string | null

  @Field(() => String, { description: 'Its name.' })
  @Length(1, 256)
  name!: string

  @Field(() => String, { description: 'Its version.' })
  @Length(1, 64)
  version!: string
}

@InputType({ description: 'Which domain.' })
export class DomainRef {
  @Field(() => String, { description: 'Its name.' })
  @Length(1, 256)
  name!: string
}

@InputType({ description: 'A workflow type to register.' })
export class RegisterWorkflowTypeInput extends TypeRef {
  @Field(() => String, { nullable: true, description: 'What it is for.' })
  @MaxLength(1_024)
  description?: string | null

  @Field(() => String, { defaultValue: 'decisions', description: 'Task list of its decision tasks.' })
  @Length(1, 256)
  taskList!: string

  @Field(() => Duration, { defaultValue: DAY, description: 'How long an execution may take, up to a year.' })
  @Lasts(SECOND, 365 * DAY)
  executionStartToCloseTimeout!: number

  @Field(() => Duration, { defaultValue: 30 * SECOND, description: 'How long a decision task may take.' })
  @Lasts(SECOND)
  taskStartToCloseTimeout!: number

  @Field(() => ChildPolicy, { defaultValue: 'TERMINATE', description: 'What becomes of children.' })
  childPolicy!: keyof typeof ChildPolicy
}

@InputType({ description: 'An activity type to register. A timeout that is not given is none.' })
export class RegisterActivityTypeInput extends TypeRef {
  @Field(() => String, { nullable: true, description: 'What it is for.' })
  @MaxLength(1_024)
  description?: string | null

  @Field(() => String, { defaultValue: 'activities', description: 'Its task list.' })
  @Length(1, 256)
  taskList!: string

  @Field(() => Duration, { nullable: true, description: 'How long a task may run.' })
  taskStartToCloseTimeout?: number | null

  @Field(() => Duration, { nullable: true, description: 'How long a task may wait for a worker.' })
  taskScheduleToStartTimeout?: number | null

  @Field(() => Duration, { nullable: true, description: 'How long a task may wait and run.' })
  taskScheduleToCloseTimeout?: number | null

  @Field(() => Duration, { nullable: true, description: 'The longest silence of a running task.' })
  taskHeartbeatTimeout?: number | null
}
