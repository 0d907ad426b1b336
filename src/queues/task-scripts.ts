// What decides about a polled task: its record in Redis, and the scripts that change it.
//
// R1. A polled task is never refused. Of two tasks with one activityId the later start (startedEventId) counts.
// R2. A task has one run at a time. A run is named by its fencing token, `startedEventId.takeovers`, which only grows:
//     startedEventId is SWF's, so it grows over retries too, and outlives the loss of Redis.
// R3. A new run begins only with its task, from WAIT, or in the place of a run whose process is not alive (P4); each takeover is
//     counted, and past MAX_TAKEOVERS the task is given up: some inputs kill every worker that touches them.
// R4. A task has one outcome: the first that its current run commits. Others are refused (STALE). With it the task may
//     give up its slot: nobody works on it any more. Of a process that is not alive, any other tells SWF its outcome.
// R5. A repeated call with the same nonce does nothing twice.
// R6. A closed task leaves a tombstone, so that a late ADMIT or job finds it closed.
// R7. No run begins after the task's deadline.
// R8. A task that its handler has left open holds no slot and belongs to no process: everybody sees to it, and its token, a
//     cancel or the end of its time gives it its outcome. The token counts from the moment it was made, whoever runs the task.
// R9. No more run at a time than the fleet may, and none begins while the queue is paused.
// R10. A task begins as it is admitted, in the process that polled it, when that has room and nobody waits: those that wait
//     come first. All others wait for a job to wake somebody up.
// R11. A record that knows less than the run that names itself is of a Redis that has fallen behind: the run is put back (BEAT,
//     RESTORE), or its outcome taken (COMMIT).
//
// ─admit▶ WAIT or RUN.   WAIT ─claim▶ RUN ─commit▶ OUT ─done▶ CLOSED.   WAIT ─take▶ OUT.   RUN of a dead process ─due▶ WAIT.
// RUN ─open▶ OPEN ─take▶ OUT.   WAIT, RUN, OPEN ─answer▶ OUT.

import { script, together } from './script.js'
import { ACQUIRE } from './slots.js'

/** How often a task is taken over from workers that died before it is given up. */
export const MAX_TAKEOVERS = 2
/** How long a closed task is remembered beyond its deadline, in milliseconds; and at most after it closed. */
const TOMBSTONE = 60_000
const LONGEST_TOMBSTONE = 600_000
/** Shared by scripts: the key of a task, whether a process is alive, how a task closes, and what is measured of it. */
export const TASK_FUNCTIONS = `
local function key(id) return q .. ':t:' .. id end
local function protected(process)
  local lease = redis.call('ZSCORE', q .. ':alive', process)
  if lease and tonumber(lease) >= now then return true end
  local state = redis.call('HMGET', q .. ':state', 'grace', 'tick', 'lease')
  return tonumber(state[1] or 0) > now or now - tonumber(state[2] or 0) > tonumber(state[3] or 0)
end
local function close(id, deadline, state)
  local t = key(id)
  redis.call('HDEL', t, 'until', 'task', 'token', 'input', 'outcome', 'details', 'process', 'nonce', 'beat', 'attempt', 'beatAt')
  redis.call('HSET', t, 'state', 'CLOSED')
  -- Since it was made, a record lives as long as its tombstone.
  local left = tonumber(deadline) - now
  if left < 0 or left > ${LONGEST_TOMBSTONE} then redis.call('PEXPIRE', t, (left < 0 and 0 or ${LONGEST_TOMBSTONE}) + ${TOMBSTONE}) end
  if state == 'OUT' and redis.call('ZREM', q .. ':out', id) == 1 then return end
  redis.call('ZREM', q .. ':tasks', id)
  if state == 'RUN' or state == 'OUT' then return end
  redis.call('ZREM', q .. ':waiting', id)
  redis.call('ZREM', q .. ':beats', id)
  redis.call('ZREM', q .. ':open', id)
end
local function measured(type, name)
  measure('a|' .. name .. '|' .. (type or ''))
end
local function full(waiting)
  local settings = settings()
  return settings and (settings.paused or redis.call('ZCARD', q .. ':tasks') - waiting >= settings.concurrency)
end
local function begun(type, process, waited, attempt)
  measured(type, 'w' .. bucket(waited))
  if attempt > 1 then
    measured(type, 'retry')
    measure('p|retry|' .. process)
  end
end
local function stale(id, nonce)
  if redis.call('HSETNX', key(id), 'stale.' .. nonce, 1) == 1 then
    measured(redis.call('HGET', key(id), 'type'), 'fenced')
    measure('p|fenced|' .. string.gsub(nonce, '%.%d+$', ''))
  end
  return 'STALE'
end
local function behind(state, started, takeovers, run_started, run_takeovers)
  local older = tonumber(run_started) - tonumber(started)
  if older ~= 0 or state == 'CLOSED' then return older > 0 end
  local missing = tonumber(run_takeovers) - tonumber(takeovers)
  return missing > 0 or (missing == 0 and state == 'WAIT')
end
`

