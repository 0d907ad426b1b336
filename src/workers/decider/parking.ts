// Parking: what a decision task that cannot be decided is answered with (protocol of replay/park.ts).

import type { Decision } from '../../swf/decision.js'
import { decodeExecutionContext, type Stuck } from '../../swf/execution-context.js'
import type { HistoryEvent } from '../../swf/history-event.js'
import { isParkMarker, park } from '../../workflow/replay/park.js'

export interface Parked {
  stuck: Stuck
  decisions: Decision[]
  executionContext: string
  /** The execution's ordinary task list: any decider may heal it. */
  taskList: string
}

/** Returns the answer that parks a run. `history` is whole, up to the task's DecisionTaskStarted. */
export function parked(turn: { stuck: Omit<Stuck, 'since'> }, history: readonly HistoryEvent[]): Parked {
  const [started] = history
  if (started?.eventType !== 'WorkflowExecutionStarted') throw new TypeError('parking needs a whole history')
  const taskList = started.workflowExecutionStartedEventAttributes.taskList.name
  const answers: { parked: boolean }[] = []
  let context: string | undefined
  for (const event of history) {
    if (event.eventType === 'DecisionTaskCompleted') {
      context = event.decisionTaskCompletedEventAttributes.executionContext ?? context
      answers.push({ parked: false })
    } else if (isParkMarker(event)) answers.at(-1)!.parked = true
  }
  const parks = answers.length - 1 - answers.findLastIndex(answer => !answer.parked)
  const previous = decodeExecutionContext(context)
  const since = parks > 0 && previous.stuck ? previous.stuck.since : (history.at(-1)?.eventTimestamp.getTime() ?? 0)
  const stuck: Stuck = { since, ...turn.stuck }
  const startedEventId = history.at(-1)!.eventId
  return { stuck, taskList, ...park(stuck, previous, { parks, startedEventId }) }
}
