// What polls tell of SWF. One that SWF holds open is as good a sign as one that it answers: idle domains have no others.

import { reduces, stops, type Lack } from '../probes.js'
import { SECOND } from '../swf/duration.js'
import { isFault } from '../swf/errors.js'
import type { SwfReach } from '../swf/reach.js'

/** A poll that has been open for so long has been taken, in milliseconds: a refusal comes at once. */
const HELD = 2 * SECOND
/** A poll that fails alone is no news: connections break. */
const MANY = 2
/** How long polls that SWF throttled are spoken of, in milliseconds. */
const LATELY = 10 * SECOND

export class PollHealth {
  readonly #open = new Set<{ since: number }>()
  #failures = 0
  #failed: { at: number; message: string } | undefined
  #throttledAt = Number.NEGATIVE_INFINITY

  constructor(
    private readonly reach: SwfReach,
    /** What is polled, in words. */
    private readonly what: string,
  ) {}

  /** Polls, and takes note of how that ends. Rejects as the poll does. */
  async poll<T>(poll: () => Promise<T>): Promise<T> {
    const open = { since: performance.now() }
    this.#open.add(open)
    try {
      const answer = await poll()
      this.#failures = 0
      this.reach.answered()
      return answer
    } catch (error) {
      const at = performance.now()
      if (isFault(error, 'THROTTLED')) this.#throttledAt = at
      else {
        this.#failures++
        this.#failed = { at, message: (error as Error).message }
      }
      throw error
    } finally {
      this.#open.delete(open)
    }
  }

  /** Says what polls lack. */
  lacks(): Lack[] {
    const now = performance.now()
    const { at, message } = this.#failed ?? { at: now, message: '' }
    if ([...this.#open].some(({ since }) => since > at && now - since > HELD)) this.#failures = 0
    if (this.#failures >= MANY) return [stops(`SWF does not take polls of ${this.what}: ${message}`)]
    if (now - this.#throttledAt < LATELY) return [reduces(`SWF throttles polls of ${this.what}`)]
    return []
  }
}
