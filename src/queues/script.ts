// Lua scripts: how they are named, loaded and called.
//
// L1. Every script takes one key, the hash tag of a queue or a domain, and derives the others from it.
// L2. Scripts read Redis's clock, never a caller's.
// L3. Scripts are loaded whenever the connection is made, so that commands sent one after another arrive in order:
//     a script that Redis does not know would be sent again behind its successors.

import { createHash } from 'node:crypto'
import type { Redis } from '../redis.js'

export interface Script {
  readonly name: string
  readonly lua: string
  readonly sha: string
}

const PRELUDE = `
local q = KEYS[1]
local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local now = clock()
`

const all: Script[] = []

/** Names a script. `lua` finds the key in `q` and the time in `now`, in milliseconds since 1970. */
export function script(name: string, lua: string): Script {
  const text = PRELUDE + lua
  const made = { name, lua: text, sha: createHash('sha1').update(text).digest('hex') }
  all.push(made)
  return made
}

const prepared = new WeakSet<Redis>()

/** Loads every script now, and again whenever the connection comes back. */
export function loadScripts(redis: Redis): void {
  if (prepared.has(redis)) return
  prepared.add(redis)
  const load = () => {
    for (const { lua } of all) redis.script('LOAD', lua).catch(() => {})
  }
  redis.prependListener('ready', load)
  if (redis.status === 'ready') load()
}

/** Runs a script on a queue's or a domain's keys. Rejects as Redis does. */
export async function run(
  redis: Redis,
  { sha, lua }: Script,
  key: string,
  args: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await redis.evalsha(sha, 1, key, ...args)
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return redis.eval(lua, 1, key, ...args)
  }
}
