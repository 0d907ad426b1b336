// A gateway with everything real around it: Redis, a local SWF over HTTP, and a decider that is played by the test.

import { Writable } from 'node:stream'
import { pino } from 'pino'
import { Gateway, type GatewayOptions } from '../../src/graphql/server.js'
import { Publisher } from '../../src/feed/publisher.js'
import { Tail } from '../../src/feed/tail.js'
import { announce } from '../../src/queues/fleet.js'
import { closeRedis, connectRedis, redisReady } from '../../src/redis.js'
import { createSwfClient, type SwfClient } from '../../src/swf/client.js'
import type { Decision } from '../../src/swf/decision.js'
import { encodeExecutionContext, type ExecutionContext } from '../../src/swf/execution-context.js'
import { CLOSING_DECISIONS } from '../../src/swf/decision.js'
import { completeDecisionTask } from '../../src/swf/history.js'
import { register } from '../../src/swf/registration.js'
import { createMetrics } from '../../src/telemetry.js'
import { afterFile } from '../support/dispose.js'
import { localSwf } from '../support/local-swf.js'
import { testRedis, type TestRedis } from '../support/redis.js'
import { connected } from '../support/redis-connection.js'

export const DOMAIN = 'shop'
export const TYPE = { name: 'Order', version: '2.0' }
export const TASK_LIST = 'orders'

const DEFAULTS = {
  defaultTaskList: { name: TASK_LIST },
  defaultTaskStartToCloseTimeout: '60',
  defaultExecutionStartToCloseTimeout: '3600',
  defaultChildPolicy: 'TERMINATE',
} as const

/** Tests read what they expect to find, and fail when it is not there. */
// oxlint-disable-next-line typescript/no-explicit-any
type Anything = any

export interface GraphQLResult {
  data: Anything
  errors?: { message: string; path?: unknown; extensions: { code: string; [fact: string]: unknown } }[]
}

/** Starts SWF with a domain and two versions of a type, and a gateway before it; stopped after the file. */
export async function startStack(options: Partial<GatewayOptions> = {}) {
  const redis = testRedis()
  const local = await localSwf()
  const swf = createSwfClient({ transport: 'http', endpoint: local.endpoint })
  afterFile(() => swf.close())
  const workflowTypes = ['1.0', TYPE.version].map(version => ({ name: TYPE.name, version, ...DEFAULTS }))
  await register(swf, { domain: DOMAIN, workflowTypes: [workflowTypes[0]!], activityTypes: [] })
  await new Promise(resolve => setTimeout(resolve, 5))
  await register(swf, {
    domain: DOMAIN,
    workflowTypes: [workflowTypes[1]!],
    activityTypes: [{ name: 'Ship', version: '1.0' }],
  })
  const gateway = await startGateway({ swf, redis, prefix: redis.prefix, ...options })
  return { ...gateway, local, swf, redis, decider: playedDecider(swf, redis) }
}

export async function startGateway(options: Partial<GatewayOptions> & Pick<GatewayOptions, 'swf' | 'redis'>) {
  const logged: Record<string, unknown>[] = []
  const sink = new Writable({
    write(chunk, _encoding, done) {
      logged.push(JSON.parse(String(chunk)) as Record<string, unknown>)
      done()
    },
  })
  const metrics = createMetrics('gateway')
  const log = pino({ messageKey: 'message', level: 'info' }, sink)
  const gateway = new Gateway({
    host: '127.0.0.1',
    port: 0,
    domain: DOMAIN,
    log,
    metrics,
    sweepInterval: 60_000,
    ...options,
  })
  await gateway.start()
  afterFile(() => gateway.stop())
  const url = `http://127.0.0.1:${gateway.port}`
  return {
    gateway,
    url,
    metrics,
    /** What has been logged, one object a line. */
    logged,
    /** Sends an operation over HTTP. */
    ask: (query: string, variables: Record<string, unknown> = {}) => ask(url, query, variables),
  }
}

export async function ask(url: string, query: string, variables: Record<string, unknown> = {}): Promise<GraphQLResult> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  return (await response.json()) as GraphQLResult
}

/** Tells Redis of a worker on these task lists, as a real one does. */
export async function announceWorker({ url, prefix }: TestRedis, taskLists: readonly string[]): Promise<void> {
  const worker = {
    ...{ id: 'host-1-a', host: 'host', pid: 1, version: '0.1.0', startedAt: Date.now(), active: 0 },
    activityTypes: [{ name: 'Ship', version: '1.0' }],
  }
  await announce(await connected(url), prefix, DOMAIN, worker, taskLists)
}

/** A decider whose decisions the test takes; it publishes as the real one does. */
function playedDecider(swf: SwfClient, { url, prefix }: { url: string; prefix: string }) {
  const log = pino({ level: 'silent' })
  const redis = connectRedis({ url, name: 'test', log })
  afterFile(() => closeRedis(redis))
  const publisher = new Publisher({ redis, swf, prefix, log })
  const tail = new Tail({ swf, publisher, redis, prefix, log })
  return {
    /** Answers the next decision task of the list; resolves to its execution. */
    async decide(decisions: Decision[], context?: ExecutionContext) {
      await redisReady(redis)
      const task = await swf.pollForDecisionTask({ domain: DOMAIN, taskList: { name: TASK_LIST }, identity: 'test' })
      if (!task.taskToken) throw new Error('no decision task came')
      const events = await completeDecisionTask(swf, DOMAIN, TASK_LIST, task, 'test')
      const execution = task.workflowExecution as { workflowId: string; runId: string }
      await publisher.publish(DOMAIN, execution, events)
      const executionContext = context && encodeExecutionContext(context)
      await swf.respondDecisionTaskCompleted({
        taskToken: task.taskToken,
        decisions,
        ...(executionContext !== undefined && { executionContext }),
      })
      const closes = decisions.some(({ decisionType }) => CLOSING_DECISIONS.has(decisionType))
      if (closes) await tail.tail(DOMAIN, execution, { untilClosed: true })
      else if (executionContext) await publisher.state(DOMAIN, execution, task.startedEventId!, executionContext)
      return execution
    },
  }
}
