// What this process believes of its tasks, beside what Redis says: a Redis that has fallen behind knows less.

import type { Run, TaskRecords, TaskState } from '../../queues/task-record.js'

/** How many are compared at a time: Redis serves others too. */
const AT_ONCE = 500

/**
 * Reads where tasks stand for Redis, some hundreds at a time, those first that were read longest ago. `tasks` keeps them in that
 * order. Rejects as Redis does.
 */
export async function compared<T extends { run: Run }>(
  records: TaskRecords,
  tasks: Map<string, T>,
): Promise<{ name: string; task: T; state: TaskState | undefined }[]> {
  const some: [string, T][] = []
  for (const entry of tasks) if (some.push(entry) === AT_ONCE) break
  if (some.length === 0) return []
  for (const [name, task] of some) {
    tasks.delete(name)
    tasks.set(name, task)
  }
  const states = await records.states(some.map(([, { run }]) => run.task.id))
  return some.map(([name, task], i) => ({ name, task, state: states[i] }))
}

/** Tells whether Redis knows less of a task than whoever has begun this run: it has fallen behind. */
export function fellBehind(state: TaskState | undefined, { task }: Run): boolean {
  return !state || state.state === 'WAIT' || state.startedEventId < task.startedEventId
}
