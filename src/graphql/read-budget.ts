// The gateways' share of SWF's quota for reads.
//
// RB1. Each metered action has one token bucket for all gateways that share a Redis; tokens are fetched in batches, so that
//      most reads cost no round trip. While Redis is away each gateway lives on a bucket of its own.
// RB2. Over budget SWF is not asked: the caller gets THROTTLED, as SWF would answer, before deciders and workers get it.

import { monotonic } from '../clock.js'
import type { Redis } from '../redis.js'
import { run, script } from '../queues/script.js'
import type { Action } from '../swf/client-actions.js'
import type { SwfClient } from '../swf/client.js'
import { SwfFault } from '../swf/errors.js'
import type { Log } from '../telemetry.js'

/** `bucket` reads at once, and `refill` more a second. */
export interface ReadRate {
  readonly bucket: number
  readonly refill: number
}

export type ReadRates = { readonly [A in Action]?: ReadRate }

/** Half of what Amazon allows an account by default, as far as it is known: the other half is for deciders and others. */
export const AWS_READ_RATES: ReadRates = {
  GetWorkflowExecutionHistory: { bucket: 1_000, refill: 30 },
  DescribeWorkflowExecution: { bucket: 1_000, refill: 3 },
  ListOpenWorkflowExecutions: { bucket: 100, refill: 24 },
  ListClosedWorkflowExecutions: { bucket: 100, refill: 3 },
  CountPendingActivityTasks: { bucket: 100, refill: 3 },
  CountPendingDecisionTasks: { bucket: 100, refill: 3 },
  ListWorkflowTypes: { bucket: 100, refill: 3 },
  ListActivityTypes: { bucket: 100, refill: 3 },
  DescribeWorkflowType: { bucket: 1_000, refill: 3 },
  DescribeActivityType: { bucket: 1_000, refill: 3 },
  ListDomains: { bucket: 50, refill: 3 },
  DescribeDomain: { bucket: 100, refill: 3 },
}

/** How many tokens are fetched at a time, at most. */
const BATCH = 10
/** How long fetched tokens are good, in milliseconds. */
const FRESH = 1_000

const TAKE = script(
  'READ_BUDGET',
  `
  local bucket, refill, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
  local held = redis.call('HMGET', q, 'level', 'at')
  local level = tonumber(held[1] or bucket)
  level = math.min(bucket, level + math.max(0, now - tonumber(held[2] or now)) / 1000 * refill)
  local taken = math.min(wanted, math.floor(level))
  redis.call('HSET', q, 'level', tostring(level - taken), 'at', now)
  redis.call('PEXPIRE', q, 3600000)
  return taken`,
)

export interface ReadBudgetOptions {
  redis: Redis
  /** @default 'swf-gateway' */
  prefix?: string
  rates: ReadRates
  log: Log
}

/** Tokens of one action. */
class Budget {
  #tokens = 0
  #until = 0
  #fetching: Promise<void> | undefined
  #own: { level: number; at: number } | undefined

  constructor(
    private readonly key: string,
    private readonly rate: ReadRate,
    private readonly redis: Redis,
  ) {}

  /** Takes a token; false when there is none. */
  async take(): Promise<boolean> {
    if (monotonic() > this.#until) this.#tokens = 0
    if (this.#tokens === 0) await (this.#fetching ??= this.#fetch().finally(() => (this.#fetching = undefined)))
    if (this.#tokens === 0) return false
    this.#tokens--
    return true
  }

  async #fetch(): Promise<void> {
    const { bucket, refill } = this.rate
    try {
      this.#tokens = Number(await run(this.redis, TAKE, this.key, [bucket, refill, Math.min(BATCH, bucket)]))
      this.#own = undefined
    } catch {
      this.#tokens = this.#takeOwn(bucket, refill)
    }
    this.#until = monotonic() + FRESH
  }

  #takeOwn(bucket: number, refill: number): number {
    const now = monotonic()
    const { level, at } = this.#own ?? { level: bucket, at: now }
    const filled = Math.min(bucket, level + ((now - at) / 1_000) * refill)
    const taken = Math.min(BATCH, Math.floor(filled))
    this.#own = { level: filled - taken, at: now }
    return taken
  }
}

/** Returns a client whose metered reads keep to a budget; everything else passes as it is. */
export function withReadBudget(
  swf: SwfClient,
  { redis, prefix = 'swf-gateway', rates, log }: ReadBudgetOptions,
): SwfClient {
  const metered = Object.entries(rates).map(([action, rate]) => {
    const budget = new Budget(`{${prefix}:reads}:${action}`, rate, redis)
    const method = `${action[0]!.toLowerCase()}${action.slice(1)}` as Uncapitalize<Action>
    const ask = swf[method] as (input: never, options?: object) => Promise<unknown>
    const value = async (input: never, options?: object) => {
      if (await budget.take()) return ask(input, options)
      log.debug({ action }, 'a read is over the budget of the gateways')
      const message = `The gateways have used up their share of ${action} for now`
      throw new SwfFault('THROTTLED', 'ThrottlingException', action, message)
    }
    return [method, { value }] as const
  })
  return Object.create(swf, Object.fromEntries(metered)) as SwfClient
}
