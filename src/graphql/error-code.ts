// Every value of `extensions.code`, each with what the reader of an error is to do.

export const ERROR_CODES = {
  BAD_USER_INPUT: 'The request cannot be understood or breaks a rule: the message says which; mend it.',
  UNAUTHENTICATED: 'No credentials, or ones that are not valid: sign in.',
  FORBIDDEN: 'You, or the credentials of this gateway, may not do this.',
  EXECUTION_NOT_FOUND: 'No such execution: check domain, workflowId and runId.',
  EXECUTION_CLOSED: 'The execution has closed: it takes no more signals, cancel requests or terminations.',
  EXECUTION_ALREADY_STARTED:
    'An open execution has this workflowId; `extensions.runId` names it. Take another workflowId, or `onConflict: USE_EXISTING`.',
  ACTIVITY_CLOSED: 'The activity has an outcome already, timed out or was canceled: this one comes too late.',
  TYPE_NOT_FOUND: 'No such type is registered in the domain: register it, or check name and version.',
  TYPE_DEPRECATED: 'The workflow type is deprecated: start another version.',
  ALREADY_REGISTERED: 'SWF has this domain or type already: it is as it was registered, for types never change.',
  NOT_DEPRECATED: 'Only a deprecated type can be deleted: deprecate it first.',
  DOMAIN_NOT_FOUND: 'No such domain is registered: register it, or check its name.',
  PAYLOAD_TOO_LARGE: 'The data is longer than SWF takes (32,768 characters): pass a reference to it instead.',
  IDEMPOTENCY_KEY_REUSED:
    'The latest run of this workflowId was started with this key but with another type or input: take a new key.',
  VERSION_CONFLICT: 'Somebody changed it since you read it: read it again and repeat your change.',
  THROTTLED: 'SWF limits how often this may be asked: try again after `extensions.retryAfter` seconds.',
  SWF_UNAVAILABLE:
    'SWF does not answer: try again. A change may have been made all the same; an idempotencyKey makes it safe to repeat.',
  REDIS_UNAVAILABLE: 'Redis does not answer, or takes no writes: try again. What only needs SWF still works.',
  LIMIT_EXCEEDED: 'A limit of the API or of SWF is reached: the message says which.',
  INTERNAL: 'A fault of the gateway: tell its operator `extensions.requestId`; the log has the rest.',
} as const

export type ErrorCode = keyof typeof ERROR_CODES

/** Tells whether a value is one of the codes. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_CODES, value)
}
