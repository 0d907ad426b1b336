// What a decider, a worker and a workflow agree on about an activity.

import { milliseconds, type Timeout } from '../swf/duration.js'
import type { RetryPolicy } from './retry.js'
import type { Validator } from './validator.js'

/** How long an activity may take. They are SWF's timeouts; `'NONE'` is no limit. */
export interface ActivityTimeouts {
  /** How long one try may run, from its start. @default '5m' */
  startToClose: Timeout
  /** How long a try may wait for a worker. @default 'NONE' */
  scheduleToStart: Timeout
  /** How long a try may take, waiting included. @default 'NONE' */
  scheduleToClose: Timeout
  /** How long a running try may be silent. The worker beats by itself while the handler lives. @default 'NONE' */
  heartbeat: Timeout
}

/** What is agreed about an activity. */
export interface ActivityOptions<I, R> extends Partial<ActivityTimeouts> {
  /** Checks and types the input, where it is sent and where it is received. */
  input?: Validator<I>
  /** Checks and types the result, where it is received. */
  result?: Validator<R>
  /** SWF task list, which is also the BullMQ queue. @default 'activities' */
  taskList?: string
  /** Higher goes first; a signed 32-bit integer. @default SWF's, 0 */
  taskPriority?: number
  /** @default 4 tries, 1 s doubling up to 1 min between them */
  retry?: RetryPolicy
  description?: string
}

/** Options with their defaults. */
export type ResolvedActivityOptions<I, R> = ActivityOptions<I, R> &
  Required<
    Pick<
      ActivityOptions<I, R>,
      'taskList' | 'startToClose' | 'scheduleToStart' | 'scheduleToClose' | 'heartbeat' | 'retry'
    >
  >

/** Arguments that begin with an input, which may be left out where its type allows undefined. */
export type WithInput<I, Options> = undefined extends I ? [input?: I, options?: Options] : [input: I, options?: Options]

/** An activity type and its options. */
export interface ActivityContract<I = any, R = any> {
  readonly name: string
  readonly version: string
  readonly options: ResolvedActivityOptions<I, R>
}

export const ACTIVITY_DEFAULTS = {
  taskList: 'activities',
  startToClose: '5m',
  scheduleToStart: 'NONE',
  scheduleToClose: 'NONE',
  heartbeat: 'NONE',
  retry: {},
} satisfies ActivityOptions<never, never>

/** Throws a RangeError for a timeout that makes no sense. */
export function checkTimeouts(name: string, options: Partial<ActivityTimeouts>): void {
  for (const timeout of ['startToClose', 'scheduleToStart', 'scheduleToClose', 'heartbeat'] as const)
    checkTimeout(`${timeout} of ${name}`, options[timeout])
}

export function checkTimeout(what: string, timeout: Timeout | undefined): void {
  if (timeout === 'NONE' || timeout === undefined) return
  try {
    milliseconds(timeout)
  } catch (error) {
    throw new RangeError(`${what}: ${(error as Error).message}`)
  }
}
