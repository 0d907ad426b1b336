import { Kind, type GraphQLResolveInfo, type SelectionSetNode } from 'graphql'

/** Tells whether a field's selection asks for one of these fields, through fragments too. */
export function selects({ fieldNodes, fragments }: GraphQLResolveInfo, names: ReadonlySet<string>): boolean {
  const among = (set: SelectionSetNode | undefined): boolean =>
    (set?.selections ?? []).some(selection => {
      if (selection.kind === Kind.FIELD) return names.has(selection.name.value)
      if (selection.kind === Kind.INLINE_FRAGMENT) return among(selection.selectionSet)
      return among(fragments[selection.name.value]?.selectionSet)
    })
  return fieldNodes.some(({ selectionSet }) => among(selectionSet))
}
