// Slots: who may poll. A permit is the right to one open poll; it becomes a task's slot when the poll brings one.
//
// P1. used = live permits + records of tasks that wait or run. There are no counters that could drift.
// P2. A permit is given only while used < min(concurrency, what the live processes can run) + prefetch, the queue is not
//     paused, and the rate has a token.
// P3. A permit lives as long as its process shows signs of life (TICK); an empty poll keeps it.
// P4. A process is alive while its last TICK is younger than its lease. A run of a process that is not alive may be taken
//     over, except for a moment after nobody was heard for as long as a lease (`grace`), and before anybody is heard again:
//     then Redis was away, all leases have run out at once, and their owners come back with everybody else.
// P5. With each TICK a process says what it answers for. A record that says otherwise of it is of a Redis that has fallen
//     behind (its last writes were lost with the power, an older copy was put back, a replica promoted without them): see D6.

import type { Redis } from '../redis.js'
import { run, script, type Batch } from './script.js'
import { parseSettings, RECORD_FUNCTION, type QueueSettings } from './settings.js'

/** How long a permit outlives its process's last sign of life, in milliseconds. */
const PERMIT_LIFE = 5_000
/** How many permits are given at a time: Redis cannot hand a command many thousand arguments. */
const MOST_PERMITS = 1_000
/** How long nobody is taken over after Redis was silent, in milliseconds: longer than it takes to connect again. */
const GRACE = 3_000

// ACQUIRE: asks for permits. In: process, how many. Out: permits, none when P2 forbids; the name of one that took a token ends
// with r.
export const ACQUIRE = script(
  'ACQUIRE',
  `
local settings = settings()
if not settings or settings.paused or settings.concurrency == 0 then return {} end
local state = redis.call('HMGET', q .. ':state', 'capacity', 'tokens', 'tokensAt')
local limit = math.min(settings.concurrency, tonumber(state[1] or 0)) + settings.prefetch
redis.call('ZREMRANGEBYSCORE', q .. ':permits', '-inf', now)
local used = redis.call('ZCARD', q .. ':permits') + redis.call('ZCARD', q .. ':tasks')
local count = math.min(tonumber(ARGV[2]), limit - used, ${MOST_PERMITS})
if count <= 0 then return {} end
local rate = settings.rateLimit
if rate then
  local tokens = tonumber(state[2] or rate.tasks)
  local since = now - tonumber(state[3] or now)
  -- An open poll may bring its task at any time: what it was given counts as saved.
  local most = rate.tasks
  for _, permit in ipairs(redis.call('ZRANGE', q .. ':permits', 0, -1)) do
    if string.sub(permit, -1) == 'r' then most = most - 1 end
  end
  tokens = math.max(0, math.min(most, tokens + since * rate.tasks / rate.per))
  count = math.min(count, math.floor(tokens))
  redis.call('HSET', q .. ':state', 'tokens', tostring(tokens - math.max(count, 0)), 'tokensAt', now)
  if count <= 0 then return {} end
end
-- A counter alone may go back, and would name two permits alike.
local last, permits, members = redis.call('HINCRBY', q .. ':state', 'permit', count), {}, {}
for i = 1, count do
  permits[i] = ARGV[1] .. '.' .. now .. '.' .. (last - count + i) .. (rate and 'r' or '')
  members[2 * i - 1], members[2 * i] = now + ${PERMIT_LIFE}, permits[i]
end
redis.call('ZADD', q .. ':permits', unpack(members))
return permits
`,
)

// RELEASE: gives permits back that brought no task, and the tokens that were taken for them. In: permits. Out: nothing.
const RELEASE = script(
  'RELEASE',
  `
for _, permit in ipairs(ARGV) do
  local removed = redis.call('ZREM', q .. ':permits', permit)
  if removed == 1 and string.sub(permit, -1) == 'r' then redis.call('HINCRBYFLOAT', q .. ':state', 'tokens', 1) end
end
`,
)

