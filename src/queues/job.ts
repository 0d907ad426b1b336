// Jobs: BullMQ's part. A job only says "look at this task"; whether there is something to do, the task record decides.
//
// J1. A job carries no data beyond the task's id, returns nothing, is tried once, and leaves nothing behind.
// J2. A job's id names one wake-up: task, start, takeover, and whether it was added again.
// J3. The processor never throws: an outcome is SWF's affair, not BullMQ's.
// J4. BullMQ's own lock only frees a dead worker's job for the next; who owns a run is told by R2 and P4.
// J5. A process without room for a job puts it back for others, and takes none until it is told to look again.

import { Queue, WaitingError, Worker, type Job } from 'bullmq'
import type { Redis } from '../redis.js'
import type { Log } from '../telemetry.js'
import { JOBS } from './keys.js'

/** Format of a job's data. */
const VERSION = 1

interface JobData {
  v: number
  task?: string
}

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

/** BullMQ's queue under a hash tag: adds jobs. */
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
  /** Handles the wake-up of a task; must not reject. Resolves to false when the task is not to be run here and now. */
  run: (task: string) => Promise<boolean>
  /** BullMQ could not renew locks: somebody else may have been woken for these. */
  onLockLost: (tasks: string[]) => void
  log: Log
}

/** BullMQ's worker under a hash tag: takes jobs while there is room. */
export class JobRunner {
  readonly #worker: Worker<JobData>
  readonly #run: JobRunnerOptions['run']
  #concurrency: number
  /** A job was put back. */
  #holding = false

  constructor({ redis, key, concurrency, lock, stalled, run, onLockLost, log }: JobRunnerOptions) {
    this.#concurrency = concurrency
    this.#run = run
    this.#worker = new Worker<JobData>(JOBS, (job, token) => this.#process(job, token), {
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
    })
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
    await this.#resume()
  }

  /** Takes jobs again after one was put back: there may be room now. */
  lookAgain(): void {
    if (this.#holding) void this.#resume()
  }

  async #resume(): Promise<void> {
    this.#holding = false
    if (this.#concurrency > 0) await this.#worker.resume()
  }

  async #process(job: Job<JobData>, token: string | undefined): Promise<void> {
    // A job whose data was lost still has its id, which begins with the task's.
    if (await this.#run(job.data.task ?? job.id?.split('-')[0] ?? '')) return
    this.#holding = true
    await this.#worker.pause(true)
    // Not put back, it is when its lock has run out.
    await job.moveToWait(token).catch(() => {})
    throw new WaitingError()
  }

  /** Takes no more jobs, waits for those that run, at most `patience` milliseconds, and closes its connections. */
  async close(patience: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const impatient = new Promise(resolve => (timer = setTimeout(resolve, patience)))
    await Promise.race([this.#worker.close().catch(() => {}), impatient])
    clearTimeout(timer)
  }
}
