// A bounded queue between one who may not wait and one who may be slow.

/** Holds up to `capacity` items for a consumer. Where one more would not fit, all are dropped for what `overflow` gives. */
export class Ring<T> {
  #items: T[] = []
  #head = 0
  #wake: (() => void) | undefined
  #ended = false
  constructor(
    private readonly capacity: number,
    private readonly overflow: (dropped: T) => T,
  ) {}

  get size(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    if (this.#ended) return
    if (this.size >= this.capacity) {
      this.clear()
      item = this.overflow(item)
    }
    this.#items.push(item)
    this.#wake?.()
  }

  clear(): void {
    this.#items = []
    this.#head = 0
  }

  /** Lets the consumer go, without what it has not taken. */
  end(): void {
    this.#ended = true
    this.clear()
    this.#wake?.()
  }

  /** Resolves to the next item as soon as there is one; to undefined when ended. One consumer at a time. */
  async take(): Promise<T | undefined> {
    while (this.size === 0) {
      if (this.#ended) return undefined
      await new Promise<void>(resolve => (this.#wake = resolve))
      this.#wake = undefined
    }
    const item = this.#items[this.#head]!
    this.#items[this.#head++] = undefined as T
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }
}
