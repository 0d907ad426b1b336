// When a saga gives up: early enough to undo what it has done before SWF times the execution out, which would undo nothing.
//
// The default is the execution's: one timer for all sagas of a run, never canceled, which costs one event. A deadline of a
// saga's own has a timer of its own, which is canceled when its steps are done.

import { HOUR, SECOND, seconds, type Timeout } from '../swf/duration.js'
import { ScopeCanceled } from './errors.js'
import type { RunContext } from './replay/current.js'
import { startTimer, type TimerOperation } from './replay/timers.js'
import { SagaDeadlineExpired } from './saga-errors.js'
import { boardOf } from './saga-view.js'

/** The part of an execution's time that is kept for undoing, and the most that is. */
export const RESERVE = { share: 0.1, most: HOUR } as const

/** Calls `expire` when the deadline comes, at once if it is past; returns how to stop that. */
export function watchDeadline(
  run: RunContext,
  deadline: Timeout | undefined,
  expire: (failure: SagaDeadlineExpired) => void,
): () => void {
  const board = boardOf(run)
  const number = ++board.begun
  if (deadline === 'NONE') return () => {}
  if (deadline === undefined && board.deadline === undefined) board.deadline = beforeTimeout(run)
  const timer =
    deadline === undefined
      ? board.deadline
      : inBackground(startTimer(run.commands, `saga.${number}.deadline`, seconds(deadline)))
  if (!timer || timer.settled) {
    expire(new SagaDeadlineExpired())
    return () => {}
  }
  let watching = true
  timer.promise.then(
    () => watching && expire(new SagaDeadlineExpired()),
    () => {},
  )
  return () => {
    watching = false
    if (deadline !== undefined) timer.cancel(new ScopeCanceled())
  }
}

/** Starts the timer that ends in time before the execution's timeout; null when that moment is past. */
function beforeTimeout({ startedAt, expiresAt, now, commands }: RunContext): TimerOperation | null {
  const reserve = Math.min((expiresAt - startedAt) * RESERVE.share, RESERVE.most)
  // Rounded down, for once: the reserve is not to shrink.
  const wait = Math.floor((expiresAt - reserve - now) / SECOND)
  return wait > 0 ? inBackground(startTimer(commands, 'saga.deadline', String(wait))) : null
}

function inBackground(timer: TimerOperation): TimerOperation {
  timer.background = true
  return timer
}
