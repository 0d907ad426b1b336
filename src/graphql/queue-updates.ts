// Queues as they change, for everybody who watches them.
//
// QU1. Redis is looked at once a second a domain, however many watch, and only while somebody does.
// QU2. Only the newest state of a queue matters: whoever is slow gets that, and not those before it.

import type { Queues, QueueState } from '../queues/queue.js'
import { SECOND } from '../swf/duration.js'
import type { Log } from '../telemetry.js'

/** One who watches: every queue of a domain, or one. */
class Watch implements AsyncIterableIterator<QueueState> {
  #news = new Map<string, QueueState>()
  #waiting: (() => void) | undefined
  #ended = false

  constructor(
    readonly taskList: string | undefined,
    private readonly leave: () => void,
  ) {}

  tell(queue: QueueState): void {
    if (this.taskList !== undefined && this.taskList !== queue.taskList) return
    this.#news.set(queue.taskList, queue)
    this.#waiting?.()
  }

  async next(): Promise<IteratorResult<QueueState>> {
    while (!this.#ended) {
      const [first] = this.#news
      if (first) {
        this.#news.delete(first[0])
        return { done: false, value: first[1] }
      }
      await new Promise<void>(resolve => (this.#waiting = resolve))
    }
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<QueueState>> {
    this.#ended = true
    this.leave()
    this.#waiting?.()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

interface Watched {
  readonly watches: Set<Watch>
  /** What was told last of each queue: its state, and the text by which it is compared. */
  readonly last: Map<string, { text: string; state: QueueState }>
  timer: NodeJS.Timeout | undefined
}

export class QueueUpdates {
  readonly #domains = new Map<string, Watched>()

  constructor(private readonly options: { queues: Queues; log: Log; interval?: number }) {}

  /** Watches the queues of a domain: each as it is now, then whenever it has changed. */
  subscribe(domain: string, taskList?: string): AsyncIterableIterator<QueueState> {
    let watched = this.#domains.get(domain)
    if (!watched) {
      watched = { watches: new Set(), last: new Map(), timer: undefined }
      this.#domains.set(domain, watched)
      void this.#look(domain, watched)
    }
    const { watches, last } = watched
    const watch = new Watch(taskList, () => {
      watches.delete(watch)
      if (watches.size === 0) this.#forget(domain)
    })
    watches.add(watch)
    for (const { state } of last.values()) watch.tell(state)
    return watch
  }

  /** Ends every watch. */
  stop(): void {
    for (const { watches } of [...this.#domains.values()]) for (const watch of [...watches]) void watch.return()
  }

  #forget(domain: string): void {
    clearTimeout(this.#domains.get(domain)?.timer)
    this.#domains.delete(domain)
  }

  async #look(domain: string, watched: Watched): Promise<void> {
    const { queues, log, interval = SECOND } = this.options
    try {
      for (const state of await queues.list(domain)) {
        const text = comparable(state)
        if (watched.last.get(state.taskList)?.text === text) continue
        watched.last.set(state.taskList, { text, state })
        for (const watch of watched.watches) watch.tell(state)
      }
    } catch (error) {
      log.debug({ domain, err: (error as Error).message }, 'queues not looked at')
    }
    if (this.#domains.get(domain) === watched) {
      watched.timer = setTimeout(() => void this.#look(domain, watched), interval).unref()
    }
  }
}

/** A state without what changes all the time. */
function comparable({ oldestAge: _age, observed, ...rest }: QueueState): string {
  const workers = observed.map(({ worker: { lastSeen: _seen, ...worker }, ...seen }) => ({ ...seen, worker }))
  return JSON.stringify({ ...rest, observed: workers })
}
