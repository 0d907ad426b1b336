// Task records: one a polled task. A BullMQ job only wakes somebody up; the record decides. task-scripts.ts says by which rules.

import { hash as digest } from 'node:crypto'
import { monotonic } from '../clock.js'
import type { Redis } from '../redis.js'
import { HANDED_BACK } from '../swf/failure.js'
import { typeKey } from '../swf/type-key.js'
import { fencingToken } from './fencing-token.js'
import type { CountedOutcome } from './measures.js'
import { Batch, run } from './script.js'
import {
  ADMIT,
  ANSWER,
  BEAT,
  CLAIM,
  COMMIT,
  DONE,
  HINT,
  ON_EVERY_TASK,
  OPEN,
  ORPHAN,
  RESTORE,
  STATES,
  TAKE,
} from './task-scripts.js'

/** A task without a deadline is kept for this long: SWF's longest execution, a year. */
const NO_DEADLINE = 366 * 24 * 60 * 60 * 1_000

/** Which activity a task is of. */
export interface TaskFacts {
  workflowExecution: { workflowId: string; runId: string }
  activityId: string
  activityType: { name: string; version: string }
  /** How often SWF must hear of it, in whole milliseconds; 0: never. */
  beat: number
  /** Which try of the activity it is, from the second on. */
  attempt?: number
}

/** A polled activity task. */
export interface TaskRecord extends TaskFacts {
  id: string
  taskToken: string
  startedEventId: number
  /** As SWF handed it out. */
  input?: string
}

type Facts = TaskFacts & { bounded: boolean }

/** One run of a task. */
export interface Run {
  task: TaskRecord
  /** Which run this is; SWF's number and the takeovers since. */
  fencingToken: string
  takeovers: number
  nonce: string
  /** A moment of `monotonic`. */
  deadline: number | undefined
  /** Details of the last heartbeat of the run before, in its text. */
  details: string | undefined
}

/** What a task ends with: what is told to SWF. Texts as SWF takes them. */
export type Outcome =
  | { kind: 'completed'; result?: string }
  | { kind: 'failed'; reason: string; details?: string }
  | { kind: 'canceled'; details?: string }

export type Claim =
  | { kind: 'RUN'; run: Run }
  /** Too many workers died of it. */
  | { kind: 'GIVE_UP'; run: Run }
  | { kind: 'EXPIRED'; facts: TaskFacts }
  /** Nothing to do: closed, or somebody runs it. */
  | { kind: 'GONE' }
  | { kind: 'BUSY' }
  /** It goes on waiting: the queue is paused, or as many run as the fleet may. */
  | { kind: 'FULL' }

/** What became of a task that was admitted; RUN: it has begun, as was asked for. */
export type Admitted = 'RUN' | 'NEW' | 'SAME' | 'CLOSED'

/** What became of an outcome; STALE: another run owns the task, ENDED: somebody has ended it by its token. */
export type Committed = 'OK' | 'STALE' | 'ENDED'

/** Where a task stands; the nonce is that of its run, or of who tells its outcome. */
export interface TaskState {
  state: string
  startedEventId: number
  nonce?: string
}

/** The states of a task that nobody runs: it waits, or its handler has left it open. */
export type Unrun = 'WAIT' | 'OPEN'

let lastRun = { runId: '', hash: '' }

/** Returns the id of a task: the same for every poll of one activity of one execution. */
export function taskId(runId: string, activityId: string): string {
  // Tasks of one execution often come one after the other.
  if (lastRun.runId !== runId) lastRun = { runId, hash: hash(runId) }
  return lastRun.hash + hash(activityId)
}

/** Returns the part of a task's id that all tasks of an execution share. */
export function hash(text: string): string {
  return digest('sha256', text).slice(0, 16)
}

/** Returns the run of a task that begins as the task is admitted. */
export function firstRun(task: TaskRecord, deadline: number | undefined, nonce: string): Run {
  return { task, nonce, deadline, takeovers: 0, fencingToken: fencingToken(task.startedEventId, 0), details: undefined }
}

/** Marks an activity, or all activities of a run, as to be asked about at once. */
export async function hintCancel(redis: Redis, key: string, runId: string, activityId?: string): Promise<void> {
  await run(redis, HINT, key, [activityId === undefined ? hash(runId) : taskId(runId, activityId)])
}

