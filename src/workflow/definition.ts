// What a workflow and an activity are: a name, a version, and what is agreed about them. Contracts only, no handlers.

import type { Timeout } from '../swf/duration.js'
import { milliseconds } from '../swf/duration.js'
import type { ChildPolicy } from '../swf/decision.js'
import { callActivity, type ActivityCallOptions } from './activity.js'
import { ACTIVITY_DEFAULTS, type ActivityContract, type ActivityOptions } from './contract.js'
import { resolveRetry } from './retry.js'
import type { Validator } from './validator.js'

/** The contract of an activity. In a workflow, call it: `const receipt = await charge(order)`. */
export interface ActivityDefinition<I = any, R = any> extends ActivityContract<I, R> {
  (input: I, options?: ActivityCallOptions): Promise<R>
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
  for (const timeout of ['startToClose', 'scheduleToStart', 'scheduleToClose', 'heartbeat'] as const)
    checkTimeout(`${timeout} of ${name}`, resolved[timeout])
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

/** What is agreed about a workflow. */
export interface WorkflowOptions<I, R> {
  /** Checks and types the input. An execution whose input is not valid fails with VALIDATION_FAILED. */
  input?: Validator<I>
  result?: Validator<R>
  /** SWF task list of its decision tasks. @default 'decisions' */
  taskList?: string
  /** How long an execution may take in all; SWF's limit is a year. @default '1d' */
  executionStartToClose?: Exclude<Timeout, 'NONE'>
  /** How long a decision may take before it is given to another decider. @default '30s' */
  taskStartToClose?: Exclude<Timeout, 'NONE'>
  /** What happens to children when the execution is terminated or times out. @default 'TERMINATE' */
  childPolicy?: ChildPolicy
  /**
   * What an unexpected error in the workflow's code does: `park` leaves the execution open and waits for mended code,
   * `fail` fails it. @default 'park'
   */
  onError?: 'park' | 'fail'
  description?: string
}

/** A workflow type and the function that decides it. */
export interface WorkflowDefinition<I = any, R = any> {
  readonly kind: 'workflow'
  readonly name: string
  readonly version: string
  readonly options: WorkflowOptions<I, R> &
    Required<
      Pick<WorkflowOptions<I, R>, 'taskList' | 'executionStartToClose' | 'taskStartToClose' | 'childPolicy' | 'onError'>
    >
  run(input: I): Promise<R>
}

export const WORKFLOW_DEFAULTS = {
  taskList: 'decisions',
  executionStartToClose: '1d',
  taskStartToClose: '30s',
  childPolicy: 'TERMINATE',
  onError: 'park',
} satisfies WorkflowOptions<never, never>

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
  run: (input: I) => Promise<R>,
): WorkflowDefinition<I, R> {
  checkType(name, version)
  const resolved = { ...WORKFLOW_DEFAULTS, ...options }
  for (const timeout of ['executionStartToClose', 'taskStartToClose'] as const)
    checkTimeout(`${timeout} of ${name}`, resolved[timeout])
  return { kind: 'workflow', name, version, options: resolved, run }
}

function checkTimeout(what: string, timeout: Timeout): void {
  if (timeout === 'NONE') return
  try {
    milliseconds(timeout)
  } catch (error) {
    throw new RangeError(`${what}: ${(error as Error).message}`)
  }
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
