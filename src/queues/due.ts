// What needs care on a queue: found by any process, once a tick.
//
// D1. A task that waits, or was left open, is beaten by whoever finds it due; a lost task is not kept alive, since D3 ends it.
// D2. A run of a process that is not alive (P4) goes back, with a new job; an outcome that such a process has committed is told
//     by whoever finds it. Either takeover is counted.
//     SWF hears of such a run before its job is added: if the next process dies of it as well, before its first heartbeat, there
//     is time for a third; and what SWF has closed meanwhile is not run again.
// D3. A task that waits without its job gets the job again, once; then it is closed and left to SWF's timeout.
// D4. A task that waits and whose time is nearly over is handed back, so that it waits in SWF, where no clock runs.
// D5. A task that was left open and that nobody has completed in the time that its handler gave is ended.
// D6. A record that says that a live process runs a task which that process does not answer for (P5) is of a Redis that has
//     fallen behind. SWF is asked: it has closed the task as a rule, else the task is taken over. An outcome is told (D2).

import type { Redis } from '../redis.js'
import type { Wakeup } from './job.js'
import { run, script } from './script.js'
import type { Outcome, TaskFacts, Unrun } from './task-record.js'
import { TASK_FUNCTIONS } from './task-scripts.js'

/** How often all open tasks are looked at, in milliseconds; sooner when a process has died, later when they are many. */
const SWEEP = 1_000
/** A job that is not there is missed after this time, in milliseconds. */
const SETTLE = 2_000
/** When another process sees to what one was told to see to, in milliseconds. */
const AGAIN = 10_000

