// Quotas: what SWF refuses because it is too much. Off by default, apart from what one execution may have open.
//
// Q1. A rate is a token bucket, by action or decision, for the whole server as it is for an account in a region.
// Q2. An action over its rate is a ThrottlingException; a decision over its rate is its *Failed event with *_RATE_EXCEEDED.

import type { Clock } from './clock.js'
import type { ActionName, DecisionType } from './model.js'
import { DECISIONS, INPUTS } from './model.js'

/** A token bucket: `bucket` requests at once, and `refill` more a second. */
export interface Rate {
  readonly bucket: number
  readonly refill: number
}

export interface Quotas {
  /** By action and by decision; what is not named has no limit. */
  readonly rates: { readonly [Name in ActionName | DecisionType]?: Rate }
  /** Domains, deprecated ones included. */
  readonly domains: number
  /** Workflow types, and activity types, of a domain. */
  readonly types: number
  /** Open executions of a domain, children included. */
  readonly openExecutions: number
  /** Polls held at a task list. */
  readonly pollers: number
  /** Activity tasks scheduled a second on one task list. */
  readonly tasksPerSecond: number
  readonly openActivities: number
  readonly openTimers: number
  readonly openChildren: number
  readonly openLambdaFunctions: number
}

const OPEN = { openActivities: 1_000, openTimers: 1_000, openChildren: 1_000, openLambdaFunctions: 1_000 }

export const NO_QUOTAS: Quotas = {
  rates: {},
  domains: Infinity,
  types: Infinity,
  openExecutions: Infinity,
  pollers: Infinity,
  tasksPerSecond: Infinity,
  ...OPEN,
}

const rate = <N extends string>(bucket: number, refill: number, ...names: N[]) =>
  Object.fromEntries(names.map(name => [name, { bucket, refill }])) as Record<N, Rate>

/** Amazon's defaults for an account: the limits from its quotas page; the rates as they are remembered, to be set to one's own. */
export const AWS_QUOTAS: Quotas = {
  rates: {
    ...rate(2_000, 200, 'PollForDecisionTask', 'PollForActivityTask', 'RespondDecisionTaskCompleted'),
    ...rate(2_000, 200, 'RespondActivityTaskCompleted', 'RespondActivityTaskFailed', 'RespondActivityTaskCanceled'),
    ...rate(2_000, 200, 'StartWorkflowExecution'),
    ...rate(2_000, 160, 'RecordActivityTaskHeartbeat'),
    ...rate(2_000, 60, 'GetWorkflowExecutionHistory', 'TerminateWorkflowExecution'),
    ...rate(2_000, 30, 'SignalWorkflowExecution', 'RequestCancelWorkflowExecution'),
    ...rate(2_000, 6, 'DescribeWorkflowExecution', 'DescribeActivityType', 'DescribeWorkflowType'),
    ...rate(2_000, 6, 'CountOpenWorkflowExecutions', 'CountClosedWorkflowExecutions'),
    ...rate(200, 48, 'ListOpenWorkflowExecutions'),
    ...rate(200, 6, 'ListClosedWorkflowExecutions', 'ListActivityTypes', 'ListWorkflowTypes', 'DescribeDomain'),
    ...rate(200, 6, 'CountPendingActivityTasks', 'CountPendingDecisionTasks'),
    ...rate(200, 6, 'DeprecateActivityType', 'DeprecateWorkflowType'),
    ...rate(200, 6, 'UndeprecateActivityType', 'UndeprecateWorkflowType', 'DeleteActivityType', 'DeleteWorkflowType'),
    ...rate(200, 60, 'RegisterActivityType', 'RegisterWorkflowType'),
    ...rate(100, 6, 'ListDomains', 'RegisterDomain', 'DeprecateDomain', 'UndeprecateDomain'),
    ...rate(50, 30, 'TagResource', 'UntagResource', 'ListTagsForResource'),
    ...rate(1_000, 200, 'ScheduleActivityTask'),
    ...rate(2_000, 200, 'StartTimer'),
    ...rate(1_200, 120, 'SignalExternalWorkflowExecution', 'RequestCancelExternalWorkflowExecution'),
    ...rate(500, 12, 'StartChildWorkflowExecution'),
  },
  domains: 100,
  types: 10_000,
  openExecutions: 100_000,
  pollers: 1_000,
  tasksPerSecond: 2_000,
  ...OPEN,
}

/** `aws`, `none`, or what differs from none. */
export type QuotaOptions = 'aws' | 'none' | Partial<Quotas>

export function quotasOf(options: QuotaOptions): Quotas {
  if (options === 'aws') return AWS_QUOTAS
  if (options === 'none') return NO_QUOTAS
  const known = new Set(Object.keys(NO_QUOTAS))
  for (const name of Object.keys(options)) {
    if (!known.has(name)) throw new RangeError(`There is no quota ${name}; there are ${[...known].join(', ')}`)
  }
  for (const [name, given] of Object.entries(options.rates ?? {})) {
    if (!Object.hasOwn(INPUTS, name) && !Object.hasOwn(DECISIONS, name)) {
      throw new RangeError(`${name} is neither an action nor a decision of SWF`)
    }
    if (!(given.bucket >= 0) || !(given.refill >= 0)) {
      throw new RangeError(`The rate of ${name} needs a bucket and a refill of at least 0`)
    }
  }
  return { ...NO_QUOTAS, ...options }
}

/** Counts what is used of the rates. */
export class Meter {
  #levels = new Map<string, { level: number; at: number }>()
  readonly #limited: boolean

  constructor(
    readonly quotas: Quotas,
    private readonly clock: Clock,
  ) {
    this.#limited = Object.keys(quotas.rates).length > 0
  }

  /** Takes a token of an action or a decision; false when there is none. */
  take(name: ActionName | DecisionType): boolean {
    const limit = this.#limited && this.quotas.rates[name]
    return !limit || this.#take(name, limit)
  }

  /** Takes a token for an activity task on a task list. */
  takeTask(domain: string, taskList: string): boolean {
    const { tasksPerSecond } = this.quotas
    if (tasksPerSecond === Infinity) return true
    return this.#take(`${domain}\0${taskList}`, { bucket: tasksPerSecond, refill: tasksPerSecond })
  }

  #take(key: string, { bucket, refill }: Rate): boolean {
    const now = this.clock.now()
    const { level, at } = this.#levels.get(key) ?? { level: bucket, at: now }
    const filled = Math.min(bucket, level + ((now - at) / 1_000) * refill)
    const taken = filled >= 1
    this.#levels.set(key, { level: taken ? filled - 1 : filled, at: now })
    return taken
  }
}
