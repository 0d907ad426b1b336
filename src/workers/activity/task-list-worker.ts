// One task list in one process: its pollers, its share of the slots, its processors.
//
// B1. A permit before a poll; an empty poll keeps it. A poll is never aborted: its task would be lost.
// B2. A polled task is put into Redis, and begins here with that when there is room and nobody waits; else a job follows it.
//     It is remembered here until somebody has begun it.
// B3. Settings are obeyed with the tick that brings them, and reported with the next, which follows at once.
// B4. When Redis is away, hangs or takes no writes, no poll begins; what runs goes on and answers SWF directly, and what
//     waits is kept alive from here. It is looked for until it is back, from the start on.
// B5. When this process was silent for too long, or Redis has lost its data, every run asks whether it still owns its task.
// B6. On stop: no more polls and no more jobs; open polls are waited for and their tasks left to others; handlers may end.
//     When nobody is left, what waits is handed back to SWF.
// B7. What this process answers for it says with each tick, and compares what it runs with what Redis knows: one that has fallen
//     behind is put right within seconds.

import { monotonic } from '../../clock.js'
import { Backoff } from '../../lifecycle.js'
import { JobQueue, JobRunner } from '../../queues/job.js'
import { queueKey } from '../../queues/keys.js'
import { allowedHere, type QueueSettings } from '../../queues/settings.js'
import { Slots, type TickReply } from '../../queues/slots.js'
import { taskBatch, TaskRecords } from '../../queues/task-record.js'
import { redisTrouble, type Redis } from '../../redis.js'
import { stops, type Lack } from '../../probes.js'
import type { SwfClient } from '../../swf/client.js'
import { SECOND } from '../../swf/duration.js'
import { isFault } from '../../swf/errors.js'
import type { SwfReach } from '../../swf/reach.js'
import { typeKey } from '../../swf/type-key.js'
import { Recurring } from '../../recurring.js'
import type { Log, Metrics } from '../../telemetry.js'
import type { Handler } from '../definitions.js'
import { PollHealth } from '../poll-health.js'
import { Caretaker } from './caretaker.js'
import { HeldTasks } from './held-tasks.js'
import { within } from './patience.js'
import { Processor } from './processor.js'
import { Room } from './room.js'
import { SlotPool } from './slot-pool.js'
import { polledTask } from './task.js'
import { timingOf, type Timing } from './timing.js'

/** How long Redis may take for a sign of life before this process does without it, in milliseconds. */
const PATIENCE = 1_000

export interface TaskListOptions {
  swf: SwfClient
  reach: SwfReach
  /** `commands` and `blocking` connections, shared by the task lists of the process. */
  redis: Redis
  blocking: Redis
  prefix: string
  domain: string
  taskList: string
  /** Names this process in the fleet. */
  process: string
  identity: string
  handlers: readonly Handler[]
  /** Obeyed until an operator says otherwise. */
  defaults: QueueSettings
  pollers: number
  grace: number
  log: Log
  metrics: Metrics
}

export class TaskListWorker {
  readonly #options: TaskListOptions
  readonly #handlers: ReadonlyMap<string, Handler>
  readonly #timing: Timing
  readonly #slots: Slots
  readonly #pool: SlotPool
  readonly #room: Room
  readonly #records: TaskRecords
  readonly #jobs: JobQueue
  readonly #held: HeldTasks
  readonly #processor: Processor
  readonly #caretaker: Caretaker
  readonly #runner: JobRunner
  readonly #polls: PollHealth
  readonly #draining = new AbortController()
  readonly #log: Log
  #settings: QueueSettings
  #epoch: string | undefined
  /** Hints already obeyed, with their times: a hint stays for some seconds. */
  #hinted = new Map<string, number>()
  #pollers: Promise<void>[] = []
  #ticking: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  /** Why nothing is polled; undefined when Redis is well. */
  #redisAway: string | undefined
  /** No sign of life has been answered yet. */
  #first = true
  readonly #pollFailures: Recurring

