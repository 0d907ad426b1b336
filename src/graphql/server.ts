// The gateway: GraphQL over HTTP, WebSocket and SSE, on what SWF, the feed and the queues hold.
//
// G1. It keeps nothing of its own: any number of gateways serve the same domains.
// G2. Without Redis it still starts and shows executions; without SWF it still lists them.

import { monotonic } from '../clock.js'
import { ExecutionIndex } from '../feed/execution-index.js'
import { Publisher } from '../feed/publisher.js'
import { FeedReader } from '../feed/reader.js'
import { Subscriber } from '../feed/subscriber.js'
import { Sweeper } from '../feed/sweeper.js'
import { Tail } from '../feed/tail.js'
import { Door, type DoorOptions } from '../door.js'
import { Backoff, startAll, stopAll, type Service } from '../lifecycle.js'
import { answerProbe, type Lack } from '../probes.js'
import { Queues } from '../queues/queue.js'
import { RedisUnsuitable, closeRedis, connectRedis, redisReady, type Redis } from '../redis.js'
import type { SwfClient } from '../swf/client.js'
import { SECOND } from '../swf/duration.js'
import type { Log, Metrics } from '../telemetry.js'
import { PATHS, createApollo } from './apollo.js'
import { createContext, type Services } from './context.js'
import { Domains } from './domains.js'
import { Histories } from './histories.js'
import { createHttp } from './http.js'
import { HttpServer, type HttpServerOptions } from './http-server.js'
import { LIMITS } from './limits.js'
import { Operations } from './operation.js'
import { withReadBudget, type ReadRates } from './read-budget.js'
import { withReadDeadline } from './read-deadline.js'
import { gatewayReadiness } from './readiness.js'
import { gatewaySchema } from './schema.js'
import { EventStreams } from './sse.js'
import { WebSockets } from './websocket.js'
import { QueueUpdates } from './queue-updates.js'
import { WatchedHistories } from './watched-histories.js'
import { WorkflowTypes } from './workflow-types.js'

export interface GatewayOptions extends DoorOptions, Omit<HttpServerOptions, 'port'> {
  /** 0 for a free one. */
  port: number
  /** The domain of calls that name none. */
  domain: string
  swf: SwfClient
  redis: { url: string }
  /** First part of every key in Redis. @default 'swf-gateway' */
  prefix?: string
  log: Log
  metrics: Metrics
  /** How often SWF is asked for executions that started or closed unseen, in milliseconds. */
  sweepInterval?: number
  /** How long a domain other than its own is followed, and swept, that nobody asks for, in milliseconds. @default 10 * MINUTE */
  domainIdle?: number
  /** Updates that a domain's stream keeps for subscribers who are away, about. @default 100_000 */
  feedLength?: number
  /** Where the index of executions lies; a file is taken up again after a restart. @default memory */
  indexFile?: string
  /** What this and all gateways on the same Redis together may read from SWF; over it THROTTLED is the answer. @default all they like */
  reads?: ReadRates
  /** How long a query waits for one read from SWF, in milliseconds. @default 4 * SECOND */
  readDeadline?: number
  /** What paths begin with where a proxy hands on what is below a path of its own; without a `/` at the end. @default '' */
  basePath?: string
  /** WebSockets and event streams that are held at a time, together. @default 10_000 */
  maxConnections?: number
  /** Folder of GraphiQL's page. @default the package's own */
  graphiql?: string
}

/** How long a start waits, in milliseconds. */
const PATIENCE = { redis: SECOND, index: 5 * SECOND }

export class Gateway implements Service {
  readonly #options: GatewayOptions
  readonly #redis: Redis
  readonly #http: HttpServer
  readonly #services: Services
  readonly #parts: readonly Service[]
  readonly readiness: () => Promise<readonly Lack[]>