// DUE: what needs care. In: how many of each at most, process, nonce under which it tells outcomes. Out: flat, seven a finding:
// BEAT | ADD | BACK | LOST | EXPIRED | OVERDUE | TELL | DOUBT, id, startedEventId, takeovers (BEAT: state, TELL: outcome, DOUBT:
// nonce), token or 'again' or '', task (JSON) or '', details or ''.
// Keeps D1 to D6.
const DUE = script(
  'DUE',
  `
local most, me, nonce, found = tonumber(ARGV[1]), ARGV[2], ARGV[3], {}
local function push(...)
  local finding = { ... }
  for i = 1, 7 do found[#found + 1] = finding[i] or '' end
end
local answers = {}
local function disowned(process, nonce)
  local said = answers[process]
  if said == nil then
    said = {}
    for number in string.gmatch(redis.call('HGET', q .. ':runs', process) or '', '%d+') do
      if said.last then said[tonumber(number)] = true else said.last = tonumber(number) end
    end
    answers[process] = said
  end
  local number = tonumber(string.match(nonce, '%.(%d+)$'))
  return said.last and number and number <= said.last and not said[number]
end
local function tell(id, r)
  redis.call('HSET', key(id), 'process', me, 'nonce', nonce)
  push('TELL', id, r[4], r[12], r[11], r[8])
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', q .. ':beats', '-inf', now, 'LIMIT', 0, most)) do
  local r = redis.call('HMGET', key(id), 'state', 'startedEventId', 'takeovers', 'beat', 'token', 'details')
  if r[1] == 'WAIT' or r[1] == 'OPEN' then
    redis.call('ZADD', q .. ':beats', now + math.max(tonumber(r[4]), 1000), id)
    redis.call('HSET', key(id), 'beatAt', now)
    push('BEAT', id, r[2], r[1], r[5], '', r[6])
  else
    redis.call('ZREM', q .. ':beats', id)
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', q .. ':open', '-inf', now, 'LIMIT', 0, most)) do
  local r = redis.call('HMGET', key(id), 'state', 'startedEventId', 'takeovers', 'deadline', 'token', 'task', 'type')
  if r[1] ~= 'OPEN' then
    redis.call('ZREM', q .. ':open', id)
  elseif tonumber(r[4]) <= now then
    push('EXPIRED', id, r[2], r[3], '', r[6])
    measured(r[7], 'expired')
    close(id, r[4], r[1])
  else
    redis.call('ZADD', q .. ':open', now + ${AGAIN}, id)
    push('OVERDUE', id, r[2], r[3], r[5], r[6])
  end
end

local state = redis.call('HMGET', q .. ':state', 'sweep', 'grace')
local dead = redis.call('ZRANGEBYSCORE', q .. ':alive', '-inf', '(' .. now)
if tonumber(state[1] or 0) > now and #dead == 0 then return found end
local open = redis.call('ZRANGE', q .. ':tasks', 0, -1)
for _, id in ipairs(redis.call('ZRANGE', q .. ':out', 0, -1)) do open[#open + 1] = id end
redis.call('HSET', q .. ':state', 'sweep', now + math.max(${SWEEP}, #open))
local grace, changed = tonumber(state[2] or 0) > now, 0

for _, id in ipairs(open) do
  if changed == most then
    redis.call('HSET', q .. ':state', 'sweep', now)
    return found
  end
  local t = key(id)
  local r = redis.call('HMGET', t, 'state', 'process', 'deadline', 'startedEventId', 'takeovers', 'readded', 'at', 'task', 'beat', 'type', 'token', 'outcome', 'nonce', 'doubt')
  local left = tonumber(r[3] or 0) - now
  if not r[1] or r[1] == 'CLOSED' then
    redis.call('ZREM', q .. ':tasks', id)
    redis.call('ZREM', q .. ':out', id)
    redis.call('ZREM', q .. ':waiting', id)
  elseif r[1] == 'WAIT' then
    local age = now - tonumber(r[7])
    local job = q .. ':jobs:' .. id .. '-' .. r[4] .. '-' .. r[5] .. (r[6] == '1' and 'r' or '')
    if left <= 0 then
      push('EXPIRED', id, r[4], r[5], '', r[8])
      measured(r[10], 'expired')
      close(id, r[3], r[1])
      changed = changed + 1
    elseif left < math.min(5000, (left + age) / 4) then
      push('BACK', id, r[4], r[5], redis.call('HGET', t, 'token'), r[8])
    elseif age > ${SETTLE} and redis.call('EXISTS', job) == 0 then
      changed = changed + 1
      if r[6] == '1' then
        push('LOST', id, r[4], r[5], '', r[8])
        measured(r[10], 'lost')
        close(id, r[3], r[1])
      else
        redis.call('HSET', t, 'readded', 1, 'at', now)
        push('ADD', id, r[4], r[5], 'again', r[8])
      end
    end
  elseif not r[2] or (not grace and not protected(r[2])) then
    changed = changed + 1
    if r[1] == 'OUT' then
      measured(r[10], 'takeover')
      if r[2] then measure('p|takeover|' .. r[2]) end
      tell(id, r)
    elseif left <= 0 then
      push('EXPIRED', id, r[4], r[5], '', r[8])
      measured(r[10], 'expired')
      close(id, r[3], r[1])
    else
      local takeovers = tonumber(r[5]) + 1
      measured(r[10], 'takeover')
      if r[2] then measure('p|takeover|' .. r[2]) end
      redis.call('HDEL', t, 'process', 'nonce', 'doubt')
      redis.call('HSET', t, 'state', 'WAIT', 'takeovers', takeovers, 'readded', 0, 'at', now)
      redis.call('ZADD', q .. ':waiting', now, id)
      if tonumber(r[9]) > 0 then
        redis.call('ZADD', q .. ':beats', now + math.max(tonumber(r[9]), 1000), id)
        redis.call('HSET', t, 'beatAt', now)
      end
      push('ADD', id, r[4], tostring(takeovers), r[11], r[8], redis.call('HGET', t, 'details'))
    end
  elseif disowned(r[2], r[13] or '') then
    if r[1] == 'OUT' then
      changed = changed + 1
      tell(id, r)
    elseif now - tonumber(r[14] or 0) >= ${AGAIN} then
      changed = changed + 1
      redis.call('HSET', t, 'doubt', now)
      push('DOUBT', id, r[4], r[13], r[11], r[8], redis.call('HGET', t, 'details'))
    end
  end
end

if not grace then
  for _, process in ipairs(dead) do
    redis.call('ZREM', q .. ':alive', process)
    redis.call('HDEL', q .. ':processes', process)
    redis.call('HDEL', q .. ':runs', process)
  end
end
return found
`,
  [TASK_FUNCTIONS],
)

/** Which task, and which start of it. */
export interface DueTask {
  id: string
  startedEventId: number
}

