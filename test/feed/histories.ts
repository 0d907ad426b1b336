// Histories for tests of the feed: written event by event, and shown by a SWF that is a function.

import { createSwfClient, type SwfClient } from '../../src/swf/client.js'
import { encodeExecutionContext, type ExecutionContext, type SagaState } from '../../src/swf/execution-context.js'
import {
  attributesMember,
  CLOSE_STATUS,
  isCloseEvent,
  type EventOf,
  type EventType,
  type HistoryEvent,
  type WorkflowExecution,
} from '../../src/swf/history-event.js'

export const T0 = Date.UTC(2030, 0, 1)

/** One history, growing. */
export class History {
  readonly events: HistoryEvent[] = []
  constructor(
    readonly execution: WorkflowExecution,
    started: { tags?: string[]; type?: string; parent?: WorkflowExecution; at?: number } = {},
  ) {
    this.#at = started.at ?? T0
    this.add('WorkflowExecutionStarted', {
      workflowType: { name: started.type ?? 'Order', version: '1.0' },
      taskList: { name: 'orders' },
      childPolicy: 'TERMINATE',
      tagList: started.tags ?? [],
      ...(started.parent && { parentWorkflowExecution: started.parent, parentInitiatedEventId: 3 }),
    })
    this.add('DecisionTaskScheduled', { taskList: { name: 'orders' } })
  }

  #at: number

  get last(): number {
    return this.events.length
  }

  add(eventType: EventType, attributes: object): number {
    const eventId = this.events.length + 1
    this.events.push({
      eventId,
      eventType,
      eventTimestamp: new Date(this.#at + eventId * 1_000),
      [attributesMember(eventType)]: attributes,
    } as unknown as HistoryEvent)
    return eventId
  }

  /** DecisionTaskStarted of the task that was scheduled last; returns its id. */
  decisionStarted(): number {
    const scheduledEventId = this.events.findLast(event => event.eventType === 'DecisionTaskScheduled')!.eventId
    return this.add('DecisionTaskStarted', { scheduledEventId, identity: 'test' })
  }

  decisionCompleted(startedEventId: number, context?: ExecutionContext): number {
    return this.add('DecisionTaskCompleted', {
      scheduledEventId: startedEventId - 1,
      startedEventId,
      ...(context && { executionContext: encodeExecutionContext(context) }),
    })
  }

  /** A whole decision task; returns the id of its DecisionTaskStarted. */
  decision(context?: ExecutionContext): number {
    const startedEventId = this.decisionStarted()
    this.decisionCompleted(startedEventId, context)
    return startedEventId
  }

  signal(): number {
    const id = this.add('WorkflowExecutionSignaled', { signalName: 'go' })
    this.add('DecisionTaskScheduled', { taskList: { name: 'orders' } })
    return id
  }

  complete(): number {
    return this.add('WorkflowExecutionCompleted', { decisionTaskCompletedEventId: this.last })
  }

  terminate(): number {
    return this.add('WorkflowExecutionTerminated', { reason: 'enough', childPolicy: 'TERMINATE' })
  }

  from(eventId: number, to: number = this.last): HistoryEvent[] {
    return this.events.slice(eventId - 1, to)
  }
}

export function saga(state: SagaState, step = 'reserve', attempt = 1): ExecutionContext {
  return { saga: { state, step, attempt, steps: [{ name: step, state: 'RUNNING', attempts: attempt }] } }
}

function isClosed({ events }: History): boolean {
  return isCloseEvent(events.at(-1)!)
}

/** What SWF's lists say of a run, as it goes over the wire. */
function listed(history: History): object {
  const [first, last] = [history.events[0]!, history.events.at(-1)!]
  const { workflowType, tagList, parentWorkflowExecution } = (first as EventOf<'WorkflowExecutionStarted'>)
    .workflowExecutionStartedEventAttributes
  return {
    execution: history.execution,
    workflowType,
    tagList,
    parent: parentWorkflowExecution,
    startTimestamp: first.eventTimestamp.getTime() / 1_000,
    ...(isCloseEvent(last)
      ? {
          executionStatus: 'CLOSED',
          closeStatus: CLOSE_STATUS[last.eventType],
          closeTimestamp: last.eventTimestamp.getTime() / 1_000,
        }
      : { executionStatus: 'OPEN' }),
  }
}

/** A SWF that lists runs, all on one page, and shows histories, page by page, and those of them that are not hidden. `reads` counts pages read. */
export function swfOf(...histories: History[]): {
  swf: SwfClient
  histories: History[]
  reads: number
  shows: (history: History) => number
} {
  const shown = {
    swf: undefined as unknown as SwfClient,
    histories,
    reads: 0,
    shows: (history: History) => history.last,
  }
  shown.swf = createSwfClient({
    transport: async (action, input) => {
      if (action === 'ListOpenWorkflowExecutions' || action === 'ListClosedWorkflowExecutions') {
        const closed = action === 'ListClosedWorkflowExecutions'
        return { executionInfos: shown.histories.filter(history => isClosed(history) === closed).map(listed) }
      }
      if (action !== 'GetWorkflowExecutionHistory') throw new Error(`${action} is not for this test`)
      shown.reads++
      const { execution, reverseOrder, maximumPageSize, nextPageToken } = input as {
        execution: WorkflowExecution
        reverseOrder?: boolean
        maximumPageSize: number
        nextPageToken?: string
      }
      const history = shown.histories.find(h => h.execution.runId === execution.runId)!
      const visible = history.from(1, shown.shows(history))
      if (reverseOrder) visible.reverse()
      const from = Number(nextPageToken ?? 0)
      const end = from + maximumPageSize
      return {
        events: visible
          .slice(from, end)
          .map(event => ({ ...event, eventTimestamp: event.eventTimestamp.getTime() / 1_000 })),
        ...(end < visible.length && { nextPageToken: String(end) }),
      }
    },
  })
  return shown
}
