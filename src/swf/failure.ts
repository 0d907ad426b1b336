// Failures as they travel: a cause chain in the `details` of a failed activity, child or execution.
// `reason` (256 characters) is what retry policies and dashboards look at; `details` (32,768) tells the rest.

import { MAX_PAYLOAD, readJson } from './payload.js'

/** One link of a failure's chain. */
export interface Failure {
  /** A stable code: ACTIVITY_TASK_FAILED, ACTIVITY_TASK_TIMED_OUT, CHILD_WORKFLOW_EXECUTION_FAILED, APPLICATION … */
  code: string
  /** The author's word for what happened, such as `OutOfStock`; what `nonRetryable` names. */
  reason: string
  message?: string
  /** Facts for the reader, any JSON value. */
  details?: unknown
  /** How often the activity was tried. */
  attempts?: number
  activityId?: string
  /** Of an activity: the details of the last heartbeat, where the next try goes on. */
  lastHeartbeat?: unknown
  /** Name of the activity or workflow type that failed. */
  type?: string
  cause?: Failure
}

export const MAX_REASON = 256
/** Reason of an activity that a worker gave back before it ran: another try, which no retry policy counts. */
export const HANDED_BACK = 'SwfGateway.HandedBack'
/** Reason of an activity whose workers died one after the other: counted as a try. */
export const WORKER_LOST = 'SwfGateway.WorkerLost'
/** Reason of an activity that its handler left open, and that nobody completed in the time given. */
export const LEFT_OPEN = 'SwfGateway.LeftOpen'
/** Reason of an activity that reached a worker without a handler for its type. */
export const NO_HANDLER = 'SwfGateway.NoHandler'

const VERSION_MEMBER = 'swf-gateway'

/** Returns a reason cut to SWF's 256 characters. */
export function cutReason(reason: string): string {
  return reason.length <= MAX_REASON ? reason : `${reason.slice(0, MAX_REASON - 1)}…`
}

/** Returns a failure as text for `details`. Too long, it loses its details, then its deepest causes, then its message's tail. */
export function encodeFailure(failure: Failure, limit: number = MAX_PAYLOAD): string {
  const chain: Failure[] = []
  for (let link: Failure | undefined = failure; link; link = link.cause) chain.push(link)
  const attempts = [
    (link: Failure) => link,
    ({ details: _details, ...link }: Failure) => link,
    ({ details: _details, ...link }: Failure) =>
      link.message ? { ...link, message: link.message.slice(0, 500) } : link,
  ]
  for (const shorten of attempts) {
    const text = stringify(chain.map(shorten))
    if (text.length <= limit) return text
  }
  while (chain.length > 1) {
    chain.pop()
    const text = stringify(chain.map(attempts[2]!))
    if (text.length <= limit) return text
  }
  return stringify([{ code: failure.code, reason: cutReason(failure.reason) }])
}

function stringify(chain: Failure[]): string {
  const failure = chain.reduceRight<Failure | undefined>((cause, link) => {
    const { cause: _cause, ...rest } = link
    return cause ? { ...rest, cause } : rest
  }, undefined)
  return JSON.stringify({ [VERSION_MEMBER]: 1, failure })
}

/** Returns the failure that a `reason` and `details` tell of, whoever wrote them; `code` is used where they name none. */
export function decodeFailure(code: string, reason: string | undefined, details: string | undefined): Failure {
  if (details !== undefined) {
    try {
      const json = readJson(details) as Record<string, unknown> | null
      const failure = json && typeof json === 'object' && VERSION_MEMBER in json && readFailure(json.failure)
      return failure || { code, reason: reason ?? code, details: json }
    } catch {
      return { code, reason: reason ?? code, message: details }
    }
  }
  return { code, reason: reason ?? code }
}

/** Returns what is sound of a failure, which anybody may have written; undefined when it is none. */
function readFailure(value: unknown): Failure | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { code, reason, message, attempts, activityId, type, cause, ...rest } = value as Partial<Failure>
  if (typeof code !== 'string' || typeof reason !== 'string') return undefined
  const behind = readFailure(cause)
  return {
    ...{ ...rest, code, reason },
    ...(typeof message === 'string' && { message }),
    ...(Number.isInteger(attempts) && { attempts: attempts! }),
    ...(typeof activityId === 'string' && { activityId }),
    ...(typeof type === 'string' && { type }),
    ...(behind && { cause: behind }),
  }
}