export type Due =
  /** SWF is to hear of it; `details` are those of the last heartbeat. */
  | { kind: 'BEAT'; task: DueTask; state: Unrun; taskToken: string; details: string | undefined }
  /** Somebody is to be woken for it; with a token SWF is to hear of it first, with the details of the last heartbeat. */
  | { kind: 'ADD'; wakeup: Wakeup; facts: TaskFacts; taskToken?: string; details: string | undefined }
  /** Its record says, under a nonce, that a process runs it which does not: does SWF still wait for it? */
  | { kind: 'DOUBT'; task: DueTask; nonce: string; taskToken: string; facts: TaskFacts; details: string | undefined }
  /** Its time is nearly over and no slot has come. */
  | { kind: 'BACK'; task: DueTask; taskToken: string; facts: TaskFacts }
  /** It was left open, and nobody has completed it in time. */
  | { kind: 'OVERDUE'; task: DueTask; taskToken: string; facts: TaskFacts }
  /** It has an outcome, from a process that is gone. */
  | { kind: 'TELL'; task: DueTask; taskToken: string; outcome: Outcome; facts: TaskFacts }
  /** Closed: its job was lost twice, or its time is over. */
  | { kind: 'LOST' | 'EXPIRED'; facts: TaskFacts }

/**
 * Returns what needs care now, at most `most` of a kind; outcomes that are to be told become those of `process`, under `nonce`.
 * Rejects as Redis does.
 */
export async function readDue(redis: Redis, key: string, process: string, nonce: string, most = 200): Promise<Due[]> {
  const reply = (await run(redis, DUE, key, [most, process, nonce])) as string[]
  const due: Due[] = []
  for (let i = 0; i < reply.length; i += 7) {
    const [kind, id, started, takeovers, word, text, told] = reply.slice(i, i + 7) as [Due['kind'], ...string[]]
    const task = { id: id!, startedEventId: Number(started) }
    const details = told || undefined
    if (kind === 'BEAT') {
      due.push({ kind, task, state: takeovers as Unrun, taskToken: word!, details })
      continue
    }
    const facts = JSON.parse(text!) as TaskFacts
    if (kind === 'ADD') {
      const again = word === 'again'
      const wakeup = { ...task, takeovers: Number(takeovers), again }
      due.push({ kind, wakeup, facts, ...(!again && { taskToken: word! }), details })
    } else if (kind === 'DOUBT') due.push({ kind, task, nonce: takeovers!, taskToken: word!, facts, details })
    else if (kind === 'TELL')
      due.push({ kind, task, taskToken: word!, outcome: JSON.parse(takeovers!) as Outcome, facts })
    else if (kind === 'BACK' || kind === 'OVERDUE') due.push({ kind, task, taskToken: word!, facts })
    else due.push({ kind, facts })
  }
  return due
}

// ALONE: what waits on a queue when nobody is left to run it. In: process. Out: flat, four a task: id, startedEventId,
// token, task (JSON); nothing while another process is alive and does not drain. Writes nothing.
const ALONE = script(
  'ALONE',
  `
for _, process in ipairs(redis.call('ZRANGEBYSCORE', q .. ':alive', now, '+inf')) do
  if process ~= ARGV[1] then
    local observed = redis.call('HGET', q .. ':processes', process)
    if observed and not cjson.decode(observed).draining then return {} end
  end
end
local found = {}
for _, id in ipairs(redis.call('ZRANGE', q .. ':waiting', 0, 999)) do
  local r = redis.call('HMGET', q .. ':t:' .. id, 'startedEventId', 'token', 'task')
  if r[1] then
    found[#found + 1] = id
    for i = 1, 3 do found[#found + 1] = r[i] end
  end
end
return found
`,
)

/** Returns the tasks that wait when `process` is the last that could run them, else none. Rejects as Redis does. */
export async function readAbandoned(
  redis: Redis,
  key: string,
  process: string,
): Promise<{ task: DueTask; taskToken: string; facts: TaskFacts }[]> {
  const reply = (await run(redis, ALONE, key, [process])) as string[]
  return Array.from({ length: reply.length / 4 }, (_, i) => {
    const [id, started, taskToken, facts] = reply.slice(4 * i, 4 * i + 4)
    return {
      task: { id: id!, startedEventId: Number(started) },
      taskToken: taskToken!,
      facts: JSON.parse(facts!) as TaskFacts,
    }
  })
}
