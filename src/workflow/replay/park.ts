// Parking: a decision task that cannot be decided is answered with a marker and a timer, so that the execution waits for code
// that fits instead of timing out again and again (three events each time, until SWF's event limit ends it).
// Replay treats a parked task as one that timed out: what it should have seen, the next task sees.

import { recordMarker, startTimer, type Decision } from '../../swf/decision.js'
import { HOUR, MINUTE, seconds } from '../../swf/duration.js'
import type { HistoryEvent } from '../../swf/history-event.js'
import { encodeExecutionContext, type ExecutionContext, type Stuck } from '../../swf/execution-context.js'

export const PARKED_MARKER = 'swf-gateway.parked'
const TIMER_PREFIX = 'swf-gateway.parked.'

/** Tells whether an event is the marker of a parked decision task. */
export function isParkMarker(event: HistoryEvent): boolean {
  return event.eventType === 'MarkerRecorded' && event.markerRecordedEventAttributes.markerName === PARKED_MARKER
}

/** Tells whether a timer is one that wakes a parked execution. */
export function isParkTimer(timerId: string): boolean {
  return timerId.startsWith(TIMER_PREFIX)
}

/**
 * Returns the answer that parks an execution: it is looked at again after 1 minute, then 2, 4 … up to an hour; a signal wakes
 * it at once. `parks` is how often it was parked in a row before; `startedEventId` that of the task that is answered.
 */
export function park(
  stuck: Stuck,
  previous: ExecutionContext,
  { parks, startedEventId }: { parks: number; startedEventId: number },
): { decisions: Decision[]; executionContext: string } {
  return {
    decisions: [
      recordMarker({ markerName: PARKED_MARKER, details: JSON.stringify(stuck) }),
      startTimer({
        timerId: `${TIMER_PREFIX}${startedEventId}`,
        startToFireTimeout: seconds(Math.min(MINUTE * 2 ** parks, HOUR)),
      }),
    ],
    executionContext: encodeExecutionContext({ ...previous, stuck }),
  }
}
