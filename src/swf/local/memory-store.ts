// The store that forgets everything when the process ends.

import type { Execution } from './execution.js'
import type { ClosedExecution, ClosedExecutions, ClosedQuery, Store } from './store.js'
import { firstAt } from './start-order.js'
import { passes, termOf, termsOf } from './filter.js'
import { closedExecution } from './description.js'

interface Kept extends ClosedExecution {
  /** The texts of the events, a line each: one text takes a third of the memory of many. */
  readonly history: string
}
/** Closed executions in the order of a time; sorted when they are looked at. */
interface Order {
  items: Kept[]
  sorted: boolean
}
type Orders = { readonly [By in ClosedQuery['by']]: Order }

class ClosedInMemory implements ClosedExecutions {
  #runs = new Map<string, Kept>()
  /** By domain and term. */
  #domains = new Map<string, Map<string, Orders>>()

  add(x: Execution): void {
    const kept: Kept = { ...closedExecution(x), history: x.events.join('\n') }
    this.#runs.set(kept.runId, kept)
    let terms = this.#domains.get(x.domain)
    if (!terms) this.#domains.set(x.domain, (terms = new Map<string, Orders>()))
    const { workflowId, closeStatus } = kept
    for (const term of [...termsOf(kept), termOf({ workflowId }), termOf({ closeStatus })]) {
      let orders = terms.get(term)
      if (!orders) {
        orders = { startedAt: { items: [], sorted: true }, closedAt: { items: [], sorted: true } }
        terms.set(term, orders)
      }
      for (const order of [orders.startedAt, orders.closedAt]) {
        order.items.push(kept)
        order.sorted = false
      }
    }
  }

  forget(domain: string, closedBefore: number): void {
    const terms = this.#domains.get(domain)
    if (!terms) return
    for (const [runId, x] of this.#runs) if (x.domain === domain && x.closedAt < closedBefore) this.#runs.delete(runId)
    for (const [term, orders] of terms) {
      for (const order of [orders.startedAt, orders.closedAt]) {
        order.items = order.items.filter(x => x.closedAt >= closedBefore)
      }
      if (orders.closedAt.items.length === 0) terms.delete(term)
    }
  }

  find(domain: string, workflowId: string, runId: string): Kept | undefined {
    const kept = this.#runs.get(runId)
    return kept?.domain === domain && kept.workflowId === workflowId ? kept : undefined
  }

  events(execution: ClosedExecution, first: number, last: number): readonly string[] {
    return (
      this.#runs
        .get(execution.runId)
        ?.history.split('\n')
        .slice(first - 1, last) ?? []
    )
  }

  list(query: ClosedQuery): ClosedExecution[] {
    const { by, after, newestFirst, limit } = query
    const found: ClosedExecution[] = []
    const range =
      after &&
      (newestFirst ? { latest: Math.min(query.latest, after[0]) } : { oldest: Math.max(query.oldest, after[0]) })
    for (const x of this.#between({ ...query, ...range })) {
      if (after && (x[by] - after[0] || x.serial - after[1]) * (newestFirst ? -1 : 1) <= 0) continue
      if (passes(x, query) && found.push(x) === limit) break
    }
    return found
  }

  count(query: ClosedQuery): number {
    const { items, from, to } = this.#range(query)
    if (query.typeVersion === undefined) return to - from
    let count = 0
    for (let i = from; i < to; i++) if (passes(items[i]!, query)) count++
    return count
  }

  *#between(query: ClosedQuery): Generator<Kept> {
    const { items, from, to } = this.#range(query)
    if (query.newestFirst) for (let i = to - 1; i >= from; i--) yield items[i]!
    else for (let i = from; i < to; i++) yield items[i]!
  }

  /** What closed in the time asked for, filtered by all but the version of its type. */
  #range({ domain, by, oldest, latest, ...filter }: ClosedQuery): { items: readonly Kept[]; from: number; to: number } {
    const order = this.#domains.get(domain)?.get(termOf(filter))?.[by]
    if (!order) return { items: [], from: 0, to: 0 }
    if (!order.sorted) {
      // What was there is in order and what came since nearly is: this sort takes about one pass.
      order.items.sort((a, b) => a[by] - b[by] || a.serial - b.serial)
      order.sorted = true
    }
    const { items } = order
    return { items, from: firstAt(items, oldest, by), to: firstAt(items, latest + 1, by) }
  }
}

export class MemoryStore implements Store {
  readonly closedExecutions = new ClosedInMemory()
  #replies: (() => void)[] = []
  putDomain(): void {}
  putType(): void {}
  deleteType(): void {}
  started(): void {}
  event(): void {}
  imported(): void {}
  heartbeat(): void {}
  closed(execution: Execution, keep: boolean): void {
    if (keep) this.closedExecutions.add(execution)
  }
  forget(domain: string, closedBefore: number): void {
    this.closedExecutions.forget(domain, closedBefore)
  }
  // The replies of one turn leave together: a write to a socket that wakes its reader costs twice as much as one that does not.
  afterCommit(reply: () => void): void {
    if (this.#replies.push(reply) > 1) return
    setImmediate(() => {
      const replies = this.#replies
      this.#replies = []
      for (const send of replies) send()
    })
  }
  async close(): Promise<void> {}
}
