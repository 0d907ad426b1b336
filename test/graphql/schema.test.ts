import {
  assertValidSchema,
  isAbstractType,
  getNamedType,
  isEnumType,
  isInterfaceType,
  isNonNullType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  type GraphQLObjectType,
  type GraphQLScalarType,
} from 'graphql'
import { format } from 'prettier'
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../src/graphql/error-code.js'
import { gatewaySchema, printGatewaySchema } from '../../src/graphql/schema.js'
import { HISTORY_EVENTS } from '../../src/swf/event-table.js'

const schema = gatewaySchema()
const types = Object.values(schema.getTypeMap()).filter(type => !type.name.startsWith('__'))
const events = schema.getPossibleTypes(schema.getType('HistoryEvent') as never) as readonly GraphQLObjectType[]

test('is the committed one; else re-emit it with: npx vitest run test/graphql/schema.test.ts -u', async () => {
  await expect(
    printGatewaySchema(),
    'src/graphql/schema.graphql has drifted: run npx vitest run test/graphql/schema.test.ts -u, and commit what changed',
  ).toMatchFileSnapshot('../../src/graphql/schema.graphql')
})

test('is valid', () => {
  expect(() => assertValidSchema(schema)).not.toThrow()
})

test('has a type for each of the 54 events', () => {
  expect(events.map(({ name }) => name).sort()).toEqual(Object.keys(HISTORY_EVENTS).sort())
  expect(events).toHaveLength(54)
})

test('gives a field name one type in all events, so that any fragments can be combined', () => {
  const seen = new Map<string, string>()
  for (const event of events)
    for (const { name, type } of Object.values(event.getFields()))
      expect([name, String(type)]).toEqual([name, seen.get(name) ?? (seen.set(name, String(type)), String(type))])
})

test('describes every type, field, argument and enum value', () => {
  const bare: string[] = []
  for (const type of types) {
    if (['Query', 'Mutation', 'Subscription'].includes(type.name) || isSpecifiedScalarType(type)) continue
    if (!type.description) bare.push(type.name)
  }
  for (const type of types) {
    if (isEnumType(type))
      for (const { name, description } of type.getValues()) if (!description) bare.push(`${type.name}.${name}`)
    if (!('getFields' in type)) continue
    for (const field of Object.values(type.getFields())) {
      if (!field.description) bare.push(`${type.name}.${field.name}`)
      if ('args' in field)
        for (const arg of field.args) if (!arg.description) bare.push(`${type.name}.${field.name}(${arg.name})`)
    }
  }
  expect(bare).toEqual([])
})

test('lets introspection list every code of an error', () => {
  const codes = schema.getType('ErrorCode') as unknown as { getValues(): { name: string; description: string }[] }
  expect(codes.getValues().map(({ name, description }) => [name, description])).toEqual(Object.entries(ERROR_CODES))
})

test('says of every operation who may use it', () => {
  for (const root of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()])
    for (const { name, extensions } of Object.values(root!.getFields()))
      expect([name, extensions.rule]).toEqual([name, expect.any(String)])
})

test('has mutations take an input and answer with a payload', () => {
  for (const { name, args, type } of Object.values(schema.getMutationType()!.getFields())) {
    const current = args.filter(arg => arg.deprecationReason == null)
    expect([name, current.map(arg => arg.name)]).toEqual([name, ['input']])
    expect([name, String(type)]).toEqual([name, expect.stringMatching(/^\w+Payload$/)])
  }
})

test('gives every connection edges with cursors, nodes and a pageInfo', () => {
  const connections = types.filter(isObjectType).filter(({ name }) => name.endsWith('Connection'))
  expect(connections.length).toBeGreaterThan(2)
  for (const connection of connections) {
    const { name } = connection
    const { edges, nodes, pageInfo } = connection.getFields()
    const named = (field: typeof edges) => field && getNamedType(field.type)
    expect([name, String(pageInfo?.type)]).toEqual([name, 'PageInfo!'])
    const edge = (named(edges) as GraphQLObjectType).getFields()
    expect([name, String(edge.cursor?.type), getNamedType(edge.node!.type)]).toEqual([name, 'String!', named(nodes)])
  }
})

test('makes everything with an id a Node', () => {
  const withId = types.filter(
    type => (isObjectType(type) || isInterfaceType(type)) && type.getFields().id && type.name !== 'Node',
  )
  for (const type of withId)
    expect((type as GraphQLObjectType).getInterfaces().map(({ name }) => name)).toContain('Node')
})

test('lets a root field that fails lose no other one', () => {
  for (const root of [schema.getQueryType(), schema.getMutationType()])
    for (const { name, type } of Object.values(root!.getFields()))
      if (name !== 'errorCodes') expect([name, isNonNullType(type)]).toEqual([name, false])
})

test('what caches need to know of the types is that of the schema', async () => {
  const roots: unknown[] = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
  const embedded = types.filter(type => isObjectType(type) && !roots.includes(type) && !type.getFields().id)
  const possible = types.flatMap(type =>
    isAbstractType(type) ? [[type.name, schema.getPossibleTypes(type).map(({ name }) => name)]] : [],
  )
  const text = `// What caches of clients need to know of the API's types.

/** The types that have no id: a cache keeps such an object in the one that holds it. */
export const EMBEDDED = ${JSON.stringify(embedded.map(({ name }) => name).sort())}

/** What Graphcache, urql's normalized cache, takes as \`keys\`. */
export const keys = Object.fromEntries(EMBEDDED.map(type => [type, () => null]))

/** Which types stand for an interface or a union. */
export const POSSIBLE_TYPES = ${JSON.stringify(Object.fromEntries(possible))}
`
  const style = { parser: 'babel', semi: false, singleQuote: true, printWidth: 120, arrowParens: 'avoid' } as const
  await expect(
    await format(text, style),
    'examples/clients/types.js has drifted: run npx vitest run test/graphql/schema.test.ts -u, and commit what changed',
  ).toMatchFileSnapshot('../../examples/clients/types.js')
})

test('the schema and its roots say what they are for, and scalars where they are specified', () => {
  const roots = [schema, schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
  for (const root of roots) expect(root?.description).toMatch(/\.$/)
  const own = types.filter(type => isScalarType(type) && !isSpecifiedScalarType(type))
  expect(own.map(type => (type as GraphQLScalarType).specifiedByURL)).toEqual(
    own.map(() => expect.stringMatching(/^https:/)),
  )
})
