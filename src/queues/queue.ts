// Queues as those see them who do not work on them: the gateway reads and tunes them, the decider hints at
// cancels and shows that it is there.

import type { Redis } from '../redis.js'
import type { Log } from '../telemetry.js'
import {
  announceDecider,
  isTaskList,
  readDeciders,
  readTaskLists,
  readWorkers,
  retireDecider,
  type DeciderState,
  type WorkerState,
} from './fleet.js'
import { DEFAULT_PREFIX, queueKey } from './keys.js'
import { readMeasures, type QueueMeasures } from './measures.js'
import { loadScripts } from './script.js'
import {
  readChanges,
  SettingsRefused,
  updateSettings,
  type QueueSettings,
  type RecordedChange,
  type SettingsChange,
} from './settings.js'
import { readNumbers } from './stats.js'
import { hintCancel } from './task-record.js'
import { look, waitingReason, type ActivityRef, type TaskPlace, type WaitReason } from './waiting.js'

export type { DeciderState, WorkerState } from './fleet.js'
export {
  LONGEST_WINDOW,
  type Measures,
  type Percentiles,
  type ProcessMeasures,
  type QueueMeasures,
} from './measures.js'
export type { ActivityRef, TaskPlace, WaitReason } from './waiting.js'
export {
  CHANGES_KEPT,
  DEFAULT_SETTINGS,
  SettingsRefused,
  VersionConflict,
  type QueueSettings,
  type RateLimit,
  type RecordedChange,
  type SettingsChange,
} from './settings.js'

/** A queue at one moment: a task list and its slots. */
export interface QueueState {
  domain: string
  taskList: string
  /** Tasks polled and not begun. What waits in SWF is not counted. */
  depth: number
  /** Tasks that are run. */
  active: number
  /** Slots in use: open polls, and tasks that wait or are run. */
  slotsHeld: number
  /** How long the oldest waiting task has waited, in milliseconds. */
  oldestAge?: number
  settings: QueueSettings
  /** What each live worker of the list obeys: the fleet has converged when all show the settings' version. */
  observed: { worker: WorkerState; version: number; concurrency: number; active: number; draining: boolean }[]
}

/** Where an activity stands in its queue, and what it waits for. */
export interface ActivityPlace {
  /** Undefined when no worker has polled it, or its record is gone. */
  place?: TaskPlace
  /** Undefined when it is run, or nothing holds it. */
  waitingFor?: WaitReason
}

/** The queues of the fleet. Every method rejects as Redis does when it is away. */
export class Queues {
  readonly #redis: Redis
  readonly #prefix: string
  readonly #log: Log

  constructor({ redis, prefix = DEFAULT_PREFIX, log }: { redis: Redis; prefix?: string; log: Log }) {
    this.#redis = redis
    this.#prefix = prefix
    this.#log = log
    loadScripts(redis)
  }

  /** Returns every queue that a worker has named within the last 30 days, by task list. */
  async list(domain: string): Promise<QueueState[]> {
    const [taskLists, workers] = await Promise.all([
      readTaskLists(this.#redis, this.#prefix, domain),
      this.workers(domain),
    ])
    return Promise.all(taskLists.map(taskList => this.#read(domain, taskList, workers)))
  }

  /** Returns a queue; undefined when no worker has named it within the last 30 days. */
  async get(domain: string, taskList: string): Promise<QueueState | undefined> {
    const [known, workers] = await Promise.all([
      isTaskList(this.#redis, this.#prefix, domain, taskList),
      this.workers(domain),
    ])
    return known ? this.#read(domain, taskList, workers) : undefined
  }

  /**
   * Changes the settings of a queue; every worker obeys within two seconds.
   * Rejects with VersionConflict when the settings are no longer at `expectedVersion`, and with SettingsRefused for
   * a number out of range or a task list that no worker has named.
   */
  async update(
    domain: string,
    taskList: string,
    change: SettingsChange,
    by: string,
    expectedVersion?: number,
  ): Promise<{ queue: QueueState; previous: QueueSettings }> {
    if (!(await isTaskList(this.#redis, this.#prefix, domain, taskList)))
      throw new SettingsRefused(
        `No worker has named task list ${JSON.stringify(taskList)} in ${domain} within the last 30 days`,
      )
    const key = queueKey(this.#prefix, domain, taskList)
    const { settings, previous } = await updateSettings(this.#redis, key, change, by, expectedVersion)
    if (settings !== previous)
      this.#log.info({ domain, taskList, by, from: previous, to: settings }, 'queue settings changed')
    return { queue: await this.#read(domain, taskList, await this.workers(domain)), previous }
  }

  /** Returns what happened on a queue within the last `window` milliseconds, an hour at most, to the whole minute. */
  async measures(domain: string, taskList: string, window: number): Promise<QueueMeasures> {
    return readMeasures(this.#redis, queueKey(this.#prefix, domain, taskList), window)
  }

  /** Returns the newest changes of a queue's settings, the newest first; CHANGES_KEPT are kept. */
  async changes(domain: string, taskList: string, count: number): Promise<RecordedChange[]> {
    return readChanges(this.#redis, queueKey(this.#prefix, domain, taskList), count)
  }

  /** Tells where open activities of one task list stand and what they wait for, in their order. */
  async places(domain: string, taskList: string, activities: readonly ActivityRef[]): Promise<ActivityPlace[]> {
    const { queue, places } = await look(this.#redis, queueKey(this.#prefix, domain, taskList), activities)
    return places.map(place => {
      const waitingFor = waitingReason(queue, place)
      return { ...(place && { place }), ...(waitingFor && { waitingFor }) }
    })
  }

  /** Returns the activity workers of a domain that were seen within the last minute. */
  async workers(domain: string): Promise<WorkerState[]> {
    return readWorkers(this.#redis, this.#prefix, domain)
  }

  /** Returns the deciders of a domain that were seen within the last minute. */
  async deciders(domain: string): Promise<DeciderState[]> {
    return readDeciders(this.#redis, this.#prefix, domain)
  }

  /** Shows a decider for a minute. */
  async announceDecider(domain: string, decider: Omit<DeciderState, 'lastSeen'>): Promise<void> {
    await announceDecider(this.#redis, this.#prefix, domain, decider)
  }

  /** Takes a decider off the list. */
  async retireDecider(domain: string, decider: string): Promise<void> {
    await retireDecider(this.#redis, this.#prefix, domain, decider)
  }

  /**
   * Makes the holder of an activity ask SWF at once whether it is to stop: after RequestCancelActivityTask was accepted
   * for `activityId`, or, without one, after the run closed. `taskList` undefined: any list of the domain.
   * Only a hint: SWF's answer to the heartbeat is what counts.
   */
  async hintCancel(
    domain: string,
    taskList: string | undefined,
    execution: { runId: string },
    activityId?: string,
  ): Promise<void> {
    const taskLists = taskList === undefined ? await readTaskLists(this.#redis, this.#prefix, domain) : [taskList]
    const hint = (list: string) =>
      hintCancel(this.#redis, queueKey(this.#prefix, domain, list), execution.runId, activityId)
    await Promise.all(taskLists.map(hint))
  }

  async #read(domain: string, taskList: string, workers: readonly WorkerState[]): Promise<QueueState> {
    const { processes, ...numbers } = await readNumbers(this.#redis, queueKey(this.#prefix, domain, taskList))
    const observed = processes.flatMap(({ id, observed: { version, concurrency, active, draining } }) => {
      const worker = workers.find(each => each.id === id)
      return worker ? [{ worker, version, concurrency, active, draining }] : []
    })
    return { domain, taskList, ...numbers, observed }
  }
}