// TICK: a process's sign of life, once a second.
// In: process, lease (ms), 1 on the first, what it observes (JSON: capacity, draining, version, concurrency, active),
//     settings that it obeys (JSON), what it answers for (numbers: the last that it gave out, then each; '': not said),
//     permits to keep …
// Out: epoch, 1 when its lease had run out, settings (JSON), free slots (negative: too many), hinted tasks with their times,
//     live permits, tasks that wait, tasks that wait or run.
// Keeps P1 to P5; S1, S3 and S4 of settings; L2 of scripts.
const TICK = script(
  'TICK',
  `${RECORD_FUNCTION}
local process, lease, first, observed, obeyed = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1', ARGV[4], ARGV[5]
local alive, processes, permits = q .. ':alive', q .. ':processes', q .. ':permits'

local time, last, shift = clock(), tonumber(times[1] or 0), tonumber(times[2] or 0)
if time >= last then now = time end
if now - time ~= shift then redis.call('HSET', q .. ':state', 'shift', now - time) end

local mine = cjson.decode(obeyed)
local text = redis.call('GET', q .. ':settings')
local version = text and cjson.decode(text).version or -1
if version < mine.version or (first and version == 0 and mine.version == 0) then
  if text ~= obeyed then record(text, obeyed, process, mine.version == 0 and 'DEFAULTS' or 'RESTORED') end
  redis.call('SET', q .. ':settings', obeyed)
  text = obeyed
end
local settings = cjson.decode(text)

local state = redis.call('HMGET', q .. ':state', 'epoch', 'tick', 'lease')
local epoch = state[1] or (now .. '.' .. process)
if not state[1] then redis.call('HSET', q .. ':state', 'epoch', epoch) end
if not state[2] or now - tonumber(state[2]) > tonumber(state[3] or 0) then
  redis.call('HSET', q .. ':state', 'grace', now + ${GRACE})
end

local before = redis.call('ZSCORE', alive, process)
local lapsed = not first and (not before or tonumber(before) < now)
redis.call('ZADD', alive, now + lease, process)
redis.call('HSET', processes, process, observed)
if ARGV[6] ~= '' then redis.call('HSET', q .. ':runs', process, ARGV[6]) end
for i = 7, #ARGV do redis.call('ZADD', permits, now + ${PERMIT_LIFE}, ARGV[i]) end

local capacity = 0
for _, name in ipairs(redis.call('ZRANGEBYSCORE', alive, now, '+inf')) do
  local seen = redis.call('HGET', processes, name)
  if seen then capacity = capacity + cjson.decode(seen).capacity end
end
redis.call('HSET', q .. ':state', 'capacity', capacity, 'tick', now, 'lease', lease)

redis.call('ZREMRANGEBYSCORE', permits, '-inf', now)
local polls, open = redis.call('ZCARD', permits), redis.call('ZCARD', q .. ':tasks')
local free = math.min(settings.concurrency, capacity) + settings.prefetch - polls - open
redis.call('ZREMRANGEBYSCORE', q .. ':hints', '-inf', now)
local hints = redis.call('ZRANGE', q .. ':hints', 0, -1, 'WITHSCORES')
return { epoch, lapsed and 1 or 0, text, free, hints, polls, redis.call('ZCARD', q .. ':waiting'), open }
`,
)

// LEAVE: a process's last sign of life. In: process, its permits …
const LEAVE = script(
  'LEAVE',
  `
redis.call('ZREM', q .. ':alive', ARGV[1])
redis.call('HDEL', q .. ':processes', ARGV[1])
redis.call('HDEL', q .. ':runs', ARGV[1])
if #ARGV > 1 then redis.call('ZREM', q .. ':permits', unpack(ARGV, 2)) end
`,
)

/** What a process says of itself on a queue. */
export interface Observed {
  /** Version of the settings that it obeys. */
  version: number
  /** Activities that it runs at most, now. */
  concurrency: number
  active: number
  /** What it adds to the slots of the fleet: its concurrency, or 0 when it drains. */
  capacity: number
  draining: boolean
}

export interface TickReply {
  /** Changes when Redis has lost its data. */
  epoch: string
  /** The process's lease had run out: others may have taken over its runs. */
  lapsed: boolean
  settings: QueueSettings
  /** Slots that nobody uses; negative after the limit was lowered. */
  free: number
  /** Tasks whose execution was closed or whose cancel was requested; the time tells hints apart. */
  hints: { task: string; at: number }[]
  /** What holds the slots of the fleet. */
  held: { polls: number; waiting: number; running: number }
}

/** The slots of one queue, as one process uses them. Every method rejects as Redis does. */
export class Slots {
  constructor(
    private readonly redis: Redis,
    private readonly key: string,
    private readonly process: string,
    /** What permits are asked for with. */
    private readonly batch: Batch,
  ) {}

  /** Asks for permits; with what else is asked for in this turn, in its order. */
  async acquire(count: number): Promise<string[]> {
    return (await this.batch.run(ACQUIRE, [this.process, count])) as string[]
  }

  /** Calls back when all that is asked for in this turn is about to leave: what is asked for then comes last. */
  atLast(callback: () => void): void {
    this.batch.atLast(callback)
  }

  async release(permits: readonly string[]): Promise<void> {
    if (permits.length) await run(this.redis, RELEASE, this.key, permits)
  }

  async tick(tick: {
    /** How long this process counts as alive after this sign of life, in milliseconds. */
    lease: number
    first: boolean
    observed: Observed
    settings: QueueSettings
    permits: readonly string[]
    /** What this process answers for: TaskRecords knows. @default not said */
    answersFor?: string
  }): Promise<TickReply> {
    const args = [this.process, tick.lease, tick.first ? 1 : 0, JSON.stringify(tick.observed)]
    const reply = (await run(this.redis, TICK, this.key, [
      ...args,
      JSON.stringify(tick.settings),
      tick.answersFor ?? '',
      ...tick.permits,
    ])) as [string, number, string, number, string[], number, number, number]
    const [epoch, lapsed, settings, free, hinted, polls, waiting, open] = reply
    const hints: TickReply['hints'] = []
    for (let i = 0; i < hinted.length; i += 2) hints.push({ task: hinted[i]!, at: Number(hinted[i + 1]) })
    const held = { polls, waiting, running: open - waiting }
    return { epoch, lapsed: lapsed === 1, settings: parseSettings(settings)!, free, hints, held }
  }

  async leave(permits: readonly string[]): Promise<void> {
    await run(this.redis, LEAVE, this.key, [this.process, ...permits])
  }
}
