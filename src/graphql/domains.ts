// Which domains there are. A name that nobody registered must not cost a connection, or a place in the index.

import { monotonic } from '../clock.js'
import type { SwfClient } from '../swf/client.js'
import { MINUTE } from '../swf/duration.js'
import { isFault } from '../swf/errors.js'
import { apiError } from './errors.js'

export interface DomainsOptions {
  swf: SwfClient
  /** The domain of calls that name none; it is not asked about. */
  domain: string
}

const REMEMBERED = 1_000

export class Domains {
  readonly #swf: SwfClient
  readonly #own: string
  readonly #known = new Map<string, { registered: Promise<boolean>; until: number }>()

  constructor({ swf, domain }: DomainsOptions) {
    this.#swf = swf
    this.#own = domain
  }

  /** Resolves to the domain that a call is about; rejects with DOMAIN_NOT_FOUND when SWF does not know it. */
  async resolve(given: string | null | undefined): Promise<string> {
    if (given == null || given === this.#own) return this.#own
    if (await this.#isRegistered(given)) return given
    throw apiError('DOMAIN_NOT_FOUND', `Domain "${given}" is not registered in SWF: register it, or check its name`)
  }

  /** It has been registered just now. */
  forget(name: string): void {
    this.#known.delete(name)
  }

  #isRegistered(name: string): Promise<boolean> {
    const known = this.#known.get(name)
    if (known && known.until > monotonic()) return known.registered
    const registered = this.#ask(name)
    this.#known.set(name, { registered, until: monotonic() + MINUTE })
    registered.catch(() => this.#known.delete(name))
    if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value!)
    return registered
  }

  async #ask(name: string): Promise<boolean> {
    try {
      await this.#swf.describeDomain({ name })
      return true
    } catch (error) {
      if (isFault(error, 'UNKNOWN_RESOURCE') || isFault(error, 'VALIDATION')) return false
      throw error
    }
  }
}
