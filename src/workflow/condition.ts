import type { Duration } from '../swf/duration.js'
import { currentRun } from './replay/current.js'
import { following } from './replay/operation.js'
import { within } from './scope.js'

/**
 * Resolves once `predicate` holds; it is asked after every event of the execution. It must be quick and change nothing. With a
 * `timeout` it resolves to whether it came to hold in time. Rejects with WorkflowExecutionCancelRequested when the execution is
 * asked to cancel, with ScopeCanceled when its scope is.
 *
 * @example
 * await condition(() => !held)
 * if (!(await condition(() => !held, { timeout: '1d' }))) await remind()
 */
export function condition(predicate: () => boolean): Promise<void>
export function condition(predicate: () => boolean, options: { timeout: Duration }): Promise<boolean>
export function condition(
  predicate: () => boolean,
  { timeout }: { timeout?: Duration } = {},
): Promise<void> | Promise<boolean> {
  const run = currentRun('condition')
  const { scope } = run
  if (scope.cause) return scope.refusal<never>()
  if (predicate()) return timeout === undefined ? Promise.resolve() : Promise.resolve(true)
  const held = scope.tie(run.condition(predicate))
  if (timeout === undefined) return held
  const inTime = within(
    timeout,
    following(held, () => true),
  )
  // What has come to hold by the time itself counts.
  return following(inTime, held => held ?? predicate())
}
