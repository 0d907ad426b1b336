// Histories told event by event, for tests of workflows: what the service would have recorded, without a service.
// Every decision task is decided twice, by a run kept in memory and by a cold replay, which must agree.

import { expect } from 'vitest'
import { decisionAttributes, type Decision } from '../../src/swf/decision.js'
import { decodeExecutionContext, type ExecutionContext } from '../../src/swf/execution-context.js'
import { encodeFailure } from '../../src/swf/failure.js'
import {
  attributesMember,
  attributesOf,
  type Attributes,
  type EventType,
  type HistoryEvent,
} from '../../src/swf/history-event.js'
import { encodePayload } from '../../src/swf/payload.js'
import type { WorkflowDefinition } from '../../src/workflow/definition.js'
import { Run, type Turn } from '../../src/workflow/replay/replay.js'
import { checkHistory } from './history-checker.js'

export const EXECUTION = { workflowId: 'order-1', runId: '22X56OQhwfy+AtGx1iSo3HX51AK2DdtKzfUnU+RQElbms=' }

const RECORDED: Record<string, EventType> = {
  ScheduleActivityTask: 'ActivityTaskScheduled',
  RequestCancelActivityTask: 'ActivityTaskCancelRequested',
  StartTimer: 'TimerStarted',
  CancelTimer: 'TimerCanceled',
  RecordMarker: 'MarkerRecorded',
  CompleteWorkflowExecution: 'WorkflowExecutionCompleted',
  FailWorkflowExecution: 'WorkflowExecutionFailed',
  CancelWorkflowExecution: 'WorkflowExecutionCanceled',
  ContinueAsNewWorkflowExecution: 'WorkflowExecutionContinuedAsNew',
  StartChildWorkflowExecution: 'StartChildWorkflowExecutionInitiated',
  SignalExternalWorkflowExecution: 'SignalExternalWorkflowExecutionInitiated',
  RequestCancelExternalWorkflowExecution: 'RequestCancelExternalWorkflowExecutionInitiated',
}

export class Story {
  readonly events: HistoryEvent[] = []
  #time = Date.parse('2026-01-01T00:00:00Z')
  #scheduled = 0
  #started = 0
  #run: Run
  #tasks = 0
  /** What the last decision task was answered with. */
  turn!: Turn

  constructor(
    readonly definition: WorkflowDefinition,
    input?: unknown,
    started: Partial<Attributes<'WorkflowExecutionStarted'>> = {},
  ) {
    this.#run = new Run(definition, EXECUTION)
    const text = encodePayload(input)
    this.add('WorkflowExecutionStarted', {
      childPolicy: 'TERMINATE',
      taskList: { name: definition.options.taskList },
      workflowType: { name: definition.name, version: definition.version },
      ...(text !== undefined && { input: text }),
      ...started,
    })
    this.wake()
  }

  /** Begins another story, of a run that has just this input text: of a run that continued as new. */
  static continued(definition: WorkflowDefinition, decision: Decision): Story {
    const { workflowTypeVersion: _version, ...attributes } = decisionAttributes(decision)
    return new Story(definition, undefined, attributes)
  }

