// What the gateway stands on, bare, in a process of its own: Apollo with the gateway's own settings on express, and graphql-ws,
// which sends each subscriber what this process is told to publish.

import { createServer } from 'node:http'
import { ApolloServer } from '@apollo/server'
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled'
import { expressMiddleware } from '@as-integrations/express5'
import express from 'express'
import { buildSchema } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'
import { usage } from './usage.mjs'

const schema = buildSchema(`
  type Query { hello: String! }
  type Step { state: String! step: String attempt: Int! }
  type Update {
    cursor: String! eventId: Int! workflowId: String! runId: String! at: String! status: String! saga: Step
  }
  type Subscription { updates: Update! }
`)

/** One who is told of everything that is published, in order. */
class Topic {
  #waiting = []
  #wake
  push(update) {
    this.#waiting.push(update)
    this.#wake?.()
  }
  async next() {
    while (this.#waiting.length === 0) await new Promise(resolve => (this.#wake = resolve))
    return { done: false, value: this.#waiting.shift() }
  }
  async return() {
    topics.delete(this)
    return { done: true, value: undefined }
  }
  [Symbol.asyncIterator]() {
    return this
  }
}
const topics = new Set()
const rootValue = {
  hello: () => 'world',
  updates: () => {
    const topic = new Topic()
    topics.add(topic)
    return topic
  },
}

const apollo = new ApolloServer({
  schema,
  rootValue: () => rootValue,
  introspection: true,
  nodeEnv: 'production',
  includeStacktraceInErrorResponses: false,
  persistedQueries: false,
  allowBatchedHttpRequests: false,
  stopOnTerminationSignals: false,
  parseOptions: { maxTokens: 4_000 },
  plugins: [
    ApolloServerPluginLandingPageDisabled(),
    ApolloServerPluginUsageReportingDisabled(),
    ApolloServerPluginSchemaReportingDisabled(),
    ApolloServerPluginInlineTraceDisabled(),
    ApolloServerPluginCacheControlDisabled(),
  ],
})
await apollo.start()
const app = express()
app.disable('x-powered-by')
app.use('/graphql', express.json({ limit: 1_000_000 }), expressMiddleware(apollo, { context: async () => ({}) }))
const server = createServer(app)
useServer(
  { schema, roots: { subscription: rootValue }, isProd: true },
  new WebSocketServer({ server, path: '/graphql', maxPayload: 1_000_000 }),
)
server.listen(0, '127.0.0.1', () => process.send(server.address().port))

process.on('message', message => {
  if (message === 'usage') return process.send(usage())
  if (message === 'size') return process.send(topics.size)
  for (const topic of topics) topic.push({ updates: message.publish })
})
process.on('disconnect', () => process.exit())
