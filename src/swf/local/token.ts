// Task tokens and page tokens: opaque to callers, base64url of JSON inside.

import { Fault, validation } from './fault.js'

/** How long a page token can be used: 24 hours, in milliseconds. */
const PAGE_TOKEN_LIFETIME = 24 * 3_600_000

/** The most characters of a task token. */
const MAX_TASK_TOKEN = 1_024

/** What a task token names: one run, one task of it, and that start of the task. */
export interface TaskToken {
  readonly kind: 'decision' | 'activity'
  readonly runId: string
  /** Says whose run it was when that is over. Left out where the token would be too long with it. */
  readonly workflowId?: string
  readonly scheduledEventId: number
  readonly startedEventId: number
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

function decode(token: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    return Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

export function taskToken({ kind, runId, workflowId, scheduledEventId, startedEventId }: TaskToken): string {
  const token = encode([kind, runId, scheduledEventId, startedEventId, workflowId])
  return token.length <= MAX_TASK_TOKEN ? token : encode([kind, runId, scheduledEventId, startedEventId])
}

/** Reads a task token, or refuses it. */
export function readTaskToken(kind: TaskToken['kind'], token: string): TaskToken {
  const [given, runId, scheduledEventId, startedEventId, workflowId] = decode(token) ?? []
  if (given !== kind || typeof runId !== 'string' || !isId(scheduledEventId) || !isId(startedEventId)) {
    throw validation('Invalid token')
  }
  return { kind, runId, scheduledEventId, startedEventId, ...(typeof workflowId === 'string' && { workflowId }) }
}

const isId = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0

/** Returns the token of the page that begins at `place`: numbers and texts that mean something to the list. */
export function pageToken(list: string, place: readonly (number | string)[], now: number): string {
  return encode([list, now + PAGE_TOKEN_LIFETIME, ...place])
}

/** Reads a page token of this list back to its place; undefined when there is none (the first page). */
export function readPageToken(list: string, token: string | undefined, now: number): (number | string)[] | undefined {
  if (!token) return undefined
  const [of, expiresAt, ...place] = decode(token) ?? []
  if (of !== list || typeof expiresAt !== 'number') throw validation('Invalid token')
  if (!place.every(part => Number.isSafeInteger(part) || typeof part === 'string')) throw validation('Invalid token')
  if (expiresAt < now) throw new Fault('ValidationException', 'Specified token has exceeded its maximum lifetime')
  return place as (number | string)[]
}

/** The size of a page: 1,000 unless the caller asked for fewer. */
export const pageSize = (asked: number | undefined): number => asked || 1_000
