// Closing: from what an author's function ended with, to the decision that closes the execution and is sent until SWF takes it.

import {
  cancelWorkflowExecution,
  completeWorkflowExecution,
  failWorkflowExecution,
  type Decision,
  type DecisionType,
} from '../../swf/decision.js'
import { cutReason, encodeFailure, type Failure } from '../../swf/failure.js'
import type { HistoryEvent } from '../../swf/history-event.js'
import { encodePayload } from '../../swf/payload.js'
import { describeThrown, nameOfThrown } from '../../swf/thrown.js'
import {
  ActivityTaskCanceled,
  failureOf,
  WorkflowExecutionCancelRequested,
  notSent,
  type Cancellation,
} from '../errors.js'
import { ChildWorkflowExecutionCanceled } from '../external-errors.js'
import { validate } from '../validator.js'
import type { WorkflowContract } from '../workflow-contract.js'
import type { Commands } from './commands.js'
import { ContinueAsNew } from './continuation.js'
import { outside } from './current.js'
import { LIMIT_WAIT, TRY_AGAIN } from './limits.js'
import { Stuck, stuckBy } from './stuck.js'
import { startTimer } from './timers.js'

/** Of what is left open when an execution closes. */
const MOST_NAMES = 5

/** What an author's function ended with. */
export type Outcome = { result: unknown } | { failure: unknown }

const CANCELED = [WorkflowExecutionCancelRequested, ActivityTaskCanceled, ChildWorkflowExecutionCanceled]

export class Closing {
  #outcome: Outcome | undefined
  #decision: Decision | undefined
  /** SWF takes no close for a while. */
  #held = false

  constructor(private readonly contract: WorkflowContract) {}

  /** The author's code has ended: its function, or a handler or predicate that threw. What comes first counts. */
  end(outcome: Outcome): void {
    this.#outcome ??= outcome
  }

  get ended(): boolean {
    return this.#outcome !== undefined
  }

  /** True once it is known how the execution is to close. */
  get decided(): boolean {
    return this.#decision !== undefined
  }

  /** What to close with now: nothing while SWF takes no close. */
  get decision(): Decision | undefined {
    return this.#held ? undefined : this.#decision
  }

  /**
   * Decides how to close, if the function has ended; anew when it continues, since signals may have come in. Throws Stuck for
   * an error that is no failure, unless that is to fail the execution.
   */
  decide(canceled: Cancellation | undefined, eventId: number, continued: (request: ContinueAsNew) => Decision): void {
    const outcome = this.#outcome
    if (!outcome) return
    if ('failure' in outcome && outcome.failure instanceof ContinueAsNew) this.#decision = continued(outcome.failure)
    else this.#decision ??= closingDecision(this.contract, outcome, canceled, eventId)
  }

  /** SWF has refused the close: for new events, for its limits, or for good. `parkedAt` is the last task that was parked. */
  refused(commands: Commands, { eventId }: HistoryEvent, cause: string, parkedAt: number): void {
    if (cause === 'UNHANDLED_DECISION' || parkedAt > eventId) return
    if (!TRY_AGAIN.test(cause)) throw new Stuck(`SWF refused to close the execution: ${cause}`, eventId)
    this.#held = true
    const wait = startTimer(commands, `close.limit.${eventId}`, LIMIT_WAIT)
    void wait.promise.then(() => (this.#held = false))
  }
}

function closingDecision(
  contract: WorkflowContract,
  outcome: Outcome,
  canceled: Cancellation | undefined,
  eventId: number,
): Decision {
  let thrown: unknown
  if ('failure' in outcome) thrown = outcome.failure
  else {
    const what = `result of ${contract.name}`
    try {
      const result = encodePayload(outside(() => validate(contract.options.result, outcome.result, what)))
      return completeWorkflowExecution(result === undefined ? {} : { result })
    } catch (error) {
      thrown = notSent(what, error)
    }
  }
  const failure = failureOf(thrown, canceled)
  const cancelRequested = canceled instanceof WorkflowExecutionCancelRequested
  if (cancelRequested && CANCELED.some(type => failure instanceof type)) return cancelWorkflowExecution({})
  if (failure) return fail(describeThrown(failure))
  if (contract.options.onError === 'park') throw stuckBy(thrown, { eventId })
  return fail({ ...describeThrown(thrown), code: 'WORKFLOW_ERROR', reason: nameOfThrown(thrown) })
}

function fail(failure: Failure): Decision {
  return failWorkflowExecution({ reason: cutReason(failure.reason), details: encodeFailure(failure) })
}

const CLOSES: Partial<Record<DecisionType, string>> = {
  CompleteWorkflowExecution: 'completes',
  FailWorkflowExecution: 'fails',
  CancelWorkflowExecution: 'is canceled',
  ContinueAsNewWorkflowExecution: 'continues as new',
}

/** Returns a warning for what is left open when an execution closes: nobody hears how it ends. */
export function lossOf(workflow: string, { decisionType }: Decision, left: readonly string[]): string[] {
  if (left.length === 0) return []
  const names = [...new Set(left)]
  const shown = names.length > MOST_NAMES ? [...names.slice(0, MOST_NAMES), '…'] : names
  const [are, their] = names.length > 1 ? ['are', 'them, or their effects'] : ['is', 'it, or the effect']
  return [`${workflow} ${CLOSES[decisionType]} while ${shown.join(', ')} ${are} open: await ${their} may be lost`]
}
