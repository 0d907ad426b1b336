// The room of one process on one queue: how many activities it may run at a time, however they came to it.

export class Room {
  #limit = 0
  #taken = 0

  /** `onFree` is called whenever there is room again. */
  constructor(private readonly onFree: () => void) {}

  /** How many activities may run here at a time; 0: none begins. */
  get limit(): number {
    return this.#limit
  }

  /** Those that run go on when it is lowered. */
  set limit(limit: number) {
    this.#limit = limit
    this.#tell()
  }

  /** How many activities it has been taken for. */
  get taken(): number {
    return this.#taken
  }

  /** Tells whether there is room for one more. */
  get free(): boolean {
    return this.#taken < this.#limit
  }

  /** Takes room for one activity; returns undefined when there is none, else what gives it back, once. */
  take(): (() => void) | undefined {
    if (!this.free) return undefined
    this.#taken++
    let left = false
    return () => {
      if (left) return
      left = true
      this.#taken--
      this.#tell()
    }
  }

  #tell(): void {
    if (this.free) this.onFree()
  }
}
