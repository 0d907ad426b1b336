// A reader that needs no connection of its own: it asks Redis for what is new, again and again.

import { Backoff } from '../lifecycle.js'
import type { Log } from '../telemetry.js'
import type { Follower, Following } from './reader.js'
import type { FeedStream } from './stream.js'

/** Milliseconds between two looks. */
const EVERY = 50

/** Follows streams as FeedReader does, up to 50 ms later. */
export class PollingReader {
  constructor(
    private readonly stream: FeedStream,
    private readonly log: Log,
    private readonly signal: AbortSignal,
  ) {}

  follow(domain: string, follower: Follower): Following {
    const stopping = new AbortController()
    const stop = () => {
      stopping.abort()
      this.signal.removeEventListener('abort', stop)
    }
    this.signal.addEventListener('abort', stop, { once: true })
    const ready = new Promise<string>(resolve => void this.#run(domain, follower, stopping.signal, resolve))
    return { ready, stop }
  }

  async #run(
    domain: string,
    follower: Follower,
    signal: AbortSignal,
    positioned: (streamId: string) => void,
  ): Promise<void> {
    const backoff = new Backoff(EVERY, 2_000)
    const pause = new Backoff(EVERY * 1.5, EVERY * 1.5)
    let position: string | undefined
    while (!signal.aborted) {
      try {
        if (position === undefined) positioned((position = await this.stream.lastId(domain)))
        const page = await this.stream.after(domain, position)
        if (signal.aborted) return
        if (!page) {
          position = await this.stream.lastId(domain)
          follower.broken(position, 'FEED_LOST')
        } else if (page.length > 0) {
          position = page.at(-1)!.streamId
          follower.entries(page)
        } else {
          follower.caughtUp?.()
          await pause.wait(signal)
        }
        backoff.reset()
      } catch (error) {
        this.log.debug({ domain, err: (error as Error).message }, 'feed not read')
        await backoff.wait(signal)
      }
    }
  }
}
