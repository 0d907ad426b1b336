// The world outside: mail, a bank and a shelf of receipts, each a file of one line an effect, so that what happened can be
// counted. A line is written once a key, however often the activity runs.

import { appendFile, readFile } from 'node:fs/promises'

const FILE = process.env.OFFICE_LEDGER ?? 'office-ledger.jsonl'

export interface Entry {
  readonly kind: 'asked' | 'paid' | 'archived'
  /** The idempotency key of the activity: what makes two tries one effect. */
  readonly key: string
  readonly what: string
}

/** Appends an entry. Two tries of one activity may both write: whoever counts takes the first of a key. */
export async function record(entry: Entry): Promise<void> {
  await appendFile(FILE, `${JSON.stringify(entry)}\n`)
}

/** Returns the effects, one for each key. */
export async function effects(file = FILE): Promise<Entry[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const entries = text
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as Entry)
  return [...new Map(entries.reverse().map(entry => [entry.key, entry])).values()].reverse()
}

/** How many receipts a year has, and how many are listed at a time. */
export const RECEIPTS = 3_000
const PAGE = 500

export function receipts(year: number, after: number): string[] {
  const length = Math.max(0, Math.min(PAGE, RECEIPTS - after))
  return Array.from({ length }, (_, n) => `${year}-${String(after + n + 1).padStart(5, '0')}`)
}
