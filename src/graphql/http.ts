// What the gateway answers over HTTP.

import { expressMiddleware } from '@as-integrations/express5'
import type { ApolloServer } from '@apollo/server'
import express, { type Express, type Response } from 'express'
import type { answerProbe, Log } from '../telemetry.js'
import { PATHS } from './apollo.js'
import type { Context } from './context.js'
import { graphiql } from './graphiql.js'
import { answerErrors, requireJson, requireMethod } from './http-request.js'
import { LIMITS } from './limits.js'
import type { EventStreams } from './sse.js'

export interface HttpOptions {
  /** Started. */
  apollo: ApolloServer<Context>
  streams: EventStreams
  context: () => Context
  /** Answers `/livez`, `/readyz` and `/metrics`. */
  probe: (path: string) => ReturnType<typeof answerProbe>
  /** Folder of the built page. @default the package's own */
  graphiql?: string
  log: Log
}

const PROBES = ['/livez', '/readyz', '/metrics']

const PLACES = `GraphQL: POST ${PATHS.graphql}; subscriptions: WebSocket ${PATHS.graphql}, events ${PATHS.stream}
GraphiQL: ${PATHS.graphiql}
Probes: ${PROBES.join(', ')}
`

/** Makes the application. */
export function createHttp({ apollo, streams, context, probe, log, ...options }: HttpOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  app.get(PROBES, (request, response) => answer(response, probe(request.path)))
  app.use(PATHS.graphiql, graphiql(options.graphiql))
  app.use(PATHS.graphql, requireMethod, requireJson, express.json({ limit: LIMITS.bytes }))
  app.all(PATHS.stream, (request, response) => streams.handle(request, response))
  app.get(PATHS.graphql, (request, response, next) => {
    // A browser that was given the address of the API.
    const isPage = request.query.query === undefined && request.accepts(['json', 'html']) === 'html'
    if (isPage) response.redirect(PATHS.graphiql)
    else next()
  })
  app.all(PATHS.graphql, expressMiddleware(apollo, { context: async () => context() }))
  app.use((_request, response) => void response.status(404).type('text').send(PLACES))
  app.use(answerErrors(log))
  return app
}

async function answer(response: Response, probe: ReturnType<HttpOptions['probe']>): Promise<void> {
  const { status, type, body } = (await probe)!
  response.status(status).set('content-type', type).send(body)
}
