// What has a life: started once, stopped once.

/** A part of a process. `start` resolves when it is ready; `stop` when nothing of it is left running. Stop is safe to call twice. */
export interface Service {
  start(): Promise<void>
  stop(): Promise<void>
}

/** Starts services in order. When one fails, those before it are stopped again, and its error is thrown. */
export async function startAll(services: readonly Service[]): Promise<void> {
  const started: Service[] = []
  try {
    for (const service of services) {
      started.push(service)
      await service.start()
    }
  } catch (error) {
    await stopAll(started).catch(() => {})
    throw error
  }
}

/** Stops services in reverse order, every one even if another fails; then throws the first failure. */
export async function stopAll(services: readonly Service[]): Promise<void> {
  const errors: unknown[] = []
  for (const service of [...services].reverse()) await service.stop().catch((error: unknown) => errors.push(error))
  if (errors.length) throw errors[0]
}

/** Waits between tries of what may come back: doubles from `first` to `most` milliseconds, with jitter; `reset` after a success. */
export class Backoff {
  #next: number
  constructor(
    private readonly first = 100,
    private readonly most = 5_000,
  ) {
    this.#next = first
  }

  /** Resolves after the delay, or at once when `signal` is aborted. Never rejects. */
  wait(signal?: AbortSignal): Promise<void> {
    const delay = this.#next * (0.5 + Math.random() / 2)
    this.#next = Math.min(this.#next * 2, this.most)
    return new Promise(resolve => {
      if (signal?.aborted) return resolve()
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, delay)
      signal?.addEventListener('abort', done, { once: true })
    })
  }

  reset(): void {
    this.#next = this.first
  }
}
