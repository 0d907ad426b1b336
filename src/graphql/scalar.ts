// The API's own scalars. Inside, a DateTime is a Date or milliseconds since 1970, a Duration is milliseconds.

import 'reflect-metadata'
import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql'
import { cut } from '../cut.js'
import { isoDuration, parseIsoDuration } from '../swf/duration.js'
import { isKept, mayBeRounded } from '../swf/json-number.js'
import { MAX_NESTING, nestsWithin } from '../swf/payload.js'
import { placeOf } from './argument-place.js'

const DEPTH = MAX_NESTING.toLocaleString('en-US')
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/

export const DateTime = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  description: 'A point in time in ISO 8601 with its offset, to the millisecond: `2030-01-31T12:00:00.000Z`.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  serialize(value) {
    const date = value instanceof Date ? value : new Date(value as number)
    return date.toISOString()
  },
  parseValue: value => parseDateTime(value),
  parseLiteral: node => parseDateTime(node.kind === Kind.STRING ? node.value : undefined, node),
})

function parseDateTime(value: unknown, node?: ValueNode): Date {
  const date = typeof value === 'string' && ISO.test(value) ? new Date(value) : undefined
  if (!date || Number.isNaN(date.getTime()))
    throw complaint('a DateTime is written in ISO 8601 with its offset: "2030-01-31T12:00:00Z"', node)
  // A Date takes the 30th of February for the 2nd of March.
  const day = (value as string).slice(0, 10)
  if (new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) !== day) throw complaint(`there is no ${day}`, node)
  return date
}

/** Returns what is wrong with a value; of one that stands in the operation, with its place. */
function complaint(text: string, node?: ValueNode): GraphQLError {
  if (!node) return new GraphQLError(text)
  const place = placeOf(node, '')
  return new GraphQLError(place ? `${place}: ${text}` : text, { nodes: node })
}

export const Duration = new GraphQLScalarType<number, string>({
  name: 'Duration',
  description: 'A length of time in ISO 8601, in days, hours, minutes and seconds: `PT1M30.5S`, `P30D`.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339#appendix-A',
  serialize: value => isoDuration(value as number),
  parseValue: value => parseDuration(value),
  parseLiteral: node => parseDuration(node.kind === Kind.STRING ? node.value : undefined, node),
})

function parseDuration(value: unknown, node?: ValueNode): number {
  const duration = typeof value === 'string' ? parseIsoDuration(value) : undefined
  if (duration !== undefined) return duration
  throw complaint('a Duration is written in ISO 8601: "PT30S", "PT5M", "P1DT12H"', node)
}

const LARGEST = Number.MAX_SAFE_INTEGER.toLocaleString('en-US')

export const Json = new GraphQLScalarType({
  name: 'JSON',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259',
  description: `Any JSON value; what you send may nest ${DEPTH} levels deep. Numbers are doubles, and what a double cannot hold is refused rather than rounded: in the text of an operation 9007199254740993, 1e400 and 0.1234567890123456789. Numbers in variables have been read as doubles before anybody looks at them: there whole numbers beyond ±${LARGEST} are refused, all of them, and fractions keep about 16 digits. Send such numbers as strings.`,
  serialize: value => value,
  parseValue(value) {
    refuseUnfit(value)
    return value
  },
  parseLiteral(node, variables) {
    const read = (part: ValueNode, levels: number, at: string): unknown => {
      const refuse = (why: string): never => {
        throw new GraphQLError(`${placeOf(node, at) ?? `JSON${at && ` at ${at}`}`}: ${why}`, { nodes: part })
      }
      switch (part.kind) {
        case Kind.NULL:
          return null
        case Kind.STRING:
        case Kind.BOOLEAN:
          return part.value
        case Kind.INT:
        case Kind.FLOAT:
          return isKept(part.value) ? Number(part.value) : refuse(`${shown(part.value)} ${ROUNDED}`)
        case Kind.ENUM:
          return refuse(`${shown(part.value)} is not JSON: write text in quotes, "${shown(part.value)}"`)
        case Kind.VARIABLE: {
          const value = variables?.[part.name.value]
          refuseUnfit(value)
          return value
        }
        case Kind.LIST:
          if (levels === 0) return refuse(TOO_DEEP)
          return part.values.map((value, index) => read(value, levels - 1, `${at}[${index}]`))
        case Kind.OBJECT: {
          if (levels === 0) return refuse(TOO_DEEP)
          const object = Object.create(null) as Record<string, unknown>
          for (const { name, value } of part.fields) object[name.value] = read(value, levels - 1, `${at}.${name.value}`)
          return object
        }
      }
    }
    return read(node, MAX_NESTING, '')
  },
})

const TOO_DEEP = `JSON may nest ${DEPTH} levels deep: flatten it`
const ROUNDED = 'would be rounded: send it as a string'

/** Throws for a value of a variable that nests too deep, or has a number in it that may have been another one. */
function refuseUnfit(value: unknown): void {
  if (!nestsWithin(value, MAX_NESTING)) throw new GraphQLError(TOO_DEEP)
  const found = findRounded(value)
  if (!found) return
  const what = Number.isFinite(found.number)
    ? `${found.number} may have been rounded, as whole numbers beyond ±${LARGEST} are`
    : 'a number is larger than a double can be'
  throw new GraphQLError(`${what}${found.at && ` (at ${found.at.replace(/^\./, '')})`}: send it as a string`)
}

function findRounded(value: unknown): { number: number; at: string } | undefined {
  if (typeof value === 'number') return mayBeRounded(value) ? { number: value, at: '' } : undefined
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, member] of Object.entries(value)) {
    const found = findRounded(member)
    if (found) return { ...found, at: `${Array.isArray(value) ? `[${name}]` : `.${name}`}${found.at}` }
  }
  return undefined
}

/** What is shown of a literal in a message. */
const shown = (text: string) => cut(text, 40)
