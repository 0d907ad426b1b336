// The activity worker: polls SWF for the task lists of its handlers, and runs them.

import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Service } from '../../lifecycle.js'
import { settingsOf, type QueueDefaults } from '../../queues/defaults.js'
import { announce, retire } from '../../queues/fleet.js'
import { DEFAULT_PREFIX } from '../../queues/keys.js'
import { loadScripts } from '../../queues/script.js'
import { DEFAULT_SETTINGS } from '../../queues/settings.js'
import { reduces, stops, type Lack } from '../../probes.js'
import { queueNeeds } from '../../queues/redis-needs.js'
import { RedisHealth } from '../../redis-health.js'
import { RedisUnsuitable, closeRedis, connectRedis, redisReady, type Redis } from '../../redis.js'
import type { SwfClient } from '../../swf/client.js'
import { SECOND } from '../../swf/duration.js'
import { SwfReach } from '../../swf/reach.js'
import { typeKey } from '../../swf/type-key.js'
import type { Log, Metrics } from '../../telemetry.js'
import type { Handler } from '../definitions.js'
import { packageVersion } from '../package-version.js'
import { TaskListWorker } from './task-list-worker.js'
import { timingOf } from './timing.js'

export interface ActivityWorkerOptions {
  swf: SwfClient
  redis: { url: string }
  /** First part of every key in Redis. @default 'swf-gateway' */
  prefix?: string
  domain: string
  /** Their task lists are the ones that are polled. */
  handlers: readonly Handler[]
  /** Shown by SWF in the history. @default host and process id */
  identity?: string
  log: Log
  metrics: Metrics
  /** Activities that this process runs at a time on each task list, until an operator sets it. @default 20 */
  concurrency?: number
  /** Settings by task list that hold until an operator changes them. */
  queues?: Readonly<Record<string, QueueDefaults>>
  /** How long running handlers may go on after `stop`, in milliseconds. @default 30 * SECOND */
  drain?: number
  /** How long a handler may take to stop once its signal is aborted, in milliseconds. @default 5 * SECOND */
  grace?: number
  /** Polls held open at a time on each task list. @default 10 */
  pollers?: number
}

export const DEFAULTS = { drain: 30 * SECOND, grace: 5 * SECOND, pollers: 10 } satisfies Partial<ActivityWorkerOptions>

/** How long it waits for Redis before it says that it has started without, in milliseconds. */
const PATIENCE = SECOND
/** From when on it is said that this machine's clock is off, in milliseconds. */
const CLOCK_OFF = 2 * SECOND
/** How often the worker shows itself in its domain, in milliseconds. */
const ANNOUNCE = SECOND

/** Runs activities until it is stopped. Throws a RangeError when a contract's heartbeat is too short to be kept, or a setting out of range. */
export class ActivityWorker implements Service {
  readonly #options: ActivityWorkerOptions
  readonly #prefix: string
  readonly #id = `${hostname()}:${process.pid}:${randomBytes(3).toString('hex')}`
  readonly #byTaskList = new Map<string, Handler[]>()
  #lists: TaskListWorker[] = []
  readonly #reach: SwfReach
  #redis: Redis | undefined
  #health: RedisHealth | undefined
  #blocking: Redis | undefined
  #timer: NodeJS.Timeout | undefined
  #started = false
  readonly #startedAt = Date.now()
  /** It has been said that the clock is off. */
  #clockOff = false
  #stopping: Promise<void> | undefined
  #askToStop = (): void => {}
  readonly #stopAsked = new Promise<void>(resolve => (this.#askToStop = resolve))

