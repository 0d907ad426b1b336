// The fleet: who works in a domain, and which task lists there are.

import type { Redis } from '../redis.js'
import { domainKey } from './keys.js'
import { run, script } from './script.js'

/** A worker is listed for this long after its last sign of life, in milliseconds. */
const REMEMBERED = 60_000
/** A task list is listed for this long after a worker last named it, in milliseconds; its settings stay. */
const LISTED = 30 * 24 * 60 * 60 * 1_000

export interface WorkerState {
  id: string
  host: string
  pid: number
  /** Version of swf-gateway that it runs. */
  version: string
  activityTypes: { name: string; version: string }[]
  /** Activities that it runs, on all its task lists. */
  active: number
  /** Milliseconds since 1970. */
  startedAt: number
  /** Milliseconds since 1970. */
  lastSeen: number
}

// ANNOUNCE: a worker's sign of life in its domain. In: worker, what it is (JSON), its task lists …
const ANNOUNCE = script(
  'ANNOUNCE',
  `
redis.call('HSET', q .. ':workers', ARGV[1], ARGV[2])
redis.call('ZADD', q .. ':seen', now, ARGV[1])
for i = 3, #ARGV do redis.call('ZADD', q .. ':taskLists', now, ARGV[i]) end
redis.call('ZREMRANGEBYSCORE', q .. ':taskLists', '-inf', now - ${LISTED})
local gone = redis.call('ZRANGEBYSCORE', q .. ':seen', '-inf', now - ${REMEMBERED}, 'LIMIT', 0, 100)
for _, worker in ipairs(gone) do
  redis.call('ZREM', q .. ':seen', worker)
  redis.call('HDEL', q .. ':workers', worker)
end
`,
)

export async function announce(
  redis: Redis,
  prefix: string,
  domain: string,
  worker: Omit<WorkerState, 'lastSeen'>,
  taskLists: readonly string[],
): Promise<void> {
  await run(redis, ANNOUNCE, domainKey(prefix, domain), [worker.id, JSON.stringify(worker), ...taskLists])
}

/** Takes a worker off the list. */
export async function retire(redis: Redis, prefix: string, domain: string, worker: string): Promise<void> {
  const key = domainKey(prefix, domain)
  await Promise.all([redis.zrem(`${key}:seen`, worker), redis.hdel(`${key}:workers`, worker)])
}

/** Returns the workers seen within the last minute, by id. */
export async function readWorkers(redis: Redis, prefix: string, domain: string): Promise<WorkerState[]> {
  const key = domainKey(prefix, domain)
  const [workers, seen] = await Promise.all([
    redis.hgetall(`${key}:workers`),
    redis.zrange(`${key}:seen`, '0', '-1', 'WITHSCORES'),
  ])
  const states: WorkerState[] = []
  for (let i = 0; i < seen.length; i += 2) {
    const text = workers[seen[i]!]
    if (text) states.push({ ...(JSON.parse(text) as Omit<WorkerState, 'lastSeen'>), lastSeen: Number(seen[i + 1]) })
  }
  return states.sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Returns the task lists of a domain that a worker has named within the last 30 days, in order. */
export async function readTaskLists(redis: Redis, prefix: string, domain: string): Promise<string[]> {
  return (await redis.zrange(`${domainKey(prefix, domain)}:taskLists`, '0', '-1')).sort()
}

export async function isTaskList(redis: Redis, prefix: string, domain: string, taskList: string): Promise<boolean> {
  return (await redis.zscore(`${domainKey(prefix, domain)}:taskLists`, taskList)) !== null
}
