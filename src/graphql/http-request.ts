// GraphQL requests as HTTP carries them, and refusals that GraphQL clients understand.

import type { NextFunction, Request, Response } from 'express'
import type { GraphQLError } from 'graphql'
import { randomUUID } from 'node:crypto'
import type { Door } from '../door.js'
import type { Log } from '../telemetry.js'
import { apiError, present } from './errors.js'
import { LIMITS } from './limits.js'
import type { OperationRequest } from './operation.js'

/** Answers with an error in GraphQL's shape. */
export function refuse(
  response: Response,
  status: number,
  { message, extensions }: Pick<GraphQLError, 'message' | 'extensions'>,
): void {
  response.status(status).json({ errors: [{ message, extensions }] })
}

/** Lets in whom the door lets in. */
export function admit(door: Door) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const refusal = door.refuse(request)
    if (!refusal) return next()
    const { status, message } = refusal
    refuse(response, status, apiError(status === 403 ? 'FORBIDDEN' : 'BAD_USER_INPUT', message))
  }
}

/** Headers that no page can send without asking first. */
const PREFLIGHTED = ['apollo-require-preflight', 'x-apollo-operation-name', 'graphql-require-preflight']

/**
 * Lets a GET through only if it cannot be a blind one: an image or a script of a foreign page is fetched with GET, and where
 * neither side uses TLS a browser does not say for whom.
 */
export function refuseForgery(door: Door) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const deliberate =
      request.method !== 'GET' ||
      door.vouches(request) ||
      PREFLIGHTED.some(name => request.get(name) !== undefined) ||
      request.get('accept')?.includes('text/event-stream')
    if (deliberate) return next()
    const message =
      'A GET that a foreign page could have caused is not run: send POST, or a header "GraphQL-Require-Preflight: 1", or "Accept: text/event-stream"'
    refuse(response, 400, apiError('BAD_USER_INPUT', message))
  }
}

/** Lets only GET and POST through. */
export function requireMethod(request: Request, response: Response, next: NextFunction): void {
  if (request.method === 'GET' || request.method === 'POST') return next()
  refuse(response.set('allow', 'GET, POST'), 405, apiError('BAD_USER_INPUT', 'Send GraphQL with GET or POST'))
}

/** Lets only JSON through: whatever else is POSTed would be read as no body at all. */
export function requireJson(request: Request, response: Response, next: NextFunction): void {
  if (request.method !== 'POST' || request.is('application/json')) return next()
  refuse(response, 415, apiError('BAD_USER_INPUT', 'The body must be JSON: send "Content-Type: application/json"'))
}

/** Returns the operation that a GET or POST asks for; throws BAD_USER_INPUT. */
export function readRequest(request: Request): OperationRequest {
  const { query, operationName, variables } = (
    request.method === 'GET' ? request.query : (request.body ?? {})
  ) as Record<string, unknown>
  if (typeof query !== 'string' || query === '')
    throw apiError('BAD_USER_INPUT', 'Give the operation as text in "query"')
  if (operationName != null && typeof operationName !== 'string')
    throw apiError('BAD_USER_INPUT', '"operationName" must be text')
  return { query, operationName, variables: readVariables(variables) }
}

function readVariables(variables: unknown): Record<string, unknown> {
  let value = variables ?? {}
  if (typeof value === 'string') {
    try {
      value = JSON.parse(value)
    } catch {
      throw apiError('BAD_USER_INPUT', '"variables" is not JSON')
    }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw apiError('BAD_USER_INPUT', '"variables" must be a JSON object')
  return value as Record<string, unknown>
}

/** Answers what went wrong before an operation could be run. */
export function answerErrors(log: Log) {
  // Express tells an error handler by its four parameters.
  return (error: unknown, _request: Request, response: Response, _next: NextFunction): void => {
    if (response.headersSent) return void response.destroy()
    const { status, error: known } = bodyError(error)
    const { message, extensions } = present(known, randomUUID(), log)
    const code = extensions?.code
    refuse(response, status ?? (code === 'INTERNAL' ? 500 : 400), { message, extensions: extensions ?? {} })
  }
}

/** What express and its body parser complain about, by their own type of error. */
function bodyError(error: unknown): { status?: number; error: unknown } {
  const { type, message, status } = (error ?? {}) as { type?: unknown; message?: string; status?: unknown }
  switch (type) {
    case 'entity.parse.failed':
      return { status: 400, error: apiError('BAD_USER_INPUT', `The body must be a JSON object: ${message}`) }
    case 'entity.too.large':
      return {
        status: 413,
        error: apiError(
          'PAYLOAD_TOO_LARGE',
          `A request may have ${LIMITS.bytes} bytes: pass a reference to the data instead`,
        ),
      }
    case 'charset.unsupported':
    case 'encoding.unsupported':
      return { status: 415, error: apiError('BAD_USER_INPUT', `The body cannot be read: ${message}; send UTF-8`) }
    case 'request.aborted':
    case 'request.size.invalid':
      return { status: 400, error: apiError('BAD_USER_INPUT', 'The body ended too early: send it again') }
  }
  // A body that is not what its headers say, a path that cannot be decoded, and their like.
  if (typeof status === 'number' && status >= 400 && status < 500)
    return { status, error: apiError('BAD_USER_INPUT', `The request cannot be read: ${message}`) }
  return { error }
}
