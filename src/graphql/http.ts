// What the gateway answers over HTTP.

import { expressMiddleware } from '@as-integrations/express5'
import type { ApolloServer } from '@apollo/server'
import cors, { type CorsOptions } from 'cors'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import type { Door } from '../door.js'
import type { answerProbe } from '../probes.js'
import type { Log } from '../telemetry.js'
import { PATHS } from './apollo.js'
import type { Context } from './context.js'
import { graphiql } from './graphiql.js'
import { admit, answerErrors, refuseForgery, requireJson, requireMethod } from './http-request.js'
import { LIMITS } from './limits.js'
import type { EventStreams } from './sse.js'

export interface HttpOptions {
  door: Door
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
export function createHttp({ door, apollo, streams, context, probe, log, ...options }: HttpOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  // Nobody asks whether the answer to an operation has changed.
  app.disable('etag')
  app.use(admit(door))
  if (door.allowedOrigins.length > 0) app.use(cors(corsOptions(door)))
  const json = express.json({ limit: LIMITS.bytes })
  const operate = expressMiddleware(apollo, { context: async () => context() })
  // What comes most often stands first.
  app.post(PATHS.graphql, requireJson, json, operate)
  app.all(PATHS.graphql, requireMethod, leadToPage, refuseForgery(door), json, operate)
  app.all(PATHS.stream, requireMethod, refuseForgery(door), requireJson, json, (request, response) =>
    streams.handle(request, response),
  )
  app.get(PROBES, (request, response) => answer(response, probe(request.path)))
  app.use(PATHS.graphiql, graphiql(options.graphiql))
  app.use((_request, response) => void response.status(404).type('text').send(PLACES))
  app.use(answerErrors(log))
  return app
}

/** How long a browser may remember what a page of another origin may send, in seconds. */
const PREFLIGHT = 3_600

function corsOptions({ allowedOrigins }: Door): CorsOptions {
  return { origin: [...allowedOrigins], methods: ['GET', 'POST'], maxAge: PREFLIGHT, exposedHeaders: ['retry-after'] }
}

/** Leads a browser on that was given the address of the API. */
function leadToPage(request: Request, response: Response, next: NextFunction): void {
  const isPage = request.query.query === undefined && request.accepts(['json', 'html']) === 'html'
  if (isPage) response.redirect(PATHS.graphiql)
  else next()
}

async function answer(response: Response, probe: ReturnType<HttpOptions['probe']>): Promise<void> {
  const { status, type, body } = (await probe)!
  response.status(status).set('content-type', type).send(body)
}
