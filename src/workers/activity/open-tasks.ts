// The tasks that this process has left open, kept in mind for a Redis that forgets them.

import { monotonic } from '../../clock.js'
import type { Run, TaskRecords } from '../../queues/task-record.js'
import { DAY } from '../../swf/duration.js'
import { compared, fellBehind } from './compared.js'

/** An open task without a limit ends with its execution, which SWF lets live for a year. */
const LONGEST = 366 * DAY
/** How many are kept in mind. */
const MOST = 10_000

interface OpenTask {
  run: Run
  /** When it fails unless somebody completes it, a moment of `monotonic`; undefined: with its execution. */
  until: number | undefined
  beat: number
}

export class OpenTasks {
  /** By id; those first that were compared with Redis longest ago. */
  readonly #tasks = new Map<string, OpenTask>()

  constructor(private readonly records: TaskRecords) {}

  /** Leaves a run's task open. Rejects as Redis does. */
  open(run: Run, until: number | undefined, beat: number): Promise<'OK' | 'STALE' | 'LOST'> {
    return this.records.open(run, until === undefined ? LONGEST : until - monotonic(), beat)
  }

  /** Keeps in mind what has been left open. This process answers for it as long. */
  remember({ task: { input: _input, ...task }, ...run }: Run, until: number | undefined, beat: number): void {
    this.#forget(task.id)
    this.#tasks.set(task.id, { run: { ...run, task }, until, beat })
    for (const [id, { until }] of this.#tasks) {
      if (this.#tasks.size <= MOST && (until === undefined || until > monotonic())) break
      this.#forget(id)
    }
  }

  /** Looks whether Redis knows that they are open, and leaves open again what it does not know. Rejects as Redis does. */
  async compare(): Promise<number> {
    let behind = 0
    for (const { name, task, state } of await compared(this.records, this.#tasks)) {
      if (this.#tasks.get(name) !== task || state?.state === 'OPEN') continue
      const isRun = state?.state === 'RUN' && state.nonce === task.run.nonce
      if (!isRun && !fellBehind(state, task.run)) this.#forget(name)
      else if (await this.#openAgain(task)) behind++
      else this.#forget(name)
    }
    return behind
  }

  /** Redis has lost its data: all are left open again. Rejects as Redis does. */
  async openAgain(): Promise<void> {
    for (const task of this.#tasks.values()) await this.#openAgain(task)
  }

  async #openAgain({ run, until, beat }: OpenTask): Promise<boolean> {
    return (await this.records.restore(run)) === 'OK' && (await this.open(run, until, beat)) === 'OK'
  }

  #forget(id: string): void {
    const task = this.#tasks.get(id)
    if (!task) return
    this.#tasks.delete(id)
    this.records.giveUp(task.run.nonce)
  }
}
