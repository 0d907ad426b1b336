// Answers decision tasks, and tells the rest of the house what was accepted.
//
// A1. An answer is sent until SWF takes it or says that the task is gone; throttling and outages are waited out.
// A2. What follows an accepted answer (state to the feed, tail, cancel hints) is the announcer's: it never fails the task.

import { monotonic } from '../../clock.js'
import { Backoff } from '../../lifecycle.js'
import type { DecisionTask, SwfClient } from '../../swf/client.js'
import type { Decision } from '../../swf/decision.js'
import { SwfFault } from '../../swf/errors.js'
import type { WorkflowExecution } from '../../swf/history-event.js'
import type { PayloadCodec } from '../../swf/payload.js'
import type { Log, Metrics } from '../../telemetry.js'
import type { Turn } from '../../workflow/replay/replay.js'
import type { Announcer } from './announcer.js'
import { encodeDecisions } from './codec.js'
import type { Parked } from './parking.js'

/** Seconds that a task may wait on this decider's own list before SWF gives it to the execution's ordinary list. */
const STICKY_SCHEDULE_TO_START = '5'
/** How long an answer is tried, in milliseconds; SWF has timed the task out by then, by the default timeout. */
const RESPOND_FOR = 60_000

/** Where an execution's next decision task goes: a decider's own list until it misses one, or the ordinary list. */
export interface NextTask {
  taskList: string
  sticky: boolean
}

type Decided = Extract<Turn, { kind: 'decided' }>

export class Responder {
  constructor(
    private readonly options: {
      swf: SwfClient
      announcer: Announcer
      log: Log
      metrics: Metrics
    },
    private readonly codec: PayloadCodec,
  ) {}

  /** Answers a task with a turn; `next` is where the execution's next decision task goes. Rejects with a SwfFault. */
  async respond(task: DecisionTask, execution: WorkflowExecution, turn: Decided, next: NextTask): Promise<void> {
    const { metrics, log } = this.options
    const decisions = await encodeDecisions(turn.decisions, this.codec)
    await this.#send(task, { decisions, executionContext: turn.executionContext, next })
    const workflowType = task.workflowType!.name!
    metrics.decisionTasks.inc({ workflowType, outcome: 'completed' })
    for (const { decisionType } of decisions) metrics.decisions.inc({ decisionType })
    if (turn.sagaEntered) metrics.sagas.inc({ workflowType, state: turn.sagaEntered })
    if (turn.sagaEntered === 'WAITING_FOR_OPERATOR')
      log.error({ ...execution, workflowType, step: turn.context.saga?.step }, 'saga waits for an operator')
    const left = turn.closing && turn.context.saga?.steps.filter(step => step.state === 'LEFT').map(step => step.name)
    if (left?.length) log.error({ ...execution, workflowType, steps: left }, 'saga left steps undone: look after them')
    for (const decision of decisions) this.#countRetry(decision)
    await this.#accepted(task, execution, turn.executionContext, turn.closing !== undefined)
    this.#hintCancels(execution, turn)
  }

  /** Answers a task so that its execution waits for code that fits. */
  async park(
    task: DecisionTask,
    execution: WorkflowExecution,
    { decisions, executionContext, stuck, taskList }: Parked,
  ): Promise<void> {
    await this.#send(task, { decisions, executionContext, next: { taskList, sticky: false } })
    this.options.metrics.decisionTasks.inc({ workflowType: task.workflowType!.name!, outcome: 'stuck' })
    this.options.log.error({ ...execution, workflowType: task.workflowType!.name, ...stuck }, 'execution is stuck')
    await this.#accepted(task, execution, executionContext, false)
  }

  async #send(
    task: DecisionTask,
    answer: { decisions: Decision[]; executionContext?: string | undefined; next: NextTask },
  ): Promise<void> {
    const backoff = new Backoff(100, 5_000)
    const until = monotonic() + RESPOND_FOR
    for (;;) {
      try {
        return await this.options.swf.respondDecisionTaskCompleted({
          taskToken: task.taskToken,
          decisions: answer.decisions,
          ...(answer.executionContext !== undefined && { executionContext: answer.executionContext }),
          taskList: { name: answer.next.taskList },
          ...(answer.next.sticky && { taskListScheduleToStartTimeout: STICKY_SCHEDULE_TO_START }),
        })
      } catch (error) {
        if (!(error instanceof SwfFault && error.retryable) || monotonic() > until) throw error
        await backoff.wait()
      }
    }
  }

  async #accepted(
    task: DecisionTask,
    execution: WorkflowExecution,
    executionContext: string | undefined,
    closing: boolean,
  ): Promise<void> {
    const { announcer } = this.options
    if (closing) announcer.closing(execution)
    else if (executionContext !== undefined) await announcer.state(execution, task.startedEventId!, executionContext)
  }

  #countRetry(decision: Decision): void {
    if (decision.decisionType !== 'ScheduleActivityTask') return
    const { activityId, activityType } = decision.scheduleActivityTaskDecisionAttributes
    // An activity id is `seq.attempt`.
    if (Number(activityId.split('.')[1]) > 1)
      this.options.metrics.activityRetries.inc({ activityType: activityType.name })
  }

  /** Hints to the workers that activities are to stop: those that were asked to, and all of an execution that closes. */
  #hintCancels(execution: WorkflowExecution, { decisions, closing, openActivities }: Decided): void {
    const { announcer } = this.options
    if (closing && openActivities > 0) return announcer.cancel(execution)
    for (const decision of decisions)
      if (decision.decisionType === 'RequestCancelActivityTask')
        announcer.cancel(execution, decision.requestCancelActivityTaskDecisionAttributes.activityId)
  }
}
