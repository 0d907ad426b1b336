// What is asked about executions, and what is to be done with them.

import { ArrayMaxSize, IsInt, Length, Matches, MaxLength, ValidateNested } from 'class-validator'
import { ArgsType, Field, ID, InputType, Int, registerEnumType } from 'type-graphql'
import { DAY, SECOND } from '../swf/duration.js'
import { Lasts } from './duration-limit.js'
import { enumOf } from './enum.js'
import { ExecutionStatus } from './execution.type.js'
import { ChildPolicy } from './history.type.js'
import { SagaState } from './saga.type.js'
import { DateTime, Duration, Json } from './scalar.js'

const ID_LENGTH = 256
const YEAR = 365 * DAY

/** SWF's rule for names and ids. */
const isName = () =>
  Matches(/^(?!\s|arn$)[^:/|\p{Cc}\p{Cs}]*[^\s:/|\p{Cc}\p{Cs}]$/u, {
    message:
      '$property must not hold : / | or control characters or halves of surrogate pairs, begin or end with a space, or be "arn"',
  })

export const OnConflict = enumOf(['FAIL', 'USE_EXISTING'])
registerEnumType(OnConflict, {
  name: 'OnConflict',
  description: 'What to do when an open execution has the workflowId.',
  valuesConfig: {
    FAIL: { description: 'Fail with EXECUTION_ALREADY_STARTED; `extensions.runId` names the open run.' },
    USE_EXISTING: { description: 'Return the open execution, with `created: false`.' },
  },
})

export const ExecutionOrder = enumOf(['STARTED_DESC', 'STARTED_ASC', 'CLOSED_DESC', 'CLOSED_ASC'])
export type ExecutionOrder = keyof typeof ExecutionOrder
registerEnumType(ExecutionOrder, {
  name: 'ExecutionOrder',
  description: 'In which order executions are listed.',
  valuesConfig: {
    STARTED_DESC: { description: 'Last started first.' },
    STARTED_ASC: { description: 'First started first.' },
    CLOSED_DESC: { description: 'Last closed first.' },
    CLOSED_ASC: { description: 'First closed first.' },
  },
})

@InputType({ description: 'Which executions; all that is given must hold.' })
export class ExecutionFilter {
  @Field(() => String, { nullable: true, description: 'Name of the workflow type.' })
  type?: string | null

  @Field(() => String, { nullable: true, description: 'Version of the workflow type.' })
  version?: string | null

  @Field(() => [ExecutionStatus], { nullable: true, description: 'One of these statuses.' })
  status?: ExecutionStatus[] | null

  @Field(() => [SagaState], { nullable: true, description: 'A saga in one of these states.' })
  sagaState?: (keyof typeof SagaState)[] | null

  @Field(() => String, { nullable: true, description: 'Has this tag.' })
  tag?: string | null

  @Field(() => String, { nullable: true, description: 'workflowId begins with this.' })
  workflowIdPrefix?: string | null

  @Field(() => DateTime, { nullable: true, description: 'Started at this time or later.' })
  startedAfter?: Date | null

  @Field(() => DateTime, { nullable: true, description: 'Started at this time or earlier.' })
  startedBefore?: Date | null

  @Field(() => DateTime, { nullable: true, description: 'Closed at this time or later.' })
  closedAfter?: Date | null

  @Field(() => DateTime, { nullable: true, description: 'Closed at this time or earlier.' })
  closedBefore?: Date | null

  @Field(() => Boolean, { nullable: true, description: 'Whether it is stuck.' })
  stuck?: boolean | null

  @Field(() => ID, { nullable: true, description: 'Children of this execution: its node id.' })
  parent?: string | null
}

@InputType({ description: 'Which execution.' })
export class ExecutionRef {
  @Field(() => String, { nullable: true, description: "Its domain. Default: the gateway's." })
  @Length(1, ID_LENGTH)
  domain?: string | null

  @Field(() => String, { description: 'Its workflowId.' })
  @Length(1, ID_LENGTH)
  workflowId!: string

  @Field(() => String, { nullable: true, description: 'Its runId. Default: whichever run is open.' })
  @MaxLength(64)
  runId?: string | null
}

@InputType({ description: 'What to start, and how.' })
export class StartExecutionInput {
  @Field(() => String, { nullable: true, description: "The domain. Default: the gateway's." })
  @Length(1, ID_LENGTH)
  domain?: string | null

  @Field(() => String, { description: 'Its name: one open execution has it at a time. An order number, say.' })
  @Length(1, ID_LENGTH)
  @isName()
  workflowId!: string

  @Field(() => String, { description: 'Name of the workflow type.' })
  @Length(1, ID_LENGTH)
  type!: string

  @Field(() => String, {
    nullable: true,
    description: 'Its version. Default: the registered one that was created last.',
  })
  @Length(1, 64)
  version?: string | null

  @Field(() => Json, { nullable: true, description: "The workflow's input: at most 32,768 characters of JSON." })
  input?: unknown

