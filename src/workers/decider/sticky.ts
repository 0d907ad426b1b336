// The executions that a decider keeps in memory between decision tasks.
//
// S1. An execution is taken out while a decision task of it is worked on, so that nobody else advances it.
// S2. The least recently decided executions go first when there are too many, or when they are too big together; a dropped
//     one is replayed from its history.

import type { Run } from '../../workflow/replay/replay.js'

export interface CachedRun {
  run: Run
  /** The task list that its decision tasks go to when they are not sticky. */
  taskList: string
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
    this.#bytes -= cached.run.bytes
    return cached
  }

  put(runId: string, cached: CachedRun): void {
    if (this.capacity === 0) return cached.run.dispose()
    this.drop(runId)
    this.#runs.set(runId, cached)
    this.#bytes += cached.run.bytes
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
