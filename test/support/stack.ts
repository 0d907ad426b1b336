// The whole stack in one process: local SWF, gateway, decider and worker, joined by nothing but SWF and Redis.

import { createClient, type Client } from 'graphql-ws'
import { randomUUID } from 'node:crypto'
import { WebSocket } from 'ws'
import { registerApp } from '../../src/workers/register-app.js'
import { Publisher } from '../../src/feed/publisher.js'
import { Tail } from '../../src/feed/tail.js'
import { Gateway } from '../../src/graphql/server.js'
import { startAll, stopAll, type Service } from '../../src/lifecycle.js'
import { Queues } from '../../src/queues/queue.js'
import { closeRedis, connectRedis } from '../../src/redis.js'
import { createSwfClient, type SwfClient } from '../../src/swf/client.js'
import { readHistory } from '../../src/swf/history.js'
import type { HistoryEvent } from '../../src/swf/history-event.js'
import { createLog, createMetrics, type Metrics } from '../../src/telemetry.js'
import { ActivityWorker } from '../../src/workers/activity/activity-worker.js'
import { FeedAnnouncer } from '../../src/workers/decider/announcer.js'
import { Decider, type DeciderOptions } from '../../src/workers/decider/decider.js'
import type { App } from '../../src/workers/definitions.js'
import { afterFile } from './dispose.js'
import { localSwf, type LocalSwf } from './local-swf.js'
import { testRedis } from './redis.js'

export interface StackOptions extends App {
  transport?: 'sdk' | 'http'
  /** Executions that the decider keeps in memory. @default the decider's */
  cached?: number
}

export interface Stack {
  readonly domain: string
  readonly swf: SwfClient
  readonly local: LocalSwf
  readonly url: string
  readonly metrics: { gateway: Metrics; decider: Metrics; worker: Metrics }
  readonly parts: { gateway: Gateway; decider: Decider; worker: ActivityWorker }
  /** Sends a query or mutation; throws the first GraphQL error, with its `extensions`. */
  graphql<T = any>(query: string, variables?: object): Promise<T>
  /** A WebSocket client, closed after the file. */
  subscriber(): Client
  /** Starts one more decider, stopped after the file. */
  addDecider(workflows: App['workflows'], options?: Partial<DeciderOptions>): Promise<Decider>
  history(execution: { workflowId: string; runId: string }): Promise<HistoryEvent[]>
}

/** A GraphQL error as a client gets it. */
export class GraphQLAnswer extends Error {
  constructor(
    message: string,
    readonly extensions: Record<string, unknown>,
  ) {
    super(message)
  }
}

/** Starts a stack in a domain of its own, stopped after the file; every history it made is checked then. */
export async function startStack({ transport = 'http', cached, ...app }: StackOptions): Promise<Stack> {
  const { url, prefix } = testRedis()
  const local = await localSwf({ pollTimeout: 500 })
  const domain = `test-${randomUUID()}`
  const options = { transport, endpoint: local.endpoint, region: 'us-east-1', maxPolls: 200 }
  const swf = createSwfClient(options)
  await registerApp(swf, domain, app, 1)
  const level = process.env.TEST_LOG ?? 'silent'
  const log = (component: string) => createLog(component, level)
  const metrics = {
    gateway: createMetrics('gateway'),
    decider: createMetrics('decider'),
    worker: createMetrics('worker'),
  }

  const redis = connectRedis({ url, name: 'test:decider', log: log('decider') })
  const publisher = new Publisher({ redis, swf, prefix, log: log('decider') })
  const tail = new Tail({ swf, publisher, redis, prefix, log: log('decider') })
  const queues = new Queues({ redis, prefix, log: log('decider') })
  const announcer = new FeedAnnouncer({ publisher, tail, queues, domain, log: log('decider') })
  const createDecider = (workflows: App['workflows'], options: Partial<DeciderOptions> = {}) =>
    new Decider({
      swf,
      announcer,
      domain,
      workflows: workflows ?? [],
      log: log('decider'),
      metrics: metrics.decider,
      ...options,
    })
  const decider = createDecider(app.workflows, cached === undefined ? {} : { cached })
  const worker = new ActivityWorker({
    swf,
    redis: { url },
    prefix,
    domain,
    handlers: app.handlers ?? [],
    drain: 2_000,
    log: log('worker'),
    metrics: metrics.worker,
  })
  const gateway = new Gateway({
    host: '127.0.0.1',
    port: 0,
    domain,
    swf,
    redis: { url },
    prefix,
    sweepInterval: 500,
    log: log('gateway'),
    metrics: metrics.gateway,
  })
  const connection: Service = { start: async () => {}, stop: () => closeRedis(redis) }
  const services: Service[] = [connection, gateway, decider, ...(app.handlers?.length ? [worker] : [])]
  await startAll(services)
  const clients: Client[] = []
  afterFile(async () => {
    await Promise.all(clients.map(client => client.dispose()))
    await stopAll(services)
    swf.close()
  })

  const endpoint = `http://127.0.0.1:${gateway.port}/graphql`
  return {
    domain,
    swf,
    local,
    url: endpoint,
    metrics,
    parts: { gateway, decider, worker },
    graphql: async (query, variables = {}) => {
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      })
      const { data, errors } = (await response.json()) as {
        data?: Record<string, any>
        errors?: { message: string; extensions: Record<string, unknown> }[]
      }
      if (errors?.length) throw new GraphQLAnswer(errors[0]!.message, errors[0]!.extensions)
      return data as never
    },
    subscriber: () => {
      const client = createClient({ url: endpoint.replace('http', 'ws'), webSocketImpl: WebSocket, retryAttempts: 0 })
      clients.push(client)
      return client
    },
    addDecider: async (workflows, options) => {
      const added = createDecider(workflows, options)
      services.push(added)
      await added.start()
      return added
    },
    history: execution => readHistory(swf, domain, execution),
  }
}
