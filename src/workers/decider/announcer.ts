// What the rest of the house hears of a decider's work. It is derived data: nothing of it fails a task.

import type { Publisher } from '../../feed/publisher.js'
import type { Tail } from '../../feed/tail.js'
import type { Queues } from '../../queues/queue.js'
import { isRedisAway } from '../../redis.js'
import type { HistoryEvent, WorkflowExecution } from '../../swf/history-event.js'
import type { Log } from '../../telemetry.js'

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
}

/** For a decider whose work nobody follows. */
export const SILENT: Announcer = {
  history: async () => {},
  state: async () => {},
  closing: () => {},
  cancel: () => {},
}

export interface FeedAnnouncerOptions {
  publisher: Publisher
  tail: Tail
  queues: Queues
  domain: string
  log: Log
}

/** Tells the feed, and gives hints to the activity workers. */
export class FeedAnnouncer implements Announcer {
  constructor(private readonly options: FeedAnnouncerOptions) {}

  async history(execution: WorkflowExecution, events: readonly HistoryEvent[]): Promise<void> {
    const { publisher, domain, log } = this.options
    try {
      await publisher.publish(domain, execution, events)
    } catch (error) {
      const fields = { ...execution, err: (error as Error).message }
      if (isRedisAway(error)) log.warn(fields, 'history not published: redis is out of reach')
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

  #notPublished(execution: WorkflowExecution): (error: Error) => void {
    return error => this.options.log.warn({ ...execution, err: error.message }, 'update not published')
  }
}
