// Handlers that run in threads of their own, so that work that needs the processor holds up neither heartbeats nor others.
//
// A function cannot be handed to a thread, so a handler is named: by the URL of its module. What it gets and what becomes of
// what it does is the same as in the process; activity/thread-run.ts is the other end.

import { availableParallelism } from 'node:os'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import { consoleIsCaptured } from '../console.js'
import { SECOND } from '../swf/duration.js'
import type { Log } from '../telemetry.js'
import { decodePayload } from '../swf/payload.js'
import type { ActivityDefinition } from '../workflow/definition.js'
import type { FromThread, ThreadEnd, ThreadTask, ToThread } from './activity/thread-run.js'
import { throwable } from './thrown.js'
import {
  heartbeatOf,
  type ActivityAborted,
  type ActivityContext,
  type Handler,
  type HandlerOptions,
  type OpenActivity,
} from './definitions.js'

export interface ThreadOptions extends HandlerOptions {
  /** Name of the module's export. @default 'handler' */
  export?: string
  /**
   * Runs of this handler at a time in a process; others wait for a thread, kept alive. Set `workerConcurrency` of the task
   * list to the same, so that they wait in SWF instead. @default one less than the processors, at least 1
   */
  threads?: number
  /** Heap of a thread in megabytes: a run that needs more fails, with the reason ERR_WORKER_OUT_OF_MEMORY. @default Node's */
  megabytes?: number
}

/** The function that a module for `implementInThread` exports. */
export type HandlerFunction<D extends ActivityDefinition> =
  D extends ActivityDefinition<infer I, infer R>
    ? (input: I, job: ActivityContext) => Promise<R | OpenActivity> | R | OpenActivity
    : never

/** How long a thread without work is kept, in milliseconds. */
const IDLE = 30 * SECOND

/**
 * Says which module does an activity's work, in a thread. For work that keeps the processor busy: it cannot hold up the
 * heartbeats of others. A handler that never waits hears that it is to stop when it calls `job.heartbeat()` or reads
 * `job.signal`; one that does not stop within the grace period is ended with its thread.
 *
 * @example
 * // resize.ts
 * export const handler: HandlerFunction<typeof resize> = async (image, job) => { … }
 * // handlers.ts
 * export const handlers = [implementInThread(resize, new URL('./resize.js', import.meta.url), { threads: 4 })]
 */
export function implementInThread<I, R>(
  definition: ActivityDefinition<I, R>,
  module: URL | string,
  options: ThreadOptions = {},
): Handler {
  const { export: name = 'handler', threads = Math.max(1, availableParallelism() - 1), megabytes } = options
  if (!Number.isInteger(threads) || threads < 1) throw new RangeError(`threads must be at least 1, not ${threads}`)
  const { href } = new URL(module)
  const pool = new ThreadPool(threads, megabytes)
  return {
    definition,
    isolate: 'thread',
    heartbeat: heartbeatOf(definition, options),
    run: (input, job, abandoned) => pool.run({ module: href, name, input }, job, abandoned),
    close: () => pool.close(),
  }
}

/** The threads of one handler. They are there while there is work, and for a while after. */
class ThreadPool {
  #threads: Promise<Piscina> | undefined
  #running = 0
  #closing = false
  /** Where it is said that a thread died of what no run did: the log of the last run. */
  #log: Log | undefined

  constructor(
    private readonly most: number,
    private readonly megabytes: number | undefined,
  ) {}

  async run(
    what: Pick<ThreadTask, 'module' | 'name' | 'input'>,
    job: ActivityContext,
    abandoned: AbortSignal | undefined,
  ): Promise<unknown> {
    this.#running++
    this.#log = job.log
    const { port1: here, port2: port } = new MessageChannel()
    const stopForwarding = forward(job, here)
    // What it said last comes by another way than how it ended.
    const heard = new Promise<void>(resolve => here.once('close', () => resolve()))
    here.on('message', (message: FromThread) => listen(message, job))
    try {
      const threads = await (this.#threads ??= this.#open())
      const task: ThreadTask = { ...what, ...portable(job), port }
      const given = { transferList: [port], signal: abandoned ?? null }
      const end = (await threads.run(task, given)) as ThreadEnd
      await heard
      return outcomeOf(end, job)
    } finally {
      stopForwarding()
      here.close()
      this.#running--
      if (this.#closing) await this.close()
    }
  }

  /** Ends the threads, once nothing runs in them any more. */
  async close(): Promise<void> {
    this.#closing = this.#running > 0
    const threads = this.#threads
    if (this.#closing || !threads) return
    this.#threads = undefined
    await (await threads).destroy()
  }

  async #open(): Promise<Piscina> {
    const { Piscina } = await import('piscina')
    const threads = new Piscina({
      filename: new URL('./activity/thread-run.js', import.meta.url).href,
      name: 'runInThread',
      minThreads: 0,
      maxThreads: this.most,
      idleTimeout: IDLE,
      // A thread without a task goes on with what its modules do on their own.
      atomics: 'disabled',
      ...(this.megabytes && { resourceLimits: { maxOldGenerationSizeMb: this.megabytes } }),
    })
    threads.on('error', (error: Error) => this.#log?.error({ err: error.message }, 'a thread died between two runs'))
    return threads
  }
}

/** Tells the thread what the job's signals tell; returns what stops that. */
function forward({ signal, shuttingDown }: ActivityContext, port: MessagePort): () => void {
  const aborted = () => port.postMessage({ abort: (signal.reason as ActivityAborted).code } satisfies ToThread)
  const shutting = () => port.postMessage({ shuttingDown: true } satisfies ToThread)
  if (signal.aborted) aborted()
  else signal.addEventListener('abort', aborted, { once: true })
  if (shuttingDown.aborted) shutting()
  else shuttingDown.addEventListener('abort', shutting, { once: true })
  return () => {
    signal.removeEventListener('abort', aborted)
    shuttingDown.removeEventListener('abort', shutting)
  }
}

function listen(message: FromThread, job: ActivityContext): void {
  if ('beat' in message) return job.heartbeat(decodePayload(message.beat).value)
  const { level, message: text, ...facts } = JSON.parse(message.log) as { level: number; message: string }
  const name = job.log.levels.labels[level] as 'info' | undefined
  job.log[name ?? 'info'](facts, text)
}

/** What of a job can be handed to a thread. */
function portable({ attempt, lastHeartbeat, idempotencyKey, fencingToken, log, ...job }: ActivityContext) {
  const { workflowExecution, deadline, activityId, activityType, leaveOpen } = job
  const { token } = leaveOpen()
  const facts = { workflowExecution, deadline, activityId, activityType }
  return {
    job: { attempt, lastHeartbeat, idempotencyKey, fencingToken, ...facts },
    token,
    logLevel: log.level,
    console: consoleIsCaptured(),
  }
}

/** Returns or throws what the handler did. */
function outcomeOf(end: ThreadEnd, job: ActivityContext): unknown {
  if ('value' in end) return decodePayload(end.value).value
  if ('open' in end) return job.leaveOpen(end.open)
  if ('stopped' in end) throw job.signal.reason
  throw throwable(end.failure, end.stack)
}
