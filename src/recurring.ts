// What goes wrong again and again, said once: a service that throttles a thousand calls is one change of state, not a thousand lines.

import type { Log } from './telemetry.js'

/** How long nothing must have gone wrong before that is said, in milliseconds. */
const QUIET = 10_000
/** After how long it is said again that it still goes wrong, and how often, in milliseconds. */
const AGAIN = 60_000

export interface RecurringMessages {
  /** Said when it goes wrong, at most once a minute for each code. */
  failed: string
  /** Said when nothing has gone wrong for ten seconds. */
  worked: string
  /** @default 'warn' */
  level?: 'warn' | 'error'
}

export class Recurring {
  /** By code: when it was said last, and how often it has happened since. */
  readonly #failures = new Map<string, { said: number; times: number }>()
  #last = 0

  constructor(
    private readonly log: Log,
    private readonly messages: RecurringMessages,
  ) {}

  /** Something went wrong. `code` tells kinds of failures apart, of which there must be few. */
  failed(code: string, facts: Record<string, unknown>): void {
    const now = (this.#last = performance.now())
    const before = this.#failures.get(code)
    if (before && now - before.said < AGAIN) return void before.times++
    const { level = 'warn', failed } = this.messages
    this.log[level]({ ...facts, ...(before && { times: before.times + 1 }) }, failed)
    this.#failures.set(code, { said: now, times: 0 })
  }

  /** Something went well. Costs nothing while all does. */
  worked(facts: Record<string, unknown> = {}): void {
    if (this.#failures.size === 0 || performance.now() - this.#last < QUIET) return
    this.#failures.clear()
    this.log.info(facts, this.messages.worked)
  }
}
