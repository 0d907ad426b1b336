// The closing decision: what an author's function ended with, in SWF's words.

import {
  cancelWorkflowExecution,
  completeWorkflowExecution,
  failWorkflowExecution,
  type Decision,
} from '../../swf/decision.js'
import { cutReason, encodeFailure } from '../../swf/failure.js'
import { encodePayload } from '../../swf/payload.js'
import type { WorkflowDefinition } from '../definition.js'
import { ActivityTaskCanceled, WorkflowExecutionCancelRequested, WorkflowFailure, tooLarge } from '../errors.js'
import { validate } from '../validator.js'
import { outside } from './current.js'
import { stuckBy } from './stuck.js'

/** What an author's function ended with. */
export type Outcome = { result: unknown } | { failure: unknown }

/** Returns the closing decision of an outcome. Throws Stuck for an error that is no failure, unless it is to fail the execution. */
export function closingDecision(
  definition: WorkflowDefinition,
  outcome: Outcome,
  { cancelRequested, eventId }: { cancelRequested: boolean; eventId: number },
): Decision {
  let failure: unknown
  if ('failure' in outcome) failure = outcome.failure
  else {
    const what = `result of ${definition.name}`
    try {
      const result = encodePayload(outside(() => validate(definition.options.result, outcome.result, what)))
      return completeWorkflowExecution(result === undefined ? {} : { result })
    } catch (error) {
      failure = tooLarge(what, error)
    }
  }
  const canceled = failure instanceof WorkflowExecutionCancelRequested || failure instanceof ActivityTaskCanceled
  if (cancelRequested && canceled) return cancelWorkflowExecution({})
  if (failure instanceof WorkflowFailure)
    return failWorkflowExecution({ reason: cutReason(failure.reason), details: encodeFailure(failure.toFailure()) })
  if (definition.options.onError === 'park') throw stuckBy(failure, { eventId })
  const { name = 'Error', message = String(failure) } = (failure ?? {}) as Partial<Error>
  return failWorkflowExecution({
    reason: cutReason(name),
    details: encodeFailure({ code: 'WORKFLOW_ERROR', reason: name, message }),
  })
}
