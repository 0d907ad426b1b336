// The publisher: what a history says, written to the feed.
//
// W1. Events are published contiguously: those that Redis has are cut off, those that it lacks are read from SWF first.
// W2. Any number of publishers may write one run, each from its own part of the history: deciders, tails, sweepers.
//     The first one wins; the others derive again from what it left, and find that less or nothing is left to do.
// W3. A run that had been decided, and of which an emptied Redis has no record, has lost what subscribers saw of it: it is
//     written as a snapshot, which they are told of, and not as all its updates once more. Where Redis is whole, nobody
//     has published the run yet (Redis was away): then all its updates are due.

import type { Redis } from '../redis.js'
import type { SwfClient } from '../swf/client.js'
import { readHistory } from '../swf/history.js'
import type { HistoryEvent, WorkflowExecution } from '../swf/history-event.js'
import type { Log, Metrics } from '../telemetry.js'
import { encodeVersion, FeedStream, type Held } from './stream.js'
import { deriveState, deriveUpdates, type ExecutionSummary, type RunRecord } from './update.js'

export interface PublisherOptions {
  redis: Redis
  /** Read when events are missing. */
  swf: SwfClient
  /** @default 'swf-gateway' */
  prefix?: string
  log: Log
  /** Entries that a domain's stream keeps, about: how long one may be away and still resume. @default 100_000 */
  maxLength?: number
  /** How long Redis keeps the record of a closed run, in milliseconds. @default 30 * DAY */
  retention?: number
  /** Told of a started run at once, so that whoever started it can read it back from there. */
  index?: { learn(summary: ExecutionSummary): void }
  /** Where closes are counted that this publisher was the first to write. */
  metrics?: Pick<Metrics, 'executionsClosed'>
}

export interface PublishOptions {
  /**
   * How a run begins of which Redis has no record: with all its updates, or as a snapshot. A `quiet` one is told only
   * to subscribers of that run. @default 'snapshot' for a run that an emptied Redis must have known, else 'updates'
   */
  unknown?: 'updates' | 'snapshot' | 'quiet'
  /** How long to wait for missing events that SWF does not show yet, in milliseconds. @default 5 * SECOND */
  patience?: number
  /** What Redis holds of the run, where that has just been read. @default what this publisher remembers, which may have been lost */
  held?: Held
}

/** Records kept in memory, so that most appends are one round trip. */
const REMEMBERED = 5_000

export class Publisher {
  readonly #stream: FeedStream
  readonly #remembered = new Map<string, Held>()

  constructor(private readonly options: PublisherOptions) {
    this.#stream = new FeedStream(options.redis, options.prefix, options)
  }

