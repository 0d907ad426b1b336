import { currentRun } from './replay/current.js'
import { cancelable } from './replay/operation.js'

/**
 * Resolves once `predicate` holds; it is asked after every event of the execution. It must be quick and change nothing.
 * Rejects with WorkflowExecutionCancelRequested when the execution is asked to cancel.
 *
 * @example await condition(() => !held)
 */
export function condition(predicate: () => boolean): Promise<void> {
  const run = currentRun('condition')
  if (run.cancelRequested) return cancelable(Promise.reject(run.cancelRequested), () => {})
  if (predicate()) return Promise.resolve()
  const operation = run.condition(predicate)
  const stopListening = run.onCancelRequested(() => operation.cancel())
  operation.promise.then(stopListening, stopListening)
  return cancelable(operation.promise, () => operation.cancel())
}
