// Continuing as new: ending a run whose history grows, and beginning the next one of the same execution.

import { encodePayload } from '../swf/payload.js'
import { notSent } from './errors.js'
import { ContinueAsNew, type ContinueOptions } from './replay/continuation.js'
import { currentRun, outside } from './replay/current.js'
import { SUGGESTED_EVENTS } from './replay/limits.js'
import { validate } from './validator.js'
import type { WorkflowContract } from './workflow-contract.js'

export type { ContinueOptions } from './replay/continuation.js'

/** What a workflow's function is given beside its input. */
export interface WorkflowSelf<I> {
  /**
   * Ends this run and begins the next one, with an empty history: same workflowId, task list, timeouts, policy, tags and
   * priority, another input. Signals that nobody has read are the next run's, as are a cancel request and the idempotency
   * keys of signals. Activities and timers that are open are dropped, children go on: wait for what matters first.
   *
   * It never returns: it throws what ends the run. That is no failure; code that catches everything must throw it again.
   *
   * @example
   * defineWorkflow('Inventory', '1', { input: Stock }, async (stock, { continueAsNew }) => {
   *   while (!continueAsNewSuggested()) stock = await next(stock)
   *   return continueAsNew(stock)
   * })
   */
  continueAsNew(this: void, input: I, options?: ContinueOptions): never
}

/** Returns what the function of a workflow is given beside its input. */
export function selfOf<I>({ name, options: { input: validator } }: WorkflowContract<I>): WorkflowSelf<I> {
  return {
    continueAsNew: (input, options = {}) => {
      currentRun('continueAsNew')
      const what = `input of ${name}`
      const value = outside(() => validate(validator, input, what))
      try {
        encodePayload(value)
      } catch (error) {
        throw notSent(what, error)
      }
      throw new ContinueAsNew(value, options)
    },
  }
}

/** Begins the next run with this run's input, and the cursors of its loops as they are now. */
export function continueLoops(): never {
  throw new ContinueAsNew(currentRun('continueAsNew').origin.input, {})
}

/** Tells whether it is time to continue as new: the history has 10,000 events. At 24,000 the run fails with HISTORY_LIMIT. */
export function continueAsNewSuggested(): boolean {
  return currentRun('continueAsNewSuggested').historyLength >= SUGGESTED_EVENTS
}