  add<T extends EventType>(eventType: T, attributes: Attributes<T>): number {
    const eventId = this.events.length + 1
    this.events.push({
      eventId,
      eventType,
      eventTimestamp: new Date(this.#time),
      [attributesMember(eventType)]: attributes,
    } as unknown as HistoryEvent)
    return eventId
  }

  /** Lets time pass, in milliseconds. */
  pass(duration: number): this {
    this.#time += duration
    return this
  }

  /** Adds a DecisionTaskScheduled, unless one waits. */
  wake(): this {
    if (this.#scheduled === 0)
      this.#scheduled = this.add('DecisionTaskScheduled', { taskList: { name: this.definition.options.taskList } })
    return this
  }

  /** Starts the decision task that waits. */
  start(): this {
    this.pass(10)
    this.#started = this.add('DecisionTaskStarted', { scheduledEventId: this.#scheduled })
    this.#scheduled = 0
    return this
  }

  /** Decides the task that was started (or waits), by the run in memory and by a cold replay. */
  async decide(): Promise<Turn> {
    if (this.#started === 0) this.start()
    this.#tasks++
    const cold = await new Run(this.definition, EXECUTION).advance(this.events)
    this.turn = this.#run.lastEventId > 0 || this.#tasks === 1 ? await this.#run.advance(this.events) : cold
    const { warnings: _a, ...one } = { warnings: [], ...this.turn }
    const { warnings: _b, ...other } = { warnings: [], ...cold }
    expect(JSON.parse(JSON.stringify(other)), 'a cold replay decides as the run in memory').toEqual(
      JSON.parse(JSON.stringify(one)),
    )
    return this.turn
  }

  /** Decides, and records the answer as SWF would; `refuse` maps a decision to SWF's cause for refusing it. */
  async go(refuse: (decision: Decision) => string | undefined = () => undefined): Promise<Decision[]> {
    const turn = await this.decide()
    if (turn.kind === 'stuck') throw new Error(`stuck: ${turn.stuck.reason}`)
    this.accept(turn.decisions, turn.executionContext, refuse)
    return turn.decisions
  }

  accept(
    decisions: readonly Decision[],
    executionContext?: string,
    refuse: (decision: Decision) => string | undefined = () => undefined,
  ): void {
    const started = this.events[this.#started - 1]!
    const completed = this.add('DecisionTaskCompleted', {
      scheduledEventId: attributesOf(started).scheduledEventId as number,
      startedEventId: this.#started,
      ...(executionContext !== undefined && { executionContext }),
    })
    this.#started = 0
    for (const decision of decisions) {
      const attributes = decisionAttributes(decision)
      const cause = refuse(decision)
      const type = (
        cause ? `${decision.decisionType}Failed`.replace(/^(Schedule|Start)/, '$1') : RECORDED[decision.decisionType]
      ) as EventType
      if (decision.decisionType === 'ContinueAsNewWorkflowExecution') {
        const { workflowTypeVersion: version, ...rest } = attributes
        if (cause)
          this.add('ContinueAsNewWorkflowExecutionFailed', { cause, decisionTaskCompletedEventId: completed } as never)
        else
          this.add('WorkflowExecutionContinuedAsNew', {
            ...rest,
            newExecutionRunId: 'next',
            workflowType: { name: this.definition.name, version },
            decisionTaskCompletedEventId: completed,
          } as never)
        continue
      }
      if (cause && decision.decisionType === 'StartChildWorkflowExecution') {
        const { workflowId, workflowType } = attributes
        this.add('StartChildWorkflowExecutionFailed', {
          workflowId,
          workflowType,
          cause,
          initiatedEventId: 0,
          decisionTaskCompletedEventId: completed,
        } as never)
        continue
      }
      const canceled =
        decision.decisionType === 'CancelTimer' &&
        this.find('TimerStarted', event => event.timerId === attributes.timerId)
      this.add(type, {
        ...attributes,
        ...(cause && { cause }),
        ...(canceled && { startedEventId: canceled }),
        decisionTaskCompletedEventId: completed,
      } as never)
    }
    // One task for all that was refused.
    if (decisions.some(decision => refuse(decision) !== undefined)) this.wake()
  }

  /** The decision task was not answered in time. */
  decisionTimesOut(): this {
    const started = this.events[this.#started - 1]!
    this.add('DecisionTaskTimedOut', {
      timeoutType: 'START_TO_CLOSE',
      scheduledEventId: attributesOf(started).scheduledEventId as number,
      startedEventId: this.#started,
    })
    this.#started = 0
    return this.wake()
  }

  find<T extends EventType>(type: T, matches: (attributes: Attributes<T>) => boolean): number {
    const found = this.events.findLast(event => event.eventType === type && matches(attributesOf(event) as never))
    if (!found) throw new Error(`no such ${type}`)
    return found.eventId
  }

  #activity(name: string): { scheduledEventId: number; startedEventId: number } {
    const scheduledEventId = this.find(
      'ActivityTaskScheduled',
      ({ activityType, activityId }) => activityType.name === name || activityId === name,
    )
    return { scheduledEventId, startedEventId: this.add('ActivityTaskStarted', { scheduledEventId }) }
  }

  /** Closes the last task of an activity, named by type or activityId. */
  complete(activity: string, result?: unknown): this {
    const text = encodePayload(result)
    this.pass(5).add('ActivityTaskCompleted', {
      ...this.#activity(activity),
      ...(text !== undefined && { result: text }),
    })
    return this.wake()
  }

  fail(activity: string, reason: string, message?: string): this {
    const details = encodeFailure({ code: 'APPLICATION', reason, ...(message && { message }) })
    this.pass(5).add('ActivityTaskFailed', { ...this.#activity(activity), reason, details })
    return this.wake()
  }

  timeout(activity: string, timeoutType: Attributes<'ActivityTaskTimedOut'>['timeoutType'], details?: unknown): this {
    const text = encodePayload(details)
    this.pass(5).add('ActivityTaskTimedOut', {
      ...this.#activity(activity),
      timeoutType,
      ...(text !== undefined && { details: text }),
    })
    return this.wake()
  }

  activityCanceled(activity: string): this {
    this.add('ActivityTaskCanceled', this.#activity(activity))
    return this.wake()
  }

  #child(
    name: string,
  ): { initiatedEventId: number; workflowExecution: { workflowId: string; runId: string } } & Pick<
    Attributes<'ChildWorkflowExecutionStarted'>,
    'workflowType'
  > {
    const initiatedEventId = this.find(
      'StartChildWorkflowExecutionInitiated',
      ({ workflowType, workflowId }) => workflowType.name === name || workflowId === name,
    )
    const { workflowId, workflowType } = attributesOf(
      this.events[initiatedEventId - 1]!,
    ) as Attributes<'StartChildWorkflowExecutionInitiated'>
    return { initiatedEventId, workflowExecution: { workflowId, runId: `run-of-${workflowId}` }, workflowType }
  }

  /** Starts the last child of a type or workflowId. */
  childStarts(name: string): this {
    this.add('ChildWorkflowExecutionStarted', this.#child(name))
    return this.wake()
  }

  childFails(name: string, cause: Attributes<'StartChildWorkflowExecutionFailed'>['cause']): this {
    const { workflowExecution, ...rest } = this.#child(name)
    const { decisionTaskCompletedEventId } = attributesOf(this.events[rest.initiatedEventId - 1]!) as {
      decisionTaskCompletedEventId: number
    }
    const { workflowId } = workflowExecution
    this.add('StartChildWorkflowExecutionFailed', { ...rest, workflowId, cause, decisionTaskCompletedEventId })
    return this.wake()
  }

  /** Closes a started child: `Completed`, `Failed`, `TimedOut`, `Canceled` or `Terminated`. */
  childCloses(
    name: string,
    how: 'Completed' | 'Failed' | 'TimedOut' | 'Canceled' | 'Terminated',
    attributes: Record<string, unknown> = {},
  ): this {
    const child = this.#child(name)
    const startedEventId = this.find(
      'ChildWorkflowExecutionStarted',
      event => event.initiatedEventId === child.initiatedEventId,
    )
    this.pass(5).add(`ChildWorkflowExecution${how}`, { ...child, startedEventId, ...attributes } as never)
    return this.wake()
  }

  /** The last signal, or cancel request, to another execution got there. */
  reaches(what: 'Signaled' | 'CancelRequested', workflowId: string): this {
    const type = what === 'Signaled' ? 'SignalExternal' : 'RequestCancelExternal'
    const initiatedEventId = this.find(`${type}WorkflowExecutionInitiated`, event => event.workflowId === workflowId)
    this.add(`ExternalWorkflowExecution${what}`, {
      workflowExecution: { workflowId, runId: `run-of-${workflowId}` },
      initiatedEventId,
    })
    return this.wake()
  }

  /** The last signal, or cancel request, to another execution did not get there. */
  misses(
    what: 'Signaled' | 'CancelRequested',
    workflowId: string,
    cause = 'UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION',
  ): this {
    const type = what === 'Signaled' ? 'SignalExternal' : 'RequestCancelExternal'
    const initiatedEventId = this.find(`${type}WorkflowExecutionInitiated`, event => event.workflowId === workflowId)
    const { decisionTaskCompletedEventId, runId } = attributesOf(this.events[initiatedEventId - 1]!)
    this.add(`${type}WorkflowExecutionFailed`, {
      workflowId,
      ...(runId !== undefined && { runId }),
      cause,
      initiatedEventId,
      decisionTaskCompletedEventId,
    } as never)
    return this.wake()
  }

  fire(timerId: string | RegExp): this {
    const startedEventId = this.find('TimerStarted', event =>
      typeof timerId === 'string' ? event.timerId === timerId : timerId.test(event.timerId),
    )
    const { timerId: id, startToFireTimeout } = attributesOf(
      this.events[startedEventId - 1]!,
    ) as Attributes<'TimerStarted'>
    this.pass(Number(startToFireTimeout) * 1_000).add('TimerFired', { timerId: id, startedEventId })
    return this.wake()
  }

  signal(signalName: string, input?: unknown, idempotencyKey?: string): this {
    const text = encodePayload(input, idempotencyKey ? { idempotencyKey } : {})
    this.add('WorkflowExecutionSignaled', {
      signalName,
      externalInitiatedEventId: 0,
      ...(text !== undefined && { input: text }),
    })
    return this.wake()
  }

  requestCancel(): this {
    this.add('WorkflowExecutionCancelRequested', { externalInitiatedEventId: 0 })
    return this.wake()
  }

  /** The context that the last turn shows. */
  get context(): ExecutionContext {
    return JSON.parse(JSON.stringify(this.turn.context)) as ExecutionContext
  }

  /** The executionContext that SWF was last given. */
  get sent(): ExecutionContext {
    const completed = this.events.findLast(
      event => event.eventType === 'DecisionTaskCompleted' && 'executionContext' in attributesOf(event),
    )
    return decodeExecutionContext(completed && (attributesOf(completed).executionContext as string))
  }

  /** Fails the test when the history told is one that SWF would not have. */
  check(): void {
    expect(checkHistory(this.events)).toEqual([])
  }
}

/** Returns decisions in short: `ScheduleActivityTask Reserve 1.1`. */
export function brief(decisions: readonly Decision[]): string[] {
  return decisions.map(decision => {
    const { activityType, workflowType, activityId, timerId, startToFireTimeout, reason, markerName, ...rest } =
      decisionAttributes(decision) as Record<string, string | { name: string }>
    return [
      decision.decisionType,
      ((activityType ?? workflowType) as { name: string } | undefined)?.name,
      activityId,
      rest.workflowId,
      rest.runId,
      rest.signalName,
      markerName,
      timerId,
      startToFireTimeout && `${startToFireTimeout as string}s`,
      reason,
    ]
      .filter(part => part !== undefined)
      .join(' ')
  })
}
