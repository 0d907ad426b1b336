// Errors as clients see them.
//
// E1. Every error has `extensions.code` out of ERROR_CODES and a message that says what to do.
// E2. What is not known to be harmless is INTERNAL with a request id; its text goes to the log, never to the client.
// E3. HTTP, WebSocket and SSE answer with the same code for the same mistake: all go through `present`.

import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import type { ValidationError } from 'class-validator'
import { redisTrouble, type RedisTrouble } from '../redis.js'
import { SwfFault, type FaultCode } from '../swf/errors.js'
import { PayloadTooLarge } from '../swf/payload.js'
import { cutInside } from '../cut.js'
import { Recurring } from '../recurring.js'
import type { Log } from '../telemetry.js'
import { isErrorCode, type ErrorCode } from './error-code.js'

/** Returns an error for a client. `facts` become members of its extensions. */
export function apiError(code: ErrorCode, message: string, facts: Record<string, unknown> = {}): GraphQLError {
  return new GraphQLError(message, { extensions: { code, ...facts } })
}

/** Returns what the parser threw as a complaint about the operation: where it is none, its stack came to an end. */
export function unreadable(error: unknown): GraphQLError {
  return error instanceof GraphQLError ? error : apiError('BAD_USER_INPUT', 'The operation nests too deep to be read')
}

/** The most characters of a message: graphql-js repeats the value that it complains about, however long that is. */
const LONGEST_MESSAGE = 2_000

/** Returns an error as it is sent: code, message, place in the query; the rest is logged. */
export function present(error: unknown, requestId: string, log: Log): GraphQLFormattedError {
  const { code, message, facts } = explain(error)
  if (code === 'INTERNAL') log.error({ err: rootCause(error), requestId }, 'request failed')
  else if (code === 'REDIS_UNAVAILABLE') {
    // That it is full is another state than that it does not answer.
    const err = redisTrouble(rootCause(error))?.text ?? message
    unavailable(log).failed(err, { err, code, requestId })
  } else if (code.endsWith('_UNAVAILABLE')) unavailable(log).failed(code, { err: message, code, requestId })
  else if (code === 'FORBIDDEN')
    log.warn({ err: (rootCause(error) as Error).message, code, requestId }, 'request failed')
  const { locations, path } = error instanceof GraphQLError ? error.toJSON() : {}
  return {
    message: cutInside(message, LONGEST_MESSAGE),
    ...(locations && { locations }),
    ...(path && { path }),
    extensions: { code, ...facts, ...(code === 'INTERNAL' && { requestId }) },
  }
}

const failing = new WeakMap<Log, Recurring>()

/** What is away is away for every request: a thousand of them are told so, and the log once. */
function unavailable(log: Log): Recurring {
  let requests = failing.get(log)
  if (!requests)
    failing.set(log, (requests = new Recurring(log, { failed: 'request failed', worked: 'requests work again' })))
  return requests
}

interface Explained {
  code: ErrorCode
  message: string
  facts?: Record<string, unknown>
}

/** Returns code, message and facts of any error. */
export function explain(error: unknown): Explained {
  const cause = rootCause(isApolloParseError(error) ? unreadable(rootCause(error)) : error)
  if (cause instanceof SwfFault) return explainFault(cause)
  if (cause instanceof PayloadTooLarge)
    return { code: 'PAYLOAD_TOO_LARGE', message: cause.message, facts: { size: cause.size, limit: cause.limit } }
  if (isArgumentValidationError(cause)) return { code: 'BAD_USER_INPUT', message: complaints(cause).join('; ') }
  if (cause instanceof GraphQLError) return explainGraphQL(cause)
  const { code, message } = (cause ?? {}) as { code?: unknown; message?: unknown }
  if (isErrorCode(code) && code !== 'INTERNAL' && typeof message === 'string') return { code, message }
  const trouble = cause instanceof Error ? redisTrouble(cause) : undefined
  if (trouble) return { code: 'REDIS_UNAVAILABLE', message: REDIS[trouble.kind] }
  return { code: 'INTERNAL', message: 'Internal error: tell the operator of this gateway the requestId' }
}

/** Whatever else Redis has said is for operators: see `present`. */
const REDIS: Record<RedisTrouble['kind'], string> = {
  AWAY: 'Redis does not answer: try again; what only needs SWF still works',
  NO_WRITES: 'Redis takes no writes: try again; what only needs SWF still works',
  REFUSED: 'Redis refuses the gateway: tell its operator; what only needs SWF still works',
  UNSUITABLE: 'Redis refuses the gateway: tell its operator; what only needs SWF still works',
}

/** Unwraps what graphql-js and Apollo wrap: the error that a resolver threw, else the outermost complaint that says something. */
function rootCause(error: unknown): unknown {
  let cause = error
  while (cause instanceof GraphQLError && cause.originalError && !isErrorCode(cause.extensions.code)) {
    const { originalError } = cause
    // "Variable "$input" got invalid value …" says more than the scalar's complaint inside.
    if (
      originalError instanceof GraphQLError &&
      !isErrorCode(originalError.extensions.code) &&
      !originalError.originalError
    )
      return cause
    cause = originalError
  }
  return cause
}

