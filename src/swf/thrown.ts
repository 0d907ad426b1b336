// What a thrown value says of itself, as a failure: its reason, code or name, its message, its details, what is behind it.

import { cutReason, type Failure } from './failure.js'

const DEEPEST_CAUSE = 10
/** Of the errors of an AggregateError. */
const MOST_ERRORS = 20

/** A failure that tells of itself, with what is behind it down to some depth. */
interface Telling {
  toFailure(depth: number): Failure
}

/** Describes anything that can be thrown. Never throws. `depth` is how many failures it is behind. */
export function describeThrown(thrown: unknown, depth = 0): Failure {
  try {
    return isTelling(thrown) ? thrown.toFailure(depth) : link(thrown, depth)
  } catch {
    // A getter or a proxy that throws.
    return { code: 'APPLICATION', reason: 'Error', message: 'it threw what cannot be read' }
  }
}

/** Describes what is behind something thrown: its cause, and the errors of an AggregateError, neither of them too deep. */
export function describeBehind(
  { cause, errors }: { cause?: unknown; errors?: unknown },
  depth: number,
): Partial<Failure> {
  if (depth >= DEEPEST_CAUSE) return {}
  const several = Array.isArray(errors) ? errors.slice(0, MOST_ERRORS) : []
  return {
    ...(several.length > 0 && { errors: several.map(error => describeThrown(error, depth + 1)) }),
    ...(cause !== undefined && { cause: describeThrown(cause, depth + 1) }),
  }
}

/** Returns what was thrown, or an error in its place: a revoked proxy cannot even be asked what it is. Never throws. */
export function readable(thrown: unknown): unknown {
  try {
    void (thrown instanceof Error)
    return thrown
  } catch {
    return new Error('it threw what cannot be read')
  }
}

/** Returns the name of an error; `Error` for what has none. Never throws. */
export function nameOfThrown(thrown: unknown): string {
  try {
    const { name } = thrown as { name?: unknown }
    return isWord(name) ? name : 'Error'
  } catch {
    return 'Error'
  }
}

function link(thrown: unknown, depth: number): Failure {
  if (!isError(thrown)) return { code: 'APPLICATION', reason: 'Error', message: text(thrown) }
  const { reason, code, details } = thrown as Error & Partial<Record<'reason' | 'code' | 'details', unknown>>
  return {
    code: 'APPLICATION',
    reason: cutReason([reason, code, thrown.name].find(isWord) ?? 'Error'),
    message: thrown.message,
    ...(details !== undefined && { details: jsonSafe(details) }),
    ...describeBehind(thrown, depth),
  }
}

function isTelling(thrown: unknown): thrown is Telling {
  return isError(thrown) && typeof (thrown as Partial<Telling>).toFailure === 'function'
}

/** An error, or what looks like one: of another realm, for example. */
function isError(thrown: unknown): thrown is Error {
  return typeof thrown === 'object' && thrown !== null && typeof (thrown as Error).message === 'string'
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
