// Types that an app defines twice.

import { typeKey } from '../swf/type-key.js'

interface Type {
  readonly name: string
  readonly version: string
  readonly options: { readonly taskList: string }
}

/** Two definitions have the same type, so that one of them would never run. */
export class DuplicateType extends TypeError {
  override readonly name = 'DuplicateType'
  readonly code = 'DUPLICATE_TYPE'
}

/** Throws DuplicateType for two workflows of the same type, two handlers of the same one on a task list. */
export function checkTypes(what: 'workflows' | 'handlers', types: readonly Type[]): void {
  const seen = new Set<string>()
  for (const { name, version, options } of types) {
    const key = `${typeKey({ name, version })}\n${what === 'handlers' ? options.taskList : ''}`
    if (seen.has(key))
      throw new DuplicateType(`two ${what} of type ${name} ${version}: leave one out, or give it another version`)
    seen.add(key)
  }
}
