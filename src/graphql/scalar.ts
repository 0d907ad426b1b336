// The API's own scalars. Inside, a DateTime is a Date or milliseconds since 1970, a Duration is milliseconds.

import 'reflect-metadata'
import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql'
import { GraphQLJSON } from 'graphql-scalars'
import { isoDuration, parseIsoDuration } from '../swf/duration.js'
import { MAX_NESTING, nestsWithin } from '../swf/payload.js'

const DEPTH = MAX_NESTING.toLocaleString('en-US')
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/

export const DateTime = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  description: 'A point in time in ISO 8601 with its offset, to the millisecond: `2030-01-31T12:00:00.000Z`.',
  serialize(value) {
    const date = value instanceof Date ? value : new Date(value as number)
    return date.toISOString()
  },
  parseValue: parseDateTime,
  parseLiteral: node => parseDateTime(node.kind === Kind.STRING ? node.value : undefined),
})

function parseDateTime(value: unknown): Date {
  const date = typeof value === 'string' && ISO.test(value) ? new Date(value) : undefined
  if (date && !Number.isNaN(date.getTime())) return date
  throw new GraphQLError('a DateTime is written in ISO 8601 with its offset: "2030-01-31T12:00:00Z"')
}

export const Duration = new GraphQLScalarType<number, string>({
  name: 'Duration',
  description: 'A length of time in ISO 8601, in days, hours, minutes and seconds: `PT1M30.5S`, `P30D`.',
  serialize: value => isoDuration(value as number),
  parseValue: parseDuration,
  parseLiteral: node => parseDuration(node.kind === Kind.STRING ? node.value : undefined),
})

function parseDuration(value: unknown): number {
  const duration = typeof value === 'string' ? parseIsoDuration(value) : undefined
  if (duration !== undefined) return duration
  throw new GraphQLError('a Duration is written in ISO 8601: "PT30S", "PT5M", "P1DT12H"')
}

export const Json = new GraphQLScalarType({
  ...GraphQLJSON.toConfig(),
  name: 'JSON',
  description: `Any JSON value; what you send may nest ${DEPTH} levels deep.`,
  specifiedByURL: undefined,
  parseValue: parseJson,
  parseLiteral(node, variables) {
    if (!literalNestsWithin(node, MAX_NESTING)) throw tooDeep()
    return parseJson(GraphQLJSON.parseLiteral(node, variables))
  },
})

function parseJson(value: unknown): unknown {
  if (!nestsWithin(value, MAX_NESTING)) throw tooDeep()
  return value
}

function literalNestsWithin(node: ValueNode, levels: number): boolean {
  if (node.kind === Kind.LIST) return levels > 0 && node.values.every(value => literalNestsWithin(value, levels - 1))
  if (node.kind === Kind.OBJECT)
    return levels > 0 && node.fields.every(({ value }) => literalNestsWithin(value, levels - 1))
  return true
}

const tooDeep = () => new GraphQLError(`JSON may nest ${DEPTH} levels deep: flatten it`)
