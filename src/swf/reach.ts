// Whether SWF answers for a domain. It is asked only when nothing else has shown it lately: SWF counts every call.

import { lately } from '../probes.js'
import type { SwfClient } from './client.js'
import { SECOND } from './duration.js'
import type { FaultCode, SwfFault } from './errors.js'

/** For how long an answer proves that SWF is there, in milliseconds. */
const FRESH = 10 * SECOND
/** How long it may take to answer when it is asked, and how soon it is asked again. */
const PATIENCE = 2 * SECOND
const REMEMBER = 5 * SECOND

/** Faults that prove who calls, and say that he may not make this call: whoever may only poll is well. */
const DENIED = new Set(['AccessDeniedException', 'OperationNotPermittedFault'])

/** Why nobody can work with SWF. */
export interface SwfTrouble {
  code: FaultCode
  /** What is wrong and what to do. */
  what: string
}

export class SwfReach {
  readonly #ask: () => Promise<SwfTrouble | undefined>
  #answeredAt = Number.NEGATIVE_INFINITY

  constructor(swf: SwfClient, domain: string) {
    this.#ask = lately(() => this.#describe(swf, domain), REMEMBER, {
      code: 'SWF_UNAVAILABLE',
      what: `SWF has not answered for domain ${domain} yet`,
    })
  }

  /** Some call has been answered. */
  answered(): void {
    this.#answeredAt = performance.now()
  }

  /** Resolves to what is wrong, within a second; undefined when SWF answers, takes the credentials and knows the domain. */
  async trouble(): Promise<SwfTrouble | undefined> {
    return performance.now() - this.#answeredAt < FRESH ? undefined : this.#ask()
  }

  async #describe(swf: SwfClient, domain: string): Promise<SwfTrouble | undefined> {
    try {
      await swf.describeDomain({ name: domain }, { timeout: PATIENCE, signal: AbortSignal.timeout(PATIENCE) })
    } catch (error) {
      const trouble = swfTrouble(error, domain)
      if (trouble) return trouble
    }
    this.answered()
    return undefined
  }
}

/** Returns what an error says of SWF; undefined when SWF is there for whoever called. */
function swfTrouble(error: unknown, domain: string): SwfTrouble | undefined {
  const { code = 'SWF_UNAVAILABLE', fault = '', message } = error as SwfFault
  if (code === 'THROTTLED' || DENIED.has(fault)) return undefined
  if (code === 'UNKNOWN_RESOURCE')
    return { code, what: `domain ${domain} is not registered in SWF: run swf-gateway register` }
  if (code === 'FORBIDDEN') return { code, what: `SWF does not take the credentials: ${message}` }
  return { code, what: `SWF does not answer for domain ${domain}: ${message}` }
}
