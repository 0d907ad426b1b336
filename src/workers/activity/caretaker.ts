// Care for what waits on a queue, whoever polled it: beats, takeovers, lost jobs, tasks that nobody will run.
//
// Every process does this, once a tick; the script DUE sees to it that each finding is given to one of them.

import { readAbandoned, readDue, type Due, type DueTask } from '../../queues/due.js'
import type { JobQueue } from '../../queues/job.js'
import type { Outcome, TaskFacts, TaskRecords, Unrun } from '../../queues/task-record.js'
import type { Redis } from '../../redis.js'
import type { SwfClient } from '../../swf/client.js'
import { Backoff } from '../../lifecycle.js'
import { SECOND } from '../../swf/duration.js'
import { isFault } from '../../swf/errors.js'
import { LEFT_OPEN } from '../../swf/failure.js'
import type { Log, Metrics } from '../../telemetry.js'
import { bridgeFailure, handedBack } from './handler-run.js'
import { respond } from './respond.js'

export interface CaretakerOptions {
  redis: Redis
  key: string
  process: string
  records: TaskRecords
  jobs: JobQueue
  swf: SwfClient
  log: Log
  metrics: Metrics
  /** A task is over that nobody has run. */
  expired: (facts: TaskFacts) => void
  /** SWF knows the outcome of a task, Redis does not know that: its record is to be closed. */
  onUnsure: (task: DueTask, nonce: string) => void
}

/** How often Redis is asked to end a task. */
const TRIES = 10

export class Caretaker {
  constructor(private readonly options: CaretakerOptions) {}

  /** Looks once, and begins what is to be done. Rejects when Redis does not answer. */
  async look(): Promise<void> {
    const { redis, key, process, records, log } = this.options
    const nonce = records.nonce()
    for (const due of await readDue(redis, key, process, nonce))
      this.#handle(due, nonce).catch((error: Error) =>
        log.warn({ err: error.message, due: due.kind }, 'care for a task failed'),
      )
  }

  /** Gives back to SWF what waits, when this process is the last that could run it. Rejects when Redis does not answer. */
  async handBack(): Promise<void> {
    const { redis, key, process } = this.options
    const abandoned = await readAbandoned(redis, key, process)
    const leave = AbortSignal.timeout(5 * SECOND)
    await Promise.all(
      abandoned.map(({ task, taskToken, facts }) => this.#end(task, taskToken, facts, handedBack(facts), { leave })),
    )
  }

  async #handle(due: Due, nonce: string): Promise<void> {
    switch (due.kind) {
      case 'BEAT':
        return this.#beat(due)
      case 'ADD': {
        const { takeovers, again } = due.wakeup
        this.#log(due.facts).warn(
          { takeovers },
          again ? 'job was lost, added again' : 'task of a dead worker goes back',
        )
        return this.options.jobs.add(due.wakeup)
      }
      case 'TELL':
        this.#log(due.facts).warn('outcome of a dead worker is told')
        return this.#tell(due.task, nonce, due.taskToken, due.outcome, due.facts)
      case 'BACK':
        return this.#end(due.task, due.taskToken, due.facts, handedBack(due.facts))
      case 'OVERDUE': {
        const message = 'Nobody completed it in the time that its handler left it open for'
        return this.#end(due.task, due.taskToken, due.facts, bridgeFailure(due.facts, LEFT_OPEN, message), {
          state: 'OPEN',
        })
      }
      case 'LOST':
        this.#log(due.facts).error('job was lost twice: the task is left to its timeout')
        return this.options.expired(due.facts)
      case 'EXPIRED':
        return this.options.expired(due.facts)
    }
  }

  async #beat({ task, state, taskToken, details }: Extract<Due, { kind: 'BEAT' }>): Promise<void> {
    const { swf, records, metrics, log } = this.options
    try {
      const { cancelRequested } = await swf.recordActivityTaskHeartbeat({
        taskToken,
        ...(details !== undefined && { details }),
      })
      metrics.heartbeats.inc({ outcome: 'ok' })
      if (cancelRequested) await this.#end(task, taskToken, undefined, { kind: 'canceled' }, { state })
    } catch (error) {
      metrics.heartbeats.inc({ outcome: 'failed' })
      if (!isFault(error, 'UNKNOWN_RESOURCE')) throw error
      await records.done(task, undefined)
      log.info({ task: task.id, state }, 'task closed by SWF while nobody ran it')
    }
  }

  /** Ends a task that nobody runs, unless its state is another by now. */
  async #end(
    task: DueTask,
    taskToken: string,
    facts: TaskFacts | undefined,
    outcome: Outcome,
    { state = 'WAIT', leave }: { state?: Unrun; leave?: AbortSignal } = {},
  ): Promise<void> {
    const { records, metrics } = this.options
    const nonce = records.nonce()
    if (!(await this.#take(task, nonce, outcome, state))) return
    await this.#tell(task, nonce, taskToken, outcome, facts, leave)
    const told = state === 'OPEN' ? outcome.kind : 'handed_back'
    if (facts) metrics.activityTasks.inc({ activityType: facts.activityType.name, outcome: told })
  }

  /** Ends a task, if it is still in a state; asks again when Redis did not answer, since it may have been done. */
  async #take(task: DueTask, nonce: string, outcome: Outcome, state: Unrun): Promise<boolean> {
    const backoff = new Backoff(50, 1_000)
    for (let tries = 1; ; tries++) {
      try {
        return await this.options.records.take(task, nonce, outcome, state)
      } catch (error) {
        if (tries === TRIES) throw error
      }
      await backoff.wait()
    }
  }

  async #tell(
    task: DueTask,
    nonce: string,
    taskToken: string,
    outcome: Outcome,
    facts: TaskFacts | undefined,
    leave?: AbortSignal,
  ): Promise<void> {
    const { records, swf, onUnsure } = this.options
    const log = this.#log(facts)
    const answered = await respond(swf, taskToken, outcome, { log: () => log, ...(leave && { leave }) })
    if (answered !== 'LEFT') await records.done(task, nonce).catch(() => onUnsure(task, nonce))
    log.info({ outcome: outcome.kind, answered }, 'task ended that nobody ran')
  }

  #log(facts: TaskFacts | undefined): Log {
    if (!facts) return this.options.log
    const { workflowExecution, activityId, activityType } = facts
    return this.options.log.child({ ...workflowExecution, activityId, activityType: activityType.name })
  }
}
