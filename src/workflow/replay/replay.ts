// Replay: a workflow's function and a history in, decisions out. Pure: the same in always gives the same out.

import type { ExecutionContext, Stuck as StuckState } from '../../swf/execution-context.js'
import type { HistoryEvent, WorkflowExecution } from '../../swf/history-event.js'
import type { WorkflowDefinition } from '../definition.js'
import { runBurst } from './burst.js'
import type { LogLine } from './current.js'
import { installGuard } from './guard.js'
import { installRejections } from './rejections.js'
import { RunState, type Decided } from './run.js'
import { authorLocation, described, Stuck, stuckBy } from './stuck.js'

/** What a decision task is to be answered with; `stuck`: with nothing that the workflow decided, for the code does not fit. */
export type Turn = Decided | { kind: 'stuck'; stuck: Omit<StuckState, 'since'>; context: ExecutionContext }

/** One execution in memory, between decision tasks. After a turn that is stuck it is of no use any more. */
export class Run {
  #state: RunState | undefined

  /**
   * `unhandled` hears of promises of author code that were rejected, and that nobody waits for; `log` of lines that the code
   * logs, but not of those of a replay.
   */
  constructor(
    definition: WorkflowDefinition,
    execution: WorkflowExecution,
    {
      unhandled,
      log,
    }: { unhandled?: (rejection: { reason: string; location?: string }) => void; log?: (line: LogLine) => void } = {},
  ) {
    installGuard()
    installRejections()
    this.#state = new RunState(definition, execution, {
      unhandled: error => {
        const location = authorLocation(error)
        unhandled?.({ reason: described(error), ...(location && { location }) })
      },
      ...(log && { log }),
    })
  }

  /** Id of the last event fed; 0 before the first. */
  get lastEventId(): number {
    return this.#state?.lastEventId ?? 0
  }

  /** Id of the DecisionTaskStarted that the last turn answers; 0 before the first. */
  get lastStartedEventId(): number {
    return this.#state?.lastStartedEventId ?? 0
  }

  /** About how much memory it takes, apart from what its code makes of what it is given. */
  get bytes(): number {
    return this.#state?.bytes ?? 0
  }

  /**
   * Feeds the events after `lastEventId`, up to and including a DecisionTaskStarted; resolves to what that task is to be
   * answered with. Known events are skipped; a gap is a TypeError.
   */
  async advance(events: readonly HistoryEvent[]): Promise<Turn> {
    const state = this.#state
    if (!state) throw new TypeError('this run was disposed')
    const fresh = events.filter(event => event.eventId > state.lastEventId)
    const gap = fresh.findIndex((event, index) => event.eventId !== state.lastEventId + 1 + index)
    if (gap >= 0) throw new TypeError(`event ${state.lastEventId + 1 + gap} is missing`)
    try {
      return await runBurst(state, state.feed(fresh))
    } catch (error) {
      this.dispose()
      // What is not Stuck is what cannot be put into words for SWF, such as a state that JSON cannot hold.
      const { reason, eventId, location } =
        error instanceof Stuck ? error : stuckBy(error, { eventId: state.lastEventId })
      return { kind: 'stuck', stuck: { reason, eventId, ...(location && { location }) }, context: state.shown }
    }
  }

  /** Drops the run: what its author code awaits never settles, and is collected with it. */
  dispose(): void {
    this.#state = undefined
  }
}

/** Replays a history from its beginning. */
export function replay(
  definition: WorkflowDefinition,
  { execution, events }: { execution: WorkflowExecution; events: readonly HistoryEvent[] },
): Promise<Turn> {
  return new Run(definition, execution).advance(events)
}