/** Shared by scripts: a task gets its outcome from somebody who does not run it. */
const END_FUNCTION = `
local function endWith(id, process, nonce, outcome, name)
  local t = key(id)
  redis.call('HSET', t, 'state', 'OUT', 'process', process, 'nonce', nonce, 'outcome', outcome)
  local r = redis.call('HMGET', t, 'type', 'deadline')
  measured(r[1], name)
  redis.call('ZADD', q .. ':out', r[2], id)
  redis.call('ZREM', q .. ':tasks', id)
  redis.call('ZREM', q .. ':waiting', id)
  redis.call('ZREM', q .. ':beats', id)
  redis.call('ZREM', q .. ':open', id)
end
`

// ADMIT: makes the record of a polled task, in the place of its permit.
// In: id, startedEventId, permit, task (JSON), token, input, time to live (ms), beat (ms), activity type,
// which try, process, nonce of the run to begin ('': none). Out: RUN, NEW, SAME, CLOSED.
// Keeps R1, R5 to R7, R9 and R10.
export const ADMIT = script(
  'ADMIT',
  `
local id, started = ARGV[1], tonumber(ARGV[2])
local t, ttl, beat, process, nonce = key(id), tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[11], ARGV[12]
redis.call('ZREM', q .. ':permits', ARGV[3])
local old = redis.call('HMGET', t, 'state', 'startedEventId', 'nonce')
if old[1] then
  if tonumber(old[2]) > started then return 'CLOSED' end
  if tonumber(old[2]) == started then
    if old[1] == 'RUN' and old[3] == nonce then return 'RUN' end
    return old[1] == 'CLOSED' and 'CLOSED' or 'SAME'
  end
  redis.call('DEL', t)
  for _, set in ipairs({ ':open', ':beats', ':waiting', ':tasks', ':out' }) do redis.call('ZREM', q .. set, id) end
end
local at_once = nonce ~= '' and ttl > 0 and redis.call('ZCARD', q .. ':waiting') == 0 and not full(0)
local fields = { 'state', at_once and 'RUN' or 'WAIT', 'startedEventId', started, 'takeovers', 0, 'readded', 0, 'task', ARGV[4],
  'token', ARGV[5], 'input', ARGV[6], 'deadline', now + ttl, 'beat', beat, 'at', now, 'type', ARGV[9], 'attempt', ARGV[10],
  'process', process, 'nonce', nonce, 'begun', now }
redis.call('HSET', t, unpack(fields, 1, at_once and #fields or #fields - 6))
redis.call('PEXPIRE', t, ttl + ${TOMBSTONE})
redis.call('ZADD', q .. ':tasks', now + ttl, id)
if at_once then
  begun(ARGV[9], process, 0, tonumber(ARGV[10]))
  return 'RUN'
end
redis.call('ZADD', q .. ':waiting', now, id)
if beat > 0 then redis.call('ZADD', q .. ':beats', now + beat, id) end
return 'NEW'
`,
  [TASK_FUNCTIONS],
)

