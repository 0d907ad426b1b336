// The executions that a decider keeps in memory between decision tasks.
//
// S1. An execution is taken out while a decision task of it is worked on, so that nobody else advances it.
// S2. The least recently decided executions go first when there are too many, or when they are too big together; a dropped
//     one is replayed from its history.

import type { HistoryEvent } from '../../swf/history-event.js'
import { attributesOf } from '../../swf/history-event.js'
import type { Run } from '../../workflow/replay/replay.js'

export interface CachedRun {
  run: Run
  /** The task list that its decision tasks go to when they are not sticky. */
  taskList: string
  /** About how much memory it takes. */
  bytes: number
}

/** What a run takes by itself, and what it takes for an event, apart from texts; measured by `npm run bench -- decider`. */
const RUN_BYTES = 4_096
const EVENT_BYTES = 200

/** Returns about how much memory a run takes after it was fed these events; what a workflow makes of them is its own affair. */
export function bytesOf(events: readonly HistoryEvent[]): number {
  let bytes = events[0]?.eventId === 1 ? RUN_BYTES : 0
  for (const event of events) {
    bytes += EVENT_BYTES
    for (const value of Object.values(attributesOf(event))) if (typeof value === 'string') bytes += value.length
  }
  return bytes
}

export class StickyCache {
  readonly #runs = new Map<string, CachedRun>()
  #bytes = 0
  constructor(
    /** The most executions to keep. */
    private readonly capacity: number,
    /** The most memory that they may take together, in bytes. */
    private readonly capacityBytes: number,
  ) {}

  /** About how much memory the executions take. */
  get bytes(): number {
    return this.#bytes
  }

  get size(): number {
    return this.#runs.size
  }

  /** Takes an execution out; put it back when its decision task is answered. */
  take(runId: string): CachedRun | undefined {
    const cached = this.#runs.get(runId)
    if (!cached) return undefined
    this.#runs.delete(runId)
    this.#bytes -= cached.bytes
    return cached
  }

  put(runId: string, cached: CachedRun): void {
    if (this.capacity === 0) return cached.run.dispose()
    this.drop(runId)
    this.#runs.set(runId, cached)
    this.#bytes += cached.bytes
    for (const oldest of this.#runs.keys()) {
      if (this.#runs.size <= this.capacity && this.#bytes <= this.capacityBytes) return
      this.drop(oldest)
    }
  }

  drop(runId: string): void {
    this.take(runId)?.run.dispose()
  }

  clear(): void {
    for (const runId of [...this.#runs.keys()]) this.drop(runId)
  }
}
