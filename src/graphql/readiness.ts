// What the gateway lacks.
//
// Without Redis it starts, signals, cancels and terminates executions, and lists what it has heard of; without SWF it lists,
// and shows and tunes queues. So it is useless only without both, for a domain that SWF does not know, and before it has read what Redis holds for the first
// time, when another gateway's lists are the better ones.

import type { ExecutionIndex } from '../feed/execution-index.js'
import { feedNeeds } from '../feed/redis-needs.js'
import { reduces, stops, type Lack } from '../probes.js'
import { DEFAULT_PREFIX } from '../queues/keys.js'
import { queueNeeds } from '../queues/redis-needs.js'
import { RedisHealth, allNeeds } from '../redis-health.js'
import type { Redis } from '../redis.js'
import type { SwfClient } from '../swf/client.js'
import { SwfReach } from '../swf/reach.js'
import type { Log } from '../telemetry.js'

export interface ReadinessOptions {
  domain: string
  swf: SwfClient
  redis: Redis
  prefix?: string
  index: ExecutionIndex
  log: Log
}

/** Returns what says what is missing; empty means that all is well. */
export function gatewayReadiness({
  domain,
  swf,
  redis,
  prefix = DEFAULT_PREFIX,
  index,
  log,
}: ReadinessOptions): () => Promise<readonly Lack[]> {
  const reach = new SwfReach(swf, domain)
  const needs = allNeeds([feedNeeds(prefix, domain), queueNeeds(prefix, domain)])
  const health = new RedisHealth({ redis, needs, log })
  let indexed = false
  return async () => {
    const [swfTrouble, redisTrouble] = await Promise.all([reach.trouble(), health.trouble()])
    const neither = swfTrouble !== undefined && redisTrouble !== undefined
    const nothing = neither || swfTrouble?.code === 'UNKNOWN_RESOURCE'
    const behind = index.readiness()
    indexed ||= behind.length === 0
    const first = !indexed && redisTrouble === undefined
    return [
      ...(swfTrouble ? [(nothing ? stops : reduces)(swfTrouble.what)] : []),
      ...(await health.lacks({ needed: neither })),
      ...behind.map(first ? stops : reduces),
    ]
  }
}
