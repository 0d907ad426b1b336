// The bank, played by a table: what it answers depends on the card, as with the test numbers that payment providers publish.

import { setTimeout as pause } from 'node:timers/promises'
import type { Card } from './order.js'
import type { Store } from './store.js'

/** `unreachable`: the line breaks before the bank has answered, and another try may get through. */
export type Answer = 'approved' | 'unreachable' | { refused: string; message: string }

const REFUSED_AT_ONCE: Record<string, { refused: string; message: string }> = {
  '4000000000000002': { refused: 'CardDeclined', message: 'the bank declined the card and says no more' },
  '4000000000009995': { refused: 'InsufficientFunds', message: 'the account does not cover the amount' },
  '4000000000000069': { refused: 'CardExpired', message: 'the card has expired' },
  '4100000000000019': { refused: 'CardBlocked', message: 'the card was reported stolen' },
}
/** Sets the amount aside, then refuses to pay it out. */
const REFUSES_CAPTURE = '4000000000000341'
/** Sets the amount aside, then the line breaks at every try to take it. */
const NEVER_CAPTURES = '4000000000000119'
/** Sets the amount aside, then does not answer at all the first time that it is asked to pay. */
const SILENT_ONCE = '4000002500003155'

/** Asks whether an amount may be set aside. */
export async function askAuthorization(card: Card, signal: AbortSignal): Promise<Answer> {
  await pause(80, undefined, { signal })
  return REFUSED_AT_ONCE[card.number] ?? 'approved'
}

/** Asks for the amount that was set aside. `key` stands for the payment. */
export async function askCapture(card: Card, key: string, store: Store, signal: AbortSignal): Promise<Answer> {
  if (card.number === SILENT_ONCE && store.incident(`silence ${key}`) === 1) await silence(signal)
  await pause(120, undefined, { signal })
  if (card.number === REFUSES_CAPTURE) return { refused: 'CaptureRefused', message: 'the bank took its approval back' }
  return card.number === NEVER_CAPTURES ? 'unreachable' : 'approved'
}

/** Never answers; rejects when the caller gives up. */
async function silence(signal: AbortSignal): Promise<never> {
  for (;;) await pause(60_000, undefined, { signal })
}