  /**
   * Appends what `events` change: any contiguous part of the run's history. Reads from SWF what is missing before them.
   * Resolves when appended. Rejects when Redis is away, or SWF does not show what is missing; publishing the same, or
   * later, events again then appends whatever is due.
   */
  async publish(
    domain: string,
    execution: WorkflowExecution,
    events: readonly HistoryEvent[],
    { unknown, patience, held = this.#recall(execution) }: PublishOptions = {},
  ): Promise<void> {
    const base = contiguous(events) - 1
    const upto = base + events.length
    if (upto === base) return
    // What is remembered may be behind: only Redis knows that events are missing.
    if (!held || markOf(held) < base) held = base === 0 ? { at: '-' } : await this.#read(domain, execution)
    for (;;) {
      const record = 'record' in held ? held.record : undefined
      const mark = markOf(held)
      if (mark >= upto) return this.#remember(execution, held)
      const missing = mark < base ? await this.#missing(domain, execution, mark, base, patience) : []
      const fresh = [...missing, ...events.slice(Math.max(0, mark - base))]
      const derived = deriveUpdates(domain, execution, record, fresh)
      const start = record ? 'updates' : (unknown ?? (await this.#startOf(domain, held, fresh)))
      const snapshot = { kind: 'snapshot' as const, summary: derived.record.summary, quiet: start === 'quiet' }
      const entries = start === 'updates' ? derived.changes : [snapshot]
      const other = await this.#stream.append(domain, execution.runId, held.at, derived.record, entries)
      if (!other) {
        if (start === 'updates') this.#countClose(record, derived.record)
        return this.#remember(execution, { at: encodeVersion(derived.record.version), record: derived.record })
      }
      held = other
    }
  }

  /**
   * Appends what an accepted decision's executionContext changes, ahead of its DecisionTaskCompleted. Not for a closing
   * decision. Does nothing when the run has gone on from `startedEventId`, or has not been published up to it.
   */
  async state(
    domain: string,
    execution: WorkflowExecution,
    startedEventId: number,
    executionContext: string,
  ): Promise<void> {
    let held = this.#recall(execution) ?? (await this.#read(domain, execution))
    for (;;) {
      if (!('record' in held)) return
      const { eventId, n } = held.record.version
      if (eventId !== startedEventId || n !== 0 || held.record.summary.status !== 'OPEN') return
      const { record, changes } = deriveState(held.record, executionContext, Date.now())
      if (changes.length === 0) return
      const other = await this.#stream.append(domain, execution.runId, held.at, record, changes)
      if (!other) return this.#remember(execution, { at: encodeVersion(record.version), record })
      held = other
    }
  }

  /** Writes the record of a run that SWF has just started, and of which no event has been read. */
  async started(domain: string, summary: ExecutionSummary): Promise<void> {
    this.options.index?.learn(summary)
    const record = { version: { eventId: 0, n: 0 as const }, updated: 0, summary }
    await this.#stream.append(domain, summary.runId, '-', record, [{ kind: 'started', summary }])
  }

  /** Writes records of runs that SWF has listed, and of which Redis has none; nobody is told. */
  async listed(domain: string, summaries: readonly ExecutionSummary[]): Promise<void> {
    await Promise.all(summaries.map(summary => this.#stream.append(domain, summary.runId, '-', { summary }, [])))
  }

  #countClose(before: RunRecord | undefined, { summary: { type, status } }: RunRecord): void {
    if (status === 'OPEN' || (before && before.summary.status !== 'OPEN')) return
    this.options.metrics?.executionsClosed.inc({ workflowType: type.name, status })
  }

  async #read(domain: string, { runId }: WorkflowExecution): Promise<Held> {
    const [held] = await this.#stream.read(domain, [runId])
    return held!
  }

  /** The events after `mark`, up to `base`. */
  async #missing(
    domain: string,
    execution: WorkflowExecution,
    mark: number,
    base: number,
    patience?: number,
  ): Promise<HistoryEvent[]> {
    this.options.log.debug({ domain, ...execution, mark, base }, 'reading missing events')
    const options = { upTo: base, after: mark, ...(patience !== undefined && { patience }) }
    return readHistory(this.options.swf, domain, execution, options)
  }

  async #startOf(domain: string, held: Held, events: readonly HistoryEvent[]): Promise<'updates' | 'snapshot'> {
    if (!events.some(({ eventType }) => eventType === 'DecisionTaskCompleted')) return 'updates'
    return held.at === '-' && (await this.#stream.isWhole(domain)) ? 'updates' : 'snapshot'
  }

  #recall({ runId }: WorkflowExecution): Held | undefined {
    return this.#remembered.get(runId)
  }

  #remember({ runId }: WorkflowExecution, held: Held): void {
    this.#remembered.delete(runId)
    if ('record' in held && held.record.summary.status !== 'OPEN') return
    this.#remembered.set(runId, held)
    if (this.#remembered.size > REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value!)
  }
}

/** The last event that has been published. */
function markOf(held: Held): number {
  return 'record' in held ? held.record.version.eventId : 0
}

/** Returns the first event's id; throws when one is missing between the first and the last. */
function contiguous(events: readonly HistoryEvent[]): number {
  const first = events[0]?.eventId ?? 1
  if (events.some((event, i) => event.eventId !== first + i))
    throw new RangeError('events to publish must be contiguous, oldest first')
  return first
}
