// How many objects an operation may touch, known from its text and variables before it runs: the product of its pages.

import {
  getNamedType,
  getNullableType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type DocumentNode,
  type FieldNode,
  type GraphQLError,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql'
import { apiError } from './errors.js'
import { LIMITS } from './limits.js'

type Variables = Readonly<Record<string, unknown>>

/** Returns how many objects a part of an operation touches at most. */
type Cost = (variables: Variables) => number

/** What the whole schema costs that somebody asks for by introspection. */
const INTROSPECTION = 500

const NONE: Cost = () => 0

/** Of documents, which are sent again and again; each operation of one has its own. */
const known = new WeakMap<OperationDefinitionNode, Cost>()

/** Returns why an operation touches too much; undefined when it does not. The document must be valid. */
export function refuseCost(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables,
): GraphQLError | undefined {
  let cost = known.get(operation)
  if (!cost) {
    const root = schema.getRootType(operation.operation)
    cost = root ? costOf(schema, document, operation, root) : NONE
    known.set(operation, cost)
  }
  const objects = cost(variables)
  if (objects <= LIMITS.objects) return undefined
  return apiError(
    'LIMIT_EXCEEDED',
    `This operation may touch ${objects.toLocaleString('en-US')} objects, as its pages multiply; ${LIMITS.objects.toLocaleString('en-US')} are allowed: ask for smaller pages with first, or in several operations`,
  )
}

/** Tells whether a field brings in objects that have to be looked up, rather than parts of what is there. */
export function isLookUp({ resolve, type, args }: GraphQLField<unknown, unknown>): boolean {
  const named = getNamedType(type)
  if (!resolve || !isCompositeType(named)) return false
  return isListType(getNullableType(type)) || args.some(isPageSize) || /^(Execution|Node)$/.test(named.name)
}

const isPageSize = ({ name }: { name: string }) => name === 'first' || name === 'last'

function costOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  { selectionSet, variableDefinitions = [] }: OperationDefinitionNode,
  root: GraphQLNamedType,
): Cost {
  const fragments = new Map(
    document.definitions.flatMap(made => (made.kind === Kind.FRAGMENT_DEFINITION ? [[made.name.value, made]] : [])),
  )
  const ofFragments = new Map<string, Cost>()
  const defaults = new Map(
    variableDefinitions.map(({ variable, defaultValue }) => [
      variable.name.value,
      defaultValue?.kind === Kind.INT ? Number(defaultValue.value) : undefined,
    ]),
  )
  return ofSelections(selectionSet, root)

  function ofSelections(set: SelectionSetNode | undefined, type: GraphQLNamedType): Cost {
    const parts = (set?.selections ?? []).flatMap((selection): Cost[] => {
      let part: Cost
      if (selection.kind === Kind.FRAGMENT_SPREAD) part = ofFragment(selection.name.value)
      else if (selection.kind === Kind.FIELD) part = ofField(selection, type)
      else {
        const on = selection.typeCondition && schema.getType(selection.typeCondition.name.value)
        part = ofSelections(selection.selectionSet, on ?? type)
      }
      return part === NONE ? [] : [part]
    })
    if (parts.length === 0) return NONE
    return variables => parts.reduce((sum, part) => sum + part(variables), 0)
  }

  function ofFragment(name: string): Cost {
    let cost = ofFragments.get(name)
    if (!cost) {
      const fragment = fragments.get(name)
      const on = fragment && schema.getType(fragment.typeCondition.name.value)
      const made = (cost = on ? ofSelections(fragment.selectionSet, on) : NONE)
      // Spread in a thousand places, it is reckoned once.
      let last: { variables: Variables; objects: number } | undefined
      if (made !== NONE)
        cost = variables => {
          if (last?.variables !== variables) last = { variables, objects: made(variables) }
          return last.objects
        }
      ofFragments.set(name, cost)
    }
    return cost
  }

  function ofField(field: FieldNode, type: GraphQLNamedType): Cost {
    const name = field.name.value
    if (name === '__schema' || name === '__type') return () => INTROSPECTION
    const made = isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined
    if (!made) return NONE
    const below = ofSelections(field.selectionSet, getNamedType(made.type))
    if (!isLookUp(made)) return below
    const pages = made.args.filter(isPageSize)
    if (pages.length === 0) return variables => 1 + below(variables)
    const sizes = pages.map(page => sizeOf(field, page.name))
    const otherwise = Number(
      pages.find(({ defaultValue }) => defaultValue !== undefined)?.defaultValue ?? LIMITS.historyPage,
    )
    return variables => {
      const asked = sizes.map(size => size(variables)).find(size => size !== undefined)
      return Math.max(0, asked ?? otherwise) * (1 + below(variables))
    }
  }

  /** Returns what an argument says; nothing that it does not say, or not as a number, which is refused later. */
  function sizeOf(field: FieldNode, name: string): (variables: Variables) => number | undefined {
    const value = field.arguments?.find(argument => argument.name.value === name)?.value
    if (value?.kind === Kind.INT) return () => Number(value.value)
    if (value?.kind !== Kind.VARIABLE) return () => undefined
    const variable = value.name.value
    return variables => {
      const given = variables[variable] ?? defaults.get(variable)
      return typeof given === 'number' ? given : undefined
    }
  }
}
