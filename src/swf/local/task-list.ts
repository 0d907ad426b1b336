// Task lists: tasks that wait for a poller, and polls that wait for a task.
//
// TL1. The highest taskPriority first; of one priority, first in first out.
// TL2. A task is given to the poll that has waited longest, and never to one whose caller is gone.
// TL3. A task that closes while it waits leaves its list at once, in O(1).

/** A task that may wait on a list. Its links belong to the list; `list` is undefined while it does not wait. */
export interface ListedTask<T> {
  readonly taskPriority: number
  list: TaskList<never> | undefined
  before: T | undefined
  after: T | undefined
}

/** A poll that is held. */
export interface Poller<T> {
  /** Tells whether the caller still waits for the answer. */
  alive(): boolean
  /** Takes the task; false when it turned out to be none. */
  give(task: T): boolean
}

interface Lane<T> {
  readonly taskPriority: number
  first: T | undefined
  last: T | undefined
}

export class TaskList<T extends ListedTask<T>> {
  /** Lanes that hold tasks, the highest priority first. */
  #lanes: Lane<T>[] = []
  #pollers = new Set<Poller<T>>()
  #size = 0
  constructor(private readonly forget: () => void) {}

  /** How many tasks wait. */
  get size(): number {
    return this.#size
  }

  /** How many polls are held. */
  get pollers(): number {
    return this.#pollers.size
  }

  add(task: T): void {
    const { taskPriority } = task
    let i = 0
    while (i < this.#lanes.length && this.#lanes[i]!.taskPriority > taskPriority) i++
    let lane = this.#lanes[i]
    if (lane?.taskPriority !== taskPriority) {
      lane = { taskPriority, first: undefined, last: undefined }
      this.#lanes.splice(i, 0, lane)
    }
    task.list = this as unknown as TaskList<never>
    task.before = lane.last
    task.after = undefined
    if (lane.last) lane.last.after = task
    else lane.first = task
    lane.last = task
    this.#size++
  }

  remove(task: T): void {
    const i = this.#lanes.findIndex(({ taskPriority }) => taskPriority === task.taskPriority)
    const lane = this.#lanes[i]!
    if (task.before) task.before.after = task.after
    else lane.first = task.after
    if (task.after) task.after.before = task.before
    else lane.last = task.before
    task.list = task.before = task.after = undefined
    this.#size--
    if (!lane.first) this.#lanes.splice(i, 1)
    this.#forgetIfIdle()
  }

  /** Holds a poll. */
  wait(poller: Poller<T>): void {
    this.#pollers.add(poller)
  }

  /** Drops a poll; false when it is not held any more. */
  leave(poller: Poller<T>): boolean {
    const held = this.#pollers.delete(poller)
    this.#forgetIfIdle()
    return held
  }

  /** Gives tasks to polls while there are both. */
  match(): void {
    while (this.#size > 0) {
      const [poller] = this.#pollers
      if (!poller) return
      this.#pollers.delete(poller)
      if (!poller.alive()) continue
      const task = this.#lanes[0]!.first!
      this.remove(task)
      if (!poller.give(task)) this.#pollers.add(poller)
    }
  }

  #forgetIfIdle(): void {
    if (this.#size === 0 && this.#pollers.size === 0) this.forget()
  }
}

/** The task lists of one kind in one domain, by name. They need no registration; one that is idle is forgotten. */
export class TaskLists<T extends ListedTask<T>> {
  #lists = new Map<string, TaskList<T>>()

  get(name: string): TaskList<T> {
    let list = this.#lists.get(name)
    if (!list) {
      const made: TaskList<T> = new TaskList<T>(() => {
        if (this.#lists.get(name) === made) this.#lists.delete(name)
      })
      this.#lists.set(name, (list = made))
    }
    return list
  }

  /** How many tasks wait on a list. */
  size(name: string): number {
    return this.#lists.get(name)?.size ?? 0
  }
}
