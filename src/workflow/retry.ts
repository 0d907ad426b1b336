// Retry: one authority, the decider. A policy is resolved when an activity is called, or a child is started, and travels in the `control` of its first
// try, so that it holds for this call even if the code's policy changes while it runs.

import { milliseconds, type Duration } from '../swf/duration.js'

/** When and how often an activity, or a child, is tried again. */
export interface RetryPolicy {
  /** Tries in all, the first one included. @default 4 */
  maximumAttempts?: number
  /** Wait before the second try; SWF's timers are whole seconds, rounded up. @default '1s' */
  initialInterval?: Duration
  /** How the wait grows from try to try. @default 2 */
  backoff?: number
  /** The longest wait. @default '1m' */
  maximumInterval?: Duration
  /** Part of a wait that chance may take off it, 0 to 1. @default 0.1 */
  jitter?: number
  /** Reasons of failures that are not tried again. @default [] */
  nonRetryable?: readonly string[]
  /** No new try begins this long after the first was scheduled. @default none */
  timeLimit?: Duration
}

/** A policy with its defaults; durations in milliseconds. */
export interface ResolvedRetryPolicy {
  maximumAttempts: number
  initialInterval: number
  backoff: number
  maximumInterval: number
  jitter: number
  nonRetryable: readonly string[]
  timeLimit?: number
}

// An activity has one policy for all its calls: it is resolved, and written, once.
const resolved = new WeakMap<RetryPolicy, ResolvedRetryPolicy>()
const written = new WeakMap<ResolvedRetryPolicy, string>()

/** Resolves a policy. Throws a RangeError for one that makes no sense. */
export function resolveRetry(policy: RetryPolicy = {}): ResolvedRetryPolicy {
  let known = resolved.get(policy)
  if (!known) resolved.set(policy, (known = resolve(policy)))
  return known
}

function resolve(policy: RetryPolicy): ResolvedRetryPolicy {
  const { maximumAttempts = 4, backoff = 2, jitter = 0.1, nonRetryable = [] } = policy
  if (!Number.isInteger(maximumAttempts) || maximumAttempts < 1)
    throw new RangeError(`maximumAttempts is ${maximumAttempts}: it counts the first try, so it is at least 1`)
  if (!(backoff >= 1)) throw new RangeError(`backoff is ${backoff}: it is at least 1`)
  if (!(jitter >= 0 && jitter <= 1)) throw new RangeError(`jitter is ${jitter}: it is from 0 to 1`)
  return {
    maximumAttempts,
    initialInterval: milliseconds(policy.initialInterval ?? '1s'),
    backoff,
    maximumInterval: milliseconds(policy.maximumInterval ?? '1m'),
    jitter,
    nonRetryable,
    ...(policy.timeLimit !== undefined && { timeLimit: milliseconds(policy.timeLimit) }),
  }
}

/** Returns the milliseconds to wait after the `attempts`-th try; undefined when there is no further one. `chance` is from 0 to 1. */
export function nextDelay(
  policy: ResolvedRetryPolicy,
  failed: { attempts: number; reason: string; elapsed: number },
  chance: number,
): number | undefined {
  if (failed.attempts >= policy.maximumAttempts || policy.nonRetryable.includes(failed.reason)) return undefined
  const delay = Math.min(policy.initialInterval * policy.backoff ** (failed.attempts - 1), policy.maximumInterval)
  if (policy.timeLimit !== undefined && failed.elapsed + delay > policy.timeLimit) return undefined
  return delay * (1 - policy.jitter * chance)
}

/** Returns a policy as text for `control`. */
export function encodeControl(policy: ResolvedRetryPolicy): string {
  let text = written.get(policy)
  if (text === undefined) written.set(policy, (text = JSON.stringify({ 'swf-gateway': 1, retry: policy })))
  return text
}

/** Tells whether a `control` is one that was written here. */
export function isControl(control: string | undefined): control is string {
  return control?.startsWith('{"swf-gateway":1,') === true
}

/** Returns the policy that a `control` holds; undefined for one of others. */
export function decodeControl(control: string | undefined): ResolvedRetryPolicy | undefined {
  if (!isControl(control)) return undefined
  return (JSON.parse(control) as { retry?: ResolvedRetryPolicy }).retry
}