// CLAIM: asks to run a task. In: id, process, nonce. Out: GONE | BUSY | FULL (not now) | EXPIRED task | RUN, GIVE_UP with
// task, token, input, startedEventId, takeovers, time left (ms), details.
// Keeps R2, R3, R5, R7, R9.
export const CLAIM = script(
  'CLAIM',
  `
local id, process, nonce = ARGV[1], ARGV[2], ARGV[3]
local t = key(id)
local r = redis.call('HMGET', t, 'state', 'process', 'nonce', 'takeovers', 'deadline', 'task', 'type', 'at', 'attempt')
local state, takeovers = r[1], tonumber(r[4] or 0)
if not state or state == 'CLOSED' or state == 'OPEN' then return { 'GONE' } end
if state == 'OUT' then return { 'BUSY' } end
local mine = r[3] == nonce
if not mine then
  if state ~= 'WAIT' and protected(r[2] or '') then return { 'BUSY' } end
  if tonumber(r[5]) <= now then
    measured(r[7], 'expired')
    close(id, r[5], state)
    return { 'EXPIRED', r[6] }
  end
  if state == 'RUN' then
    if (settings() or {}).paused then return { 'FULL' } end
    takeovers = takeovers + 1
    measured(r[7], 'takeover')
    if r[2] then measure('p|takeover|' .. r[2]) end
  elseif state == 'WAIT' then
    if full(redis.call('ZCARD', q .. ':waiting')) then return { 'FULL' } end
    if takeovers == 0 then begun(r[7], process, now - tonumber(r[8] or now), tonumber(r[9] or 1)) end
  end
  redis.call('HSET', t, 'state', 'RUN', 'process', process, 'nonce', nonce, 'takeovers', takeovers, 'begun', now)
  redis.call('ZREM', q .. ':waiting', id)
  redis.call('ZREM', q .. ':beats', id)
end
local answer = takeovers > ${MAX_TAKEOVERS} and 'GIVE_UP' or 'RUN'
local f = redis.call('HMGET', t, 'token', 'input', 'startedEventId', 'details')
return { answer, r[6], f[1], f[2], f[3], takeovers, tonumber(r[5]) - now, f[4] or '' }
`,
  [TASK_FUNCTIONS],
)

// BEAT: a run is about to send a heartbeat. In: id, startedEventId, takeovers, nonce, details ('' for none).
// Out: OK, STALE (another run owns the task, or it is closed), ENDED (by its token), LOST (no record, or an older one: R11).
export const BEAT = script(
  'BEAT',
  `
local t = key(ARGV[1])
local r = redis.call('HMGET', t, 'state', 'startedEventId', 'takeovers', 'nonce', 'answer')
if not r[1] then return 'LOST' end
if r[5] and r[2] == ARGV[2] then return 'ENDED' end
if behind(r[1], r[2], r[3], ARGV[2], ARGV[3]) then return 'LOST' end
if r[1] == 'CLOSED' or r[2] ~= ARGV[2] or r[3] ~= ARGV[3] or r[4] ~= ARGV[4] then return stale(ARGV[1], ARGV[4]) end
redis.call('HSET', t, 'beatAt', now)
if ARGV[5] ~= '' then redis.call('HSET', t, 'details', ARGV[5]) end
return 'OK'
`,
  [TASK_FUNCTIONS],
)

// COMMIT: a run's outcome. In: id, startedEventId, takeovers, nonce, outcome (JSON), its name in measures, 1 to give up the
// slot. Out: OK, STALE, ENDED (by its token). A missing record knows nothing against it: SWF takes the first.
// Keeps R4, R5, R11.
export const COMMIT = script(
  'COMMIT',
  `
local t = key(ARGV[1])
local r = redis.call('HMGET', t, 'state', 'startedEventId', 'takeovers', 'nonce', 'process', 'begun', 'answer', 'type', 'deadline')
if not r[1] then return 'OK' end
if r[7] and r[2] == ARGV[2] then return 'ENDED' end
if behind(r[1], r[2], r[3], ARGV[2], ARGV[3]) then
  if r[2] ~= ARGV[2] then return 'OK' end
  r[1], r[3], r[4], r[5] = 'RUN', ARGV[3], ARGV[4], string.gsub(ARGV[4], '%.%d+$', '')
  redis.call('HSET', t, 'state', 'RUN', 'takeovers', r[3], 'nonce', r[4], 'process', r[5])
  redis.call('ZREM', q .. ':waiting', ARGV[1])
  redis.call('ZREM', q .. ':beats', ARGV[1])
end
if r[1] == 'CLOSED' or r[2] ~= ARGV[2] or r[3] ~= ARGV[3] or r[4] ~= ARGV[4] then return stale(ARGV[1], ARGV[4]) end
if r[1] == 'RUN' then
  redis.call('HSET', t, 'state', 'OUT', 'outcome', ARGV[5])
  if ARGV[7] == '1' then
    redis.call('ZREM', q .. ':tasks', ARGV[1])
    redis.call('ZADD', q .. ':out', r[9], ARGV[1])
  end
  local took = now - tonumber(r[6] or now)
  measured(r[8], 'r' .. bucket(took))
  measured(r[8], ARGV[6])
  measure('p|' .. ARGV[6] .. '|' .. r[5])
  measure('p|ms|' .. r[5], took)
end
return 'OK'
`,
  [TASK_FUNCTIONS],
)

