// The executions that a decider keeps in memory between decision tasks.
//
// S1. An execution is taken out while a decision task of it is worked on, so that nobody else advances it.
// S2. The least recently decided execution goes first when there are too many; a dropped one is replayed from its history.

import type { Run } from '../../workflow/replay/replay.js'

export interface CachedRun {
  run: Run
  /** The task list that its decision tasks go to when they are not sticky. */
  taskList: string
}

export class StickyCache {
  readonly #runs = new Map<string, CachedRun>()
  constructor(
    /** The most executions to keep. */
    private readonly capacity: number,
  ) {}

  get size(): number {
    return this.#runs.size
  }

  /** Takes an execution out; put it back when its decision task is answered. */
  take(runId: string): CachedRun | undefined {
    const cached = this.#runs.get(runId)
    this.#runs.delete(runId)
    return cached
  }

  put(runId: string, cached: CachedRun): void {
    if (this.capacity === 0) return cached.run.dispose()
    this.drop(runId)
    this.#runs.set(runId, cached)
    if (this.#runs.size <= this.capacity) return
    const [oldest] = this.#runs.keys()
    this.drop(oldest!)
  }

  drop(runId: string): void {
    this.take(runId)?.run.dispose()
  }

  clear(): void {
    for (const runId of [...this.#runs.keys()]) this.drop(runId)
  }
}
