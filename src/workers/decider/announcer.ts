// What the rest of the house hears of a decider's work. It is derived data: nothing of it fails a task.

import { hostname } from 'node:os'
import type { Publisher } from '../../feed/publisher.js'
import type { Tail } from '../../feed/tail.js'
import type { DeciderState, Queues } from '../../queues/queue.js'
import { isRedisAway } from '../../redis.js'
import { SECOND } from '../../swf/duration.js'
import type { HistoryEvent, WorkflowExecution } from '../../swf/history-event.js'
import { Recurring } from '../../recurring.js'
import type { Log } from '../../telemetry.js'
import { packageVersion } from '../package-version.js'

/** What a decider tells of itself. */
export type Presence = Omit<DeciderState, 'host' | 'pid' | 'version' | 'lastSeen'>

/** Told by a decider; none of its calls rejects. */
export interface Announcer {
  /** History that is fact, before its decision task is answered. */
  history(execution: WorkflowExecution, events: readonly HistoryEvent[]): Promise<void>
  /** The state that an accepted answer has set. */
  state(execution: WorkflowExecution, startedEventId: number, executionContext: string): Promise<void>
  /** SWF has taken an answer that asks to close the execution; whether it closes, its next events tell. */
  closing(execution: WorkflowExecution): void
  /** An activity was asked to stop; without an id all of the execution's are to. */
  cancel(execution: WorkflowExecution, activityId?: string): void
  /** A decider works from now on, and is what `presence` returns; the returned function says that it works no more. */
  present(presence: () => Presence): () => Promise<void>
}

/** For a decider whose work nobody follows. */
export const SILENT: Announcer = {
  history: async () => {},
  state: async () => {},
  closing: () => {},
  cancel: () => {},
  present: () => async () => {},
}

/** How often a decider shows itself in its domain, in milliseconds. */
const ANNOUNCE = SECOND

export interface FeedAnnouncerOptions {
  publisher: Publisher
  tail: Tail
  queues: Queues
  domain: string
  log: Log
}

/** Tells the feed, and gives hints to the activity workers. */
export class FeedAnnouncer implements Announcer {
  readonly #unpublished: Recurring

  constructor(private readonly options: FeedAnnouncerOptions) {
    this.#unpublished = new Recurring(options.log, {
      failed: 'history not published',
      worked: 'histories are published again',
    })
  }

  async history(execution: WorkflowExecution, events: readonly HistoryEvent[]): Promise<void> {
    const { publisher, domain, log } = this.options
    try {
      await publisher.publish(domain, execution, events)
      this.#unpublished.worked({ domain })
    } catch (error) {
      const fields = { domain, ...execution, err: (error as Error).message }
      if (isRedisAway(error)) this.#unpublished.failed('REDIS_UNAVAILABLE', fields)
      else log.error(fields, 'history not published')
    }
  }

  async state(execution: WorkflowExecution, startedEventId: number, executionContext: string): Promise<void> {
    const { publisher, domain } = this.options
    await publisher.state(domain, execution, startedEventId, executionContext).catch(this.#notPublished(execution))
  }

  closing(execution: WorkflowExecution): void {
    const { tail, domain } = this.options
    void tail.tail(domain, execution, { untilClosed: true }).catch(this.#notPublished(execution))
  }

  cancel({ runId }: WorkflowExecution, activityId?: string): void {
    const { queues, domain, log } = this.options
    void queues
      .hintCancel(domain, undefined, { runId }, activityId)
      .catch((error: Error) => log.warn({ runId, activityId, err: error.message }, 'cancel hint not given'))
  }

  present(presence: () => Presence): () => Promise<void> {
    const { queues, domain } = this.options
    const announce = async () => {
      const decider = { ...presence(), host: hostname(), pid: process.pid, version: packageVersion() }
      await queues.announceDecider(domain, decider)
    }
    // A sign of life that fails is not worth a word: the next comes in a second, and the connection logs that Redis is away.
    const show = () => void announce().catch(() => {})
    show()
    const timer = setInterval(show, ANNOUNCE)
    return async () => {
      clearInterval(timer)
      await queues.retireDecider(domain, presence().id).catch(() => {})
    }
  }

  #notPublished(execution: WorkflowExecution): (error: Error) => void {
    return error => {
      const fields = { ...execution, err: error.message }
      if (isRedisAway(error)) this.#unpublished.failed('REDIS_UNAVAILABLE', fields)
      else this.options.log.warn(fields, 'update not published')
    }
  }
}