// DONE: SWF knows the outcome, or has closed the task itself. In: id, startedEventId, nonce ('': only if nobody runs it).
// Keeps R6.
export const DONE = script(
  'DONE',
  `
local r = redis.call('HMGET', key(ARGV[1]), 'state', 'startedEventId', 'nonce', 'deadline', 'type')
local mine = r[3] == ARGV[3] or (ARGV[3] == '' and (r[1] == 'WAIT' or r[1] == 'OPEN'))
if r[1] and r[1] ~= 'CLOSED' and r[2] == ARGV[2] and mine then
  if r[1] == 'RUN' then measured(r[5], 'dropped') end
  close(ARGV[1], r[4], r[1])
end
`,
  [TASK_FUNCTIONS],
)

// TAKE: ends a task that nobody runs, with an outcome. In: id, startedEventId, process, nonce, outcome (JSON), its name in
// measures, the state that it must be in. Out: 1, or 0 when it is in another.
export const TAKE = script(
  'TAKE',
  `
local id, t = ARGV[1], key(ARGV[1])
local r = redis.call('HMGET', t, 'state', 'startedEventId', 'nonce')
if r[1] == 'OUT' and r[3] == ARGV[4] then return 1 end
if r[1] ~= ARGV[7] or r[2] ~= ARGV[2] then return 0 end
endWith(id, ARGV[3], ARGV[4], ARGV[5], ARGV[6])
return 1
`,
  [TASK_FUNCTIONS, END_FUNCTION],
)

// OPEN: a run leaves its task open. In: id, startedEventId, takeovers, nonce, for how long (ms), beat (ms). Out: OK, STALE,
// LOST (no record). Keeps R5 and R8.
export const OPEN = script(
  'OPEN',
  `
local id, t, beat = ARGV[1], key(ARGV[1]), tonumber(ARGV[6])
local r = redis.call('HMGET', t, 'state', 'startedEventId', 'takeovers', 'nonce', 'answer', 'deadline')
if not r[1] then return 'LOST' end
if r[2] == ARGV[2] and r[3] == ARGV[3] and (r[1] == 'OPEN' or r[5]) then return 'OK' end
if r[1] ~= 'RUN' or r[2] ~= ARGV[2] or r[3] ~= ARGV[3] or r[4] ~= ARGV[4] then return stale(id, ARGV[4]) end
redis.call('HDEL', t, 'process', 'nonce', 'input')
redis.call('HSET', t, 'state', 'OPEN', 'beat', beat)
redis.call('ZREM', q .. ':tasks', id)
redis.call('ZADD', q .. ':open', math.min(now + tonumber(ARGV[5]), tonumber(r[6])), id)
if beat > 0 then redis.call('ZADD', q .. ':beats', now + beat, id) end
return 'OK'
`,
  [TASK_FUNCTIONS],
)

// ANSWER: somebody who has the token of a task gives its outcome. In: id, startedEventId, name of the answer, outcome (JSON),
// its name in measures, for how long he will try to tell SWF (ms). Out: OK (tell SWF), SAME (this answer has been told),
// CLOSED (ended otherwise, or begun anew), UNKNOWN (no record). Keeps R4, R5, R8.
export const ANSWER = script(
  'ANSWER',
  `
local id, name = ARGV[1], ARGV[3]
local r = redis.call('HMGET', key(id), 'state', 'startedEventId', 'answer')
if not r[1] or tonumber(r[2]) < tonumber(ARGV[2]) then return 'UNKNOWN' end
if r[2] ~= ARGV[2] then return 'CLOSED' end
if r[1] == 'CLOSED' then return r[3] == name and 'SAME' or 'CLOSED' end
if r[1] == 'OUT' then return r[3] == name and 'OK' or 'CLOSED' end
redis.call('HSET', key(id), 'answer', name)
endWith(id, name, name, ARGV[4], ARGV[5])
redis.call('ZADD', q .. ':alive', now + tonumber(ARGV[6]), name)
return 'OK'
`,
  [TASK_FUNCTIONS, END_FUNCTION],
)

