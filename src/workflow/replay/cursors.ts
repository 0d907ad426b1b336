// Cursors: how far the loops of a workflow are. They go from run to run when it continues as new.

export class Cursors {
  readonly #values = new Map<string, unknown>()
  readonly #taken = new Set<string>()

  /** Returns where a loop begins in this run; undefined at its very beginning. Throws when two loops have one name. */
  begin(loop: string): unknown {
    if (this.#taken.has(loop)) throw new RangeError(`two loops of one run have the cursor ${loop}: give each its own`)
    this.#taken.add(loop)
    return this.#values.get(loop)
  }

  set(loop: string, value: unknown): void {
    this.#values.set(loop, value)
  }

  entries(): Record<string, unknown> {
    return Object.fromEntries(this.#values)
  }

  restore(values: Record<string, unknown> = {}): void {
    for (const [loop, value] of Object.entries(values)) this.#values.set(loop, value)
  }
}
