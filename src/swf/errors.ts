// Faults: what SWF, or the way to it, answers with. Tell them apart by `code`, never by message.

const CODES = {
  UnknownResourceFault: 'UNKNOWN_RESOURCE',
  OperationNotPermittedFault: 'FORBIDDEN',
  LimitExceededFault: 'LIMIT_EXCEEDED',
  DefaultUndefinedFault: 'DEFAULT_UNDEFINED',
  DomainAlreadyExistsFault: 'DOMAIN_ALREADY_EXISTS',
  DomainDeprecatedFault: 'DOMAIN_DEPRECATED',
  TypeAlreadyExistsFault: 'TYPE_ALREADY_EXISTS',
  TypeDeprecatedFault: 'TYPE_DEPRECATED',
  TypeNotDeprecatedFault: 'TYPE_NOT_DEPRECATED',
  TooManyTagsFault: 'TOO_MANY_TAGS',
  WorkflowExecutionAlreadyStartedFault: 'EXECUTION_ALREADY_STARTED',
  ValidationException: 'VALIDATION',
  SerializationException: 'VALIDATION',
  UnknownOperationException: 'VALIDATION',
  ThrottlingException: 'THROTTLED',
  ThrottledException: 'THROTTLED',
  RequestLimitExceeded: 'THROTTLED',
  AccessDeniedException: 'FORBIDDEN',
  UnrecognizedClientException: 'FORBIDDEN',
  MissingAuthenticationTokenException: 'FORBIDDEN',
  InvalidSignatureException: 'FORBIDDEN',
  ExpiredTokenException: 'FORBIDDEN',
  CredentialsProviderError: 'FORBIDDEN',
} as const

/** The code of a fault. `SWF_UNAVAILABLE`: no answer, or one that is no answer of SWF's; the call may have been done. */
export type FaultCode = (typeof CODES)[keyof typeof CODES] | 'SWF_UNAVAILABLE'

/** A call to SWF was refused, or got no answer. */
export class SwfFault extends Error {
  override readonly name = 'SwfFault'
  constructor(
    readonly code: FaultCode,
    /** SWF's own name of the fault, such as `UnknownResourceFault`. */
    readonly fault: string,
    /** The action that was called, such as `StartWorkflowExecution`. */
    readonly action: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }

  /** True when the same call may succeed later: throttled, or no answer. */
  get retryable(): boolean {
    return this.code === 'THROTTLED' || this.code === 'SWF_UNAVAILABLE'
  }
}

/** Returns the fault that SWF named; a name that SWF does not use is SWF_UNAVAILABLE. */
export function swfFault(action: string, fault: string, message: string, options?: ErrorOptions): SwfFault {
  const name = fault.slice(fault.lastIndexOf('#') + 1)
  return new SwfFault(CODES[name as keyof typeof CODES] ?? 'SWF_UNAVAILABLE', name, action, message || name, options)
}

/** Tells whether an error is a fault with this code. */
export function isFault(error: unknown, code: FaultCode): error is SwfFault {
  return error instanceof SwfFault && error.code === code
}
