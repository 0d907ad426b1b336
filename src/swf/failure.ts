// Failures as they travel: a cause chain in the `details` of a failed activity, child or execution.
// `reason` (256 characters) is what retry policies and dashboards look at; `details` (32,768) tells the rest.

import { beginningOf, shorten } from '../cut.js'
import { encodeJson, MAX_PAYLOAD, readJson } from './payload.js'

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
  /** Of what failed in several ways at once: of an AggregateError, or of what `any` has tried. */
  errors?: Failure[]
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
export function cutReason(given: string): string {
  // Whatever an author's code has put there.
  return shorten(String(given), MAX_REASON)
}

/**
 * Returns a failure as text for `details`; never throws. Too long, it loses its details, then its messages' tails, then
 * `errors`, then its deepest causes. What is not JSON of it is left out, and it says so in its place.
 */
export function encodeFailure(failure: Failure, limit: number = MAX_PAYLOAD): string {
  let told = failure
  for (const change of [speakable, withoutDetails, shortMessage, withoutErrors]) {
    told = throughout(told, change)
    const text = stringify(told)
    if (text.length <= limit) return text
  }
  while (told.cause) {
    told = withoutDeepest(told)
    const text = stringify(told)
    if (text.length <= limit) return text
  }
  return stringify({ code: failure.code, reason: cutReason(failure.reason) })
}

type Change = (link: Failure) => Failure

/** Replaces what JSON cannot hold by words about it: a failure is not lost for what was told with it. */
const speakable: Change = ({ cause, errors, ...link }) => {
  const members = Object.entries(link).map(([member, value]): [string, unknown] => {
    try {
      encodeJson(value)
      return [member, value]
    } catch (error) {
      return [member, `left out: ${(error as Error).message.split('\n')[0]}`]
    }
  })
  const told = Object.fromEntries(members) as unknown as Failure
  return { ...told, ...(errors && { errors }), ...(cause && { cause }) }
}
const withoutDetails: Change = ({ details: _details, ...link }) => link
const shortMessage: Change = link => (link.message ? { ...link, message: beginningOf(link.message, 500) } : link)
const withoutErrors: Change = ({ errors: _errors, ...link }) => link

/** Changes every link of a failure: itself, what is behind it, and its `errors`. */
function throughout(failure: Failure, change: Change): Failure {
  const { cause, errors, ...link } = change(failure)
  return {
    ...link,
    ...(errors && { errors: errors.map(error => throughout(error, change)) }),
    ...(cause && { cause: throughout(cause, change) }),
  }
}

function withoutDeepest({ cause, ...link }: Failure): Failure {
  return cause?.cause ? { ...link, cause: withoutDeepest(cause) } : link
}

function stringify(failure: Failure): string {
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
  const { code, reason, message, attempts, activityId, type, cause, errors, ...rest } = value as Partial<Failure>
  if (typeof code !== 'string' || typeof reason !== 'string') return undefined
  const behind = readFailure(cause)
  const several = Array.isArray(errors) ? errors.flatMap(error => readFailure(error) ?? []) : []
  return {
    ...{ ...rest, code, reason },
    ...(typeof message === 'string' && { message }),
    ...(Number.isInteger(attempts) && { attempts: attempts! }),
    ...(typeof activityId === 'string' && { activityId }),
    ...(typeof type === 'string' && { type }),
    ...(behind && { cause: behind }),
    ...(several.length > 0 && { errors: several }),
  }
}
