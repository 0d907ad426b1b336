// Shapes: what a member of a request may hold. A shape checks a value and returns a clean copy of it.
//
// SH1. Members that SWF does not know are left out of the copy, and so are nulls: nothing unchecked reaches the engine.
// SH2. A value of the wrong JSON type is a SerializationException at once; values out of range are collected, and
//      reported together in one ValidationException, in the words of SWF.

import { beginningOf } from '../../cut.js'
import { Fault, validation } from './fault.js'

/** Checks `value` (never null), found at the path `at`; adds to `problems`; returns a clean copy. */
export type Shape<T> = (value: unknown, at: string, problems: string[]) => T

interface Required<T> {
  readonly required: Shape<T>
}
type Members = Record<string, Shape<unknown> | Required<unknown>>
type Held<M> = M extends Required<infer T> ? T : M extends Shape<infer T> ? T : never
type Structure<M extends Members> = {
  [K in keyof M as M[K] extends Required<unknown> ? K : never]: Held<M[K]>
} & { [K in keyof M as M[K] extends Required<unknown> ? never : K]?: Held<M[K]> }

/** What a shape returns. */
export type Of<S> = S extends Shape<infer T> ? T : never

/** The most problems of one request that its fault describes. */
const MOST_SHOWN = 20

const shown = (value: unknown) => {
  const text = String(value)
  return text.length > 256 ? `${beginningOf(text, 256)}...` : text
}
export const problem = (value: unknown, at: string, must: string): string =>
  `Value ${value === null ? 'null' : `'${shown(value)}'`} at '${at}' failed to satisfy constraint: Member must ${must}`

function mistyped(value: unknown, wanted: string): Fault {
  const found = Array.isArray(value)
    ? 'Start of list'
    : typeof value === 'object'
      ? 'Start of structure or map'
      : `${typeof value === 'boolean' ? String(value).toUpperCase() : (typeof value).toUpperCase()}_VALUE`
  return new Fault(
    'SerializationException',
    found.startsWith('Start') ? `${found} found where not expected.` : `${found} can not be converted to ${wanted}`,
  )
}

/** A text of `min` to `max` characters; `check` returns what else it must satisfy, or nothing. */
export function text(min: number, max: number, check?: (value: string) => string | undefined): Shape<string> {
  return (value, at, problems) => {
    if (typeof value !== 'string') throw mistyped(value, 'a String')
    if (value.length > max) problems.push(problem(value, at, `have length less than or equal to ${max}`))
    else if (value.length < min) problems.push(problem(value, at, `have length greater than or equal to ${min}`))
    else {
      const must = check?.(value)
      if (must) problems.push(problem(value, at, must))
    }
    return value
  }
}

export function oneOf<const V extends readonly string[]>(...values: V): Shape<V[number]> {
  const known = new Set<string>(values)
  return (value, at, problems) => {
    if (typeof value !== 'string') throw mistyped(value, 'a String')
    if (!known.has(value)) problems.push(problem(value, at, `satisfy enum value set: [${values.join(', ')}]`))
    return value
  }
}

export function integer(min: number, max: number): Shape<number> {
  return (value, at, problems) => {
    if (typeof value !== 'number') throw mistyped(value, 'an Integer')
    const whole = Math.trunc(value)
    if (whole > max) problems.push(problem(whole, at, `have value less than or equal to ${max}`))
    if (whole < min) problems.push(problem(whole, at, `have value greater than or equal to ${min}`))
    return whole
  }
}

export const flag: Shape<boolean> = value => {
  if (typeof value !== 'boolean') throw mistyped(value, 'a Boolean')
  return value
}

/** A moment: seconds since 1970 on the wire, milliseconds in the copy. */
export const timestamp: Shape<number> = value => {
  if (typeof value !== 'number') throw mistyped(value, 'a Timestamp')
  return Math.round(value * 1_000)
}

export function list<T>(item: Shape<T>, max = Infinity): Shape<T[]> {
  return (value, at, problems) => {
    if (!Array.isArray(value)) throw mistyped(value, 'a List')
    if (value.length > max)
      problems.push(problem(`[${value.length} members]`, at, `have length less than or equal to ${max}`))
    const copy: T[] = []
    for (let i = 0; i < value.length; i++) {
      const path = `${at}.${i + 1}.member`
      if (value[i] === null) problems.push(problem(null, path, 'not be null'))
      else copy.push(item(value[i], path, problems))
    }
    return copy
  }
}

export const required = <T>(shape: Shape<T>): Required<T> => ({ required: shape })

export function structure<M extends Members>(members: M): Shape<Structure<M>> {
  const entries = Object.entries(members).map(([name, member]) =>
    typeof member === 'function'
      ? { name, shape: member, needed: false }
      : { name, shape: member.required, needed: true },
  )
  return (value, at, problems) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw mistyped(value, 'a structure')
    const copy: Record<string, unknown> = {}
    for (const { name, shape, needed } of entries) {
      const held = (value as Record<string, unknown>)[name]
      if (held !== undefined && held !== null) copy[name] = shape(held, at === '' ? name : `${at}.${name}`, problems)
      else if (needed) problems.push(problem(null, at === '' ? name : `${at}.${name}`, 'not be null'))
    }
    return copy as Structure<M>
  }
}

/** Returns the clean copy of a request, or throws the fault that SWF would. */
export function parse<T>(shape: Shape<T>, value: unknown): T {
  const problems: string[] = []
  const copy = shape(value, '', problems)
  if (problems.length > 0) {
    throw validation(
      `${problems.length} validation error${problems.length > 1 ? 's' : ''} detected: ${problems.slice(0, MOST_SHOWN).join('; ')}`,
    )
  }
  return copy
}
