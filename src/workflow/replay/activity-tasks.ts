// Activity tasks, as commands: one for each try of a call.

import { requestCancelActivityTask, scheduleActivityTask as schedule, type Decision } from '../../swf/decision.js'
import type { HistoryEvent, TypeName } from '../../swf/history-event.js'
import { ActivityTaskCanceled } from '../errors.js'
import { decodeControl, type ResolvedRetryPolicy } from '../retry.js'
import { Asked, type Commands } from './commands.js'

/** One activity task to schedule, every option explicit: registered defaults are never relied on. */
export interface ActivityTaskSpec {
  activityId: string
  activityType: TypeName
  input: string | undefined
  control: string | undefined
  taskList: string
  taskPriority: string | undefined
  startToCloseTimeout: string
  scheduleToStartTimeout: string
  scheduleToCloseTimeout: string
  heartbeatTimeout: string
}

export class ActivityOperation extends Asked<string | undefined> {
  override readonly window = 'activity'
  /** The retry policy that was recorded with the first try, where it is not the one asked for. */
  policy?: ResolvedRetryPolicy
  /** Its end was asked for. */
  ending = false
  override readonly characters: number
  constructor(readonly spec: ActivityTaskSpec) {
    super()
    this.characters = spec.input?.length ?? 0
  }

  get label(): string {
    return this.spec.activityId
  }

  override get effect(): string | undefined {
    return this.ending ? undefined : `activity ${this.spec.activityType.name}`
  }

  /** What failures say of it. */
  get facts(): { activityType: TypeName; activityId: string; attempts: number } {
    return { activityType: this.spec.activityType, activityId: this.spec.activityId, attempts: 1 }
  }

  decision(): Decision {
    // Member by member: a rest and its spread take most of the time of an activity's replay.
    const { input, control, taskPriority, taskList } = this.spec
    return schedule({
      activityId: this.spec.activityId,
      activityType: this.spec.activityType,
      taskList: { name: taskList },
      startToCloseTimeout: this.spec.startToCloseTimeout,
      scheduleToStartTimeout: this.spec.scheduleToStartTimeout,
      scheduleToCloseTimeout: this.spec.scheduleToCloseTimeout,
      heartbeatTimeout: this.spec.heartbeatTimeout,
      ...(input !== undefined && { input }),
      ...(control !== undefined && { control }),
      ...(taskPriority !== undefined && { taskPriority }),
    })
  }

  override recorded(event: HistoryEvent): void {
    if (event.eventType !== 'ActivityTaskScheduled') return
    const { control } = event.activityTaskScheduledEventAttributes
    const policy = control === this.spec.control ? undefined : decodeControl(control)
    if (policy) this.policy = policy
  }

  takenBack(): void {
    this.reject(new ActivityTaskCanceled(this.facts))
  }
}

/** Schedules an activity task. Canceled, it ends when SWF says how it did. */
export function scheduleActivityTask(commands: Commands, spec: ActivityTaskSpec): ActivityOperation {
  const operation = new ActivityOperation(spec)
  commands.ask(operation)
  operation.cancel = () => {
    if (operation.settled || operation.ending) return
    operation.ending = true
    if (commands.takeBack(operation)) operation.takenBack()
    else commands.tell(requestCancelActivityTask({ activityId: spec.activityId }), operation)
  }
  return operation
}
