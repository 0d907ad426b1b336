// Jobs: BullMQ's part. A job only says "look at this task"; whether there is something to do, the task record decides.
//
// J1. A job carries no data beyond the task's id, returns nothing, is tried once, and leaves nothing behind.
// J2. A job's id names one wake-up: task, start, takeover, and whether it was added again.
// J3. The processor never throws: an outcome is SWF's affair, not BullMQ's.
// J4. BullMQ's own lock only frees a dead worker's job for the next; who owns a run is told by R2 and P4.

import { Queue, Worker } from 'bullmq'
import type { Redis } from '../redis.js'
import type { Log } from '../telemetry.js'
import { JOBS } from './keys.js'

/** Format of a job's data. */
const VERSION = 1

/** Which wake-up of which task. */
export interface Wakeup {
  id: string
  startedEventId: number
  takeovers: number
  again?: boolean
}

/** Returns the job id of a wake-up; the script DUE builds the same. */
export function jobId({ id, startedEventId, takeovers, again }: Wakeup): string {
  return `${id}-${startedEventId}-${takeovers}${again ? 'r' : ''}`
}

/** BullMQ's queue under a hash tag: adds jobs, and holds the limit of the fleet. */
export class JobQueue {
  readonly #queue: Queue

  constructor(redis: Redis, key: string, log: Log) {
    this.#queue = new Queue(JOBS, {
      connection: redis,
      prefix: key,
      streams: { events: { maxLen: 100 } },
      defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
    })
    this.#queue.on('error', error => log.debug({ err: error.message }, 'job queue error'))
  }

  /** Adds a job; an existing one stays. */
  async add(wakeup: Wakeup): Promise<void> {
    await this.#queue.add('task', { v: VERSION, task: wakeup.id }, { jobId: jobId(wakeup) })
  }

  /**
   * Sets how many jobs are active in the fleet at most. It holds jobs back at their start and wakes nobody:
   * workers look again by themselves within a second.
   */
  async limit(concurrency: number): Promise<void> {
    await this.#queue.setGlobalConcurrency(Math.max(1, concurrency))
  }

  async close(): Promise<void> {
    await this.#queue.close().catch(() => {})
  }
}

export interface JobRunnerOptions {
  /** A `blocking` connection; BullMQ duplicates it for its blocking reads. */
  redis: Redis
  key: string
  /** How many jobs run at a time; 0: paused. */
  concurrency: number
  /** How long BullMQ keeps a dead worker's job from others, in milliseconds. */
  lock: number
  /** How often BullMQ looks for such jobs, in milliseconds. */
  stalled: number
  /** Handles the wake-up of a task; must not reject. */
  run: (task: string) => Promise<void>
  /** BullMQ could not renew locks: somebody else may have been woken for these. */
  onLockLost: (tasks: string[]) => void
  log: Log
}

/** BullMQ's worker under a hash tag: takes jobs while there is room. */
export class JobRunner {
  readonly #worker: Worker
  #concurrency: number

  constructor({ redis, key, concurrency, lock, stalled, run, onLockLost, log }: JobRunnerOptions) {
    this.#concurrency = concurrency
    this.#worker = new Worker<{ task: string }>(
      JOBS,
      // A job whose data was lost still has its id, which begins with the task's.
      job => run(job.data.task ?? job.id?.split('-')[0] ?? ''),
      {
        connection: redis,
        prefix: key,
        autorun: false,
        concurrency: Math.max(1, concurrency),
        lockDuration: lock,
        stalledInterval: stalled,
        maxStalledCount: 1_000_000,
        drainDelay: 1,
        runRetryDelay: 1_000,
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
      },
    )
    this.#worker.on('error', error => log.debug({ err: error.message }, 'job runner error'))
    this.#worker.on('lockRenewalFailed', jobs => onLockLost(jobs.map(job => job.split('-')[0]!)))
  }

  get concurrency(): number {
    return this.#concurrency
  }

  /** Begins to take jobs. */
  start(): void {
    if (this.#concurrency === 0) void this.#worker.pause(true)
    this.#worker.run().catch(() => {})
  }

  /** Changes how many jobs run at a time, at once: raising does not wait for a running job to end. 0 pauses. */
  async setConcurrency(concurrency: number): Promise<void> {
    if (concurrency === this.#concurrency) return
    this.#concurrency = concurrency
    if (concurrency > 0) this.#worker.concurrency = concurrency
    await this.#worker.pause(true)
    if (concurrency > 0) await this.#worker.resume()
  }

  /** Takes no more jobs, waits for those that run, at most `patience` milliseconds, and closes its connections. */
  async close(patience: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const impatient = new Promise(resolve => (timer = setTimeout(resolve, patience)))
    await Promise.race([this.#worker.close().catch(() => {}), impatient])
    clearTimeout(timer)
  }
}
