// Where an activity stands, and what it waits for.
//
// With no slot to spare, a task waits in SWF, where no clock runs: then no record exists, and what holds the queue holds it.

import type { Redis } from '../redis.js'
import { run, script } from './script.js'
import { DEFAULT_SETTINGS, parseSettings } from './settings.js'
import { taskId } from './task-record.js'

/**
 * What an activity waits for.
 *
 * - `PAUSED`: an operator, or concurrency 0.
 * - `NO_POLLER`: no worker of its task list is alive and takes work.
 * - `CONCURRENCY`: as many run as the fleet may.
 * - `WORKER_CONCURRENCY`: as many run as the live workers may together; more workers, or more for each, would help.
 * - `RATE_LIMIT`: as many have been polled in this time as may be.
 */
export type WaitReason = 'PAUSED' | 'NO_POLLER' | 'CONCURRENCY' | 'WORKER_CONCURRENCY' | 'RATE_LIMIT'

/** Where a polled task stands in Redis. */
export interface TaskPlace {
  /** Waits for a process, is run by one, was left open by its handler, or its outcome is on its way to SWF. */
  state: 'WAIT' | 'RUN' | 'OPEN' | 'OUT'
  startedEventId: number
  /** 1 for the next that is run; only while it waits. */
  position?: number
  /** Who runs it, or has run it. */
  process?: string
  /** When its run began, in milliseconds since 1970. */
  begunAt?: number
  /** When it fails unless somebody completes it, in milliseconds since 1970; only while it is left open. */
  openUntil?: number
  /** When SWF last heard of it, and the newest details as their text. */
  heartbeatAt?: number
  heartbeatDetails?: string
  /** How often it was taken over from a worker that died. */
  takeovers: number
}

/** How full a queue is. */
export interface QueuePressure {
  paused: boolean
  concurrency: number
  prefetch: number
  /** Open tasks, and how many of them wait. */
  open: number
  waiting: number
  /** Polls that are open, or about to be. */
  polls: number
  /** Workers that are alive and do not drain, and what they can run together. */
  workers: number
  capacity: number
  /** Polls that the rate allows at once; undefined without a rate. */
  tokens?: number
}

/** Returns what a task waits for; undefined when it is run, or nothing holds it: it is about to be. */
export function waitingReason(queue: QueuePressure, place: TaskPlace | undefined): WaitReason | undefined {
  if (place && place.state !== 'WAIT') return undefined
  if (queue.paused || queue.concurrency === 0) return 'PAUSED'
  if (queue.workers === 0) return 'NO_POLLER'
  const busy = place ? queue.open - queue.waiting : queue.open
  const spare = place ? 0 : queue.prefetch
  // A task that SWF holds while a poll is open is on its way.
  if (!place && queue.polls > 0) return undefined
  if (busy >= queue.concurrency + spare) return 'CONCURRENCY'
  // Without capacity, live workers have yet to obey the end of a pause.
  if (queue.capacity > 0 && busy >= queue.capacity + spare) return 'WORKER_CONCURRENCY'
  if (!place && queue.tokens !== undefined && queue.tokens < 1) return 'RATE_LIMIT'
  return undefined
}

// LOOK: how full a queue is, and where tasks stand. In: ids. Out: settings (JSON), open tasks, waiting, permits, live
// workers, their capacity, tokens (-1: no rate); then nine a task: state ('' for no record), startedEventId, position (0:
// does not wait), process, begun, beaten (0: unknown), details, takeovers, when it fails (0: not left open). Writes nothing.
const LOOK = script(
  'LOOK',
  `
local text = redis.call('GET', q .. ':settings') or ''
local workers, capacity, tokens = 0, 0, -1
for _, process in ipairs(redis.call('ZRANGEBYSCORE', q .. ':alive', now, '+inf')) do
  local observed = redis.call('HGET', q .. ':processes', process)
  if observed then
    observed = cjson.decode(observed)
    capacity = capacity + observed.capacity
    if not observed.draining then workers = workers + 1 end
  end
end
local rate = text ~= '' and cjson.decode(text).rateLimit
if rate then
  local state = redis.call('HMGET', q .. ':state', 'tokens', 'tokensAt')
  local since = now - tonumber(state[2] or now)
  tokens = math.max(0, math.min(rate.tasks, tonumber(state[1] or rate.tasks) + since * rate.tasks / rate.per))
end
local reply = {
  text, redis.call('ZCARD', q .. ':tasks'), redis.call('ZCARD', q .. ':waiting'),
  redis.call('ZCOUNT', q .. ':permits', now, '+inf'), workers, capacity, math.floor(tokens),
}
for _, id in ipairs(ARGV) do
  local r = redis.call('HMGET', q .. ':t:' .. id, 'state', 'startedEventId', 'process', 'begun', 'beatAt', 'details', 'takeovers')
  local rank = r[1] == 'WAIT' and redis.call('ZRANK', q .. ':waiting', id)
  local ends = r[1] == 'OPEN' and redis.call('ZSCORE', q .. ':open', id) or 0
  local found = { r[1] or '', r[2] or 0, rank and rank + 1 or 0, r[3] or '', r[4] or 0, r[5] or 0, r[6] or '', r[7] or 0, ends }
  for _, value in ipairs(found) do reply[#reply + 1] = value end
end
return reply
`,
)

/** Which activity is asked about. */
export interface ActivityRef {
  runId: string
  activityId: string
  /** The event that scheduled it: an id may be used again, and a start before this event was another activity's. */
  scheduledEventId?: number
}

/** Looks at many activities of a queue at once; places in their order, undefined for one that no worker has polled. */
export async function look(
  redis: Redis,
  key: string,
  activities: readonly ActivityRef[],
): Promise<{ queue: QueuePressure; places: (TaskPlace | undefined)[] }> {
  const ids = activities.map(({ runId, activityId }) => taskId(runId, activityId))
  const [text, open, waiting, polls, workers, capacity, tokens, ...rest] = (await run(redis, LOOK, key, ids)) as [
    string,
    ...number[],
  ]
  const { paused, concurrency, prefetch } = parseSettings(text) ?? DEFAULT_SETTINGS
  const numbers = { open: open!, waiting: waiting!, polls: polls!, workers: workers!, capacity: capacity! }
  return {
    queue: { paused, concurrency, prefetch, ...numbers, ...(tokens! >= 0 && { tokens: tokens! }) },
    places: activities.map(({ scheduledEventId = 0 }, i) => {
      const place = placeOf(rest.slice(9 * i, 9 * i + 9))
      return place && place.startedEventId > scheduledEventId ? place : undefined
    }),
  }
}

function placeOf(fields: readonly unknown[]): TaskPlace | undefined {
  const [state, startedEventId, position, process, begun, beaten, details, takeovers, ends] = fields
  if (state !== 'WAIT' && state !== 'RUN' && state !== 'OPEN' && state !== 'OUT') return undefined
  return {
    state,
    startedEventId: Number(startedEventId),
    takeovers: Number(takeovers),
    ...(Number(position) > 0 && { position: Number(position) }),
    ...(process !== '' &&
      (state === 'RUN' || state === 'OUT') && { process: process as string, begunAt: Number(begun) }),
    ...(Number(ends) > 0 && { openUntil: Number(ends) }),
    ...(Number(beaten) > 0 && { heartbeatAt: Number(beaten) }),
    ...(details !== '' && { heartbeatDetails: details as string }),
  }
}
