// The filters of the lists of executions.

import type { CloseStatus, TypeName } from '../history-event.js'

export interface Filter {
  readonly workflowId?: string | undefined
  readonly typeName?: string | undefined
  readonly typeVersion?: string | undefined
  readonly tag?: string | undefined
  readonly closeStatus?: CloseStatus | undefined
}

/** What an execution can be found by from its start on. */
export interface Findable {
  readonly workflowId: string
  readonly workflowType: TypeName
  readonly tagList: readonly string[] | undefined
}

/** Tells whether an execution, open or closed, passes a filter. */
export function passes(x: Findable & { readonly closeStatus: CloseStatus | undefined }, filter: Filter): boolean {
  return (
    (filter.workflowId === undefined || x.workflowId === filter.workflowId) &&
    (filter.typeName === undefined || x.workflowType.name === filter.typeName) &&
    (filter.typeVersion === undefined || x.workflowType.version === filter.typeVersion) &&
    (filter.tag === undefined || (x.tagList?.includes(filter.tag) ?? false)) &&
    (filter.closeStatus === undefined || x.closeStatus === filter.closeStatus)
  )
}

/** What a filter asks for, as a text. There is at most one (V1); the version of a type is left to `passes`. */
export function termOf({ workflowId, typeName, tag, closeStatus }: Filter): string {
  if (workflowId !== undefined) return `workflowId ${workflowId}`
  if (typeName !== undefined) return `type ${typeName}`
  if (tag !== undefined) return `tag ${tag}`
  return closeStatus === undefined ? '' : `status ${closeStatus}`
}

/** The terms of an execution, apart from its workflowId and its close status. */
export function termsOf({ workflowType, tagList }: Findable): Iterable<string> {
  const terms = ['', termOf({ typeName: workflowType.name })]
  return tagList ? new Set([...terms, ...tagList.map(tag => termOf({ tag }))]) : terms
}
