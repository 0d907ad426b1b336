// The guard: what author code must not call, because a replay would see another answer, throws while a workflow runs.
//
// G1. Outside of workflows the patched functions are the originals, at a few nanoseconds a call.
// G2. A console may be used: it writes as if no workflow were running, once in every replay.
// G3. Once something forbidden was called the run is stuck, whatever its code makes of the error: it may have gone another way.
// G4. `new Date(x)` is allowed, `new Date()` is not. `process.nextTick` would break the rule by which a burst settles.

import { isReplaying, outside, replaying } from './current.js'
import { NotReplayable } from './not-replayable.js'

/** Parks the run at work (G3); returns the error to throw. */
function refusal(what: string, instead: string): NotReplayable {
  const error = new NotReplayable(what, instead)
  replaying()?.stuck(error)
  return error
}

const ACTIVITY = 'an activity'
let installed = false

/** Patches the globals of this process, once. */
export function installGuard(): void {
  if (installed) return
  installed = true
  const forbid = (object: object, name: string, instead: string, label = name) => {
    const original = (object as Record<string, unknown>)[name] as ((...args: unknown[]) => unknown) | undefined
    if (typeof original !== 'function') return
    const guarded = function (this: unknown, ...args: unknown[]): unknown {
      if (isReplaying()) throw refusal(label, instead)
      return Reflect.apply(original, this, args)
    }
    // What hangs on the original (util.promisify.custom of setTimeout, for one) stays there.
    Object.defineProperties(guarded, Object.getOwnPropertyDescriptors(original))
    Object.defineProperty(object, name, { value: guarded, writable: true, configurable: true, enumerable: true })
  }

  forbid(Date, 'now', 'now()', 'Date.now')
  forbid(Math, 'random', 'random()', 'Math.random')
  guardDate()
  guardDateFormat()
  for (const name of ['setTimeout', 'setInterval', 'setImmediate']) forbid(globalThis, name, 'sleep()')
  forbid(globalThis, 'fetch', ACTIVITY)
  forbid(process, 'nextTick', 'await', 'process.nextTick')
  forbid(process.hrtime, 'bigint', 'now()', 'process.hrtime.bigint')
  forbid(process, 'hrtime', 'now()', 'process.hrtime')
  forbid(process, 'uptime', 'now()', 'process.uptime')
  forbid(AbortSignal, 'timeout', 'withTimeout()', 'AbortSignal.timeout')
  forbid(performance, 'now', 'now()', 'performance.now')
  forbid(globalThis.crypto, 'randomUUID', 'uuid()', 'crypto.randomUUID')
  forbid(globalThis.crypto, 'getRandomValues', 'random()', 'crypto.getRandomValues')

  // Modules too: `import { randomUUID } from 'node:crypto'`.
  const builtin = (name: string) => process.getBuiltinModule(name) as unknown as Record<string, unknown>
  const crypto = builtin('node:crypto')
  forbid(crypto, 'randomUUID', 'uuid()', 'crypto.randomUUID')
  forbid(crypto, 'randomBytes', 'random()', 'crypto.randomBytes')
  forbid(crypto, 'randomFillSync', 'random()', 'crypto.randomFillSync')
  forbid(crypto, 'randomFill', 'random()', 'crypto.randomFill')
  forbid(crypto, 'randomInt', 'random()', 'crypto.randomInt')
  const timers = builtin('node:timers')
  const promises = builtin('node:timers/promises')
  for (const name of ['setTimeout', 'setInterval', 'setImmediate']) {
    forbid(timers, name, 'sleep()')
    forbid(promises, name, 'sleep()')
  }
  const scheduler = Object.getPrototypeOf(promises.scheduler) as object
  for (const name of ['wait', 'yield']) forbid(scheduler, name, 'sleep()', `scheduler.${name}`)
  const console = globalThis.console as unknown as Record<string, (...args: unknown[]) => unknown>
  for (const name of ['log', 'info', 'warn', 'error', 'debug']) {
    const original = console[name]!
    console[name] = (...args) => (isReplaying() ? outside(() => original(...args)) : original(...args))
  }
  ;(builtin('node:module') as { syncBuiltinESMExports(): void }).syncBuiltinESMExports()
}

function guardDate(): void {
  const Original = Date
  function GuardedDate(this: unknown, ...args: unknown[]): unknown {
    if (isReplaying() && (args.length === 0 || new.target === undefined)) throw refusal('new Date()', 'new Date(now())')
    if (new.target === undefined) return Original()
    return Reflect.construct(Original, args, (new.target as unknown) === GuardedDate ? Original : new.target)
  }
  Object.defineProperties(GuardedDate, Object.getOwnPropertyDescriptors(Original))
  Object.defineProperty(Original.prototype, 'constructor', { value: GuardedDate, writable: true, configurable: true })
  globalThis.Date = GuardedDate as unknown as DateConstructor
}

/** A formatter that is given no date takes the clock's. */
function guardDateFormat(): void {
  const { prototype } = Intl.DateTimeFormat
  const NOW = 'new Date(now())'
  const { get } = Object.getOwnPropertyDescriptor(prototype, 'format')!
  Object.defineProperty(prototype, 'format', {
    get(this: Intl.DateTimeFormat) {
      const format = Reflect.apply(get!, this, []) as Intl.DateTimeFormat['format']
      return (date?: Date | number) => {
        if (date === undefined && isReplaying()) throw refusal('DateTimeFormat.format()', NOW)
        return format(date)
      }
    },
    configurable: true,
  })
  const { formatToParts } = prototype
  Object.defineProperty(prototype, 'formatToParts', {
    value(this: Intl.DateTimeFormat, date?: Date | number) {
      if (date === undefined && isReplaying()) throw refusal('DateTimeFormat.formatToParts()', NOW)
      return Reflect.apply(formatToParts, this, [date]) as Intl.DateTimeFormatPart[]
    },
    writable: true,
    configurable: true,
  })
}
