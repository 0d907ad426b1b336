// One execution for all subscriptions that would get the same from it: thousands watch the same screen.
//
// SR1. What happened is one object for all who are told of it. What is made of it is the same for those who ask the same
//      (document, operation, variables) and may see the same, which so far only one caller may with himself.
// SR2. It is shared while it is new, so that nobody who comes later is told what was true a while ago.

import {
  Kind,
  visit,
  type DocumentNode,
  type ExecutionArgs,
  type FormattedExecutionResult,
  type OperationDefinitionNode,
} from 'graphql'
import { SECOND } from '../swf/duration.js'
import type { Context } from './context.js'

/** What is asked, and by whom. */
type Asked = Pick<ExecutionArgs, 'document' | 'operationName' | 'variableValues'> & {
  contextValue: Pick<Context, 'caller'>
}

/** Makes the result of something that happened. */
type Execute = (event: object) => Promise<FormattedExecutionResult>

/** How old a result may be that is given to one more, in milliseconds. */
const NEW = SECOND

interface Made {
  result: Promise<FormattedExecutionResult>
  at: number
}

interface Group {
  members: number
  readonly made: WeakMap<object, Made>
}

export class SharedResults {
  readonly #groups = new Map<string, Group>()
  readonly #documents = new WeakMap<DocumentNode, { id: number; place: string | undefined }>()
  #seen = 0

  /** Returns what executes for a subscription, and what is to be called when it ends. */
  join(asked: Asked, execute: Execute): { execute: Execute; leave: () => void } {
    const key = this.#keyOf(asked)
    const group = this.#groups.get(key) ?? { members: 0, made: new WeakMap<object, Made>() }
    this.#groups.set(key, group)
    group.members++
    return {
      execute(event) {
        if (group.members === 1) return execute(event)
        const now = performance.now()
        const known = group.made.get(event)
        if (known && now - known.at < NEW) return known.result
        const result = execute(event)
        group.made.set(event, { result, at: now })
        return result
      },
      leave: () => {
        if (--group.members === 0) this.#groups.delete(key)
      },
    }
  }

  #keyOf({ document, operationName, variableValues, contextValue: { caller } }: Asked): string {
    let known = this.#documents.get(document)
    if (!known) this.#documents.set(document, (known = { id: ++this.#seen, place: placeVariable(document) }))
    const variables = Object.entries(variableValues ?? {}).filter(([name]) => name !== known.place)
    return JSON.stringify([known.id, operationName, caller, variables.sort()])
  }
}

/**
 * Returns the variable that only says where a subscription begins: the `after` of its field, used nowhere else. After a
 * restart of the gateway each client comes back with its own.
 */
function placeVariable(document: DocumentNode): string | undefined {
  const operations = document.definitions.filter(
    (definition): definition is OperationDefinitionNode => definition.kind === Kind.OPERATION_DEFINITION,
  )
  const [field] = operations[0]!.selectionSet.selections
  if (operations.length > 1 || field?.kind !== Kind.FIELD) return undefined
  const after = field.arguments?.find(({ name }) => name.value === 'after')?.value
  if (after?.kind !== Kind.VARIABLE) return undefined
  let uses = 0
  visit(document, {
    VariableDefinition: () => false,
    Variable: ({ name }) => {
      if (name.value === after.name.value) uses++
    },
  })
  return uses === 1 ? after.name.value : undefined
}