// RESTORE: a run's record, after Redis has lost it. In: id, startedEventId, takeovers, process, nonce, task (JSON), token,
// input, time to live (ms), beat (ms), details, activity type, which try. Out: OK, or STALE when another run or a later start stands there. Keeps R11.
export const RESTORE = script(
  'RESTORE',
  `
local id, started, takeovers = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local t, ttl = key(id), tonumber(ARGV[9])
local old = redis.call('HMGET', t, 'state', 'startedEventId', 'takeovers', 'nonce')
if old[1] then
  if tonumber(old[2]) > started then return 'STALE' end
  if tonumber(old[2]) == started then
    if old[1] ~= 'CLOSED' and old[4] == ARGV[5] then return 'OK' end
    if not behind(old[1], old[2], old[3], started, takeovers) then return 'STALE' end
  end
end
redis.call('DEL', t)
for _, set in ipairs({ ':open', ':out' }) do redis.call('ZREM', q .. set, id) end
redis.call('HSET', t, 'state', 'RUN', 'startedEventId', started, 'takeovers', takeovers, 'readded', 0,
  'process', ARGV[4], 'nonce', ARGV[5], 'task', ARGV[6], 'token', ARGV[7], 'input', ARGV[8], 'deadline', now + ttl,
  'beat', ARGV[10], 'details', ARGV[11], 'at', now, 'begun', now, 'type', ARGV[12], 'attempt', ARGV[13])
redis.call('PEXPIRE', t, ttl + ${TOMBSTONE})
redis.call('ZADD', q .. ':tasks', now + ttl, id)
redis.call('ZREM', q .. ':waiting', id)
redis.call('ZREM', q .. ':beats', id)
return 'OK'
`,
  [TASK_FUNCTIONS],
)

// STATES: where tasks stand. In: ids. Out: state, startedEventId and nonce of each in turn, false where there is none.
export const STATES = script(
  'STATES',
  `
local reply = {}
for i, id in ipairs(ARGV) do
  local r = redis.call('HMGET', q .. ':t:' .. id, 'state', 'startedEventId', 'nonce')
  for n = 1, 3 do reply[3 * (i - 1) + n] = r[n] end
end
return reply
`,
)

// ORPHAN: SWF waits for a task that nobody runs, whatever its record says: it may be taken over. In: id, startedEventId, nonce.
export const ORPHAN = script(
  'ORPHAN',
  `
local t = q .. ':t:' .. ARGV[1]
local r = redis.call('HMGET', t, 'state', 'startedEventId', 'nonce')
if r[1] == 'RUN' and r[2] == ARGV[2] and r[3] == ARGV[3] then redis.call('HDEL', t, 'process') end
`,
)

// HINT: somebody asked for a cancel, or the execution closed: whoever holds the task beats once, soon.
// In: id of a task, or the part that all tasks of an execution share. Out: how many tasks.
export const HINT = script(
  'HINT',
  `
local found = {}
if #ARGV[1] == 32 then
  if redis.call('ZSCORE', q .. ':tasks', ARGV[1]) or redis.call('ZSCORE', q .. ':open', ARGV[1]) then found[1] = ARGV[1] end
else
  for _, set in ipairs({ ':tasks', ':open' }) do
    for _, id in ipairs(redis.call('ZRANGE', q .. set, 0, -1)) do
      if string.sub(id, 1, 16) == ARGV[1] then found[#found + 1] = id end
    end
  end
end
for _, id in ipairs(found) do
  redis.call('ZADD', q .. ':hints', now + 5000, id)
  if redis.call('ZSCORE', q .. ':waiting', id) or redis.call('ZSCORE', q .. ':open', id) then redis.call('ZADD', q .. ':beats', now, id) end
end
return #found
`,
)

/** What happens to every task, gathered. */
export const ON_EVERY_TASK = together([ADMIT, CLAIM, BEAT, COMMIT, OPEN, DONE, ACQUIRE])
