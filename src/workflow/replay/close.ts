// The closing decision: what an author's function ended with, in SWF's words.

import {
  cancelWorkflowExecution,
  completeWorkflowExecution,
  failWorkflowExecution,
  type Decision,
} from '../../swf/decision.js'
import { cutReason, encodeFailure } from '../../swf/failure.js'
import { encodePayload } from '../../swf/payload.js'
import {
  ActivityTaskCanceled,
  ChildWorkflowExecutionCanceled,
  WorkflowExecutionCancelRequested,
  WorkflowFailure,
  tooLarge,
} from '../errors.js'
import { validate } from '../validator.js'
import type { WorkflowContract } from '../workflow-contract.js'
import { ContinueAsNew } from './continuation.js'
import { outside } from './current.js'
import { stuckBy } from './stuck.js'

/** What an author's function ended with. */
export type Outcome = { result: unknown } | { failure: unknown }

const CANCELED = [WorkflowExecutionCancelRequested, ActivityTaskCanceled, ChildWorkflowExecutionCanceled]

/** Returns the closing decision of an outcome. Throws Stuck for an error that is no failure, unless it is to fail the execution. */
export function closingDecision(
  contract: WorkflowContract,
  outcome: Outcome,
  {
    cancelRequested,
    eventId,
    continueAs,
  }: { cancelRequested: boolean; eventId: number; continueAs: (request: ContinueAsNew) => Decision },
): Decision {
  let failure: unknown
  if ('failure' in outcome) failure = outcome.failure
  else {
    const what = `result of ${contract.name}`
    try {
      const result = encodePayload(outside(() => validate(contract.options.result, outcome.result, what)))
      return completeWorkflowExecution(result === undefined ? {} : { result })
    } catch (error) {
      failure = tooLarge(what, error)
    }
  }
  if (failure instanceof ContinueAsNew) return continueAs(failure)
  if (cancelRequested && CANCELED.some(type => failure instanceof type)) return cancelWorkflowExecution({})
  if (failure instanceof WorkflowFailure)
    return failWorkflowExecution({ reason: cutReason(failure.reason), details: encodeFailure(failure.toFailure()) })
  if (contract.options.onError === 'park') throw stuckBy(failure, { eventId })
  const { name = 'Error', message = String(failure) } = (failure ?? {}) as Partial<Error>
  return failWorkflowExecution({
    reason: cutReason(name),
    details: encodeFailure({ code: 'WORKFLOW_ERROR', reason: name, message }),
  })
}
