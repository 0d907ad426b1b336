// Errors that handlers throw, where they leave the thread or the worker.

import type { Failure } from '../swf/failure.js'

/** Makes an error that says the same of itself: for one that was thrown in another thread. */
export function throwable({ reason, message, details, cause, errors }: Failure, stack?: string): Error {
  const error = new Error(message, cause && { cause: throwable(cause) })
  return Object.assign(error, {
    reason,
    ...(details !== undefined && { details }),
    ...(errors && { errors: errors.map(each => throwable(each)) }),
    ...(stack && { stack }),
  })
}

/** Returns where an error came from; undefined where it does not say. */
export function stackOf(error: unknown): string | undefined {
  try {
    return error instanceof Error ? error.stack : undefined
  } catch {
    return undefined
  }
}
