// Payloads: what inputs, results, signals and details carry through SWF as text.
//
// P1. A payload is either plain JSON (or plain text), readable by anyone, or an envelope around a JSON value.
// P2. An envelope is written only when there is something to say beyond the value, so that workers and deciders
//     of others can take part: `{"swf-gateway":1,"value":…,"attempt":2,…}`.
// P3. A text that is not JSON is a string value; it comes back as it was. So is one that nests so deep that whoever reads it
//     recursively would run out of stack: anybody may have written it.

import { roundedIn } from './json-number.js'

/** SWF's limit for input, result, details, control and executionContext, in characters. */
export const MAX_PAYLOAD = 32_768

/** How many levels deep a value may nest that is sent. What is read may nest twice as deep, with what was put around it. */
export const MAX_NESTING = 1_000

const VERSION_MEMBER = 'swf-gateway'
const VERSION = 1

/** What a run that continues as new hands to the next one. */
export interface Continued {
  /** Signals that nobody has read, by name, oldest first. */
  signals?: Record<string, unknown[]>
  /** Idempotency keys of signals that were seen. */
  signalKeys?: string[]
  cancelRequested?: true
  /** How far the loops of the workflow are, by name. */
  cursors?: Record<string, unknown>
}

/** What travels beside a value. Times are milliseconds since 1970. */
export interface Envelope {
  /** Which try of the activity this is, from 1. */
  attempt?: number
  /** The same for every try of one call: what an effect is to be recorded under. */
  idempotencyKey?: string
  /** When SWF times the activity out, by SWF's clock: schedule-to-close. */
  deadline?: number
  /** How long one run may take, in milliseconds: start-to-close. */
  startToClose?: number
  /** The heartbeat timeout in milliseconds. */
  heartbeat?: number
  /** The details of the last heartbeat of the try before. */
  lastHeartbeat?: unknown
  /** W3C traceparent. */
  trace?: string
  /** In the input of a run that was continued as new. */
  continued?: Continued
}

export interface Payload {
  value: unknown
  envelope: Envelope
}

/** A text is longer than SWF takes. `size` and `limit` are in characters. */
export class PayloadTooLarge extends Error {
  override readonly name = 'PayloadTooLarge'
  readonly code = 'PAYLOAD_TOO_LARGE'
  constructor(
    readonly size: number,
    readonly limit: number = MAX_PAYLOAD,
  ) {
    super(`${size} characters are more than the ${limit} that SWF takes: pass a reference to the data instead`)
  }
}

interface Strange {
  type: string
  /** Where it is in the value: `.lines[0].tags`; empty for the value itself. */
  at: string
}

const TOO_DEEP: Strange = { type: `value that nests more than ${MAX_NESTING} levels deep`, at: '' }

const INSTEAD: Record<string, string> = {
  Map: 'send Object.fromEntries(map)',
  Set: 'send [...set]',
  bigint: 'send it as a string',
  Promise: 'await it first',
  [TOO_DEEP.type]: 'flatten it',
}

/** A value is, or holds, what JSON cannot hold or leaves out without a word. */
export class PayloadNotJson extends TypeError {
  override readonly name = 'PayloadNotJson'
  readonly code = 'PAYLOAD_NOT_JSON'
  /** `what` says what the value is. */
  constructor(
    readonly found: Strange,
    what?: string,
  ) {
    const { type, at } = found
    const where = at && ` (at ${at.replace(/^\./, '')})`
    super(`${what ? `${what}: ` : ''}a ${type}${where} cannot be sent as JSON: ${INSTEAD[type] ?? 'leave it out'}`)
  }
}

/**
 * Returns a value as text for SWF; undefined for undefined.
 * Throws PayloadTooLarge, PayloadNotJson for what is no JSON (a Map, a bigint, a function, a promise), at any depth, and a
 * TypeError for a cycle.
 */
export function encodePayload(value: unknown, envelope: Envelope = {}): string | undefined {
  const wrapped = !isEmpty(envelope) || looksEnveloped(value)
  const text = encodeJson(value, wrapped ? { [VERSION_MEMBER]: VERSION, value, ...envelope } : value)
  if (text !== undefined && text.length > MAX_PAYLOAD) throw new PayloadTooLarge(text.length)
  return text
}

