// What mutations of executions answer with.

import { Field, ObjectType } from 'type-graphql'
import { Execution } from './execution.type.js'

@ObjectType({ description: 'The execution that now runs.', simpleResolvers: true })
export class StartExecutionPayload {
  @Field(() => Execution, { description: 'The execution.' })
  execution!: Execution

  @Field(() => Boolean, { description: 'Whether this call started it; false when it stood already.' })
  created!: boolean
}

@ObjectType({ description: 'The signal has been accepted.', simpleResolvers: true })
export class SignalExecutionPayload {
  @Field(() => Execution, { description: 'The execution that it was sent to.' })
  execution!: Execution
}

@ObjectType({ description: 'The execution has the signal.', simpleResolvers: true })
export class SignalWithStartPayload {
  @Field(() => Execution, { description: 'The execution that it was sent to.' })
  execution!: Execution

  @Field(() => Boolean, { description: 'Whether this call started it; false when it stood already.' })
  created!: boolean
}

@ObjectType({ description: 'The new run of a past one.', simpleResolvers: true })
export class RestartExecutionPayload {
  @Field(() => Execution, { description: 'The execution that now runs.' })
  execution!: Execution

  @Field(() => Boolean, { description: 'Whether this call started it; false when the same call had before.' })
  created!: boolean
}

@ObjectType({
  description: 'The request has been accepted; the workflow decides what becomes of it.',
  simpleResolvers: true,
})
export class RequestCancelExecutionPayload {
  @Field(() => Execution, { description: 'The execution that was asked.' })
  execution!: Execution
}

@ObjectType({ description: 'The execution has been ended.', simpleResolvers: true })
export class TerminateExecutionPayload {
  @Field(() => Execution, { description: 'The execution.' })
  execution!: Execution
}
