// Commands: what author code has asked of SWF, from the asking to the event that records it.
//
// M1. Commands leave in the order that author code asked for them.
// M2. What is canceled before it has left is taken back; afterwards the cancel is a command of its own.
// M3. SWF refuses an operation with OPEN_*_LIMIT or *_RATE_EXCEEDED only for a while: it is asked for again, and author code
//     does not hear of it.

import {
  cancelTimer,
  requestCancelActivityTask,
  scheduleActivityTask,
  startTimer,
  type Decision,
} from '../../swf/decision.js'
import type { HistoryEvent } from '../../swf/history-event.js'
import { ActivityTaskCanceled, type WorkflowExecutionCancelRequested } from '../errors.js'
import { decodeControl, type ResolvedRetryPolicy } from '../retry.js'
import type { ActivityTaskSpec } from './current.js'
import { describe, describeEvent, difference } from './divergence.js'
import { Operation } from './operation.js'
import { Stuck } from './stuck.js'

export class ActivityOperation extends Operation<string | undefined> {
  /** The retry policy that was recorded with the first try. */
  policy?: ResolvedRetryPolicy
  constructor(readonly spec: ActivityTaskSpec) {
    super()
  }
  /** What failures say of it. */
  get facts(): { activityType: ActivityTaskSpec['activityType']; activityId: string; attempts: number } {
    return { activityType: this.spec.activityType, activityId: this.spec.activityId, attempts: 1 }
  }
}

export class TimerOperation extends Operation<void> {
  constructor(
    readonly timerId: string,
    readonly seconds: string,
  ) {
    super()
  }
}

type Asked = ActivityOperation | TimerOperation

/** Timers that SWF lets be open in one execution. */
const MOST_TIMERS = 1_000
/** Seconds to wait before an operation that SWF refused for its limits is asked for again. */
const LIMIT_WAIT = '2'

export class Commands {
  /** Emitted and not yet found in the history. */
  #emitted: { decision: Decision; operation?: Asked }[] = []
  /** Event that began (or refused) an operation → the operation. */
  readonly #byEvent = new Map<number, Asked>()
  /** Timers that wait for another one to end. */
  #refusedTimers: TimerOperation[] = []

  /** `canceled` makes what the await on a canceled timer rejects with. */
  constructor(private readonly canceled: () => WorkflowExecutionCancelRequested) {}

  get decisions(): Decision[] {
    return this.#emitted.map(({ decision }) => decision)
  }

  /** True while an event may still come of what was asked. */
  get outstanding(): boolean {
    return this.#emitted.length > 0 || this.#byEvent.size > 0 || this.#refusedTimers.length > 0
  }