  constructor(options: GatewayOptions) {
    const {
      domain,
      redis: { url },
      prefix,
      log,
      metrics,
      sweepInterval,
      domainIdle,
      feedLength: maxLength,
      indexFile,
      reads: rates,
    } = options
    this.#options = options
    const redis = (this.#redis = connectRedis({ url, name: 'swf-gateway:gateway', log }))
    const budget = rates && { redis, rates, log, ...(prefix !== undefined && { prefix }) }
    const metered = budget ? withReadBudget(options.swf, budget) : options.swf
    // What a query waits for; what works on its own has time.
    const swf = withReadDeadline(metered, options.readDeadline)
    const shared = { redis, swf: metered, log, ...(prefix !== undefined && { prefix }) }
    const reader = new FeedReader({ ...shared, redis: { url } })
    const index: ExecutionIndex = new ExecutionIndex({
      ...{ ...shared, reader, domains: [domain], patience: 0 },
      inUse: name => subscriber.listensTo(name),
      // Its own domain is the sweeper's from the start.
      watch: { open: name => void (name !== domain && sweeper.open(name)), close: name => void sweeper.close(name) },
      onBehind: () => sweeper.soon(),
      ...(indexFile !== undefined && { file: indexFile }),
      ...(domainIdle !== undefined && { idle: domainIdle }),
    })
    const subscriber: Subscriber = new Subscriber({ ...shared, redis: { url }, reader, index })
    const feed = { ...shared, ...(maxLength !== undefined && { maxLength }) }
    const publisher = new Publisher({ ...feed, index, metrics })
    const tail = new Tail({ ...shared, publisher })
    const sweeper: Sweeper = new Sweeper({
      ...feed,
      domains: [domain],
      publisher,
      tail,
      ...(sweepInterval !== undefined && { interval: sweepInterval }),
    })
    const queues = new Queues(shared)
    const histories = new Histories({ swf })
    const queueUpdates = new QueueUpdates({ queues, log })
    this.#services = {
      domains: new Domains({ swf, domain }),
      swf,
      index,
      publisher,
      subscriber,
      tail,
      queues,
      queueUpdates,
      fleet: shared,
      histories,
      watchedHistories: new WatchedHistories({ subscriber, histories, swf, log }),
      types: new WorkflowTypes({ swf }),
      log,
      metrics,
    }
    this.readiness = gatewayReadiness({ domain, swf, redis, index, log, ...(prefix !== undefined && { prefix }) })
    this.#http = new HttpServer(options)
    this.#parts = [
      reader,
      index,
      { start: () => this.#indexed(), stop: async () => {} },
      subscriber,
      sweeper,
      { start: async () => {}, stop: async () => queueUpdates.stop() },
      this.#endpoints(),
      this.#http,
    ]
  }

  /** The port that it listens on, once started. */
  get port(): number {
    return this.#http.port
  }

  /** Resolves when requests are answered, which does not mean that SWF and Redis are there: see `readiness`. */
  async start(): Promise<void> {
    try {
      await startAll(this.#parts)
    } catch (error) {
      await closeRedis(this.#redis)
      throw error
    }
    this.#options.log.info({ port: this.port, domain: this.#options.domain }, 'gateway listens')
  }

  /** Ends subscriptions so that clients connect again elsewhere, lets requests end, and closes what it opened. */
  async stop(): Promise<void> {
    await stopAll(this.#parts).finally(() => closeRedis(this.#redis))
  }

  /** Resolves when the first list shows what Redis holds, or when waiting for that is no use. */
  async #indexed(): Promise<void> {
    const { log } = this.#options
    const { index } = this.#services
    try {
      await redisReady(this.#redis, PATIENCE.redis)
    } catch (error) {
      if (error instanceof RedisUnsuitable) throw error
      return log.warn('gateway starts without redis')
    }
    const backoff = new Backoff(5, 100)
    for (const until = monotonic() + PATIENCE.index; index.readiness().length > 0 && monotonic() < until;)
      await backoff.wait()
  }

  /** What answers on the port: Apollo, event streams and WebSockets. */
  #endpoints(): Service {
    const { basePath = '', graphiql, log, maxConnections = LIMITS.connections } = this.#options
    const services = this.#services
    const schema = gatewaySchema()
    const operations = new Operations({ schema, services })
    const door = new Door(this.#options)
    const isFull = () => streams.size + sockets.size >= maxConnections
    const streams = new EventStreams({ operations, isFull })
    const sockets: WebSockets = new WebSockets({
      ...{ server: this.#http.server, path: `${basePath}${PATHS.graphql}` },
      ...{ door, isFull, operations, log },
    })
    const apollo = createApollo({ schema, services })
    const context = () => createContext(services)
    const probe = (path: string) => this.#probe(path)
    let started = false
    return {
      start: async () => {
        await apollo.start()
        started = true
        sockets.attach()
        const listener = createHttp({
          door,
          apollo,
          streams,
          context,
          probe,
          log,
          basePath,
          ...(graphiql !== undefined && { graphiql }),
        })
        const drain = async () => {
          streams.close()
          await sockets.close()
        }
        this.#http.serve({ listener, drain })
      },
      // What has not started, Apollo refuses to stop.
      stop: async () => (started ? apollo.stop() : undefined),
    }
  }

  #probe(path: string): ReturnType<typeof answerProbe> {
    const { metrics, domain } = this.#options
    if (path === '/metrics') metrics.activeExecutions.set({ domain }, this.#services.index.active(domain))
    if (path === '/readyz' && this.#http.isStopping)
      return Promise.resolve({ status: 503, type: 'text/plain', body: 'the gateway is stopping\n' })
    return answerProbe(path, metrics, this.readiness)
  }
}
