// Jobs: BullMQ's part. A job only says "look at this task"; whether there is something to do, the task record decides.
//
// J1. A job carries no data beyond the task's id, returns nothing, is tried once, and leaves nothing behind.
// J2. A job's id names one wake-up: task, start, takeover, and whether it was added again.
// J3. A job ends as soon as its task has begun, or need not begin: what becomes of a run is the record's affair and SWF's.
// J4. BullMQ's lock frees the job of a worker that died before it had looked; who owns a run is told by R2 and P4.
// J5. What Redis refuses is not asked again before the process has heard that Redis is well.
// J6. A process takes one job at a time, so that tasks begin in the order in which they were added. Without room it takes
//     none: what it has taken it puts back where it was, for others, until it is told to look again.

import { Queue, WaitingError, Worker, type Job } from 'bullmq'
import { isRedisAway, type Redis } from '../redis.js'
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
      skipVersionCheck: true,
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
  /** How long BullMQ keeps a dead worker's job from others, in milliseconds. */
  lock: number
  /** How often BullMQ looks for such jobs, in milliseconds. */
  stalled: number
  /** Tells whether a task could be run here. */
  hasRoom: () => boolean
  /** Looks at the task that a job names; must not reject. Resolves to false when it goes on waiting. */
  look: (task: string) => Promise<boolean>
  log: Log
}

/** BullMQ's worker under a hash tag: takes one job after the other while there is room. */
export class JobRunner {
  readonly #worker: Worker<JobData>
  readonly #options: JobRunnerOptions
  /** It takes no jobs. */
  #holding = false
  /** The last refusal that was logged. */
  #failure: string | undefined

  constructor(options: JobRunnerOptions) {
    const { redis, key, lock, stalled } = options
    this.#options = options
    this.#worker = new Worker<JobData>(JOBS, (job, token) => this.#process(job, token), {
      connection: redis,
      prefix: key,
      autorun: false,
      skipVersionCheck: true,
      concurrency: 1,
      lockDuration: lock,
      stalledInterval: stalled,
      maxStalledCount: 1_000_000,
      drainDelay: 1,
      runRetryDelay: 1_000,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    })
    this.#worker.on('error', error => this.#failed(error))
  }

  /** Begins to take jobs. */
  start(): void {
    this.#worker.run().catch(() => {})
  }

  /** Takes jobs again if there is room: it may have been without, or the fleet may have been full. */
  lookAgain(): void {
    if (!this.#holding || !this.#options.hasRoom()) return
    this.#holding = false
    void this.#worker.resume()
  }

  /** Takes no jobs, and waits at most `patience` milliseconds for its connections to close. */
  async close(patience: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const impatient = new Promise(resolve => (timer = setTimeout(resolve, patience)))
    await Promise.race([this.#worker.close().catch(() => {}), impatient])
    clearTimeout(timer)
  }

  async #process(job: Job<JobData>, token: string | undefined): Promise<void> {
    this.#failure = undefined
    // A job whose data was lost still has its id, which begins with the task's.
    const task = job.data.task ?? job.id?.split('-')[0] ?? ''
    const begun = this.#options.hasRoom() && (await this.#options.look(task))
    if (!begun || !this.#options.hasRoom()) await this.#hold()
    if (begun) return
    // Not put back, it is when its lock has run out.
    await job.moveToWait(token).catch(() => {})
    throw new WaitingError()
  }

  /** BullMQ asks again at once when Redis has refused it, as fast as it is refused: that waits until it is told to look again. */
  #failed(error: Error): void {
    const { log } = this.#options
    if (error.name !== 'ReplyError' && isRedisAway(error)) return log.debug({ err: error.message }, 'job runner error')
    if (this.#failure !== error.message) log.error({ err: error.message }, 'redis refuses jobs')
    this.#failure = error.message
    void this.#hold()
  }

  async #hold(): Promise<void> {
    this.#holding = true
    await this.#worker.pause(true)
  }
}
