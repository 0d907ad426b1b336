// What a request may ask for. The same limits hold on HTTP, WebSocket and SSE.

import { GraphQLError, Kind, type ASTVisitor, type SelectionSetNode, type ValidationContext } from 'graphql'
import { placeRule } from './argument-place.js'
import { apiError } from './errors.js'

export const LIMITS = {
  /** Tokens of a document: room for fragments on all 54 events. */
  tokens: 4_000,
  /** How deep selections may nest. */
  depth: 15,
  /** Aliases of an operation, counted as often as fragments repeat them. */
  aliases: 50,
  /** Objects that an operation may touch, all of its pages together. */
  objects: 8_000,
  /** Reads from SWF that an operation may cost: a page of executions with the history of each. */
  reads: 200,
  /** Bytes of a request, as SWF's own limit. */
  bytes: 1_000_000,
  /** Operations that one WebSocket has at a time. */
  subscriptions: 100,
  /** WebSockets and event streams that a gateway holds, together. */
  connections: 10_000,
  /** Executions of one page. */
  page: 200,
  /** Events of one page of a history. */
  historyPage: 1_000,
} as const

export const PARSE_OPTIONS = { maxTokens: LIMITS.tokens } as const

interface Extent {
  depth: number
  aliases: number
}

const NOTHING: Extent = { depth: 0, aliases: 0 }

/** Validation rules beside those of the specification. */
export const LIMIT_RULES = [extentRule, placeRule]

/** Refuses operations that nest too deep or alias too much. Introspection may nest as deep as it likes. */
function extentRule(context: ValidationContext): ASTVisitor {
  const known = new Map<string, Extent>()

  function ofFragment(name: string): Extent {
    const before = known.get(name)
    if (before) return before
    // A fragment that contains itself has no extent; another rule refuses it.
    known.set(name, NOTHING)
    const fragment = context.getFragment(name)
    const extent = fragment ? ofSelections(fragment.selectionSet) : NOTHING
    known.set(name, extent)
    return extent
  }

  function ofSelections(set: SelectionSetNode | undefined): Extent {
    let depth = 0
    let aliases = 0
    for (const selection of set?.selections ?? []) {
      let inner: Extent
      if (selection.kind === Kind.FRAGMENT_SPREAD) inner = ofFragment(selection.name.value)
      else if (selection.kind === Kind.INLINE_FRAGMENT) inner = ofSelections(selection.selectionSet)
      else if (selection.name.value.startsWith('__')) inner = { depth: 1, aliases: selection.alias ? 1 : 0 }
      else {
        const below = ofSelections(selection.selectionSet)
        inner = { depth: below.depth + 1, aliases: below.aliases + (selection.alias ? 1 : 0) }
      }
      depth = Math.max(depth, inner.depth)
      aliases += inner.aliases
    }
    return { depth, aliases }
  }

  return {
    OperationDefinition(operation) {
      const { depth, aliases } = ofSelections(operation.selectionSet)
      const refuse = (message: string) =>
        context.reportError(new GraphQLError(message, { nodes: operation, extensions: { code: 'LIMIT_EXCEEDED' } }))
      if (depth > LIMITS.depth)
        refuse(`This operation nests ${depth} levels deep; ${LIMITS.depth} are allowed: ask in several operations`)
      if (aliases > LIMITS.aliases)
        refuse(`This operation has ${aliases} aliases; ${LIMITS.aliases} are allowed: ask in several operations`)
    },
  }
}

/** Returns how many to list; throws BAD_USER_INPUT for a number that is not between 0 and `most`. */
export function pageSize(name: string, asked: number, most: number): number {
  if (asked >= 0 && asked <= most) return asked
  throw apiError('BAD_USER_INPUT', `${name} must be between 0 and ${most}; page on with the cursors for more`)
}
