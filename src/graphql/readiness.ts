// What the gateway lacks before it can work.

import type { ExecutionIndex } from '../feed/execution-index.js'
import type { Redis } from '../redis.js'
import type { SwfClient } from '../swf/client.js'
import { SECOND } from '../swf/duration.js'
import { isFault } from '../swf/errors.js'

export interface ReadinessOptions {
  domain: string
  swf: SwfClient
  redis: Redis
  index: ExecutionIndex
}

/** Probes come often, and SWF counts every call. */
const REMEMBERED = 5 * SECOND

/** Returns what says what is missing; empty means ready. */
export function gatewayReadiness({ domain, swf, redis, index }: ReadinessOptions): () => Promise<readonly string[]> {
  let answer: { missing: Promise<string[]>; until: number } | undefined
  return async () => {
    if (!answer || answer.until < Date.now()) answer = { missing: askSwf(swf, domain), until: Date.now() + REMEMBERED }
    const redisMissing = redis.status === 'ready' ? [] : ['Redis does not answer']
    return [...(await answer.missing), ...redisMissing, ...index.readiness()]
  }
}

async function askSwf(swf: SwfClient, domain: string): Promise<string[]> {
  try {
    await swf.listWorkflowTypes(
      { domain, registrationStatus: 'REGISTERED', maximumPageSize: 1 },
      { timeout: 2 * SECOND },
    )
    return []
  } catch (error) {
    if (isFault(error, 'THROTTLED')) return []
    if (isFault(error, 'UNKNOWN_RESOURCE'))
      return [`domain ${domain} is not registered in SWF: run swf-gateway register`]
    return [`SWF does not answer for domain ${domain}: ${(error as Error).message}`]
  }
}
