// Doing something again and again, by the calendar.

import { Cron } from 'croner'
import { DAY } from '../swf/duration.js'
import { optionsFirst, type OptionsFirst } from './concurrency.js'
import { continueAsNewSuggested, continueLoops } from './continue-as-new.js'
import { now } from './deterministic.js'
import { currentRun, outside } from './replay/current.js'
import { sleep } from './timer.js'

export interface CronOptions {
  /** IANA name. Where the clock is put forward, what falls into the gap comes after it. @default 'UTC' */
  timezone?: string
  /** Names the loop, where a workflow has more than one. @default 'cron' */
  cursor?: string
}

type Work = (at: number) => Promise<unknown>

/**
 * Returns the next moment of a cron expression after another moment, both in milliseconds since 1970; undefined when there is
 * none. Five fields, or six with seconds first. Throws for an expression or a timezone that makes no sense.
 */
export function nextCron(
  expression: string,
  after: number,
  { timezone = 'UTC' }: Pick<CronOptions, 'timezone'> = {},
): number | undefined {
  // Without a function it sets no timer; what it reads of the clock does not count, since it is told what to begin at.
  return outside(() => new Cron(expression, { timezone, paused: true }).nextRun(new Date(after))?.getTime())
}

/**
 * Calls `work` at every moment of a cron expression, with that moment, one call after the other: moments that pass while it
 * runs are left out. Continues the execution as new, with the same input, when its history has grown long or half of its
 * executionStartToClose is used up. Ends when the expression does, or when `work` fails.
 *
 * @example await cron('30 2 * * *', { timezone: 'Europe/Berlin' }, async at => closeBooks({ day: at }))
 */
export function cron(expression: string, work: Work): Promise<void>
export function cron(expression: string, options: CronOptions, work: Work): Promise<void>
export async function cron(expression: string, ...rest: OptionsFirst<CronOptions, Work>): Promise<void> {
  const [{ timezone = 'UTC', cursor = 'cron' }, work] = optionsFirst(rest)
  const { cursors, startedAt, expiresAt } = currentRun('cron')
  let last = cursors.begin(cursor) as number | undefined
  let worked = false
  for (;;) {
    const at = nextCron(expression, Math.max(last ?? 0, now()), { timezone })
    if (at === undefined) return
    if (worked && (continueAsNewSuggested() || at > (startedAt + expiresAt) / 2)) continueLoops()
    if (at >= expiresAt)
      throw new RangeError(
        `cron ${expression} waits until ${new Date(at).toISOString()}, and the execution ends before that: give it a longer executionStartToClose`,
      )
    while (now() < at) await sleep(Math.min(at - now(), 300 * DAY))
    await work(at)
    last = at
    worked = true
    cursors.set(cursor, at)
  }
}