/** Gathers what one process asks of the tasks and the slots of one queue. */
export function taskBatch(redis: Redis, key: string): Batch {
  return new Batch(redis, key, ON_EVERY_TASK)
}

/** The task records of one queue, as one process uses them. Every method rejects as Redis does. */
export class TaskRecords {
  readonly #batch: Batch
  #nonces = 0
  /** Numbers of the nonces that have not been given up. */
  readonly #kept = new Set<number>()

  constructor(
    private readonly redis: Redis,
    private readonly key: string,
    private readonly process: string,
    batch = taskBatch(redis, key),
  ) {
    this.#batch = batch
  }

  /** Returns a name for one try to run a task, or to end one: this process answers for it until it gives it up. */
  nonce(): string {
    const number = ++this.#nonces
    this.#kept.add(number)
    return `${this.process}.${number}`
  }

  /** Gives a nonce up: no record is this process's under it any more, and one that says so has fallen behind. Safe to repeat. */
  giveUp(nonce: string): void {
    this.#kept.delete(Number(nonce.slice(nonce.lastIndexOf('.') + 1)))
  }

  /** What this process answers for, as the fleet is told with each sign of life. */
  get answersFor(): string {
    return [this.#nonces, ...this.#kept].join(' ')
  }

  /**
   * Makes the record of a polled task, and begins it where it may; safe to repeat. `deadline` is a moment of `monotonic`.
   * Without a nonce the task waits in any case.
   */
  async admit(task: TaskRecord, deadline: number | undefined, permit: string, nonce = ''): Promise<Admitted> {
    const { id, startedEventId, taskToken } = task
    const args = [id, startedEventId, permit, factsOf(task, deadline), taskToken, inputOf(task), timeLeft(deadline)]
    const rest = [task.beat, typeKey(task.activityType), task.attempt ?? 1, this.process, nonce]
    return (await this.#batch.run(ADMIT, [...args, ...rest])) as Admitted
  }

  /** Makes the record of a run again that Redis has lost. */
  async restore({ task, takeovers, nonce, deadline, details }: Run): Promise<'OK' | 'STALE'> {
    const { id, startedEventId, taskToken } = task
    const args = [id, startedEventId, takeovers, this.process, nonce, factsOf(task, deadline), taskToken]
    const { activityType, attempt = 1 } = task
    const rest = [inputOf(task), timeLeft(deadline), task.beat, details ?? '', typeKey(activityType), attempt]
    return (await run(this.redis, RESTORE, this.key, [...args, ...rest])) as 'OK' | 'STALE'
  }

  /** Asks to run a task; repeat with the same nonce when Redis did not answer. */
  async claim(id: string, nonce: string): Promise<Claim> {
    const reply = (await this.#batch.run(CLAIM, [id, this.process, nonce])) as [string, ...string[]]
    const [kind, text, token, input, startedEventId, takeovers, left, details] = reply
    if (kind === 'GONE' || kind === 'BUSY' || kind === 'FULL') return { kind }
    const { bounded, ...facts } = JSON.parse(text!) as Facts
    if (kind === 'EXPIRED') return { kind, facts }
    const task: TaskRecord = { ...facts, id, taskToken: token!, startedEventId: Number(startedEventId) }
    if (input) task.input = input.slice(1)
    const claimed: Run = {
      task,
      nonce,
      takeovers: Number(takeovers),
      fencingToken: fencingToken(task.startedEventId, Number(takeovers)),
      deadline: bounded ? monotonic() + Number(left) : undefined,
      details: details || undefined,
    }
    return { kind: kind as 'RUN' | 'GIVE_UP', run: claimed }
  }

  async beat({ task, takeovers, nonce }: Run, details?: string): Promise<'OK' | 'STALE' | 'ENDED' | 'LOST'> {
    const args = [task.id, task.startedEventId, takeovers, nonce, details ?? '']
    return (await this.#batch.run(BEAT, args)) as 'OK' | 'STALE' | 'ENDED' | 'LOST'
  }

  /** Gives a run's task its outcome. `makesPlace`: it gives up its slot, before SWF knows. */
  async commit({ task, takeovers, nonce }: Run, outcome: Outcome, makesPlace = true): Promise<Committed> {
    const args = [task.id, task.startedEventId, takeovers, nonce, JSON.stringify(outcome), countedAs(outcome)]
    args.push(makesPlace ? 1 : 0)
    return (await this.#batch.run(COMMIT, args)) as Committed
  }

  /** Leaves a run's task open for so many milliseconds. */
  async open({ task, takeovers, nonce }: Run, time: number, beat: number): Promise<'OK' | 'STALE' | 'LOST'> {
    const args = [task.id, task.startedEventId, takeovers, nonce, Math.max(0, Math.ceil(time)), beat]
    return (await this.#batch.run(OPEN, args)) as 'OK' | 'STALE' | 'LOST'
  }

  /** Gives a task the outcome that somebody brings who has its token; `name` tells this answer from others. */
  async answer(
    { id, startedEventId }: Pick<TaskRecord, 'id' | 'startedEventId'>,
    name: string,
    outcome: Outcome,
    patience: number,
  ): Promise<'OK' | 'SAME' | 'CLOSED' | 'UNKNOWN'> {
    const args = [id, startedEventId, name, JSON.stringify(outcome), countedAs(outcome), patience]
    return (await run(this.redis, ANSWER, this.key, args)) as 'OK' | 'SAME' | 'CLOSED' | 'UNKNOWN'
  }

  /** SWF has not taken an answer: given again, it is refused. */
  async refuseAnswer({ id }: Pick<TaskRecord, 'id'>): Promise<void> {
    await this.redis.hdel(`${this.key}:t:${id}`, 'answer')
  }

  /** Closes a task; without a nonce only if nobody runs it. */
  async done(task: Pick<TaskRecord, 'id' | 'startedEventId'>, nonce: string | undefined): Promise<void> {
    await this.#batch.run(DONE, [task.id, task.startedEventId, nonce ?? ''])
  }

  /** Ends a task that nobody runs; resolves to false when it is no longer in that state. */
  async take(
    task: Pick<TaskRecord, 'id' | 'startedEventId'>,
    nonce: string,
    outcome: Outcome,
    state: Unrun = 'WAIT',
  ): Promise<boolean> {
    const args = [task.id, task.startedEventId, this.process, nonce, JSON.stringify(outcome), countedAs(outcome), state]
    return (await run(this.redis, TAKE, this.key, args)) === 1
  }

  /** Nobody runs a task, although its record says so under a nonce, and SWF waits for it: it may be taken over. */
  async orphan(task: Pick<TaskRecord, 'id' | 'startedEventId'>, nonce: string): Promise<void> {
    await run(this.redis, ORPHAN, this.key, [task.id, task.startedEventId, nonce])
  }

  /** Resolves to where tasks stand, in their order; undefined where Redis knows nothing of one. */
  async states(ids: readonly string[]): Promise<(TaskState | undefined)[]> {
    const reply = (await run(this.redis, STATES, this.key, ids)) as (string | null)[]
    return ids.map((_, i) => {
      const [state, startedEventId, nonce] = reply.slice(3 * i, 3 * i + 3)
      return state ? { state, startedEventId: Number(startedEventId), ...(nonce && { nonce }) } : undefined
    })
  }
}

/** What a record keeps beside its token and input: as JSON. */
function factsOf(
  { workflowExecution, activityId, activityType, beat, attempt }: TaskRecord,
  deadline: number | undefined,
): string {
  return JSON.stringify({ workflowExecution, activityId, activityType, beat, attempt, bounded: deadline !== undefined })
}

/** A task that was handed back has not failed. */
function countedAs(outcome: Outcome): CountedOutcome {
  return outcome.kind === 'failed' && outcome.reason === HANDED_BACK ? 'handed_back' : outcome.kind
}

/** An empty input differs from none. */
function inputOf({ input }: TaskRecord): string {
  return input === undefined ? '' : `=${input}`
}

function timeLeft(deadline: number | undefined): number {
  return deadline === undefined ? NO_DEADLINE : Math.max(0, Math.ceil(deadline - monotonic()))
}
