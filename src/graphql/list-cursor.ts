// Cursors of lists. What they stand for has a meaning in one list only: in another order, filter or domain it would begin a
// page that looks right and is not, so each cursor says of which list it is.

import { createHash } from 'node:crypto'
import { apiError } from './errors.js'

export interface ListCursors {
  /** Returns a place in the list as a cursor. */
  encode(place: string): string
  /** Returns the place of a cursor; throws BAD_USER_INPUT for what is no cursor, or is one of another list. */
  decode(cursor: string): string
}

/** Returns the cursors of a list, which is known by what makes it: its kind, domain, filter, order. */
export function listCursors(list: Readonly<Record<string, unknown>>): ListCursors {
  const mark = createHash('sha256').update(JSON.stringify(list)).digest('base64url').slice(0, 8)
  return {
    encode: place => `${mark}.${Buffer.from(place).toString('base64url')}`,
    decode(cursor) {
      const [, of, place] = /^([\w-]{8})\.([\w-]+)$/.exec(cursor) ?? []
      if (of === undefined || place === undefined)
        throw apiError(
          'BAD_USER_INPUT',
          'after is not a cursor of a list: pass one that this API gave out, unchanged, or none',
        )
      if (of !== mark)
        throw apiError(
          'BAD_USER_INPUT',
          'after is a cursor of another list: pass it with the domain, filter and order of the list that gave it out, or begin without it',
        )
      return Buffer.from(place, 'base64url').toString()
    },
  }
}
