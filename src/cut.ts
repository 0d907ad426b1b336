// Texts that others wrote, cut to a length that we can bear.

/** The most characters of one value in a line of the log; and of its lists, the most members. */
export const LONGEST_VALUE = 2_000
const MOST_MEMBERS = 100
/** The most characters of a line of the log. */
const LONGEST_LINE = 65_536

/** Returns the beginning of a text: at most `most` characters, none of them half of one. */
export function beginningOf(text: string, most: number): string {
  return text.slice(0, before(text, most))
}

/** Returns a text of at most `most` characters; a longer one ends in `…`. */
export function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${beginningOf(text, most - 1)}…`
}

/** Returns a text of at most about `most` characters; of a longer one its beginning, `…` and how long it was. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text : `${beginningOf(text, most)}… (${text.length} characters)`
}

/** Returns a text of at most about `most` characters; of a longer one its beginning and its end. */
export function cutInside(text: string, most: number): string {
  if (text.length <= most) return text
  const half = Math.floor(most / 2)
  return `${beginningOf(text, half)} … ${text.slice(before(text, text.length - half))}`
}

/** Returns a line of the log whose values are bounded. */
export function boundedLine(line: string): string {
  if (line.length <= LONGEST_VALUE) return line
  const bounded = JSON.parse(line, (_, value: unknown) => {
    if (typeof value === 'string') return cut(value, LONGEST_VALUE)
    if (!Array.isArray(value) || value.length <= MOST_MEMBERS) return value
    return [...value.slice(0, MOST_MEMBERS), `… (${value.length} members)`] as unknown[]
  }) as Record<string, unknown>
  const text = JSON.stringify(bounded)
  if (text.length <= LONGEST_LINE) return `${text}\n`
  const { level, time, component, message } = bounded
  return `${JSON.stringify({ level, time, component, omitted: `${line.length} characters`, message })}\n`
}

/** Returns `at`, or one less where that would cut a character of two halves. */
function before(text: string, at: number): number {
  return /[\uD800-\uDBFF]/.test(text[at - 1] ?? '') ? at - 1 : at
}
