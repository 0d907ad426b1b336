// Tells SWF a task's outcome.
//
// O1. The answer is tried until SWF took it, closed the task itself, or the task's deadline has passed.
// O2. UnknownResource means that the task is closed: a lost answer that had arrived, a timeout, a termination.

import { beginningOf } from '../../cut.js'
import { monotonic } from '../../clock.js'
import { tell } from '../../queues/open-task.js'
import type { Outcome } from '../../queues/task-record.js'
import type { SwfClient } from '../../swf/client.js'
import { HOUR } from '../../swf/duration.js'
import { isFault } from '../../swf/errors.js'
import { Backoff } from '../../lifecycle.js'
import type { Log } from '../../telemetry.js'

/** How long an answer is tried for a task without a deadline. */
const LONGEST = HOUR

export type Answered =
  | 'ANSWERED'
  /** SWF had closed the task. */
  | 'CLOSED'
  /** SWF did not take it before the deadline, or never will. */
  | 'GAVE_UP'
  /** SWF had not taken it when it was asked to leave it to others. */
  | 'LEFT'

/** Sends an outcome; never rejects. Once `leave` is aborted it tries no further. */
export async function respond(
  swf: SwfClient,
  taskToken: string,
  outcome: Outcome,
  {
    deadline = monotonic() + LONGEST,
    leave,
    log,
  }: { deadline?: number | undefined; leave?: AbortSignal; log: () => Log },
): Promise<Answered> {
  const backoff = new Backoff()
  for (;;) {
    try {
      await tell(swf, taskToken, outcome)
      return 'ANSWERED'
    } catch (error) {
      if (isFault(error, 'UNKNOWN_RESOURCE')) return 'CLOSED'
      const err = (error as Error).message
      if (isFault(error, 'VALIDATION') && outcome.kind === 'completed') {
        log().error({ err }, 'result refused by SWF')
        outcome = { kind: 'failed', reason: 'SwfGateway.ResultRefused', details: beginningOf(err, 2_000) }
        continue
      }
      if (isFault(error, 'VALIDATION') || monotonic() >= deadline) {
        log().error({ err }, 'outcome not taken by SWF')
        return 'GAVE_UP'
      }
      log().warn({ err }, 'outcome not taken by SWF, trying again')
    }
    await backoff.wait(leave)
    if (leave?.aborted) return 'LEFT'
    if (monotonic() >= deadline) return 'GAVE_UP'
  }
}
