import { Arg, Ctx, Extensions, Mutation, Resolver } from 'type-graphql'
import type { Context } from './context.js'
import { requestCancelExecution, signalExecution, terminateExecution } from './execution-command.js'
import {
  RequestCancelExecutionInput,
  RestartExecutionInput,
  SignalExecutionInput,
  SignalWithStartInput,
  StartExecutionInput,
  TerminateExecutionInput,
} from './execution.input.js'
import {
  RequestCancelExecutionPayload,
  RestartExecutionPayload,
  SignalExecutionPayload,
  SignalWithStartPayload,
  StartExecutionPayload,
  TerminateExecutionPayload,
} from './execution-outcome.type.js'
import { restartExecution } from './restart-execution.js'
import { signalWithStart } from './signal-with-start.js'
import { startExecution } from './start-execution.js'

@Resolver()
export class ExecutionCommandResolver {
  @Extensions({ rule: 'execution:start' })
  @Mutation(() => StartExecutionPayload, {
    nullable: true,
    description: 'Starts an execution. With an idempotencyKey it is safe to send again.',
  })
  startExecution(
    @Arg('input', () => StartExecutionInput, { description: 'What to start.' }) input: StartExecutionInput,
    @Ctx() context: Context,
  ): Promise<StartExecutionPayload> {
    return startExecution(input, context)
  }

  @Extensions({ rule: 'execution:signal' })
  @Mutation(() => SignalExecutionPayload, {
    nullable: true,
    description: 'Sends a signal to an open execution. With an idempotencyKey it is safe to send again.',
  })
  async signalExecution(
    @Arg('input', () => SignalExecutionInput, { description: 'Which signal, and to which execution.' })
    input: SignalExecutionInput,
    @Ctx() context: Context,
  ): Promise<SignalExecutionPayload> {
    return { execution: await signalExecution(input, context) }
  }

  @Extensions({ rule: 'execution:start' })
  @Mutation(() => SignalWithStartPayload, {
    nullable: true,
    description:
      'Sends a signal to the open execution of a workflowId, which is started first when there is none; when it closes between the two, it is started again and signaled. With an idempotencyKey it is safe to send again while it is open, as the workflow takes a key once. What this key has started is not started again after its close: you get that run, with `created: false`, if it has had the signal, else EXECUTION_CLOSED.',
  })
  signalWithStart(
    @Arg('input', () => SignalWithStartInput, { description: 'What to start, and which signal.' })
    input: SignalWithStartInput,
    @Ctx() context: Context,
  ): Promise<SignalWithStartPayload> {
    return signalWithStart(input, context)
  }

  @Extensions({ rule: 'execution:start' })
  @Mutation(() => RestartExecutionPayload, {
    nullable: true,
    description: 'Starts a past execution once more, with its input, tags and times. Its past run stays as it is.',
  })
  restartExecution(
    @Arg('input', () => RestartExecutionInput, { description: 'Which execution.' }) input: RestartExecutionInput,
    @Ctx() context: Context,
  ): Promise<RestartExecutionPayload> {
    return restartExecution(input, context)
  }

  @Extensions({ rule: 'execution:cancel' })
  @Mutation(() => RequestCancelExecutionPayload, {
    nullable: true,
    description: 'Asks an open execution to cancel itself: its workflow may clean up first, or go on.',
  })
  async requestCancelExecution(
    @Arg('input', () => RequestCancelExecutionInput, { description: 'Which execution.' })
    input: RequestCancelExecutionInput,
    @Ctx() context: Context,
  ): Promise<RequestCancelExecutionPayload> {
    return { execution: await requestCancelExecution(input, context) }
  }

  @Extensions({ rule: 'execution:terminate' })
  @Mutation(() => TerminateExecutionPayload, {
    nullable: true,
    description: 'Ends an open execution at once: its workflow is not asked, nothing is compensated.',
  })
  async terminateExecution(
    @Arg('input', () => TerminateExecutionInput, { description: 'Which execution, and why.' })
    input: TerminateExecutionInput,
    @Ctx() context: Context,
  ): Promise<TerminateExecutionPayload> {
    return { execution: await terminateExecution(input, context) }
  }
}
