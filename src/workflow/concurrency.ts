// Doing things at once. Each takes functions rather than promises, so that each runs in a scope: what is not needed any more,
// losers and siblings of what failed, is canceled, and has ended before these do.

import { failureOf, NoneSucceeded, ScopeCanceled, type WorkflowFailure } from './errors.js'
import { following } from './replay/operation.js'
import type { Scope } from './replay/scope.js'
import { asCancellation, open } from './scope.js'

type Work<T = unknown> = () => Promise<T>
/** A function for each result. (The hint `| []` of the type parameters has a list taken for a tuple.) */
type Works<T extends readonly unknown[]> = { readonly [K in keyof T]: Work<T[K]> }
type Results<T extends readonly unknown[]> = { -readonly [K in keyof T]: T[K] }

/** A function, with options before it or without. */
export type OptionsFirst<Options, Fn> = readonly [Fn] | readonly [Options, Fn]

export function optionsFirst<Options extends object, Fn>(given: OptionsFirst<Options, Fn>): readonly [Options, Fn] {
  return given.length === 1 ? [{} as Options, given[0]] : given
}

/**
 * Resolves to all results, in order. The first failure cancels the others, which end before this rejects with it.
 *
 * @example const [stock, price] = await all([() => reserve(order), () => quote(order)])
 */
export function all<T extends readonly unknown[] | []>(work: Works<T>): Promise<Results<T>> {
  return following(
    together('all', list(work), work => work(), { concurrency: Number.POSITIVE_INFINITY }),
    ({ results }) => results as unknown as Results<T>,
  )
}

/**
 * Calls `fn` with every item, all or `concurrency` of them at a time, and resolves to the results, in the items' order. The first
 * failure cancels the others, which end before this rejects with it.
 *
 * @example await map(order.lines, { concurrency: 10 }, line => reserve(line))
 */
export function map<T, R>(items: readonly T[], fn: (item: T, index: number) => Promise<R>): Promise<R[]>
export function map<T, R>(
  items: readonly T[],
  options: { concurrency?: number },
  fn: (item: T, index: number) => Promise<R>,
): Promise<R[]>
export function map<T, R>(
  items: readonly T[],
  ...rest: OptionsFirst<{ concurrency?: number }, (item: T, index: number) => Promise<R>>
): Promise<R[]> {
  const [{ concurrency = Number.POSITIVE_INFINITY }, fn] = optionsFirst(rest)
  return following(together('map', items, fn, { concurrency }), ({ results }) => results)
}

/**
 * Resolves, or rejects, as the first one to end does; the others are canceled, and end before this does.
 *
 * @example const answer = await race([() => approved.receive(), () => sleep('3d')])
 */
export function race<T extends readonly unknown[] | []>(work: Works<T>): Promise<T[number]> {
  if (list(work).length === 0) throw new RangeError('a race of nothing never ends')
  return first('race', list(work), promises => Promise.race(promises))
}

/**
 * Resolves as the first one to succeed does; the others are canceled, and end before this does. Rejects with NoneSucceeded.
 *
 * @example const quote = await any(carriers.map(carrier => () => ask(carrier)))
 */
export function any<T extends readonly unknown[] | []>(work: Works<T>): Promise<T[number]> {
  return first('any', list(work), async (promises, scope) => {
    let bug: { error: unknown } | undefined
    const bugs = new Promise<never>((_, reject) => {
      for (const promise of promises)
        promise.catch((error: unknown) => {
          if (failureOf(error)) return
          bug ??= { error }
          reject(error as Error)
        })
    })
    try {
      return await Promise.race([Promise.any(promises), bugs])
    } catch (error) {
      if (bug) throw bug.error
      // What cancels the scope around them is why none succeeded, not what each made of it.
      throw scope.cause ?? new NoneSucceeded((error as AggregateError).errors.map(each => failureOf(each)!))
    }
  })
}

function list<T extends readonly unknown[]>(work: Works<T>): readonly Work<T[number]>[] {
  return work as unknown as readonly Work<T[number]>[]
}

/** What `together` did: results so far, and how many were begun. */
interface Together<R> {
  results: R[]
  begun: number
}

/** Calls `fn` with items in order, some at a time, until `enough` holds. */
export function together<T, R>(
  what: string,
  items: readonly T[],
  fn: (item: T, index: number) => Promise<R>,
  { concurrency, enough = () => false }: { concurrency: number; enough?: (begun: number) => boolean },
): Promise<Together<R>> {
  if (!(concurrency >= 1) && items.length > 0) throw new RangeError(`concurrency is ${concurrency}: it is at least 1`)
  return open(what, {}, async scope => {
    const done: Together<R> = { results: [], begun: 0 }
    let failed: { failure: WorkflowFailure } | undefined
    const work = async () => {
      while (done.begun < items.length && !failed && !enough(done.begun)) {
        const index = done.begun++
        try {
          done.results[index] = await fn(items[index]!, index)
        } catch (error) {
          const failure = failureOf(error, scope.cause)
          // An error that is no failure parks the run: nothing is to be canceled for it.
          if (!failure) throw error
          failed ??= { failure }
          scope.cancel(asCancellation(failure))
        }
      }
    }
    await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, work))
    if (failed) throw failed.failure
    return done
  })
}

/** Runs each in a scope of its own; when `decide` has chosen, the scopes of those that still run are canceled. */
function first<T>(
  what: string,
  work: readonly Work<T>[],
  decide: (promises: readonly Promise<T>[], scope: Scope) => Promise<T>,
): Promise<T> {
  return open(what, {}, async scope => {
    const running = new Set<Scope>()
    const promises = work.map(one =>
      open(what, {}, async scope => {
        running.add(scope)
        try {
          return await one()
        } finally {
          running.delete(scope)
        }
      }),
    )
    try {
      return await decide(promises, scope)
    } catch (failure) {
      // A bug is thrown at once, and parks the run.
      if (!failureOf(failure)) running.clear()
      throw failure
    } finally {
      if (running.size > 0) {
        for (const scope of [...running]) scope.cancel(new ScopeCanceled())
        await Promise.all(promises.map(promise => promise.catch(throwBug)))
      }
    }
  })
}

function throwBug(error: unknown): void {
  if (!failureOf(error)) throw error
}
