// What a thrown value says of itself, as a failure: its reason, code or name, its message, its details, its causes.

import { cutReason, type Failure } from '../../swf/failure.js'

const DEEPEST_CAUSE = 10

/** Describes anything that can be thrown. Never throws. */
export function describeThrown(thrown: unknown): Failure {
  try {
    return link(thrown, 0)
  } catch {
    // A getter or a proxy that throws.
    return { code: 'APPLICATION', reason: 'Error', message: 'it threw what cannot be read' }
  }
}

/** Makes an error that says the same of itself: for one that was thrown in another thread. */
export function throwable({ reason, message, details, cause }: Failure, stack?: string): Error {
  const error = new Error(message, cause && { cause: throwable(cause) })
  return Object.assign(error, { reason, ...(details !== undefined && { details }), ...(stack && { stack }) })
}

/** Returns where an error came from; undefined where it does not say. */
export function stackOf(error: unknown): string | undefined {
  try {
    return error instanceof Error ? error.stack : undefined
  } catch {
    return undefined
  }
}

function link(thrown: unknown, depth: number): Failure {
  if (!(thrown instanceof Error)) return { code: 'APPLICATION', reason: 'Error', message: text(thrown) }
  const { reason, code, details, cause } = thrown as Error & Partial<Record<'reason' | 'code' | 'details', unknown>>
  return {
    code: 'APPLICATION',
    reason: cutReason([reason, code, thrown.name].find(isWord) ?? 'Error'),
    message: thrown.message,
    ...(details !== undefined && { details: jsonSafe(details) }),
    ...(cause !== undefined && depth < DEEPEST_CAUSE && { cause: link(cause, depth + 1) }),
  }
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function text(thrown: unknown): string {
  try {
    return typeof thrown === 'string' ? thrown : (JSON.stringify(thrown) ?? String(thrown))
  } catch {
    return String(thrown)
  }
}

function jsonSafe(details: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(details) ?? 'null')
  } catch {
    return text(details)
  }
}
