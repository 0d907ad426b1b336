// Subscribes over server-sent events. When the connection breaks, the browser opens another one by itself and sends the id of
// the last event that it has, which is its cursor. It gives up, though, when it is answered with an error, as by a proxy whose
// gateway is away; then a new EventSource goes on.

import { pause } from './executions.js'

export function subscribe({ query, variables, next, connection }) {
  const parameters = new URLSearchParams({ query, variables: JSON.stringify(variables) })
  const source = new EventSource(`/graphql/stream?${parameters}`)
  source.addEventListener('open', () => connection('live'))
  source.addEventListener('next', ({ data }) => next(JSON.parse(data)))
  // Without this the browser would subscribe again and again to what has ended.
  source.addEventListener('complete', () => source.close())
  source.addEventListener('error', async () => {
    connection('connecting')
    if (source.readyState !== EventSource.CLOSED) return
    await pause()
    subscribe({ query, variables, next, connection })
  })
}
