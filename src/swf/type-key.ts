// A type as a key, of a map or of a field: its name and its version.

import type { TypeName } from './history-event.js'

/** Returns the key of a type. SWF's names hold no control characters, so that two types never share one. */
export function typeKey({ name, version }: TypeName): string {
  return `${name}\n${version}`
}

/** Returns the type that a key stands for. */
export function typeOfKey(key: string): TypeName {
  const [name = '', version = ''] = key.split('\n')
  return { name, version }
}
