// Starting a past execution once more: its type, its input, its tags, its times.

import { SECOND } from '../swf/duration.js'
import { decodePayload, rewrapPayload } from '../swf/payload.js'
import type { Context } from './context.js'
import { apiError } from './errors.js'
import type { RestartExecutionInput } from './execution.input.js'
import type { ChildPolicy } from './history.type.js'
import { startExecution, type Started } from './start-execution.js'

export async function restartExecution(input: RestartExecutionInput, context: Context): Promise<Started> {
  const { execution: ref, version, idempotencyKey } = input
  const domain = await context.domains.resolve(ref.domain)
  const past = await context.executions.findInSwf(domain, ref.workflowId, ref.runId)
  if (!past) {
    throw apiError(
      'EXECUTION_NOT_FOUND',
      `Execution "${ref.workflowId}" is not in domain "${domain}", or SWF has forgotten it: check domain, workflowId and runId`,
      { domain, workflowId: ref.workflowId },
    )
  }
  const { state } = await context.executions.history(past)
  const { workflowType, tagList, taskPriority, executionStartToCloseTimeout } = state
  const { taskStartToCloseTimeout, childPolicy, lambdaRole } = state
  // To the letter: deciders of others may have been given what this one would write differently.
  const payload =
    state.input === undefined ? undefined : rewrapPayload(state.input, idempotencyKey ? { idempotencyKey } : {})
  const started = await startExecution(
    {
      domain,
      workflowId: input.workflowId ?? past.workflowId,
      type: workflowType.name,
      version: version ?? null,
      input: decodePayload(state.input).value,
      tags: tagList,
      taskList: past.taskList,
      taskPriority: taskPriority === undefined ? null : Number(taskPriority),
      executionTimeout:
        executionStartToCloseTimeout === undefined ? null : Number(executionStartToCloseTimeout) * SECOND,
      onConflict: 'FAIL',
      idempotencyKey: idempotencyKey ?? null,
    },
    context,
    {
      ...(payload !== undefined && { input: payload }),
      ...(taskStartToCloseTimeout !== undefined && { taskStartToCloseTimeout }),
      ...(childPolicy !== undefined && { childPolicy: childPolicy as keyof typeof ChildPolicy }),
      ...(lambdaRole !== undefined && { lambdaRole }),
    },
  )
  const { workflowId, runId } = started.execution
  context.log.info({ domain, workflowId, runId, from: past.runId, caller: context.caller }, 'execution restarted')
  return started
}
