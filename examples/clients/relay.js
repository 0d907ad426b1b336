// Relay: queries over HTTP, subscriptions over a WebSocket that resumes. Every object that Relay can fetch again has an `id`,
// and `node(id:)` takes it.

import { Environment, Network, Observable, RecordSource, Store } from 'relay-runtime'
import { resumingClient } from './resume.js'

/** `url` is that of the gateway; further options are those of graphql-ws. */
export function relayEnvironment({ url, ...options }) {
  const socket = resumingClient({ url: `${url.replace('http', 'ws')}/graphql`, ...options })
  const fetchQuery = async ({ text }, variables) => {
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ query: text, variables })
    return (await fetch(`${url}/graphql`, { method: 'POST', headers, body })).json()
  }
  const subscribe = ({ text }, variables) =>
    Observable.create(sink => socket.subscribe({ query: text, variables }, sink))
  const environment = new Environment({
    network: Network.create(fetchQuery, subscribe),
    store: new Store(new RecordSource()),
  })
  return { environment, close: () => socket.dispose() }
}
