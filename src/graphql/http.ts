// What the gateway answers over HTTP.

import { expressMiddleware } from '@as-integrations/express5'
import type { ApolloServer } from '@apollo/server'
import compression from 'compression'
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
  /** What all paths but those of the probes begin with, as in `/workflows`. @default '' */
  basePath?: string
  /** Folder of the built page. @default the package's own */
  graphiql?: string
  log: Log
}

const PROBES = ['/livez', '/readyz', '/metrics']

const places = (
  base: string,
) => `GraphQL: POST ${base}${PATHS.graphql}; subscriptions: WebSocket ${base}${PATHS.graphql}, events ${base}${PATHS.stream}
GraphiQL: ${base}${PATHS.graphiql}
Probes: ${PROBES.join(', ')}
`

/** Answers of so many bytes are compressed: less is not worth the work. */
const COMPRESSED = 8_192

/** Makes the application. */
export function createHttp(options: HttpOptions): Express {
  const { door, apollo, streams, context, probe, log, basePath = '' } = options
  const app = express()
  app.disable('x-powered-by')
  // Nobody asks whether the answer to an operation has changed.
  app.disable('etag')
  app.use(admit(door))
  if (door.allowedOrigins.length > 0) app.use(cors(corsOptions(door)))
  app.use(compression({ threshold: COMPRESSED }))
  const json = express.json({ limit: LIMITS.bytes })
  const operate = expressMiddleware(apollo, { context: async () => context() })
  const routes = express.Router()
  // What comes most often stands first.
  routes.post(PATHS.graphql, requireJson, json, operate)
  routes.all(PATHS.graphql, requireMethod, leadToPage, refuseForgery(door), json, operate)
  routes.all(PATHS.stream, requireMethod, refuseForgery(door), requireJson, json, (request, response) =>
    streams.handle(request, response),
  )
  routes.use(PATHS.graphiql, graphiql(options.graphiql))
  app.use(basePath || '/', routes)
  app.get(PROBES, (request, response) => answer(response, probe(request.path)))
  app.use((_request, response) => void response.status(404).type('text').send(places(basePath)))
  app.use(answerErrors(log))
  return app
}

/** How long a browser may remember what a page of another origin may send, in seconds. */
const PREFLIGHT = 3_600

function corsOptions({ allowedOrigins }: Door): CorsOptions {
  return { origin: [...allowedOrigins], methods: ['GET', 'POST'], maxAge: PREFLIGHT, exposedHeaders: ['retry-after'] }
}

/** Leads a browser on that was given the address of the API: relatively, for a proxy may have taken away the beginning of the path. */
function leadToPage(request: Request, response: Response, next: NextFunction): void {
  const isPage = request.query.query === undefined && request.accepts(['json', 'html']) === 'html'
  if (isPage) response.redirect(request.path.endsWith('/') ? '../graphiql/' : 'graphiql/')
  else next()
}

async function answer(response: Response, probe: ReturnType<HttpOptions['probe']>): Promise<void> {
  const { status, type, body } = (await probe)!
  response.status(status).set('content-type', type).send(body)
}
