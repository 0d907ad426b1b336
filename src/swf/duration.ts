// Durations as people write them, and as SWF wants them: whole seconds in a string, or NONE.

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

const UNIT = { ms: 1, s: SECOND, m: MINUTE, h: HOUR, d: DAY } as const

/** A length of time: `'30s'`, `'5m'`, `'500ms'`, `'1.5h'`, `'30d'`, or a number of milliseconds. */
export type Duration = number | `${number}${keyof typeof UNIT}`

/** Returns a duration in milliseconds. Throws a RangeError for anything that is not a duration of at least 0. */
export function milliseconds(duration: Duration): number {
  if (typeof duration === 'number') {
    if (duration >= 0 && Number.isFinite(duration)) return duration
  } else {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration)
    if (match) return Number(match[1]) * UNIT[match[2] as keyof typeof UNIT]
  }
  throw new RangeError(`${JSON.stringify(duration)} is not a duration: write '30s', '5m', '2h', '30d' or milliseconds`)
}

/** Returns milliseconds as people write them: `1h`, `90s`, `1500ms`. */
export function durationText(duration: number): string {
  const [unit, length] = Object.entries(UNIT).findLast(([, ms]) => duration >= ms && duration % ms === 0) ?? ['ms', 1]
  return `${duration / length}${unit}`
}

/** Returns a duration as SWF takes it: whole seconds, rounded up, so that nothing ends before it was asked to. */
export function seconds(duration: Duration): string {
  return String(Math.ceil(milliseconds(duration) / SECOND))
}

/** A timeout of SWF: a duration, or `'NONE'` for no limit. */
export type Timeout = Duration | 'NONE'

/** Returns a timeout as SWF takes it. */
export function timeoutSeconds(timeout: Timeout): string {
  return timeout === 'NONE' ? timeout : seconds(timeout)
}

/** Returns the milliseconds of a timeout that SWF sent; undefined for NONE and for an absent one. */
export function timeoutMilliseconds(timeout: string | undefined): number | undefined {
  return timeout === undefined || timeout === 'NONE' ? undefined : Number(timeout) * SECOND
}

/** Returns a duration in ISO 8601: 90,500 ms is `PT1M30.5S`. */
export function isoDuration(duration: number): string {
  const total = Math.max(0, duration) / SECOND
  const days = Math.floor(total / 86_400)
  const hours = Math.floor((total % 86_400) / 3_600)
  const minutes = Math.floor((total % 3_600) / 60)
  const rest = Math.round((total % 60) * 1_000) / 1_000
  const time = `${hours ? `${hours}H` : ''}${minutes ? `${minutes}M` : ''}${rest ? `${rest}S` : ''}`
  if (!days && !time) return 'PT0S'
  return `P${days ? `${days}D` : ''}${time ? `T${time}` : ''}`
}

/**
 * Returns the milliseconds of an ISO 8601 duration of days, hours, minutes and seconds; undefined for any other text, and
 * for one that is longer than can be counted in milliseconds.
 */
export function parseIsoDuration(text: string): number | undefined {
  const match = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(text)
  if (!match || /^P?T?$/.test(text) || text.endsWith('T')) return undefined
  const [, d = 0, h = 0, m = 0, s = 0] = match.map(part => Number(part ?? 0))
  const duration = d * DAY + h * HOUR + m * MINUTE + s * SECOND
  return duration <= Number.MAX_SAFE_INTEGER ? duration : undefined
}
