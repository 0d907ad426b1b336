// A client of graphql-ws whose subscriptions go on where they were, for whatever stands on it: Apollo, urql, Relay.
//
// graphql-ws sends a subscription again when it has connected again, with the variables as they are then. So the cursor of the
// last update is put into `$after`, which the subscription has to pass on: `executionUpdates(after: $after)`. Begin with the
// `updatesCursor` of a list, or what happens before the first update comes may be missed while the connection is broken.

import { createClient } from 'graphql-ws'

/** How long to wait before the next try: graphql-ws' own pauses double without an end. */
const pause = () => new Promise(resolve => setTimeout(resolve, 1_000))

export function resumingClient(options) {
  const client = createClient({
    retryAttempts: Infinity,
    retryWait: pause,
    shouldRetry: () => true,
    keepAlive: 10_000,
    ...options,
  })
  return {
    ...client,
    subscribe(payload, sink) {
      const variables = { ...payload.variables }
      const next = result => {
        const { cursor } = Object.values(result.data ?? {})[0] ?? {}
        if (cursor) variables.after = cursor
        sink.next(result)
      }
      return client.subscribe({ ...payload, variables }, { ...sink, next })
    },
  }
}
