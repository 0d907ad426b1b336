// The permits of one process on one queue, and the pollers that wait for one.
//
// W1. Requests are gathered: all pollers that wait are asked for in one ACQUIRE, behind whatever frees slots in that turn.
// W2. After a refusal nothing is asked until the next tick, or until a task of this process gives up its slot.

import type { Slots } from '../../queues/slots.js'

export class SlotPool {
  readonly #slots: Slots
  readonly #permits = new Set<string>()
  readonly #waiting: ((permit: string | undefined) => void)[] = []
  #spare: string[] = []
  /** For how many pollers Redis is being asked. */
  #asked = 0
  /** The next question leaves with this turn. */
  #asking = false
  #refused = false
  #freed = 0
  #open = false
  #closed = false
  /** Permits that were given under other rules, to be given back by polls that come back empty. */
  #outdated = new Set<string>()
  /** How many permits are to be given up by polls that come back empty. */
  #excess = 0

  constructor(slots: Slots) {
    this.#slots = slots
  }

  /** The permits that this process holds without a task; to be renewed with each tick. */
  get permits(): string[] {
    return [...this.#permits]
  }

  /** Resolves with a permit to poll; undefined when there will be none. */
  take(): Promise<string | undefined> {
    if (this.#closed) return Promise.resolve(undefined)
    const spare = this.#spare.pop()
    if (spare !== undefined) return Promise.resolve(spare)
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      this.#ask()
    })
  }

  /** A task of this process gives up its slot with what Redis is being asked in this turn. */
  slotFreed(): void {
    this.#freed++
    this.#refused = false
    this.#ask()
  }

  #offer(permits: readonly string[]): void {
    for (const permit of permits) {
      this.#permits.add(permit)
      const poller = this.#waiting.shift()
      if (poller) poller(permit)
      else this.#spare.push(permit)
    }
    if (this.#closed) this.#returnSpare()
  }

  /** Tells whether an empty poll may be followed by another with the same permit; if not, it has been given back. */
  keep(permit: string): boolean {
    if (this.#open && this.#excess === 0 && this.#permits.has(permit) && !this.#outdated.has(permit)) return true
    if (this.#excess > 0) this.#excess--
    this.giveBack(permit)
    return false
  }

  /** The rate has changed: open polls that come back empty are to ask again. */
  outdate(): void {
    this.#outdated = new Set(this.#permits)
    this.#returnSpare()
  }

  /** The permit has become a task's slot. */
  spend(permit: string): void {
    this.#permits.delete(permit)
  }

  giveBack(permit: string): void {
    if (this.#permits.delete(permit)) this.#slots.release([permit]).catch(() => {})
  }

  /** What the last tick told: how many slots are free, and whether polling is wanted at all. */
  refresh(free: number, open: boolean): void {
    this.#open = open && !this.#closed
    this.#excess = Math.max(0, -free)
    this.#refused = false
    if (!this.#open || this.#waiting.length === 0) this.#returnSpare()
    this.#ask()
  }

  /** Redis is away: no poll begins until the next refresh. */
  suspend(): void {
    this.#open = false
  }

  /** No poll begins any more; open ones go on. */
  close(): void {
    this.#closed = true
    this.#open = false
    for (const poller of this.#waiting.splice(0)) poller(undefined)
    this.#returnSpare()
  }

  #returnSpare(): void {
    const spare = this.#spare
    this.#spare = []
    for (const permit of spare) this.giveBack(permit)
  }

  /** How many pollers wait for whom Redis is not being asked. */
  get #wanted(): number {
    return this.#open ? this.#waiting.length - this.#asked : 0
  }

  #ask(): void {
    if (this.#asking || this.#refused || this.#wanted <= 0) return
    this.#asking = true
    this.#slots.atLast(() => {
      this.#asking = false
      const count = this.#wanted
      if (count > 0) void this.#acquire(count)
    })
  }

  async #acquire(count: number): Promise<void> {
    this.#asked += count
    const freed = this.#freed
    const permits = await this.#slots.acquire(count).catch(() => [])
    this.#asked -= count
    // What was given up since may have made place.
    this.#refused ||= permits.length < count && freed === this.#freed
    this.#offer(permits)
    this.#ask()
  }
}