/** Complaints about a request: ours have a code, graphql-js and Apollo have codes of their own, or none. */
function explainGraphQL(error: GraphQLError): Explained {
  const { message, extensions } = error
  const { code, http: _http, stacktrace: _stacktrace, requestId: _requestId, ...facts } = extensions
  if (isErrorCode(code)) return { code, message, facts }
  // graphql-js gives this complaint no code.
  if (message.includes('tokens. Parsing aborted'))
    return { code: 'LIMIT_EXCEEDED', message: message.replace('Syntax Error: ', '') }
  return { code: 'BAD_USER_INPUT', message }
}

function isApolloParseError(error: unknown): boolean {
  return error instanceof GraphQLError && error.extensions.code === 'GRAPHQL_PARSE_FAILED'
}

const FAULTS = {
  // Amazon's message names accounts and roles.
  FORBIDDEN: fault => ['FORBIDDEN', `SWF refused the gateway's credentials for ${fault.action}: tell its operator`],
  LIMIT_EXCEEDED: fault => ['LIMIT_EXCEEDED', `A limit of SWF is reached: ${fault.message}`],
  DEFAULT_UNDEFINED: fault => [
    'BAD_USER_INPUT',
    `The workflow type has no default for something that the call does not give either (${fault.message}): give taskList or executionTimeout, or register a version that has defaults`,
  ],
  DOMAIN_DEPRECATED: fault => ['BAD_USER_INPUT', `The domain is deprecated: take another (${fault.message})`],
  DOMAIN_ALREADY_EXISTS: fault => ['ALREADY_REGISTERED', `The domain is registered already: ${fault.message}`],
  TYPE_ALREADY_EXISTS: fault => ['ALREADY_REGISTERED', `The type is registered already: ${fault.message}`],
  TYPE_NOT_DEPRECATED: fault => ['NOT_DEPRECATED', `Deprecate the type before you delete it: ${fault.message}`],
  TYPE_DEPRECATED: fault => ['TYPE_DEPRECATED', `The type is deprecated: take another version (${fault.message})`],
  EXECUTION_ALREADY_STARTED: () => [
    'EXECUTION_ALREADY_STARTED',
    'An open execution has this workflowId: take another, or onConflict: USE_EXISTING',
  ],
  VALIDATION: fault => ['BAD_USER_INPUT', `SWF does not take this: ${fault.message}`],
  THROTTLED: fault => ['THROTTLED', `SWF throttles ${fault.action}: try again in a few seconds`, { retryAfter: 2 }],
  SWF_UNAVAILABLE: fault => [
    'SWF_UNAVAILABLE',
    `SWF does not answer ${fault.action}: try again; whether the call was done is not known`,
  ],
} satisfies Partial<Record<FaultCode, (fault: SwfFault) => [ErrorCode, string, Record<string, unknown>?]>>

function explainFault(fault: SwfFault): Explained {
  if (fault.code === 'UNKNOWN_RESOURCE') return explainUnknown(fault)
  const explanation = FAULTS[fault.code as keyof typeof FAULTS] as
    ((fault: SwfFault) => [ErrorCode, string, object?]) | undefined
  if (!explanation) return { code: 'BAD_USER_INPUT', message: fault.message }
  const [code, message, facts] = explanation(fault)
  return { code, message, facts: { ...facts } }
}

/** SWF has one fault for whatever it does not know; which it was follows from what was asked. */
function explainUnknown({ action, message }: SwfFault): Explained {
  if (action.endsWith('Domain') || action.startsWith('List') || action.startsWith('Count'))
    return {
      code: 'DOMAIN_NOT_FOUND',
      message: `SWF does not know this domain: register it, or check its name (${message})`,
    }
  if (action === 'StartWorkflowExecution' || action.endsWith('Type'))
    return {
      code: 'TYPE_NOT_FOUND',
      message: `SWF does not know this type in this domain: register it, or check name, version and domain (${message})`,
    }
  return {
    code: 'EXECUTION_NOT_FOUND',
    message: `SWF knows no such execution: check domain, workflowId and runId (${message})`,
  }
}

type ArgumentValidationError = Error & { extensions: { validationErrors: ValidationError[] } }

function isArgumentValidationError(error: unknown): error is ArgumentValidationError {
  return error instanceof GraphQLError && Array.isArray(error.extensions.validationErrors)
}

/** Lists what class-validator complains about: `execution.workflowId must be …`. */
function complaints({ extensions }: ArgumentValidationError): string[] {
  const list = (errors: ValidationError[], path: string): string[] =>
    errors.flatMap(({ property, constraints = {}, children = [] }) => [
      ...Object.values(constraints).map(text => `${path}${text}`),
      ...list(children, `${path}${property}.`),
    ])
  return list(extensions.validationErrors, '')
}