  constructor(options: TaskListOptions) {
    const { swf, redis, prefix, domain, taskList, process, handlers, defaults, metrics, grace } = options
    this.#options = options
    this.#log = options.log.child({ taskList })
    this.#pollFailures = new Recurring(this.#log, {
      failed: 'poll failed, trying again',
      worked: 'swf answers polls again',
      level: 'error',
    })
    this.#polls = new PollHealth(options.reach, `task list ${taskList}`)
    this.#handlers = new Map(handlers.map(handler => [typeKey(handler.definition), handler]))
    this.#timing = timingOf(handlers)
    this.#settings = defaults
    const key = queueKey(prefix, domain, taskList)
    const log = this.#log
    const batch = taskBatch(redis, key)
    this.#slots = new Slots(redis, key, process, batch)
    this.#pool = new SlotPool(this.#slots)
    this.#records = new TaskRecords(redis, key, process, batch)
    this.#jobs = new JobQueue(redis, key, log)
    this.#room = new Room(() => this.#runner.lookAgain())
    this.#held = new HeldTasks({
      ...{ records: this.#records, jobs: this.#jobs, room: this.#room, swf, log, metrics },
      onBegun: (run, payload, leave) => void this.#processor.begun(run, payload, leave),
      onUnsure: (task, nonce) => this.#processor.finish(task, nonce),
    })
    this.#processor = new Processor({
      ...{ swf, records: this.#records, room: this.#room, handlers: this.#handlers },
      ...{ domain, taskList, log, metrics, grace },
      shuttingDown: this.#draining.signal,
      onFreed: () => this.#pool.slotFreed(),
      onClaimed: task => this.#held.forget(task),
    })
    this.#caretaker = new Caretaker({
      ...{ redis, key, process, records: this.#records, jobs: this.#jobs, swf, log, metrics },
      expired: facts => this.#processor.expired(facts),
      onUnsure: (task, nonce) => this.#processor.finish(task, nonce),
    })
    this.#runner = new JobRunner({
      ...{ redis: options.blocking, key, log, stalled: this.#timing.stalled },
      lock: this.#timing.lease,
      hasRoom: () => this.#room.free,
      look: task => this.#processor.look(task),
    })
  }

  /** Begins to work; without Redis, as soon as it is there. */
  async start(): Promise<void> {
    this.#room.limit = allowedHere(this.#settings)
    await this.#tick().catch((error: Error) => this.#away(error))
    this.#runner.start()
    this.#pollers = Array.from({ length: this.#options.pollers }, () => this.#poll())
    this.#next()
  }

  /** Stops polling, lets handlers end for `drain` milliseconds, then asks them to stop. Resolves when nothing is left. */
  async stop(drain: number): Promise<void> {
    this.#draining.abort()
    this.#pool.close()
    this.#room.limit = 0
    this.wake()
    const stopHandlers = setTimeout(() => this.#processor.stopAll('SHUTDOWN'), drain)
    const leave = setTimeout(() => this.#processor.leave(), drain + this.#options.grace + 2 * SECOND)
    await Promise.all([...this.#pollers, this.#idle()])
    clearTimeout(stopHandlers)
    clearTimeout(leave)
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#ticking
    // The last tick may have begun what was not in Redis yet.
    await this.#idle()
    if (this.#redisAway === undefined) {
      await this.#caretaker.handBack().catch(() => {})
      await this.#processor.finishLate()
      await this.#slots.leave(this.#pool.permits).catch(() => {})
    }
    await this.#runner.close(this.#options.redis.status !== 'ready' ? SECOND / 2 : 5 * SECOND)
    await this.#jobs.close()
  }

  /** Shows a sign of life at once: Redis is back. */
  wake(): void {
    if (!this.#stopped && this.#timer && !this.#ticking) this.#next(0)
  }

  /** How many activities it runs. */
  get active(): number {
    return this.#processor.active
  }

  /** What this task list lacks to be worked on; what the process lacks of Redis may have been said already. */
  lacks(redisSaid: boolean): Lack[] {
    const { taskList } = this.#options
    const redis =
      redisSaid || this.#redisAway === undefined ? [] : [stops(`${this.#redisAway} (task list ${taskList})`)]
    return [...redis, ...this.#polls.lacks()]
  }

  async #idle(): Promise<void> {
    const homeless = () => this.#redisAway === undefined && this.#held.homeless
    while (this.#processor.busy > 0 || homeless()) await new Promise(resolve => setTimeout(resolve, 20))
  }

  async #poll(): Promise<void> {
    const { swf, domain, taskList, identity } = this.#options
    const { signal } = this.#draining
    const backoff = new Backoff()
    let kept: string | undefined
    while (!signal.aborted) {
      const permit: string | undefined = kept ?? (await this.#pool.take())
      kept = undefined
      if (permit === undefined) return
      try {
        const answer = await this.#polls.poll(() =>
          swf.pollForActivityTask({ domain, taskList: { name: taskList }, identity }),
        )
        this.#pollAnswered()
        backoff.reset()
        const task = polledTask(answer, this.#handlers, monotonic(), swf.clock.now())
        if (task) {
          this.#pool.spend(permit)
          void this.#held.add(task, permit)
        } else if (this.#pool.keep(permit)) kept = permit
      } catch (error) {
        this.#pollFailed(error)
        this.#pool.giveBack(permit)
        await backoff.wait(signal)
      }
    }
    if (kept !== undefined) this.#pool.giveBack(kept)
  }

  #pollAnswered(): void {
    this.#pollFailures.worked()
  }

  #pollFailed(error: unknown): void {
    const { domain } = this.#options
    const { code, message: err } = error as Error & { code?: string }
    const facts = isFault(error, 'UNKNOWN_RESOURCE') ? { err, domain, hint: 'swf-gateway register' } : { err, domain }
    this.#pollFailures.failed(code ?? err, { code, ...facts })
  }

  /** Ticks until stopped: about once a second, and at once when there is something to report. */
  #next(delay = this.#timing.tick): void {
    clearTimeout(this.#timer)
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      this.#ticking = this.#tick()
        .catch((error: Error) => this.#away(error))
        .then(again => {
          this.#ticking = undefined
          this.#next(again ? 0 : undefined)
        })
    }, delay)
  }

  /** Shows a sign of life and obeys the answer; resolves to true when there is something new to report. */
  async #tick(): Promise<boolean> {
    const { metrics, taskList } = this.#options
    metrics.runningActivities.set({ taskList }, this.active)
    const draining = this.#draining.signal.aborted
    const first = this.#first
    const answer = this.#slots.tick({
      first,
      lease: this.#timing.lease,
      observed: {
        version: this.#settings.version,
        concurrency: this.#room.limit,
        active: this.#room.taken,
        capacity: draining ? 0 : allowedHere(this.#settings),
        draining,
      },
      settings: this.#settings,
      permits: this.#pool.permits,
      answersFor: this.#records.answersFor,
    })
    const reply = await within(answer, PATIENCE)
    this.#first = false
    if (this.#redisAway !== undefined) this.#log.info('redis is well: polling again')
    this.#redisAway = undefined
    metrics.redisAway.set({ taskList }, 0)
    for (const [by, slots] of Object.entries(reply.held)) metrics.slotsHeld.set({ taskList, by }, slots)
    const changed = await this.#obey(reply, first)
    this.#pool.refresh(reply.free, allowedHere(this.#settings) > 0)
    this.#runner.lookAgain()
    await Promise.all([
      this.#held.lookAfter(false),
      this.#processor.finishLate(),
      this.#processor.compare(),
      this.#caretaker.look(),
    ])
    if (draining) await this.#caretaker.handBack()
    return changed
  }

  async #away(error: Error): Promise<false> {
    const { message: err } = error
    const why = redisTrouble(error)?.text ?? `Redis refuses to work: ${err}`
    if (this.#redisAway !== why) this.#log.error({ err, why }, 'polling stops until redis is well')
    this.#redisAway = why
    this.#options.metrics.redisAway.set({ taskList: this.#options.taskList }, 1)
    this.#pool.suspend()
    await this.#held.lookAfter(true)
    return false
  }

  async #obey({ settings, hints, epoch, lapsed }: TickReply, first: boolean): Promise<boolean> {
    const emptied = this.#epoch !== undefined && this.#epoch !== epoch
    if (emptied) this.#log.warn('redis has lost its data: runs and tasks of this process are put back')
    if (emptied || lapsed) await this.#processor.verify()
    if (emptied) await this.#processor.reopen()
    this.#epoch = epoch
    for (const { task, at } of hints) if (this.#hinted.get(task) !== at) this.#processor.hint(task)
    this.#hinted = new Map(hints.map(({ task, at }) => [task, at]))
    const changed = JSON.stringify(settings) !== JSON.stringify(this.#settings)
    if (!changed && !first && !emptied) return false
    if (JSON.stringify(settings.rateLimit) !== JSON.stringify(this.#settings.rateLimit)) this.#pool.outdate()
    this.#settings = settings
    if (!this.#draining.signal.aborted) this.#room.limit = allowedHere(settings)
    if (changed) this.#log.info({ settings }, 'queue settings obeyed')
    return changed
  }
}
