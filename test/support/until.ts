import { setTimeout as delay } from 'node:timers/promises'

export interface Until {
  /** What is waited for, as it should read in the message when it does not come. */
  what: string
  /** Milliseconds until it gives up. @default 25_000: a busy machine is slow, and not wrong */
  within?: number
  /** Milliseconds between two looks. @default 20 */
  every?: number
}

type Falsy = undefined | null | false | 0 | ''

/** Looks until the condition holds, and resolves with what it gave. An error that it throws counts as "not yet". */
export async function until<T>(
  condition: () => T | Promise<T>,
  { what, within = 25_000, every = 20 }: Until,
): Promise<Exclude<T, Falsy>> {
  const deadline = performance.now() + within
  let last: unknown
  for (;;) {
    try {
      const value = await condition()
      if (value) return value as Exclude<T, Falsy>
      last = undefined
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline)
      throw new Error(`Waited ${within} ms in vain until ${what}`, last === undefined ? {} : { cause: last })
    await delay(every)
  }
}
