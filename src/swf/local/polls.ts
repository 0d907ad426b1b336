// Long polls: held until a task is there, the time is up, or the caller is gone.
//
// P1. A poll whose caller is gone leaves its task list at once; its task goes to the next poll.
// P2. A poll that ends without a task gets an empty answer, never a fault.

import { RealClock } from './clock.js'
import { Fault } from './fault.js'
import type { ListedTask, Poller, TaskList } from './task-list.js'
import type { Timed } from './timers.js'
import { Timers } from './timers.js'

/** Who waits for the answer of a request. */
export interface Caller {
  /** The region for which its request is signed; undefined when it is not signed. */
  readonly region?: string | undefined
  alive(): boolean
  /** Calls `then` when the caller is gone. */
  onGone(then: () => void): void
}

class Hold implements Timed {
  at = 0
  slot = -1
  order = 0
  constructor(readonly end: () => void) {}
}

export class Polls {
  #holds = new Set<Hold>()
  // People wait in real time, whatever the clock of the engine says.
  #timers = new Timers<Hold>(new RealClock(), hold => hold.end())
  #closed = false
  constructor(
    /** How long a poll is held, in milliseconds. */
    private readonly timeout: number,
    /** How many polls one task list holds at most. */
    private readonly mostPollers = Infinity,
  ) {}

  /** Waits on a list; resolves to what `take` makes of a task (undefined: it could not be taken), else to `empty`. */
  poll<T extends ListedTask<T>>(
    list: TaskList<T>,
    caller: Caller,
    take: (task: T) => string | undefined,
    empty: string,
  ): Promise<string> {
    if (this.#closed) return Promise.resolve(empty)
    if (list.pollers >= this.mostPollers) {
      throw new Fault('LimitExceededFault', `Too many pollers: a task list takes ${this.mostPollers}`)
    }
    return new Promise(resolve => {
      let taken = false
      const leave = () => {
        list.leave(poller)
        this.#holds.delete(hold)
        this.#timers.cancel(hold)
      }
      const poller: Poller<T> = {
        alive: () => caller.alive(),
        give: task => {
          const answer = take(task)
          if (answer === undefined) return false
          taken = true
          leave()
          resolve(answer)
          return true
        },
      }
      const hold = new Hold(() => {
        leave()
        resolve(empty)
      })
      list.wait(poller)
      list.match()
      if (taken) return
      this.#holds.add(hold)
      this.#timers.set(hold, this.#timers.clock.now() + this.timeout)
      caller.onGone(leave)
    })
  }

  /** Ends every poll with its empty answer. */
  close(): void {
    this.#closed = true
    for (const hold of [...this.#holds]) hold.end()
    this.#timers.stop()
  }
}
