// Validators: anything that follows the Standard Schema (zod, valibot, arktype …), https://standardschema.dev.

import { ValidationFailed } from './errors.js'

/** The part of the Standard Schema that is used here. `T` is what comes out. */
export interface Validator<T> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => Validated<T> | Promise<Validated<T>>
    readonly types?: { readonly input: unknown; readonly output: T } | undefined
  }
}

type Validated<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[] }

/**
 * Returns a value as its validator gives it back; the value itself without a validator.
 * Throws ValidationFailed, which says what is wrong with which member.
 */
export function validate<T>(validator: Validator<T> | undefined, value: unknown, what: string): T {
  if (!validator) return value as T
  const validated = validator['~standard'].validate(value)
  if (validated instanceof Promise)
    throw new TypeError(`the validator of ${what} is asynchronous: only synchronous ones can be replayed`)
  if (!validated.issues) return validated.value
  const issues = validated.issues.map(({ message, path }) => {
    const at = path?.map(part => String((part as { key?: unknown } | null)?.key ?? part)).join('.')
    return at ? `${at}: ${message}` : message
  })
  throw new ValidationFailed(what, issues)
}
