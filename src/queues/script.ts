// Lua scripts: how they are named, loaded and called.
//
// L1. Every script takes one key, the hash tag of a queue or a domain, and derives the others from it.
// L2. Scripts read Redis's clock, never a caller's. A queue's time never goes back: where that clock was set back, or a replica
//     was promoted whose clock is behind, it goes on from where it was (TICK keeps by how much, `shift`).
// L3. Scripts are loaded whenever the connection is made, so that commands sent one after another arrive in order:
//     a script that Redis does not know would be sent again behind its successors.
// L4. Calls of one turn of the event loop go as one (Batch), in the order in which they were made, and see one time. When
//     it fails, all of them do, and any of them may have been done: they are safe to repeat.

import { createHash } from 'node:crypto'
import type { Redis } from '../redis.js'
import { MEASURE_FUNCTIONS, WRITE_MEASURES } from './measures.js'

export interface Script {
  readonly name: string
  /** Functions that it shares with others, and what it does. */
  readonly functions: readonly string[]
  readonly body: string
  readonly lua: string
  readonly sha: string
}

const PRELUDE = `
local q = KEYS[1]
local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local times = redis.call('HMGET', q .. ':state', 'tick', 'shift')
local now = math.max(clock() + tonumber(times[2] or 0), tonumber(times[1] or 0))
local known
local function settings()
  if known == nil then
    local text = redis.call('GET', q .. ':settings')
    known = text and cjson.decode(text) or false
  end
  return known
end
${MEASURE_FUNCTIONS}`

const all: Script[] = []

/**
 * Names a script. `body` finds the key in `q`, the time in `now`, in milliseconds since 1970 (L2), a queue's settings by
 * `settings()`, false when there are none, and whatever `functions` declare.
 */
export function script(name: string, body: string, functions: readonly string[] = []): Script {
  const lua = `${PRELUDE}${functions.join('')}local function main(ARGV)\n${body}\nend\nlocal reply = main(ARGV)\n${WRITE_MEASURES}return reply\n`
  const made = { name, functions, body, lua, sha: createHash('sha1').update(lua).digest('hex') }
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

/** Makes a script that calls others, one after the other. In: JSON, a list of number of a script and its arguments. */
export function together(scripts: readonly Script[]): Together {
  const bodies = scripts.map(({ name, body }, n) => `scripts[${n + 1}] = function(ARGV) -- ${name}\n${body}\nend\n`)
  const made = script(
    'TOGETHER',
    `local scripts = {}
${bodies.join('')}
local replies = {}
for i, call in ipairs(cjson.decode(ARGV[1])) do replies[i] = scripts[call[1]](call[2]) or false end
return replies
`,
    [...new Set(scripts.flatMap(({ functions }) => functions))],
  )
  return { script: made, numbers: new Map(scripts.map((each, n) => [each, n + 1])) }
}

export interface Together {
  readonly script: Script
  readonly numbers: ReadonlyMap<Script, number>
}

interface Call {
  script: Script
  args: readonly (string | number)[]
  resolve: (reply: unknown) => void
  reject: (error: Error) => void
}

/** Gathers calls on one key (L4). */
export class Batch {
  #calls: Call[] = []
  #last: (() => void)[] = []
  #leaving = false

  constructor(
    private readonly redis: Redis,
    private readonly key: string,
    private readonly known: Together,
  ) {}

  /** Calls one of the scripts. Rejects as Redis does. */
  run(script: Script, args: readonly (string | number)[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#calls.push({ script, args, resolve, reject })
      this.#leave()
    })
  }

  /** Calls back when the calls of this turn leave: what is called then comes after them. It must not throw. */
  atLast(callback: () => void): void {
    this.#last.push(callback)
    this.#leave()
  }

  #leave(): void {
    if (this.#leaving) return
    this.#leaving = true
    setImmediate(() => this.#send())
  }

  #send(): void {
    for (let callback; (callback = this.#last.shift());) callback()
    const calls = this.#calls
    this.#calls = []
    this.#leaving = false
    if (calls.length === 0) return
    const [first, ...others] = calls
    if (others.length === 0)
      return void run(this.redis, first!.script, this.key, first!.args).then(first!.resolve, first!.reject)
    const { script, numbers } = this.known
    // One argument: a hundred of them cost Redis and this process more than JSON does.
    const text = asJson(calls.map(({ script, args }) => [numbers.get(script), args.map(String)]))
    run(this.redis, script, this.key, [text]).then(
      replies => calls.forEach(({ resolve }, n) => resolve((replies as unknown[])[n])),
      (error: Error) => calls.forEach(({ reject }) => reject(error)),
    )
  }
}

/** JSON that Redis can read: of an unpaired surrogate, which UTF-8 cannot hold, JSON would make an escape that is none. */
function asJson(calls: (number | undefined | string[])[][]): string {
  const text = JSON.stringify(calls)
  if (!text.includes('\\ud')) return text
  return JSON.stringify(calls, (_, value: unknown) =>
    typeof value === 'string' ? Buffer.from(value).toString() : value,
  )
}
