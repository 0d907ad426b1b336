// Topics: which subscription hears of which run. A run's entry is offered to those who named it, and to those who named none.

import type { ResyncReason } from './resync-reason.js'
import type { Follower, Following } from './reader.js'
import type { Entry } from './stream.js'
import type { ExecutionSummary } from './update.js'

/** What a subscription is about: one run, all runs of a workflowId, or all of a domain; and of those what the filter lets through. */
export interface Topic {
  workflowId?: string
  runId?: string
  filter?: (summary: ExecutionSummary) => boolean
}

export interface Listener {
  entry(entry: Entry): void
  broken(streamId: string, reason: ResyncReason): void
}

/** The listeners of one domain. */
export class Topics implements Follower {
  following: Following | undefined
  readonly #all = new Set<Listener>()
  readonly #named = new Map<string, Set<Listener>>()
  readonly #everyone = new Set<Listener>()

  get size(): number {
    return this.#everyone.size
  }

  /** Adds a listener; returns what takes it away again. */
  add({ runId, workflowId }: Topic, listener: Listener): () => void {
    const name = runId !== undefined ? `r ${runId}` : workflowId !== undefined ? `w ${workflowId}` : undefined
    const listeners = name === undefined ? this.#all : (this.#named.get(name) ?? new Set())
    if (name !== undefined) this.#named.set(name, listeners)
    listeners.add(listener)
    this.#everyone.add(listener)
    return () => {
      this.#everyone.delete(listener)
      listeners.delete(listener)
      if (name !== undefined && listeners.size === 0) this.#named.delete(name)
    }
  }

  entries(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.kind === 'resync') {
        for (const listener of this.#everyone) listener.entry(entry)
        continue
      }
      for (const listener of this.#all) listener.entry(entry)
      const { runId, workflowId } = entry.summary
      for (const listener of this.#named.get(`r ${runId}`) ?? []) listener.entry(entry)
      for (const listener of this.#named.get(`w ${workflowId}`) ?? []) listener.entry(entry)
    }
  }

  broken(streamId: string, reason: ResyncReason): void {
    for (const listener of this.#everyone) listener.broken(streamId, reason)
  }
}
