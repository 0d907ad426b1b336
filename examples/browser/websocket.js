// Subscribes over WebSocket. When the connection breaks, graphql-ws opens another one and subscribes again, with the variables
// as they are then.

import { createClient } from 'graphql-ws/client'
import { pause } from './executions.js'

/** How often a connection that may be dead is tried, and how long the answer may take, in milliseconds. */
const PING = 10_000
const PONG = 5_000

export function subscribe({ query, variables, next, connection }) {
  let unanswered
  const client = createClient({
    url: new URL('/graphql', location.href).href.replace('http', 'ws'),
    retryAttempts: Infinity,
    // Its own pauses double without an end.
    retryWait: pause,
    shouldRetry: () => true,
    keepAlive: PING,
    on: {
      connected: () => connection('live'),
      closed: () => {
        clearTimeout(unanswered)
        connection('connecting')
      },
      ping: received => {
        if (!received) unanswered = setTimeout(() => client.terminate(), PONG)
      },
      pong: () => clearTimeout(unanswered),
    },
  })
  client.subscribe(
    { query, variables },
    {
      next,
      // Either the gateway refused the subscription, or it closed with a code that means the same.
      error: error => next({ errors: Array.isArray(error) ? error : [{ message: error.reason ?? String(error) }] }),
      complete: () => {},
    },
  )
}
