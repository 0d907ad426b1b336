// The store that forgets everything when the process ends.

import type { Execution } from './execution.js'
import type { ClosedExecution, ClosedExecutions, ClosedQuery, Store } from './store.js'
import { passes } from './store.js'
import { closedExecution } from './description.js'

interface Kept extends ClosedExecution {
  readonly events: readonly string[]
}
type Orders = { readonly [By in ClosedQuery['by']]: { items: Kept[]; sorted: boolean } }

class ClosedInMemory implements ClosedExecutions {
  #runs = new Map<string, Kept>()
  #domains = new Map<string, Orders>()

  #orders(domain: string): Orders {
    let orders = this.#domains.get(domain)
    if (!orders) {
      orders = { startedAt: { items: [], sorted: true }, closedAt: { items: [], sorted: true } }
      this.#domains.set(domain, orders)
    }
    return orders
  }

  add(x: Execution): void {
    const kept: Kept = { ...closedExecution(x), events: x.events }
    this.#runs.set(kept.runId, kept)
    for (const order of Object.values(this.#orders(x.domain))) {
      order.items.push(kept)
      order.sorted = false
    }
  }

  forget(domain: string, closedBefore: number): void {
    const orders = this.#domains.get(domain)
    if (!orders) return
    for (const { runId, closedAt } of orders.closedAt.items) if (closedAt < closedBefore) this.#runs.delete(runId)
    for (const order of Object.values(orders)) order.items = order.items.filter(x => x.closedAt >= closedBefore)
  }

  find(domain: string, workflowId: string, runId: string): Kept | undefined {
    const kept = this.#runs.get(runId)
    return kept?.domain === domain && kept.workflowId === workflowId ? kept : undefined
  }

  events(execution: ClosedExecution, first: number, last: number): readonly string[] {
    return this.#runs.get(execution.runId)?.events.slice(first - 1, last) ?? []
  }

  list(query: ClosedQuery): ClosedExecution[] {
    const { by, after, newestFirst, limit } = query
    const found: ClosedExecution[] = []
    for (const x of this.#between(query)) {
      if (after && (x[by] - after[0] || x.serial - after[1]) * (newestFirst ? -1 : 1) <= 0) continue
      if (passes(x, query) && found.push(x) === limit) break
    }
    return found
  }

  count(query: ClosedQuery): number {
    let count = 0
    for (const x of this.#between(query)) if (passes(x, query)) count++
    return count
  }

  *#between({ domain, by, oldest, latest, newestFirst }: ClosedQuery): Generator<Kept> {
    const order = this.#orders(domain)[by]
    if (!order.sorted) {
      // What was there is in order and what came since nearly is: this sort takes about one pass.
      order.items.sort((a, b) => a[by] - b[by] || a.serial - b.serial)
      order.sorted = true
    }
    const { items } = order
    const from = items.findIndex(x => x[by] >= oldest)
    if (from < 0) return
    for (let i = newestFirst ? items.length - 1 : from; i >= from && i < items.length; i += newestFirst ? -1 : 1) {
      const x = items[i]!
      if (x[by] <= latest) yield x
      else if (!newestFirst) return
    }
  }
}

export class MemoryStore implements Store {
  readonly closedExecutions = new ClosedInMemory()
  putDomain(): void {}
  putType(): void {}
  deleteType(): void {}
  started(): void {}
  event(): void {}
  heartbeat(): void {}
  closed(execution: Execution, keep: boolean): void {
    if (keep) this.closedExecutions.add(execution)
  }
  forget(domain: string, closedBefore: number): void {
    this.closedExecutions.forget(domain, closedBefore)
  }
  afterCommit(reply: () => void): void {
    reply()
  }
  async close(): Promise<void> {}
}
