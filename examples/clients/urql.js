// urql: queries over HTTP, subscriptions over a WebSocket that resumes.

import { Client, fetchExchange, subscriptionExchange } from '@urql/core'
import { resumingClient } from './resume.js'

/** `url` is that of the gateway; further options are those of graphql-ws. With Graphcache, pass `keys` of types.js. */
export function urqlClient({ url, ...options }) {
  const socket = resumingClient({ url: `${url.replace('http', 'ws')}/graphql`, ...options })
  const forwardSubscription = ({ query, variables }) => ({
    subscribe: sink => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
  })
  const client = new Client({
    url: `${url}/graphql`,
    exchanges: [fetchExchange, subscriptionExchange({ forwardSubscription })],
  })
  return { client, close: () => socket.dispose() }
}
