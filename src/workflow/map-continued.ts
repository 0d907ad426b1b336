// Fan-outs of any size, over as many runs as they take.

import { optionsFirst, together, type OptionsFirst } from './concurrency.js'
import { continueAsNewSuggested, continueLoops } from './continue-as-new.js'
import { currentRun } from './replay/current.js'

type Items<T> = readonly T[] | ((done: number) => Promise<readonly T[]>)
type Fn<T> = (item: T, index: number) => Promise<unknown>

export interface MapContinuedOptions {
  /** Names the loop, where a workflow has more than one. @default 'items' */
  cursor?: string
  /** How many run at a time. @default 100 */
  concurrency?: number
}

/**
 * Calls `fn` with every item, `concurrency` of them at a time. When the history has grown long it waits for those that run and
 * continues the execution as new, with the same input: the workflow begins again at its top, what it does before this is done
 * again, and this goes on behind the items that are done.
 *
 * `items` may be a function that is given the number of items done, and resolves to the next ones, none at the end: an input
 * holds no more than 32,768 characters.
 *
 * @example await mapContinued(done => listParcels({ after: done }), { concurrency: 50 }, parcel => track(parcel))
 */
export function mapContinued<T>(items: Items<T>, fn: Fn<T>): Promise<void>
export function mapContinued<T>(items: Items<T>, options: MapContinuedOptions, fn: Fn<T>): Promise<void>
export async function mapContinued<T>(
  items: Items<T>,
  ...rest: OptionsFirst<MapContinuedOptions, Fn<T>>
): Promise<void> {
  const [{ cursor = 'items', concurrency = 100 }, fn] = optionsFirst(rest)
  const { cursors } = currentRun('mapContinued')
  let done = (cursors.begin(cursor) as number | undefined) ?? 0
  let fresh = true
  for (;;) {
    const page = typeof items === 'function' ? await items(done) : items.slice(done)
    if (page.length === 0) return
    // Each run does some of it, however long its history is by now.
    const enough = (begun: number) => !(fresh && begun === 0) && continueAsNewSuggested()
    const before = done
    const { begun } = await together('mapContinued', page, (item, index) => fn(item, before + index), {
      concurrency,
      enough,
    })
    done += begun
    fresh = false
    cursors.set(cursor, done)
    if (begun < page.length) continueLoops()
    if (typeof items !== 'function') return
    if (continueAsNewSuggested()) continueLoops()
  }
}
