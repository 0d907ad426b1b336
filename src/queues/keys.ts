// Where the keys of a queue lie in Redis.
//
// K1. All keys of one queue share the hash tag `{prefix:domain:taskList}`, BullMQ's included, so that scripts may touch
//     any of them and a Cluster keeps them in one slot.
// K2. Names are escaped, so two queues never share a tag.
//
// Derived data (lost: re-polled or rebuilt): permits, tasks, waiting, open, beats, t:<id>, processes, runs, alive, hints, state, m:<minute>,
// jobs:*. Operator's records (AOF): settings, changes.

/** First part of every key, unless told otherwise. */
export const DEFAULT_PREFIX = 'swf-gateway'

/** Name of BullMQ's queue under the hash tag. */
export const JOBS = 'jobs'

/** Returns the hash tag of a task list's queue: the first part of its keys, and BullMQ's prefix. */
export function queueKey(prefix: string, domain: string, taskList: string): string {
  return `{${prefix}:${escape(domain)}:${escape(taskList)}}`
}

/** Returns the hash tag of what a domain's queues share: the list of task lists, the workers, and the deciders. */
export function domainKey(prefix: string, domain: string): string {
  return `{${prefix}:${escape(domain)}}`
}

function escape(name: string): string {
  return name.replace(/[{}:%\s]/g, character => {
    const code = character.charCodeAt(0).toString(16)
    return code.length > 2 ? `%u${code.padStart(4, '0')}` : `%${code.padStart(2, '0')}`
  })
}
