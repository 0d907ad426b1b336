import { currentRun } from './replay/current.js'

/**
 * Resolves once `predicate` holds; it is asked after every event of the execution. It must be quick and change nothing.
 * Rejects with WorkflowExecutionCancelRequested when the execution is asked to cancel, with ScopeCanceled when its scope is.
 *
 * @example await condition(() => !held)
 */
export function condition(predicate: () => boolean): Promise<void> {
  const run = currentRun('condition')
  const { scope } = run
  if (scope.cause) return scope.refusal()
  if (predicate()) return Promise.resolve()
  return scope.tie(run.condition(predicate))
}
