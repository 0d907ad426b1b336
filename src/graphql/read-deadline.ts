// How long a query waits for SWF: well under what its client waits for the query.

import type { Action } from '../swf/client-actions.js'
import type { CallOptions, SwfClient } from '../swf/client.js'
import { SECOND } from '../swf/duration.js'
import { AWS_READ_RATES } from './read-budget.js'

/** How long SWF has for a read, all tries together, in milliseconds. */
export const READ_DEADLINE = 4 * SECOND

/** Returns a client whose reads end in time, with SWF_UNAVAILABLE if need be; everything else passes as it is. */
export function withReadDeadline(swf: SwfClient, deadline: number = READ_DEADLINE): SwfClient {
  const limited = (Object.keys(AWS_READ_RATES) as Action[]).map(action => {
    const method = `${action[0]!.toLowerCase()}${action.slice(1)}` as Uncapitalize<Action>
    const ask = swf[method] as (input: never, options?: CallOptions) => Promise<unknown>
    const value = (input: never, options?: CallOptions) => ask(input, { deadline, ...options })
    return [method, { value }] as const
  })
  return Object.create(swf, Object.fromEntries(limited)) as SwfClient
}