  @Field(() => [String], { nullable: true, description: 'Up to 5 tags to find it by.' })
  @ArrayMaxSize(5)
  @MaxLength(256, { each: true })
  tags?: string[] | null

  @Field(() => String, { nullable: true, description: "Task list of its decision tasks. Default: the type's." })
  @Length(1, ID_LENGTH)
  @isName()
  taskList?: string | null

  @Field(() => Int, { nullable: true, description: "Priority of its tasks; higher comes first. Default: the type's." })
  @IsInt()
  taskPriority?: number | null

  @Field(() => Duration, {
    nullable: true,
    description: "How long it may take, in whole seconds, up to a year. Default: the type's.",
  })
  @Lasts(SECOND, YEAR)
  executionTimeout?: number | null

  @Field(() => OnConflict, {
    defaultValue: 'FAIL',
    description: 'What to do when an open execution has this workflowId.',
  })
  onConflict!: keyof typeof OnConflict

  @Field(() => String, {
    nullable: true,
    description:
      'Makes it safe to send this again: when the latest run of this workflowId was started with this key, you get that one, open or closed, with `created: false`.',
  })
  @Length(1, ID_LENGTH)
  idempotencyKey?: string | null
}

@InputType({ description: 'Which signal to send, and where.' })
export class SignalExecutionInput {
  @Field(() => ExecutionRef, { description: 'The execution.' })
  @ValidateNested()
  execution!: ExecutionRef

  @Field(() => String, { description: 'Name of the signal.' })
  @Length(1, ID_LENGTH)
  signalName!: string

  @Field(() => Json, { nullable: true, description: 'Its input: at most 32,768 characters of JSON.' })
  input?: unknown

  @Field(() => String, {
    nullable: true,
    description: 'Makes it safe to send this again: the workflow takes a key once.',
  })
  @Length(1, ID_LENGTH)
  idempotencyKey?: string | null
}

@InputType({ description: 'What to start unless it is open, and which signal to send it.' })
export class SignalWithStartInput {
  @Field(() => StartExecutionInput, {
    description: 'What to start. An open execution of this workflowId is taken as it is, whatever `onConflict` says.',
  })
  @ValidateNested()
  start!: StartExecutionInput

  @Field(() => String, { description: 'Name of the signal.' })
  @Length(1, ID_LENGTH)
  signalName!: string

  @Field(() => Json, { nullable: true, description: 'Its input: at most 32,768 characters of JSON.' })
  signalInput?: unknown

  @Field(() => String, {
    nullable: true,
    description:
      'Makes it safe to send this again: the workflow takes a key once. It is also the key of the start, if that has none.',
  })
  @Length(1, ID_LENGTH)
  idempotencyKey?: string | null
}

@InputType({ description: 'Which execution to start once more.' })
export class RestartExecutionInput {
  @Field(() => ExecutionRef, { description: 'A run that has closed. Default of its runId: the last one.' })
  @ValidateNested()
  execution!: ExecutionRef

  @Field(() => String, { nullable: true, description: 'The workflowId of the new run. Default: the same.' })
  @Length(1, ID_LENGTH)
  @isName()
  workflowId?: string | null

  @Field(() => String, {
    nullable: true,
    description: 'Version of the workflow type. Default: the registered one that was created last.',
  })
  @Length(1, 64)
  version?: string | null

  @Field(() => String, {
    nullable: true,
    description: 'Makes it safe to send this again, as with startExecution.',
  })
  @Length(1, ID_LENGTH)
  idempotencyKey?: string | null
}

@InputType({ description: 'Which execution to ask to cancel itself.' })
export class RequestCancelExecutionInput {
  @Field(() => ExecutionRef, { description: 'The execution.' })
  @ValidateNested()
  execution!: ExecutionRef
}

@InputType({ description: 'Which execution to end, and why.' })
export class TerminateExecutionInput {
  @Field(() => ExecutionRef, { description: 'The execution.' })
  @ValidateNested()
  execution!: ExecutionRef

  @Field(() => String, { nullable: true, description: 'Why, for its history: up to 256 characters.' })
  @MaxLength(256)
  reason?: string | null

  @Field(() => Json, { nullable: true, description: 'More for its history: at most 32,768 characters of JSON.' })
  details?: unknown

  @Field(() => ChildPolicy, {
    nullable: true,
    description: 'What becomes of its open children. Default: what it was started with.',
  })
  childPolicy?: keyof typeof ChildPolicy | null
}

@ArgsType()
export class ExecutionUpdatesArgs {
  @Field(() => String, { nullable: true, description: "The domain. Default: the gateway's." })
  domain?: string | null

  @Field(() => String, { nullable: true, description: 'Only executions with this workflowId.' })
  workflowId?: string | null

  @Field(() => String, { nullable: true, description: 'Only this run; give its workflowId too.' })
  runId?: string | null

  @Field(() => ExecutionFilter, {
    nullable: true,
    description: 'Only executions that it lets through after the change.',
  })
  filter?: ExecutionFilter | null

  @Field(() => String, {
    nullable: true,
    description: 'The cursor of the last update that you have. Default: only what happens from now on.',
  })
  after?: string | null
}