  constructor(options: ActivityWorkerOptions) {
    this.#options = options
    this.#prefix = options.prefix ?? DEFAULT_PREFIX
    this.#reach = new SwfReach(options.swf, options.domain)
    for (const handler of options.handlers) {
      const { taskList } = handler.definition.options
      const handlers = this.#byTaskList.get(taskList) ?? []
      if (handlers.some(other => typeKey(other.definition) === typeKey(handler.definition)))
        throw new TypeError(`Two handlers for activity ${handler.definition.name} ${handler.definition.version}`)
      this.#byTaskList.set(taskList, [...handlers, handler])
    }
    for (const handlers of this.#byTaskList.values()) timingOf(handlers)
    for (const defaults of Object.values(options.queues ?? {})) settingsOf(defaults)
  }

  /** Its name in the fleet: host, process id, and what tells two starts apart. */
  get id(): string {
    return this.#id
  }

  /** Resolves when it polls; without Redis after a few seconds, and it polls when Redis is there. Rejects with RedisUnsuitable. */
  async start(): Promise<void> {
    const { log, swf, domain, identity = this.#id, metrics, concurrency } = this.#options
    const { pollers = DEFAULTS.pollers, grace = DEFAULTS.grace } = this.#options
    const connection = { url: this.#options.redis.url, log }
    const redis = (this.#redis = connectRedis({ ...connection, name: 'swf-gateway:worker' }))
    const needs = queueNeeds(this.#prefix, domain, { taskLists: [...this.#byTaskList.keys()], work: true })
    this.#health = new RedisHealth({ redis, needs, log })
    loadScripts(redis)
    redis.on('ready', () => this.#lists.forEach(list => list.wake()))
    const blocking = (this.#blocking = connectRedis({ ...connection, name: 'swf-gateway:worker-jobs' }, 'blocking'))
    await Promise.race([redisReady(redis, PATIENCE).catch(unlessUnsuitable), this.#stopAsked])
    if (this.#stopping) return
    const defaults = {
      ...DEFAULT_SETTINGS,
      ...(concurrency && {
        workerConcurrency: concurrency,
        concurrency: Math.max(concurrency, DEFAULT_SETTINGS.concurrency),
      }),
    }
    const shared = {
      swf,
      reach: this.#reach,
      redis,
      blocking,
      prefix: this.#prefix,
      domain,
      identity,
      process: this.#id,
    }
    this.#lists = [...this.#byTaskList].map(
      ([taskList, handlers]) =>
        new TaskListWorker({
          ...{ ...shared, taskList, handlers, pollers, grace, log, metrics },
          defaults: settingsOf(this.#options.queues?.[taskList] ?? {}, defaults),
        }),
    )
    await this.#announce(redis).catch(() => {})
    await Promise.all(this.#lists.map(list => list.start()))
    this.#timer = setInterval(() => {
      this.#lookAtClock()
      void this.#announce(redis).catch(() => {})
    }, ANNOUNCE)
    this.#started = true
    const taskLists = [...this.#byTaskList.keys()]
    log.info({ domain, taskLists, worker: this.#id }, 'activity worker started')
  }

  /** Drains: see `drain`. Safe to call twice. */
  async stop(): Promise<void> {
    this.#askToStop()
    this.#stopping ??= this.#stop()
    await this.#stopping
  }

  /** What it lacks to work. A task list that cannot be polled while another can makes it do less. */
  async readiness(): Promise<readonly Lack[]> {
    const redis = this.#stopping ? [] : ((await this.#health?.lacks({ needed: true })) ?? [])
    if (!this.#started) return [stops('the activity worker has not started'), ...redis]
    const swf = await this.#reach.trouble()
    const lists = this.#lists.map(list => list.lacks(redis.length > 0))
    const some = lists.some(lacks => !lacks.some(({ stops }) => stops))
    const theirs = lists.flat().map(lack => (some ? reduces(lack.what) : lack))
    const clock = clockTrouble(this.#options.swf)
    return [...redis, ...(swf ? [stops(swf.what)] : []), ...theirs, ...(clock ? [reduces(clock)] : [])]
  }

  #lookAtClock(): void {
    const { log, swf } = this.#options
    const trouble = clockTrouble(swf)
    if (trouble && !this.#clockOff) log.warn({ aheadMs: Math.round(swf.clock.ahead) }, trouble)
    if (!trouble && this.#clockOff) log.info("the clock of this machine agrees with SWF's again")
    this.#clockOff = trouble !== undefined
  }

  async #stop(): Promise<void> {
    const { log, domain, drain = DEFAULTS.drain } = this.#options
    await Promise.all(this.#lists.map(list => list.stop(drain)))
    await Promise.all(this.#options.handlers.map(handler => handler.close?.()))
    clearInterval(this.#timer)
    if (this.#redis?.status === 'ready') await retire(this.#redis, this.#prefix, domain, this.#id).catch(() => {})
    if (this.#redis) await closeRedis(this.#redis)
    if (this.#blocking) await closeRedis(this.#blocking)
    if (this.#started) log.info({ domain, worker: this.#id }, 'activity worker stopped')
    this.#started = false
  }

  async #announce(redis: Redis): Promise<void> {
    const { domain, handlers } = this.#options
    const worker = {
      id: this.#id,
      host: hostname(),
      pid: process.pid,
      startedAt: this.#startedAt,
      active: this.#lists.reduce((total, list) => total + list.active, 0),
      version: packageVersion(),
      activityTypes: handlers.map(({ definition: { name, version } }) => ({ name, version })),
    }
    await announce(redis, this.#prefix, domain, worker, [...this.#byTaskList.keys()])
  }
}

/** Says how far this machine's clock is off; undefined when it agrees with SWF's. */
function clockTrouble({ clock: { ahead } }: SwfClient): string | undefined {
  if (Math.abs(ahead) < CLOCK_OFF) return undefined
  const seconds = Math.round(Math.abs(ahead) / SECOND)
  const how = ahead > 0 ? 'ahead of' : 'behind'
  return `the clock of this machine is ${seconds} s ${how} SWF's: tasks and deadlines do not mind, times in the log and for handlers do`
}

function unlessUnsuitable(error: unknown): void {
  if (error instanceof RedisUnsuitable) throw error
}
