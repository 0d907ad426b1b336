// GraphQL over HTTP: Apollo Server, with our limits and errors.

import { ApolloServer, type ApolloServerPlugin, type GraphQLRequestListener } from '@apollo/server'
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled'
import { GraphQLError, type GraphQLSchema, type OperationDefinitionNode } from 'graphql'
import type { Context, Services } from './context.js'
import { refuseCost } from './cost.js'
import { apiError, present } from './errors.js'
import { LIMIT_RULES, PARSE_OPTIONS } from './limits.js'

export const PATHS = { graphql: '/graphql', stream: '/graphql/stream', graphiql: '/graphiql' } as const

export interface ApolloOptions {
  schema: GraphQLSchema
  services: Services
}

/** Makes the server; start it before use. */
export function createApollo({ schema, services: { log, metrics } }: ApolloOptions): ApolloServer<Context> {
  return new ApolloServer<Context>({
    schema,
    introspection: true,
    nodeEnv: 'production',
    includeStacktraceInErrorResponses: false,
    persistedQueries: false,
    allowBatchedHttpRequests: false,
    // `refuseForgery` stands before it, on every path.
    csrfPrevention: false,
    stopOnTerminationSignals: false,
    validationRules: [...LIMIT_RULES],
    parseOptions: PARSE_OPTIONS,
    formatError: (_formatted, error) => present(error, requestIdOf(error), log),
    logger: {
      debug: () => {},
      info: () => {},
      warn: text => log.warn(String(text)),
      error: text => log.error(String(text)),
    },
    plugins: [
      // Their page comes from another host; the others report to Apollo, or put a wrapper around every field.
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      attendant(metrics),
    ],
  })
}

/** One plugin for all that is to be done, since Apollo asks each of them at every step of every request. */
function attendant({ graphqlRequests }: Services['metrics']): ApolloServerPlugin<Context> {
  const listener: GraphQLRequestListener<Context> = {
    didResolveOperation: async ({ operation, document, schema, request, contextValue }) => {
      refuseSubscription(operation)
      if (operation?.operation === 'query') contextValue.executions.remember()
      const refusal = operation && refuseCost(schema, document, operation, request.variables ?? {})
      if (!refusal) return
      refusal.extensions.http = { status: 400 }
      throw refusal
    },
    // formatError is not told whose error it formats, so the error carries it.
    didEncounterErrors: async ({ errors, contextValue }) => {
      for (const error of errors) error.extensions[REQUEST_ID] = contextValue.requestId
    },
    willSendResponse: async ({ operation, errors }) => {
      graphqlRequests.inc({ operation: operation?.operation ?? 'unknown', outcome: errors ? 'error' : 'ok' })
    },
  }
  return { requestDidStart: async () => listener }
}

function refuseSubscription(operation: OperationDefinitionNode | undefined): void {
  if (operation?.operation !== 'subscription') return
  const error = apiError(
    'BAD_USER_INPUT',
    `A subscription cannot be sent to ${PATHS.graphql} over HTTP: use graphql-ws with a WebSocket to ${PATHS.graphql}, or Server-Sent Events from ${PATHS.stream}`,
  )
  error.extensions.http = { status: 400 }
  throw error
}

const REQUEST_ID = 'requestId'

function requestIdOf(error: unknown): string {
  const signed = error instanceof GraphQLError ? error.extensions[REQUEST_ID] : undefined
  return typeof signed === 'string' ? signed : crypto.randomUUID()
}
