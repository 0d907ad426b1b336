// Records histories, as SWF would, of a run that is decided as it goes.

import { decisionAttributes, type Decision } from '../../../src/swf/decision.js'
import {
  attributesMember,
  attributesOf,
  type Attributes,
  type EventType,
  type HistoryEvent,
} from '../../../src/swf/history-event.js'
import { encodePayload } from '../../../src/swf/payload.js'
import type { WorkflowDefinition } from '../../../src/workflow/index.js'
import { Run } from '../../../src/workflow/replay/replay.js'

const PAGE = 1_000

export class Recorder {
  readonly events: HistoryEvent[] = []
  /** ActivityTaskScheduled events whose activities are open. */
  readonly open: number[] = []
  readonly execution = { workflowId: 'bench-1', runId: '22X56OQhwfy+AtGx1iSo3HX51AK2DdtKzfUnU+RQElbms=' }
  readonly #run: Run
  #time = Date.UTC(2026, 0, 1)

  constructor(
    readonly definition: WorkflowDefinition,
    input: unknown,
  ) {
    this.#run = new Run(definition, this.execution)
    const { name, version, options } = definition
    this.add('WorkflowExecutionStarted', {
      childPolicy: 'TERMINATE',
      taskList: { name: options.taskList },
      workflowType: { name, version },
      input: encodePayload(input)!,
    })
  }

  add<T extends EventType>(eventType: T, attributes: Attributes<T>): number {
    this.#time += 7
    const eventId = this.events.length + 1
    const eventTimestamp = new Date(this.#time)
    const event = { eventType, eventId, eventTimestamp, [attributesMember(eventType)]: attributes }
    this.events.push(event as unknown as HistoryEvent)
    return eventId
  }

  /** Returns the events of each decision task: those since the one before. */
  tasks(): HistoryEvent[][] {
    const ends = this.events
      .filter(({ eventType }) => eventType === 'DecisionTaskStarted')
      .map(({ eventId }) => eventId)
    return ends.map((end, n) => this.events.slice(ends[n - 1] ?? 0, end))
  }

  /** Closes the activity that has been open for longest. */
  complete(): this {
    const scheduledEventId = this.open.shift()!
    const startedEventId = this.add('ActivityTaskStarted', { scheduledEventId, identity: 'worker-1' })
    this.add('ActivityTaskCompleted', { scheduledEventId, startedEventId, result: '17' })
    return this
  }

  /** Begins a decision task; returns the events since the last one. */
  task(): HistoryEvent[] {
    const scheduledEventId = this.add('DecisionTaskScheduled', {
      taskList: { name: this.definition.options.taskList },
      startToCloseTimeout: '30',
    })
    this.add('DecisionTaskStarted', { scheduledEventId, identity: 'decider-1' })
    return this.events.slice(this.#run.lastEventId)
  }

  /** Begins a decision task, decides it and records the answer. */
  async decide(): Promise<void> {
    const turn = await this.#run.advance(this.task())
    if (turn.kind === 'stuck') throw new Error(turn.stuck.reason)
    this.#accept(turn.decisions)
  }

  #accept(decisions: readonly Decision[]): void {
    const startedEventId = this.events.length
    const { scheduledEventId } = attributesOf(this.events.at(-1)!) as { scheduledEventId: number }
    const decisionTaskCompletedEventId = this.add('DecisionTaskCompleted', { scheduledEventId, startedEventId })
    for (const decision of decisions) {
      if (decision.decisionType !== 'ScheduleActivityTask') throw new Error(`not foreseen: ${decision.decisionType}`)
      const attributes = { ...decisionAttributes(decision), decisionTaskCompletedEventId }
      this.open.push(this.add('ActivityTaskScheduled', attributes as Attributes<'ActivityTaskScheduled'>))
    }
  }

  /** Returns the history as SWF sends it: texts of 1,000 events each. */
  pages(): string[] {
    const texts: string[] = []
    for (let from = 0; from < this.events.length; from += PAGE) {
      const events = this.events
        .slice(from, from + PAGE)
        .map(event => ({ ...event, eventTimestamp: event.eventTimestamp.getTime() / 1_000 }))
      texts.push(JSON.stringify({ events }))
    }
    return texts
  }
}

/** Records a run until its history has so many events and a decision task is to be decided. */
export async function recorded(definition: WorkflowDefinition, input: unknown, events: number): Promise<Recorder> {
  const recorder = new Recorder(definition, input)
  await recorder.decide()
  while (recorder.events.length + 10 < events) await recorder.complete().decide()
  recorder.complete().task()
  return recorder
}
