// A workflow's own state, as the outside sees it.

import { encodeJson } from '../swf/payload.js'
import { notSent } from './errors.js'
import { currentRun, type RunContext } from './replay/current.js'

/** A state that workflows show, and that readers can name by its type. */
export interface StateDefinition<S> {
  readonly kind: 'state'
  /** What it is before a run has set it: a copy each time. */
  readonly initial: S
  /** Shows a new value; the last one counts. */
  set(this: void, state: S): void
  /** Returns what the run at work shows; before it has set anything, a copy of `initial` that is this run's own. */
  get(this: void): S
}

/**
 * Defines what a workflow shows of itself: any JSON value. With all else that is shown it has 32,768 characters; a longer one is
 * left out and the execution says `truncated`. Throws for an initial value that is no JSON.
 *
 * @example
 * const progress = defineState({ paid: 0, open: 0 })
 * progress.set({ paid: 1, open: 2 })
 * expect(await execution.state(progress)).toEqual({ paid: 1, open: 2 })   // in a test
 */
export function defineState<S>(initial: S): StateDefinition<S> {
  encodeState(initial)
  const pristine = structuredClone(initial)
  // A definition is shared by all executions of a process: what one of them changes must reach no other.
  const copies = new WeakMap<RunContext, { readonly state: S }>()
  return {
    kind: 'state',
    get initial() {
      return structuredClone(pristine)
    },
    set: setState,
    get: () => {
      const run = currentRun('state')
      if (run.shown.state !== undefined) return run.shown.state as S
      const copy = copies.get(run) ?? { state: structuredClone(pristine) }
      copies.set(run, copy)
      return copy.state
    },
  }
}

/** Shows a JSON value to the outside, as `state` of the execution; as `defineState` does, without a type. */
export function setState(state: unknown): void {
  encodeState(state)
  currentRun('setState').shown.state = state
}

/** Throws for what JSON cannot hold, at the author's line. */
function encodeState(state: unknown): void {
  try {
    encodeJson(state)
  } catch (error) {
    throw notSent('state', error)
  }
}
