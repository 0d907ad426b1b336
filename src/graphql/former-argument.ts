import { apiError } from './errors.js'

/** Returns what a mutation was given as `input`, or in the argument that it had before; throws BAD_USER_INPUT for none and for both. */
export function inputOr<T>(former: string, input: T | null | undefined, given: T | null | undefined): T {
  if (input != null && given != null) throw apiError('BAD_USER_INPUT', `Give input alone, without ${former}`)
  const one = input ?? given
  if (one == null) throw apiError('BAD_USER_INPUT', 'Give input: it says which one')
  return one
}
