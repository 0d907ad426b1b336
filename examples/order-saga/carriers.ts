// The carriers, played by a few rules: where they do not go, and the one whose system is down when it is first asked.

import { setTimeout as pause } from 'node:timers/promises'
import type { Address, Carrier } from './order.js'
import type { Store } from './store.js'

/** Night Owl's booking system takes three attempts for every parcel. */
const UNRELIABLE: Carrier = 'Night Owl'
const FAILURES = 2

/** Countries without any delivery, and codes of places that are not on a street. */
const UNSERVED_COUNTRIES = new Set(['AQ', 'BV', 'HM', 'TF'])
const UNSERVED_POSTAL_CODES = /^(FIQQ 1ZZ|BIQQ 1ZZ|PCRN 1ZZ|SIQQ 1ZZ)$/

/** Tells why a carrier cannot deliver to an address; undefined when it can. */
export function unserviceable({ country, postalCode }: Address): string | undefined {
  if (UNSERVED_COUNTRIES.has(country)) return `nobody delivers to ${country}`
  if (UNSERVED_POSTAL_CODES.test(postalCode)) return `nobody delivers to ${postalCode}`
  return undefined
}

/** Books a parcel; answers false when the carrier's system is down. `key` stands for the parcel. */
export async function book(carrier: Carrier, key: string, store: Store, signal: AbortSignal): Promise<boolean> {
  await pause(100, undefined, { signal })
  return carrier !== UNRELIABLE || store.incident(`booking ${key}`) > FAILURES
}
