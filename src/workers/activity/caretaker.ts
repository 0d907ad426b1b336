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
import { within } from './patience.js'
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

/** How long SWF may take to say whether it still waits for a task that is taken over, in milliseconds. */
const PATIENCE = SECOND
/** How often Redis is asked to end a task. */
const TRIES = 10

export class Caretaker {
  constructor(private readonly options: CaretakerOptions) {}

  /** Looks once, and begins what is to be done. Rejects when Redis does not answer. */
  async look(): Promise<void> {
    const { redis, key, process, records, log } = this.options
    const nonce = records.nonce()
    let handled: Promise<unknown> | undefined
    try {
      const found = await readDue(redis, key, process, nonce)
      const doubts = found.filter(({ kind }) => kind === 'DOUBT').length
      if (doubts > 0) log.warn({ tasks: doubts }, 'redis has fallen behind: SWF is asked about tasks that nobody runs')
      const handle = (due: Due) =>
        this.#handle(due, nonce).catch((error: Error) =>
          log.warn({ err: error.message, due: due.kind }, 'care for a task failed'),
        )
      if (found.length > 0) handled = Promise.all(found.map(handle))
    } finally {
      void (handled ?? Promise.resolve()).then(() => records.giveUp(nonce))
    }
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
        return void (await this.#beat(due))
      case 'ADD': {
        const { wakeup, taskToken, details } = due
        const { takeovers, again } = wakeup
        this.#log(due.facts).warn(
          { takeovers },
          again ? 'job was lost, added again' : 'task of a dead worker goes back',
        )
        const asked = taskToken
          ? this.#beat({ task: wakeup, state: 'WAIT', taskToken, details })
          : Promise.resolve(true)
        if (!(await within(asked, PATIENCE).catch(() => true))) return
        return this.options.jobs.add(wakeup)
      }
      case 'DOUBT':
        return this.#doubt(due)
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

  /** Tells SWF that a task is alive, and obeys; resolves to false when that ends it. Rejects as SWF and Redis do. */
  async #beat({ task, state, taskToken, details }: Omit<Extract<Due, { kind: 'BEAT' }>, 'kind'>): Promise<boolean> {
    const { records, log } = this.options
    const told = await this.#tellAlive(taskToken, details)
    if (told === 'CANCEL') await this.#end(task, taskToken, undefined, { kind: 'canceled' }, { state })
    if (told === 'CLOSED') {
      await records.done(task, undefined)
      log.info({ task: task.id, state }, 'task closed by SWF while nobody ran it')
    }
    return told === 'OPEN'
  }

  /** Closes the record of a task that SWF has closed, and gives one to the fleet that it still waits for. */
  async #doubt({ task, nonce, taskToken, details }: Extract<Due, { kind: 'DOUBT' }>): Promise<void> {
    const told = await this.#tellAlive(taskToken, details)
    if (told === 'CLOSED') await this.options.records.done(task, nonce)
    else await this.options.records.orphan(task, nonce)
  }

  async #tellAlive(taskToken: string, details: string | undefined): Promise<'OPEN' | 'CANCEL' | 'CLOSED'> {
    const { swf, metrics } = this.options
    try {
      const { cancelRequested } = await swf.recordActivityTaskHeartbeat({
        taskToken,
        ...(details !== undefined && { details }),
      })
      metrics.heartbeats.inc({ outcome: 'ok' })
      return cancelRequested ? 'CANCEL' : 'OPEN'
    } catch (error) {
      metrics.heartbeats.inc({ outcome: 'failed' })
      if (!isFault(error, 'UNKNOWN_RESOURCE')) throw error
      return 'CLOSED'
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
    try {
      if (!(await this.#take(task, nonce, outcome, state))) return
      await this.#tell(task, nonce, taskToken, outcome, facts, leave)
    } finally {
      records.giveUp(nonce)
    }
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
