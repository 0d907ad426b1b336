// Where activities stand in their queues, as one request asks: those of one queue are looked up together.
//
// Nothing is remembered beyond the look: a subscription's request may last for days.

import type { ActivityPlace, ActivityRef, Queues, QueueState, WorkerState } from '../queues/queue.js'

/** Gathers what is asked for by key within one turn of the event loop, and asks once. */
class Gathered<Q, A> {
  readonly #asking = new Map<string, { questions: Q[]; answers: Promise<A[]> }>()

  constructor(
    private readonly ask: (key: readonly [domain: string, taskList: string], questions: Q[]) => Promise<A[]>,
  ) {}

  async get(domain: string, taskList: string, question: Q): Promise<A> {
    const key = JSON.stringify([domain, taskList])
    let asking = this.#asking.get(key)
    if (!asking) {
      const questions: Q[] = []
      const answers = new Promise(resolve => setImmediate(resolve)).then(() => {
        this.#asking.delete(key)
        return this.ask([domain, taskList], questions)
      })
      this.#asking.set(key, (asking = { questions, answers }))
    }
    const index = asking.questions.push(question) - 1
    return (await asking.answers)[index]!
  }
}

export class QueuePlaces {
  readonly #places: Gathered<ActivityRef, ActivityPlace>
  readonly #queues: Gathered<undefined, QueueState | undefined>
  readonly #workers: Gathered<undefined, WorkerState[]>

  constructor(queues: Queues) {
    this.#places = new Gathered(([domain, taskList], refs) => queues.places(domain, taskList, refs))
    this.#queues = new Gathered(async ([domain, taskList], asked) => {
      const queue = await queues.get(domain, taskList)
      return asked.map(() => queue)
    })
    this.#workers = new Gathered(async ([domain], asked) => {
      const workers = await queues.workers(domain)
      return asked.map(() => workers)
    })
  }

  place(domain: string, taskList: string, ref: ActivityRef): Promise<ActivityPlace> {
    return this.#places.get(domain, taskList, ref)
  }

  queue(domain: string, taskList: string): Promise<QueueState | undefined> {
    return this.#queues.get(domain, taskList, undefined)
  }

  workers(domain: string): Promise<WorkerState[]> {
    return this.#workers.get(domain, '', undefined)
  }
}
