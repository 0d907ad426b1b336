// Undoing: what a saga does about steps that are to leave nothing behind.

import type { ActivityCallOptions } from './activity.js'
import { defineSignal, type SignalDefinition } from './signal.js'
import type { ActivityDefinition } from './definition.js'
import { failureOf } from './errors.js'
import { ContinueAsNew } from './replay/continuation.js'
import type { RunContext } from './replay/current.js'
import { observed, type SagaView, type StepView } from './saga-view.js'

/**
 * How something is undone: an activity, and its input made from what is known by then, with options for this call that go
 * before the contract's (`{ retry: { maximumAttempts: 20 } }`); or any code that a workflow may run. It is shielded from
 * every cancel. It may find less than it expects, or nothing: a step that timed out may not have begun.
 */
export type Undo<Known extends readonly unknown[], I = any> =
  | readonly [activity: ActivityDefinition<I, any>, input: (...known: Known) => I, options?: UndoCallOptions]
  | ((...known: Known) => Promise<unknown>)

/** What an undoing may set for its call of an activity. */
export type UndoCallOptions = Omit<ActivityCallOptions, 'shielded'>

export interface UndoOptions {
  /** Completed steps are undone one after the other, the last one first, or all at once. @default 'reverse' */
  undo?: 'reverse' | 'parallel'
  /**
   * What becomes of the others when one undoing has failed for good, its own retries included: they are undone all the
   * same, or are left as they are. Steps that were not undone are LEFT. @default 'continue'
   */
  onUndoFailure?: 'continue' | 'stop'
  /**
   * Keeps the execution open while steps are LEFT, its saga WAITING_FOR_OPERATOR, until a signal says what to do: `true` for
   * the signal `swf-gateway.retry-undo`, or one of your own with the same input, RetryUndo. SWF's executionStartToClose
   * goes on. @default false: the saga fails, and its failure names the steps
   */
  retryUndo?: boolean | SignalDefinition<any>
}

/** What an operator decides about steps that are LEFT. Without an input all of them are undone again. */
export interface RetryUndo {
  /** Names of the steps that it is about. @default all that are left */
  steps?: readonly string[]
  /** Gives them up: they stay LEFT, and the saga fails once it waits for no other. @default false */
  giveUp?: boolean
}

/** The signal of `retryUndo: true`. */
export const retryUndo = defineSignal<RetryUndo | undefined>('swf-gateway.retry-undo')

/** A step that is to be undone. */
export interface ToUndo {
  step: StepView
  state: 'ROLLING_BACK' | 'COMPENSATING'
  undo: () => Promise<unknown>
}

/** Calls what undoes something. */
export function callUndo<Known extends readonly unknown[]>(undo: Undo<Known>, known: Known): Promise<unknown> {
  if (typeof undo === 'function') return undo(...known)
  const [activity, input, options] = undo
  return activity(input(...known), { ...options })
}

/** What was undone, in the order in which it was; what is left, and what the first of it failed of. */
export interface Undone {
  undone: string[]
  left: string[]
  failure?: unknown
}

/** Undoes steps, in this order. */
export async function undoAll(
  run: RunContext,
  entries: readonly ToUndo[],
  options: UndoOptions & { isFailure: (error: unknown) => boolean },
  saga: SagaView,
): Promise<Undone> {
  const { retryUndo: asks } = options
  const signal = asks === true ? retryUndo : asks || undefined
  const undone: string[] = []
  const failures = new Map<ToUndo, unknown>()
  const givenUp = new Set<ToUndo>()
  const left = () => entries.filter(({ step }) => step.state === 'LEFT')
  let todo = entries
  for (;;) {
    await pass(run, todo, options, { undone, failures })
    const open = left().filter(entry => !givenUp.has(entry))
    if (open.length === 0 || !signal) break
    saga.phase = 'WAITING_FOR_OPERATOR'
    const { giveUp, about } = await decision(signal, open)
    if (giveUp) for (const entry of about) givenUp.add(entry)
    todo = giveUp ? [] : about
    saga.phase = 'RUNNING'
  }
  const [first] = left()
  return { undone, left: left().map(({ step }) => step.name), ...(first && { failure: failures.get(first) }) }
}

async function pass(
  run: RunContext,
  todo: readonly ToUndo[],
  { undo = 'reverse', onUndoFailure = 'continue', isFailure }: Parameters<typeof undoAll>[2],
  { undone, failures }: { undone: string[]; failures: Map<ToUndo, unknown> },
): Promise<void> {
  let stopped = false
  const one = async (entry: ToUndo) => {
    const { step, state, undo } = entry
    if (stopped) return step.show('LEFT')
    step.show(state)
    try {
      await observed(run, undo, attempt => step.show(state, attempt))
      step.show('UNDONE')
      undone.push(step.name)
    } catch (error) {
      if (error instanceof ContinueAsNew) throw refusal(error, `step ${step.name} is being undone`)
      if (!isFailure(error)) throw error
      step.show('LEFT')
      failures.set(entry, error)
      stopped = onUndoFailure === 'stop'
    }
  }
  if (undo === 'parallel') await Promise.all(todo.map(one))
  else for (const entry of todo) await one(entry)
}

/** Waits for what an operator decides. */
async function decision(
  signal: SignalDefinition<any>,
  open: readonly ToUndo[],
): Promise<{ giveUp: boolean; about: readonly ToUndo[] }> {
  const { steps, giveUp } = ((await signal.receive()) ?? {}) as RetryUndo
  if (!Array.isArray(steps)) return { giveUp: giveUp === true, about: open }
  const meant = (name: string) => steps.some(step => step === name || String(step).endsWith(`/${name}`))
  return { giveUp: giveUp === true, about: open.filter(({ step }) => meant(step.name)) }
}

/** Returns the error of a run that continues as new although it would forget what is to be undone; at the author's line. */
export function refusal(request: ContinueAsNew, why: string): Error {
  const error = new RangeError(
    `a saga cannot continue as new while ${why}: the next run would not know how to undo it; end the saga first`,
  )
  if (request.stack) error.stack = request.stack
  return error
}

/** Tells what is undone for: a failure, and in a workflow that fails of any error, that too. */
export function failureTest(run: RunContext): (error: unknown) => boolean {
  const fails = run.contract.options.onError === 'fail'
  return error => failureOf(error) !== undefined || (fails && !(error instanceof ContinueAsNew))
}
