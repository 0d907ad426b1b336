// Runs the activities of a test: the handlers themselves, without queues and without Redis.
//
// AR1. What a handler sees and what SWF is told is what a worker would make of it: the same code runs it.
// AR2. A task that is at work is kept alive, as a worker does, however far time is moved meanwhile. One whose handler beats by
//      itself is, until the handler has said nothing for a while of real time.

import { readActivityToken } from '../queues/open-task.js'
import type { ActivityTask, SwfClient } from '../swf/client.js'
import { typeKey } from '../swf/type-key.js'
import type { Pulse } from '../swf/local/time.js'
import type { Log } from '../telemetry.js'
import { polledTask } from '../workers/activity/task.js'
import type { Handler } from '../workers/definitions.js'
import { TestTask } from './activity-task.js'

/** How long a poll that failed waits, in real milliseconds. */
const AGAIN = 10
/** How many handlers of a task list run at a time. */
const AT_A_TIME = 1_000

/** One run of a handler. */
export interface HandlerRun {
  readonly activityType: { readonly name: string; readonly version: string }
  readonly input: unknown
  readonly attempt: number
  readonly idempotencyKey: string
}

export class ActivityRunner {
  readonly runs: HandlerRun[] = []
  readonly #handlers: ReadonlyMap<string, Handler>
  readonly #lists = new Map<string, Promise<void>>()
  readonly #active = new Set<TestTask>()
  readonly #stopping = new AbortController()

  constructor(
    private readonly options: {
      swf: SwfClient
      domain: string
      handlers: readonly Handler[]
      log: Log
      now: () => number
    },
  ) {
    this.#handlers = new Map(options.handlers.map(handler => [typeKey(handler.definition), handler]))
    for (const { definition } of options.handlers) this.serve(definition.options.taskList)
  }

  /** Polls a task list from now on. */
  serve(taskList: string): void {
    if (!this.#lists.has(taskList)) this.#lists.set(taskList, this.#poll(taskList))
  }

  /** What SWF must hear of the tasks at work, and how many nobody works on; undefined when there is nothing to say. */
  pulse(): Pulse | undefined {
    const tasks = [...this.#active]
    const limits = tasks.flatMap(({ patience }) => patience ?? [])
    const idle = tasks.filter(task => task.idle).length
    if (limits.length === 0 && idle === 0) return undefined
    const beat = async () => void (await Promise.all(tasks.map(task => task.beat())))
    return { every: Math.max(1, Math.min(...limits)), beat, idle }
  }

  /** Ends an activity that was left open. */
  async end(token: string, end: (token: string) => Promise<void>): Promise<void> {
    await end(token)
    const { taskToken } = readActivityToken(token)
    for (const task of this.#active) if (task.taskToken === taskToken) task.ended()
  }

  /** Polls no more. The polls that are held must be ended by closing their server. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#lists.values())
  }

  async #poll(taskList: string): Promise<void> {
    const { swf, domain, log } = this.options
    while (!this.#stopping.signal.aborted) {
      try {
        const task = await swf.pollForActivityTask({ domain, taskList: { name: taskList } })
        if (task.taskToken)
          void this.#run(task, taskList).catch((error: Error) => log.error({ err: error }, 'activity not run'))
      } catch (error) {
        if (this.#stopping.signal.aborted) return
        log.error({ err: error }, 'poll failed')
        await new Promise(resolve => setTimeout(resolve, AGAIN))
      }
      // However many there are, they are all begun before time can move.
      if (this.#active.size >= AT_A_TIME) await new Promise(resolve => setTimeout(resolve, 1))
    }
  }

  async #run(answer: ActivityTask, taskList: string): Promise<void> {
    const { swf, domain, log, now } = this.options
    const polled = polledTask(answer, this.#handlers, now())
    if (!polled) return
    const { activityType } = polled.record
    const handler = this.#handlers.get(typeKey(activityType))
    const task = new TestTask(polled, { swf, domain, taskList, handler, log, now, stopping: this.#stopping.signal })
    const { input, attempt, idempotencyKey } = task
    this.runs.push({ activityType, input, attempt, idempotencyKey })
    this.#active.add(task)
    try {
      await task.run()
    } finally {
      this.#active.delete(task)
    }
  }
}
