// What can be seen of a queue, in one read.

import type { Redis } from '../redis.js'
import { run, script } from './script.js'
import type { Observed } from './slots.js'
import { DEFAULT_SETTINGS, parseSettings, type QueueSettings } from './settings.js'

export interface QueueNumbers {
  /** Tasks that wait for a process to run them. */
  depth: number
  /** Tasks that are run. */
  active: number
  /** Slots in use: open polls, and tasks that wait or are run. */
  slotsHeld: number
  /** How long the oldest waiting task has waited, in milliseconds. */
  oldestAge?: number
  settings: QueueSettings
  /** The processes that are alive, by id. */
  processes: { id: string; observed: Observed }[]
}

// STATS: a queue's numbers. In: nothing. Out: settings (JSON), open tasks, waiting, permits, age of the oldest (-1: none),
// then process and observed (JSON) in turn. Writes nothing.
const STATS = script(
  'STATS',
  `
local oldest = redis.call('ZRANGE', q .. ':waiting', 0, 0, 'WITHSCORES')
local reply = {
  redis.call('GET', q .. ':settings') or '',
  redis.call('ZCARD', q .. ':tasks'),
  redis.call('ZCARD', q .. ':waiting'),
  redis.call('ZCOUNT', q .. ':permits', now, '+inf'),
  oldest[2] and math.max(0, now - tonumber(oldest[2])) or -1,
}
for _, process in ipairs(redis.call('ZRANGEBYSCORE', q .. ':alive', now, '+inf')) do
  local observed = redis.call('HGET', q .. ':processes', process)
  if observed then
    reply[#reply + 1] = process
    reply[#reply + 1] = observed
  end
end
return reply
`,
)

/** Reads a queue's numbers. Rejects as Redis does. */
export async function readNumbers(redis: Redis, key: string): Promise<QueueNumbers> {
  const [settings, tasks, depth, permits, oldest, ...seen] = (await run(redis, STATS, key, [])) as [
    string,
    number,
    number,
    number,
    number,
    ...string[],
  ]
  const processes: QueueNumbers['processes'] = []
  for (let i = 0; i < seen.length; i += 2)
    processes.push({ id: seen[i]!, observed: JSON.parse(seen[i + 1]!) as Observed })
  return {
    depth,
    active: tasks - depth,
    slotsHeld: tasks + permits,
    ...(oldest >= 0 && { oldestAge: oldest }),
    settings: parseSettings(settings) ?? DEFAULT_SETTINGS,
    processes: processes.sort((a, b) => (a.id < b.id ? -1 : 1)),
  }
}