  /** Activities that are scheduled and have not closed. */
  get openActivities(): number {
    return [...this.#byEvent.values()].filter(operation => operation instanceof ActivityOperation).length
  }

  scheduleActivityTask(spec: ActivityTaskSpec): ActivityOperation {
    const operation = new ActivityOperation(spec)
    this.#emit(operation)
    operation.cancel = () => {
      if (operation.settled) return
      operation.cancel = () => {}
      if (this.#takeBack(operation)) operation.reject(new ActivityTaskCanceled(operation.facts))
      else this.#emitted.push({ decision: requestCancelActivityTask({ activityId: spec.activityId }) })
    }
    return operation
  }

  startTimer(timerId: string, seconds: string): TimerOperation {
    const operation = new TimerOperation(timerId, seconds)
    this.#emit(operation)
    operation.cancel = () => {
      if (operation.settled) return
      if (!this.#takeBack(operation)) this.#emitted.push({ decision: cancelTimer({ timerId }) })
      operation.reject(this.canceled())
    }
    return operation
  }

  /** Returns the operation that an event began, or refused, and forgets it: its outcome is here. */
  take(eventId: number): Asked | undefined {
    const operation = this.#byEvent.get(eventId)
    this.#byEvent.delete(eventId)
    if (operation instanceof TimerOperation && this.#refusedTimers.length) this.#nextTimer()
    return operation
  }

  /** Asks again, after a wait for an activity, when one has ended for a timer, for what SWF refused for its limits (M3). */
  again(operation: Asked, eventId: number): void {
    if (operation.settled) return
    if (operation instanceof TimerOperation) {
      this.#refusedTimers.push(operation)
      return this.#nextTimer()
    }
    const wait = this.startTimer(`${operation.spec.activityId}.limit.${eventId}`, LIMIT_WAIT)
    operation.cancel = () => {
      wait.cancel()
      if (!operation.settled) operation.reject(new ActivityTaskCanceled(operation.facts))
    }
    wait.promise.then(
      () => {
        if (operation.settled) return
        const again = this.scheduleActivityTask(operation.spec)
        operation.cancel = () => again.cancel()
        const adopt = () => {
          if (again.policy) operation.policy = again.policy
        }
        again.promise.then(
          result => {
            adopt()
            operation.resolve(result)
          },
          (failure: unknown) => {
            adopt()
            operation.reject(failure)
          },
        )
      },
      () => {},
    )
  }

  /**
   * Compares what was emitted, and `close` if there is one, with what a decision task has recorded; ties operations to the
   * events that began them. Throws Stuck when they differ. Returns changed details, and the events that refuse a command.
   */
  match(
    recorded: readonly HistoryEvent[],
    close: Decision | undefined,
  ): { warnings: string[]; refused: HistoryEvent[] } {
    const emitted = close ? [...this.#emitted, { decision: close }] : this.#emitted
    this.#emitted = []
    const warnings: string[] = []
    const refused: HistoryEvent[] = []
    for (const [n, { decision, operation }] of (emitted as { decision: Decision; operation?: Asked }[]).entries()) {
      const event = recorded[n]
      if (!event)
        throw diverges(`the code asks for ${describe(decision)}, the history has nothing there`, recorded.at(-1))
      const { divergence, warning } = difference(decision, event)
      if (divergence) throw diverges(divergence, event)
      if (warning) warnings.push(warning)
      if (event.eventType === 'TimerCanceled') this.take(event.timerCanceledEventAttributes.startedEventId)
      if (operation) this.#record(event, operation)
      if (isRefusal(event)) refused.push(event)
    }
    const more = recorded[emitted.length]
    if (more) throw diverges(`the history has ${describeEvent(more)}, the code asks for nothing there`, more)
    return { warnings, refused }
  }

  #record(event: HistoryEvent, operation: Asked): void {
    this.#byEvent.set(event.eventId, operation)
    if (event.eventType !== 'ActivityTaskScheduled' || !(operation instanceof ActivityOperation)) return
    const policy = decodeControl(event.activityTaskScheduledEventAttributes.control)
    if (policy) operation.policy = policy
  }

  #emit(operation: Asked): void {
    const decision =
      operation instanceof TimerOperation
        ? startTimer({ timerId: operation.timerId, startToFireTimeout: operation.seconds })
        : scheduleActivityTask(attributesOf(operation.spec))
    this.#emitted.push({ decision, operation })
  }

  /** Asks for a timer that was refused, unless as many are open as SWF takes; one refused when none is open is asked for at once. */
  #nextTimer(): void {
    this.#refusedTimers = this.#refusedTimers.filter(timer => !timer.settled)
    const open = [...this.#byEvent.values()].filter(operation => operation instanceof TimerOperation).length
    if (open < MOST_TIMERS && this.#refusedTimers.length) this.#emit(this.#refusedTimers.shift()!)
  }

  #takeBack(operation: Asked): boolean {
    if (operation instanceof TimerOperation && this.#refusedTimers.includes(operation)) return true
    const index = this.#emitted.findIndex(command => command.operation === operation)
    if (index < 0) return false
    this.#emitted.splice(index, 1)
    return true
  }
}

function diverges(how: string, event: HistoryEvent | undefined): Stuck {
  return new Stuck(`divergence: ${how}`, event?.eventId ?? 0)
}

/** A decision that SWF refused; WorkflowExecutionFailed is none, it closes. */
function isRefusal({ eventType }: HistoryEvent): boolean {
  return eventType.endsWith('Failed') && eventType !== 'WorkflowExecutionFailed'
}

function attributesOf(spec: ActivityTaskSpec): Parameters<typeof scheduleActivityTask>[0] {
  const { input, control, taskPriority, taskList, ...rest } = spec
  return {
    ...rest,
    taskList: { name: taskList },
    ...(input !== undefined && { input }),
    ...(control !== undefined && { control }),
    ...(taskPriority !== undefined && { taskPriority }),
  }
}
