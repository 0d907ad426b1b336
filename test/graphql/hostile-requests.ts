// Requests with one odd value in them, for every argument and every member of every input that the schema has.

import {
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isScalarType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql'

export interface HostileRequest {
  kind: 'query' | 'mutation' | 'subscription'
  /** Which argument or member it is: `startExecution(input.tags[])`. */
  where: string
  query: string
  /** As JSON: what JSON.stringify cannot write may be in it. */
  variables: string
}

/** As many levels as JSON.stringify could not write. */
const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
const base64 = (text: string) => Buffer.from(text).toString('base64url')
const text = (...texts: string[]) => texts.map(one => JSON.stringify(one))

const TEXTS = text('', ' ', '\0', '\ud800', 'é/:|😀', 'x'.repeat(257), 'x'.repeat(40_000))
const CURSORS = text(
  ...['1.0-0', '1.9999999999999999.x', '1.999999999999999-999999999999999', '1.5-5.999999999.x', '2.1-1'].map(base64),
  ...[
    '["Execution","shop","\\u0000","c"]',
    '["Queue","shop",""]',
    '["Worker","shop","x"]',
    '["Decider","shop","x"]',
    '[[]]',
  ].map(base64),
  ...['["HistoryEvent","shop","w","r",-1]', '["HistoryEvent","shop","w","r",1e300]', '["__proto__"]'].map(base64),
  ...['-1', '0', '999999999', 'NaN'],
)

/** JSON of odd values for each scalar; null is added to each. */
const ODD: Readonly<Record<string, readonly string[]>> = {
  String: TEXTS,
  ID: [...TEXTS, ...CURSORS, '5'],
  Int: ['-1', '0', '1', '1000000000', '2147483647', '-2147483648', '1.5', '1e999'],
  Boolean: ['true', 'false', '"true"'],
  DateTime: [
    ...text('+300000-01-01T00:00:00Z', '-000001-01-01T00:00:00Z', '0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z'),
    ...text('0000-01-01T00:00:00+23:59', '9999-12-31T23:59:59-23:59', '2024-02-31T25:61:00Z', 'NaN', ''),
    ...['1e999', '1e300', '-1'],
  ],
  Duration: [
    ...text('PT0S', 'PT0.0001S', 'P300000000D', 'P99999999999999999999D', `P${'9'.repeat(400)}D`, '-PT1S', 'P1Y', 'PT'),
    '1e300',
  ],
  JSON: [
    ...[nested(100), nested(4_000), nested(20_000), '1e999', '[[1e999]]', '"\\ud800"', '"\\u0000"'],
    ...['{"__proto__":{"a":1},"constructor":1,"toJSON":1}', '{"swf-gateway":1}', '{"swf-gateway":1,"continued":5}'],
    JSON.stringify('x'.repeat(40_000)),
  ],
}
const CURSOR_NAMES = new Set(['after', 'before'])

/** What an input of this name holds when something else is odd: JSON. */
export type Usual = (scalar: string, name: string) => string

/** Lists the requests: one for each argument and value, however many ways lead to the field. */
export function* hostileRequests(schema: GraphQLSchema, usual: Usual): Generator<HostileRequest> {
  const roots = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  }
  for (const [kind, root] of Object.entries(roots) as [HostileRequest['kind'], GraphQLObjectType][])
    for (const path of fieldsWithArguments(root, kind === 'query'))
      for (const odd of path.at(-1)!.args)
        for (const [where, json] of oddValues(odd.name, odd.type, usual))
          yield {
            kind,
            where: `${path.map(({ name }) => name).join('.')}(${where})`,
            ...requestOf(
              kind,
              path,
              argument => (argument === odd ? json : usualValue(argument.name, argument.type, usual)),
              odd,
            ),
          }
}

/** Asks for what is at the end of a path; all that is needed on the way, and what is odd, is given as variables. */
function requestOf(
  kind: string,
  path: readonly AnyField[],
  valueOf: (argument: GraphQLArgument) => string,
  odd: GraphQLArgument,
): Pick<HostileRequest, 'query' | 'variables'> {
  const declared: string[] = []
  const values: string[] = []
  const fields = path.map(({ name, args }) => {
    const given = args.filter(argument => argument === odd || isRequiredArgument(argument))
    const passed = given.map(argument => {
      const variable = `v${declared.length}`
      declared.push(`$${variable}: ${String(argument.type)}`)
      values.push(`"${variable}":${valueOf(argument)}`)
      return `${argument.name}: $${variable}`
    })
    return passed.length > 0 ? `${name}(${passed.join(', ')})` : name
  })
  const leaf = isLeafType(getNamedType(path.at(-1)!.type)) ? '' : ' { __typename }'
  return {
    query: `${kind} (${declared.join(', ')}) { ${fields.join(' { ')}${leaf}${' }'.repeat(path.length)}`,
    variables: `{${values.join()}}`,
  }
}

type AnyField = GraphQLField<unknown, unknown>

/** The ways to fields with arguments: to each the shortest one. */
function* fieldsWithArguments(root: GraphQLObjectType, inside: boolean): Generator<AnyField[]> {
  const seen = new Set([root.name])
  const waiting = [{ type: root, path: [] as AnyField[] }]
  for (const { type, path } of waiting)
    for (const field of Object.values(type.getFields())) {
      if (field.args.length > 0) yield [...path, field]
      const target = getNamedType(field.type)
      if (!inside || !isObjectType(target) || seen.has(target.name)) continue
      seen.add(target.name)
      waiting.push({ type: target, path: [...path, field] })
    }
}

/** Every value of a type that has one odd thing in it, as JSON, and where that is. */
function* oddValues(name: string, type: GraphQLInputType, usual: Usual): Generator<[where: string, json: string]> {
  const given = getNullableType(type)
  if (given === type) yield [name, 'null']
  if (isListType(given)) {
    yield [name, '[]']
    yield [name, `[${Array.from({ length: 2_000 }, () => usualValue(name, given.ofType, usual)).join()}]`]
    for (const [where, json] of oddValues(name, given.ofType, usual)) yield [`${where}[]`, `[${json}]`]
  } else if (isInputObjectType(given)) {
    for (const field of Object.values(given.getFields()))
      for (const [where, json] of oddValues(field.name, field.type, usual)) {
        const others = Object.values(given.getFields()).filter(other => other !== field && isRequiredInputField(other))
        const members = others.map(other => `"${other.name}":${usualValue(other.name, other.type, usual)}`)
        yield [`${name}.${where}`, `{${[...members, `"${field.name}":${json}`].join()}}`]
      }
  } else if (isEnumType(given)) {
    for (const value of [...given.getValues().map(({ name }) => name), 'NOTHING']) yield [name, JSON.stringify(value)]
  } else {
    for (const json of ODD[given.name]!) yield [name, json]
    if (CURSOR_NAMES.has(name)) for (const json of CURSORS) yield [name, json]
  }
}

function usualValue(name: string, type: GraphQLInputType, usual: Usual): string {
  const given = getNullableType(type)
  if (isListType(given)) return '[]'
  if (isEnumType(given)) return JSON.stringify(given.getValues()[0]!.name)
  if (isScalarType(given)) return usual(given.name, name)
  const members = Object.values(given.getFields()).filter(isRequiredInputField)
  return `{${members.map(field => `"${field.name}":${usualValue(field.name, field.type, usual)}`).join()}}`
}
