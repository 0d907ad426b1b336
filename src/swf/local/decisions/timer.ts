// StartTimer and CancelTimer.

import type { Decide } from './batch.js'
import { fail, record } from './batch.js'

export const startTimer: Decide<'StartTimer'> = (batch, given) => {
  const { engine, x, decisionTaskCompletedEventId } = batch
  const { timerId, control, startToFireTimeout } = given
  if (x.timers.has(timerId)) return fail(batch, 'StartTimer', given, 'TIMER_ID_ALREADY_IN_USE')
  if (x.timers.size >= engine.quotas.openTimers) return fail(batch, 'StartTimer', given, 'OPEN_TIMERS_LIMIT_EXCEEDED')
  record(batch, 'TimerStarted', { timerId, control, startToFireTimeout, decisionTaskCompletedEventId })
  const timer = x.timers.get(timerId)
  if (x.open && timer) engine.timers.set(timer, timer.firesAt)
}

export const cancelTimer: Decide<'CancelTimer'> = (batch, given) => {
  const { engine, x, decisionTaskCompletedEventId } = batch
  const { timerId } = given
  const timer = x.timers.get(timerId)
  if (!timer) return fail(batch, 'CancelTimer', given, 'TIMER_ID_UNKNOWN')
  engine.timers.cancel(timer)
  record(batch, 'TimerCanceled', { timerId, startedEventId: timer.startedEventId, decisionTaskCompletedEventId })
}
