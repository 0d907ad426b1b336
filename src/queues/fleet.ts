// The fleet: who works and who decides in a domain, and which task lists of activities there are.

import type { Redis } from '../redis.js'
import { domainKey } from './keys.js'
import { run, script, type Script } from './script.js'

/** A worker or decider is listed for this long after its last sign of life, in milliseconds. */
const REMEMBERED = 60_000
/** A task list is listed for this long after a worker last named it, in milliseconds; its settings stay. */
const LISTED = 30 * 24 * 60 * 60 * 1_000

/** What every process of the fleet tells of itself. */
export interface ProcessState {
  id: string
  host: string
  pid: number
  /** Version of swf-gateway that it runs. */
  version: string
  /** Milliseconds since 1970. */
  startedAt: number
  /** Milliseconds since 1970. */
  lastSeen: number
}

export interface WorkerState extends ProcessState {
  activityTypes: { name: string; version: string }[]
  /** Activities that it runs, on all its task lists. */
  active: number
}

export interface DeciderState extends ProcessState {
  /** Task lists of decisions that it polls, but for its own sticky one. */
  taskLists: string[]
  workflowTypes: { name: string; version: string }[]
  /** Executions that it keeps in memory between decision tasks. */
  cached: number
}

/** Processes of one kind: what they are (a hash), and when each was last seen (a sorted set). */
interface Kind {
  readonly processes: string
  readonly seen: string
  readonly announce: Script
  readonly read: Script
}

/** Returns the kind of process that is kept under these names of a domain. */
function kind(processes: string, seen: string): Kind {
  // ANNOUNCE: a sign of life in a domain. In: process, what it is (JSON), task lists of activities that it names …
  const announce = script(
    'ANNOUNCE',
    `
redis.call('HSET', q .. ':${processes}', ARGV[1], ARGV[2])
redis.call('ZADD', q .. ':${seen}', now, ARGV[1])
for i = 3, #ARGV do redis.call('ZADD', q .. ':taskLists', now, ARGV[i]) end
redis.call('ZREMRANGEBYSCORE', q .. ':taskLists', '-inf', now - ${LISTED})
local gone = redis.call('ZRANGEBYSCORE', q .. ':${seen}', '-inf', now - ${REMEMBERED}, 'LIMIT', 0, 100)
for _, process in ipairs(gone) do
  redis.call('ZREM', q .. ':${seen}', process)
  redis.call('HDEL', q .. ':${processes}', process)
end
`,
  )
  // READ: who was seen within the last minute. Out: what it is (JSON), when it was seen …
  const read = script(
    'READ',
    `
local live = redis.call('ZRANGEBYSCORE', q .. ':${seen}', '(' .. (now - ${REMEMBERED}), '+inf', 'WITHSCORES')
for i = 1, #live, 2 do live[i] = redis.call('HGET', q .. ':${processes}', live[i]) end
return live
`,
  )
  return { processes, seen, announce, read }
}

const WORKERS = kind('workers', 'seen')
const DECIDERS = kind('deciders', 'decidersSeen')

/** Shows a worker and its task lists for a minute. */
export async function announce(
  redis: Redis,
  prefix: string,
  domain: string,
  worker: Omit<WorkerState, 'lastSeen'>,
  taskLists: readonly string[],
): Promise<void> {
  await run(redis, WORKERS.announce, domainKey(prefix, domain), [worker.id, JSON.stringify(worker), ...taskLists])
}

/** Shows a decider for a minute. */
export async function announceDecider(
  redis: Redis,
  prefix: string,
  domain: string,
  decider: Omit<DeciderState, 'lastSeen'>,
): Promise<void> {
  await run(redis, DECIDERS.announce, domainKey(prefix, domain), [decider.id, JSON.stringify(decider)])
}

/** Takes a worker off the list. */
export async function retire(redis: Redis, prefix: string, domain: string, worker: string): Promise<void> {
  await remove(redis, WORKERS, domainKey(prefix, domain), worker)
}

/** Takes a decider off the list. */
export async function retireDecider(redis: Redis, prefix: string, domain: string, decider: string): Promise<void> {
  await remove(redis, DECIDERS, domainKey(prefix, domain), decider)
}

/** Returns the workers seen within the last minute, by id. */
export async function readWorkers(redis: Redis, prefix: string, domain: string): Promise<WorkerState[]> {
  return list<WorkerState>(redis, WORKERS, domainKey(prefix, domain))
}

/** Returns the deciders seen within the last minute, by id. */
export async function readDeciders(redis: Redis, prefix: string, domain: string): Promise<DeciderState[]> {
  return list<DeciderState>(redis, DECIDERS, domainKey(prefix, domain))
}

async function remove(redis: Redis, { processes, seen }: Kind, key: string, id: string): Promise<void> {
  await Promise.all([redis.zrem(`${key}:${seen}`, id), redis.hdel(`${key}:${processes}`, id)])
}

async function list<State extends ProcessState>(redis: Redis, { read }: Kind, key: string): Promise<State[]> {
  const live = (await run(redis, read, key, [])) as (string | null)[]
  const states: State[] = []
  for (let i = 0; i < live.length; i += 2) {
    const text = live[i]
    if (text) states.push({ ...(JSON.parse(text) as State), lastSeen: Number(live[i + 1]) })
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
