// What the local SWF answers with when it refuses: SWF's own names, namespaces and messages.

const NAMESPACE: Record<string, string> = {
  ValidationException: 'com.amazon.coral.validate',
  SerializationException: 'com.amazon.coral.service',
  UnknownOperationException: 'com.amazon.coral.service',
  RequestEntityTooLargeException: 'com.amazon.coral.service',
  RequestTimeoutException: 'com.amazon.coral.service',
  InternalFailure: 'com.amazon.coral.service',
  ThrottlingException: 'com.amazon.coral.availability',
}

/** A request was refused. `code` is SWF's name of the fault, such as `UnknownResourceFault`. */
export class Fault extends Error {
  override readonly name: string
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message)
    this.name = code
  }

  /** The reply's body: `{"__type":"com.amazonaws.swf.base.model#UnknownResourceFault","message":"…"}`. */
  toJSON(): { __type: string; message: string } {
    return {
      __type: `${NAMESPACE[this.code] ?? 'com.amazonaws.swf.base.model'}#${this.code}`,
      message: this.message,
    }
  }
}

export const validation = (message: string): Fault => new Fault('ValidationException', message)
export const unknown = (what: string): Fault => new Fault('UnknownResourceFault', `Unknown ${what}`)

/** Refuses an execution that is not there: SWF names the run only if the caller did. */
export const unknownExecution = (workflowId: string, runId?: string): Fault =>
  unknown(
    runId
      ? `execution: WorkflowExecution=[workflowId=${workflowId}, runId=${runId}]`
      : `execution, workflowId = ${workflowId}`,
  )
