// What a workflow and an activity are: a name, a version, and what is agreed about them. Contracts only, no handlers.

import { callActivity, type ActivityCallOptions } from './activity.js'
import {
  ACTIVITY_DEFAULTS,
  checkTimeout,
  checkTimeouts,
  type ActivityContract,
  type ActivityOptions,
  type WithInput,
} from './contract.js'
import type { WorkflowSelf } from './continue-as-new.js'
import { resolveRetry } from './retry.js'
import { WORKFLOW_DEFAULTS, type WorkflowContract, type WorkflowOptions } from './workflow-contract.js'

/** The contract of an activity. In a workflow, call it: `const receipt = await charge(order)`. */
export interface ActivityDefinition<I = any, R = any> extends ActivityContract<I, R> {
  (...args: WithInput<I, ActivityCallOptions>): Promise<R>
  readonly kind: 'activity'
}

/**
 * Defines an activity: what workflows may call and handlers implement. Throws a RangeError for durations or a retry policy
 * that make no sense.
 *
 * @example const charge = defineActivity('ChargePayment', '1.0', { input: Charge, result: Receipt, startToClose: '30s' })
 */
export function defineActivity<I, R>(
  name: string,
  version: string,
  options: ActivityOptions<I, R> = {},
): ActivityDefinition<I, R> {
  checkType(name, version)
  const resolved = { ...ACTIVITY_DEFAULTS, ...options }
  resolveRetry(resolved.retry)
  checkTimeouts(name, resolved)
  const definition = (input: I, callOptions?: ActivityCallOptions) =>
    callActivity<I, R>(definition as unknown as ActivityContract<I, R>, input, callOptions)
  Object.defineProperties(definition, {
    kind: { value: 'activity', enumerable: true },
    name: { value: name, enumerable: true },
    version: { value: version, enumerable: true },
    options: { value: resolved, enumerable: true },
  })
  return definition as unknown as ActivityDefinition<I, R>
}

/** A workflow type and the function that decides it. */
export interface WorkflowDefinition<I = any, R = any> extends WorkflowContract<I, R> {
  readonly kind: 'workflow'
  run(input: I, self: WorkflowSelf<I>): Promise<R>
}

/**
 * Defines a workflow: an async function that the decider replays. It must do nothing but what this package's
 * `workflow` door offers: no I/O, no clock, no chance.
 *
 * @example
 * export const greet = defineWorkflow('Greet', '1.0', { input: Person }, async person => sayHello(person))
 */
export function defineWorkflow<I, R>(
  name: string,
  version: string,
  options: WorkflowOptions<I, R>,
  run: (input: I, self: WorkflowSelf<I>) => Promise<R>,
): WorkflowDefinition<I, R> {
  checkType(name, version)
  const resolved = { ...WORKFLOW_DEFAULTS, ...options }
  for (const timeout of ['executionStartToClose', 'taskStartToClose'] as const)
    checkTimeout(`${timeout} of ${name}`, resolved[timeout])
  return { kind: 'workflow', name, version, options: resolved, run }
}

/** SWF's rule for names and versions of types. */
function checkType(name: string, version: string): void {
  for (const [what, text, most] of [
    ['name', name, 256],
    ['version', version, 64],
  ] as const)
    if (
      !text ||
      text.length > most ||
      text === 'arn' ||
      /[:/|\u0000-\u001f\u007f-\u009f]/.test(text) ||
      text !== text.trim()
    )
      throw new RangeError(
        `${what} ${JSON.stringify(text)}: 1 to ${most} characters, none of : / | or control characters, not arn`,
      )
}
