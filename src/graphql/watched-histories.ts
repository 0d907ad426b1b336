// The histories that somebody watches: each is read once, however many watch it.
//
// WH1. The feed says that there is something new; SWF says what, and is asked again until it shows what the feed has told:
//      histories are eventually consistent.
// WH2. What the feed learns with the next decision task only, such as signals and started activities, is looked for now and
//      then, the less often the more runs are watched: all of them together cost a few reads a second.
// WH3. While SWF throttles or is away, those who watch wait, and miss nothing.

import { setTimeout as delay } from 'node:timers/promises'
import type { FeedItem, Subscriber } from '../feed/subscriber.js'
import { Backoff } from '../lifecycle.js'
import type { SwfClient } from '../swf/client.js'
import { SECOND } from '../swf/duration.js'
import { SwfFault } from '../swf/errors.js'
import { isCloseEvent, type HistoryEvent, type WorkflowExecution } from '../swf/history-event.js'
import { readHistory } from '../swf/history.js'
import type { Log } from '../telemetry.js'
import type { Histories } from './histories.js'
import type { Run } from './history.type.js'

export interface WatchedHistoriesOptions {
  subscriber: Pick<Subscriber, 'subscribe'>
  histories: Pick<Histories, 'read'>
  swf: SwfClient
  log: Log
  /** How often a run is looked at of which the feed tells nothing, in milliseconds. @default 5 * SECOND */
  every?: number
}

/** One who watches a history. */
export interface HistoryWatch {
  /** What is known of it, which grows. */
  readonly run: Run
  /**
   * Resolves to true as soon as there are more than so many events; to false when there will be none, as the run has closed or
   * the watch has ended. Rejects when SWF does not have the run.
   */
  beyond(count: number): Promise<boolean>
  end(): void
}

/** How long the feed may take before SWF is read without it, in milliseconds. */
const PATIENCE = SECOND
/** Reads a second, at most, of runs of which the feed tells nothing. */
const LOOKS = 10

export class WatchedHistories {
  readonly #runs = new Map<string, WatchedRun>()
  constructor(private readonly options: WatchedHistoriesOptions) {}

  watch(domain: string, execution: WorkflowExecution): HistoryWatch {
    const key = JSON.stringify([domain, execution.runId])
    let watched = this.#runs.get(key)
    if (!watched || watched.isLeft) {
      const made = new WatchedRun({ domain, ...execution, events: [] }, this.options, () => this.#every())
      this.#runs.set(key, (watched = made))
      void made.follow().finally(() => this.#runs.get(key) === made && this.#runs.delete(key))
    }
    return watched.join()
  }

  #every(): number {
    return Math.max(this.options.every ?? 5 * SECOND, (this.#runs.size * SECOND) / LOOKS)
  }
}

class WatchedRun {
  readonly #waiting = new Set<() => void>()
  readonly #over = new AbortController()
  #watches = 0
  #failure: { error: unknown } | undefined
  /** The last event that the feed has told of. */
  #told = 0
  #news = false
  #wake: (() => void) | undefined

  constructor(
    private readonly run: Run & { events: HistoryEvent[] },
    private readonly options: WatchedHistoriesOptions,
    private readonly every: () => number,
  ) {}

  /** Nobody watches it any more: it has stopped reading. */
  get isLeft(): boolean {
    return this.#watches === 0
  }

  join(): HistoryWatch {
    let left = false
    const { run } = this
    this.#watches++
    return {
      run,
      beyond: async count => {
        while (!left) {
          if (run.events.length > count) return true
          if (this.#failure) throw this.#failure.error
          if (this.#over.signal.aborted) return false
          await new Promise<void>(resolve => this.#waiting.add(resolve))
        }
        return false
      },
      end: () => {
        if (left) return
        left = true
        if (--this.#watches === 0) this.#over.abort()
        this.#tell()
      },
    }
  }

  /** Reads what there is, then what is new, until the run has closed or nobody watches it any more. */
  async follow(): Promise<void> {
    const { domain, workflowId, runId } = this.run
    const { signal } = this.#over
    signal.addEventListener('abort', () => this.#wake?.())
    const news = this.options.subscriber.subscribe(domain, { workflowId, runId }, { signal })
    const listening = this.#listen(news)
    // Whatever comes once the feed is heard is news. Without Redis there is none, and SWF is read all the same.
    const heard = news.ready.then(() => this.#hear())
    await Promise.race([heard, delay(PATIENCE, undefined, { signal }).catch(() => {})])
    try {
      do {
        await this.#read()
      } while (await this.#due())
    } catch (error) {
      this.#failure = { error }
    }
    this.#over.abort()
    this.#tell()
    await listening
  }

  async #listen(news: AsyncIterable<FeedItem>): Promise<void> {
    try {
      for await (const item of news) this.#hear(item.kind === 'changed' ? item.update.eventId : 0)
    } catch (error) {
      this.#failure = { error }
    }
    this.#over.abort()
  }

  #hear(eventId = 0): void {
    this.#told = Math.max(this.#told, eventId)
    this.#news = true
    this.#wake?.()
  }

  /** Resolves when it is time to read again; to false when that is not needed any more. */
  async #due(): Promise<boolean> {
    const last = this.run.events.at(-1)
    if (last && isCloseEvent(last)) return false
    const { signal } = this.#over
    if (!this.#news && !signal.aborted)
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, this.every())
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    return !signal.aborted
  }

  async #read(): Promise<void> {
    const { log } = this.options
    const { signal } = this.#over
    const { events, ...run } = this.run
    const backoff = new Backoff(50, 5_000)
    this.#news = false
    while (!signal.aborted) {
      try {
        for (const event of await this.#after(events.length)) events.push(event)
        this.#tell()
        if (events.length >= this.#told) return
      } catch (error) {
        if (!(error instanceof SwfFault && error.retryable)) throw error
        log.debug({ ...run, err: error.message }, 'watched history not read')
      }
      await backoff.wait(signal)
    }
  }

  async #after(count: number): Promise<readonly HistoryEvent[]> {
    const { domain, workflowId, runId } = this.run
    const { histories, swf } = this.options
    if (count === 0) return (await histories.read(domain, workflowId, runId)).events
    return readHistory(swf, domain, { workflowId, runId }, { after: count })
  }

  #tell(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }
}
