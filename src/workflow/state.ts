// A workflow's own state, as the outside sees it.

import { encodeJson } from '../swf/payload.js'
import { notSent } from './errors.js'
import { currentRun } from './replay/current.js'

/** A state that workflows show, and that readers can name by its type. */
export interface StateDefinition<S> {
  readonly kind: 'state'
  /** What it is before a run has set it. */
  readonly initial: S
  /** Shows a new value; the last one counts. */
  set(this: void, state: S): void
  /** Returns what the run at work shows. */
  get(this: void): S
}

/**
 * Defines what a workflow shows of itself: any JSON value. With all else that is shown it has 32,768 characters; a longer one is
 * left out and the execution says `truncated`.
 *
 * @example
 * const progress = defineState({ paid: 0, open: 0 })
 * progress.set({ paid: 1, open: 2 })
 * expect(await execution.state(progress)).toEqual({ paid: 1, open: 2 })   // in a test
 */
export function defineState<S>(initial: S): StateDefinition<S> {
  return {
    kind: 'state',
    initial,
    set: setState,
    get: () => (currentRun('state').shown.state as S | undefined) ?? initial,
  }
}

/** Shows a JSON value to the outside, as `state` of the execution; as `defineState` does, without a type. */
export function setState(state: unknown): void {
  // What JSON cannot hold is an error here, at the author's line.
  try {
    encodeJson(state)
  } catch (error) {
    throw notSent('state', error)
  }
  currentRun('setState').shown.state = state
}
