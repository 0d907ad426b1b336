// What time it is for SWF. Deadlines travel in SWF's time, and this machine's clock may be minutes off.

import { monotonic } from '../clock.js'

const RESOLUTION = 1_000

/**
 * SWF's clock, learned from the Date header of its answers: a second's resolution, which narrows with every answer. Until the
 * first one, and over a transport without headers, it is this machine's.
 */
export class SwfClock {
  /** SWF's time at moment 0 of `monotonic` is between these. */
  #least = -Infinity
  #most = Infinity
  #text = ''
  #date = NaN

  /** Takes note of an answer: its Date header, and the moment of the request. */
  heard(text: string | undefined, asked: number): void {
    if (!text) return
    if (text !== this.#text) {
      this.#text = text
      this.#date = Date.parse(text)
    }
    if (Number.isNaN(this.#date)) return
    const least = this.#date - monotonic()
    const most = this.#date + RESOLUTION - asked
    // Where an answer contradicts the others, a clock was set, or the two have drifted apart.
    const contradicts = least > this.#most || most < this.#least
    this.#least = contradicts ? least : Math.max(this.#least, least)
    this.#most = contradicts ? most : Math.min(this.#most, most)
  }

  /** SWF's time in milliseconds since 1970; never later than it is, and a second earlier at most as a rule. */
  now(): number {
    return this.#known ? monotonic() + this.#least : Date.now()
  }

  /** About what time it is for SWF: by this machine's clock, put right where it is off. Unlike `now`, it goes evenly. */
  about(): number {
    return Date.now() - this.ahead
  }

  /** How far this machine's clock is ahead of SWF's, in milliseconds; negative: behind. 0 for what the header cannot tell. */
  get ahead(): number {
    if (!this.#known) return 0
    const here = Date.now() - monotonic()
    // The answer to a poll that was held open says little of when it was written, other than that it was before it came.
    const most = Math.min(this.#most, this.#least + RESOLUTION)
    return here > most ? here - most : here < this.#least ? here - this.#least : 0
  }

  get #known(): boolean {
    return this.#least !== -Infinity
  }
}