/**
 * Returns a payload that SWF has with another envelope; a value without one stays to the letter. Undefined when it has no value.
 * Throws PayloadTooLarge.
 */
export function rewrapPayload(text: string, envelope: Envelope): string | undefined {
  const json = parseJson(text)
  if (looksEnveloped(json)) return encodePayload(json.value, envelope)
  if (isEmpty(envelope)) return text
  // Text that is not JSON.
  if (json === text) return encodePayload(text, envelope)
  const wrapped = `{"${VERSION_MEMBER}":${VERSION},"value":${text},${JSON.stringify(envelope).slice(1)}`
  if (wrapped.length > MAX_PAYLOAD) throw new PayloadTooLarge(wrapped.length)
  return wrapped
}

/** Returns a value, with what is put `around` it, as JSON of any length; undefined for undefined. Throws as encodePayload does. */
export function encodeJson(value: unknown, around: unknown = value): string | undefined {
  let text: string | undefined
  try {
    text = JSON.stringify(around)
  } catch (error) {
    // A bigint is to be named, and what is too deep for JSON.stringify; a cycle is named by it.
    const found = error instanceof RangeError || String(error).includes('BigInt') ? strange(value) : undefined
    throw found ? new PayloadNotJson(found) : error
  }
  const found = strange(value)
  if (found) throw new PayloadNotJson(found)
  return text
}

/** What JSON refuses, leaves out, or tells as `{}`. */
const STRANGE = new Set(['Map', 'Set', 'WeakMap', 'WeakSet', 'Promise'])

/** Finds what is no JSON in a value without cycles, and where. What has a toJSON tells itself. */
function strange(value: unknown, levels = MAX_NESTING): Strange | undefined {
  if (typeof value === 'function' || typeof value === 'symbol') return { type: typeof value, at: '' }
  if (typeof value === 'bigint') return 'toJSON' in BigInt.prototype ? undefined : { type: 'bigint', at: '' }
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return undefined
  if (levels === 0) return TOO_DEEP
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const found = strange(value[index], levels - 1)
      if (found) return found === TOO_DEEP ? found : { type: found.type, at: `[${index}]${found.at}` }
    }
    return undefined
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    const type = Object.prototype.toString.call(value).slice(8, -1)
    if (STRANGE.has(type)) return { type, at: '' }
  }
  for (const name in value) {
    const found = strange((value as Record<string, unknown>)[name], levels - 1)
    // JSON does not look at what is inherited.
    if (found && Object.hasOwn(value, name))
      return found === TOO_DEEP ? found : { type: found.type, at: `.${name}${found.at}` }
  }
  return undefined
}

/** Returns what a text from SWF holds. Never throws: text that is no JSON is a string. */
export function decodePayload(text: string | undefined): Payload {
  const json = parseJson(text)
  if (!looksEnveloped(json)) return { value: json, envelope: {} }
  const { [VERSION_MEMBER]: _version, value, ...envelope } = json
  return { value, envelope: envelope as Envelope }
}

function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return readJson(text)
  } catch {
    return text
  }
}

/** Parses a text from SWF, and throws for one that is no JSON or nests too deep to be worked with. */
export function readJson(text: string): unknown {
  const json = JSON.parse(text) as unknown
  const levels = 2 * MAX_NESTING
  if (text.length > 2 * levels && !nestsWithin(json, levels)) throw new RangeError('this JSON nests too deep')
  return json
}

/** Tells whether a value nests no more than so many levels deep; looks no deeper. */
export function nestsWithin(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return levels > 0 && Object.values(value).every(member => nestsWithin(member, levels - 1))
}

function isEmpty(envelope: Envelope): boolean {
  return Object.values(envelope).every(member => member === undefined)
}

/** Tells whether decodePayload rounds a number of a text. What JavaScript has written is never rounded. */
export function isRounded(text: string): boolean {
  return roundedIn(text) !== undefined && parseJson(text) !== text
}

function looksEnveloped(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && VERSION_MEMBER in value
}

/**
 * Changes payload texts on their way to and from SWF: encryption, compression, a store for large ones.
 * `decode` must return texts unchanged that `encode` did not make.
 */
export interface PayloadCodec {
  encode(text: string): Promise<string>
  decode(text: string): Promise<string>
}

/** The codec that changes nothing. */
export const PLAIN: PayloadCodec = { encode: async text => text, decode: async text => text }
