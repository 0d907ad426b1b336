// What the gateway answers over HTTP.

import { expressMiddleware } from '@as-integrations/express5'
import type { ApolloServer } from '@apollo/server'
import express, { type Express } from 'express'
import { answerProbe, type Log, type Metrics, type Readiness } from '../telemetry.js'
import { PATHS } from './apollo.js'
import type { Context } from './context.js'
import { graphiql } from './graphiql.js'
import { answerErrors, requireJson } from './http-request.js'
import { LIMITS } from './limits.js'
import type { EventStreams } from './sse.js'

export interface HttpOptions {
  apollo: ApolloServer<Context>
  streams: EventStreams
  context: () => Context
  metrics: Metrics
  readiness: Readiness
  /** Folder of the built page. @default the package's own */
  graphiql?: string
  log: Log
}

const PLACES = `GraphQL: POST ${PATHS.graphql}; subscriptions: WebSocket ${PATHS.graphql}, events ${PATHS.stream}
GraphiQL: ${PATHS.graphiql}
Probes: /livez, /readyz, /metrics
`

/** Makes the application; `apollo` must have been started. */
export function createHttp({ apollo, streams, context, metrics, readiness, log, ...options }: HttpOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  app.use((request, response, next) => {
    answerProbe(request.path, metrics, readiness)
      .then(answer => {
        if (!answer) return next()
        response.status(answer.status).set('content-type', answer.type).send(answer.body)
      })
      .catch(next)
  })
  app.use(PATHS.graphiql, graphiql(options.graphiql))
  app.use(PATHS.graphql, requireJson, express.json({ limit: LIMITS.bytes }))
  app.use(PATHS.stream, (request, response) => streams.handle(request, response))
  app.get(PATHS.graphql, (request, response, next) => {
    // A browser that was given the address of the API.
    if (request.query.query === undefined && request.accepts(['json', 'html']) === 'html')
      return response.redirect(PATHS.graphiql)
    next()
  })
  app.use(PATHS.graphql, expressMiddleware(apollo, { context: async () => context() }))
  app.use((_request, response) => void response.status(404).type('text').send(PLACES))
  app.use(answerErrors(log))
  return app
}
