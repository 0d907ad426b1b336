// The tail of a run: what no decider will be told of: the closing event that a decision caused, a termination, a timeout.
//
// T1. History calls are eventually consistent: what they show is published, absence proves nothing and is asked about again.
// T2. A tail that waits for a close ends without one when the close was refused, or when its patience is over: the run
//     then has a next decision task, or the sweeper finds it.

import { monotonic } from '../clock.js'
import { Backoff } from '../lifecycle.js'
import type { Redis } from '../redis.js'
import type { SwfClient } from '../swf/client.js'
import { SECOND } from '../swf/duration.js'
import { readHistory } from '../swf/history.js'
import { isCloseEvent, type HistoryEvent, type WorkflowExecution } from '../swf/history-event.js'
import type { Log } from '../telemetry.js'
import type { PublishOptions, Publisher } from './publisher.js'
import { FeedStream, type Held } from './stream.js'

export interface TailOptions {
  swf: SwfClient
  publisher: Publisher
  redis: Redis
  /** @default 'swf-gateway' */
  prefix?: string
  log: Log
  /** How long to wait for a close that SWF does not show yet, in milliseconds. @default 10 * SECOND */
  patience?: number
}

export class Tail {
  readonly #stream: FeedStream
  readonly #running = new Map<string, Promise<void>>()
  constructor(private readonly options: TailOptions) {
    this.#stream = new FeedStream(options.redis, options.prefix)
  }

  /**
   * Publishes what SWF shows beyond what is published of a run; `untilClosed` waits for its closing event.
   * Rejects when SWF or Redis is out of reach.
   */
  async tail(
    domain: string,
    execution: WorkflowExecution,
    { untilClosed = false, ...publish }: { untilClosed?: boolean } & PublishOptions = {},
  ): Promise<void> {
    const key = `${execution.runId} ${untilClosed}`
    const running = this.#running.get(key)
    if (running) return running
    const tail = this.#tail(domain, execution, untilClosed, publish).finally(() => this.#running.delete(key))
    this.#running.set(key, tail)
    return tail
  }

  async #tail(
    domain: string,
    execution: WorkflowExecution,
    untilClosed: boolean,
    publish: PublishOptions,
  ): Promise<void> {
    const { swf, publisher, log, patience = 10 * SECOND } = this.options
    const backoff = new Backoff(25, SECOND)
    const until = monotonic() + patience
    for (let mine: number | undefined; ;) {
      const held = await this.#held(domain, execution)
      const { mark, closed } = markOf(held)
      // Someone else has taken the run further, and it is open: it has a decider.
      if (closed || (mine !== undefined && mark > mine)) return
      const events = await readHistory(swf, domain, execution, { after: mark })
      if (events.length > 0) await publisher.publish(domain, execution, events, { ...publish, held })
      if (!untilClosed || events.some(event => isCloseEvent(event) || isRefusedClose(event))) return
      if (monotonic() >= until) {
        log.info({ domain, ...execution }, 'no close seen yet')
        return
      }
      mine = events.at(-1)?.eventId ?? mark
      await backoff.wait()
    }
  }

  async #held(domain: string, { runId }: WorkflowExecution): Promise<Held> {
    const [held] = await this.#stream.read(domain, [runId])
    return held!
  }
}

function markOf(held: Held): { mark: number; closed: boolean } {
  if (!('record' in held)) return { mark: 0, closed: false }
  return { mark: held.record.version.eventId, closed: held.record.summary.status !== 'OPEN' }
}

function isRefusedClose({ eventType }: HistoryEvent): boolean {
  return (
    eventType === 'CompleteWorkflowExecutionFailed' ||
    eventType === 'FailWorkflowExecutionFailed' ||
    eventType === 'CancelWorkflowExecutionFailed' ||
    eventType === 'ContinueAsNewWorkflowExecutionFailed'
  )
}
