// A scene for the feed's faults: every part of the product is a process from the build that can be killed. Between the deciders
// and SWF, and between the clients and the gateways, stands a proxy to strike at.

import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { closeRedis, connectRedis, redisReady } from '../../../src/redis.js'
import { createSwfClient } from '../../../src/swf/client.js'
import { readHistory } from '../../../src/swf/history.js'
import type { HistoryEvent, WorkflowExecution } from '../../../src/swf/history-event.js'
import { createLocalSwf } from '../../../src/swf/local/index.js'
import { createLog } from '../../../src/telemetry.js'
import { afterFile } from '../../support/dispose.js'
import { checkAllHistories } from '../../support/history-checker.js'
import { startNode, type TestProcess } from '../../support/process.js'
import { ownRedis } from '../../support/redis.js'
import { swfProxy, type SwfProxy } from '../../support/swf-proxy.js'
import { tcpProxy } from '../../support/tcp-proxy.js'
import { tmpDir } from '../../support/tmp.js'
import { until } from '../../support/until.js'

const DIST = fileURLToPath(new URL('../../../dist', import.meta.url))
const APP = fileURLToPath(new URL('app.mjs', import.meta.url))
const TYPE = { name: 'Order', version: '1' }

/** Signal at which a process collects its garbage. */
export const COLLECT_GARBAGE = 'SIGWINCH'
const COLLECTABLE = ['--expose-gc', '--import', `data:text/javascript,process.on('${COLLECT_GARBAGE}',()=>gc())`]

/** What an execution is started with. */
export interface Order {
  steps: number
  /** The step that fails. */
  fail?: number
}

/** A process that is started again when it was killed. */
export interface Part {
  readonly process: TestProcess
  /** Its port, when it has one. */
  readonly port: number
  /** kill -9, then a new one in its place. */
  replace(): Promise<void>
}

export interface DeciderPart extends Part {
  /** What it says to SWF goes through here. */
  readonly swf: SwfProxy
}

export interface SceneOptions {
  /** The build that runs. @default dist */
  dist?: string
  /** @default 2 */
  gateways?: number
  /** @default 2 */
  deciders?: number
  /** @default 1 */
  workers?: number
}

export type Scene = Awaited<ReturnType<typeof openScene>>

export async function openScene({
  dist = DIST,
  gateways: gatewayCount = 2,
  deciders: deciderCount = 2,
  workers: workerCount = 1,
}: SceneOptions = {}) {
  const startCli = (args: readonly string[]) =>
    startNode([...COLLECTABLE, join(dist, 'cli/main.js'), ...args], { env: { BUILD: dist } })
  const domain = `faults-${randomUUID().slice(0, 8)}`
  const prefix = domain
  const data = join(tmpDir('faults-feed'), 'swf')
  const redis = await ownRedis()
  const localSwf = startCli(['local-swf', '--port', '0', '--data', data, '--poll-timeout', '1s'])
  const { endpoint } = await ready<{ endpoint: string }>(localSwf)
  const registered = startCli(['register', '--app', APP, '--endpoint', endpoint, '--domain', domain])
  await registered.exited

  const swf = createSwfClient({ transport: 'http', endpoint })
  const log = createLog('test', 'silent')
  const connection = connectRedis({ url: redis.url, name: 'test', log })
  await redisReady(connection)
  const common = ['--domain', domain, '--redis', redis.url, '--prefix', prefix, '--port', '0']

  const running: TestProcess[] = []
  const part = async (args: readonly string[]): Promise<Part> => {
    const start = async () => {
      const process = startCli([...args, ...common])
      const { port } = await ready<{ port: number }>(process)
      running.push(process)
      return { process, port }
    }
    let now = await start()
    let replaced: Promise<void> = Promise.resolve()
    return {
      get process() {
        return now.process
      },
      get port() {
        return now.port
      },
      replace() {
        replaced = replaced.then(async () => {
          await now.process.kill()
          now = await start()
        })
        return replaced
      },
    }
  }
  const decider = async (): Promise<DeciderPart> => {
    const proxy = await swfProxy(endpoint)
    return Object.assign(await part(['decider', '--app', APP, '--endpoint', proxy.url]), { swf: proxy })
  }
  const [gateways, deciders] = await Promise.all([
    several(gatewayCount, () => part(['gateway', '--endpoint', endpoint, '--sweep-interval', '1s'])),
    several(deciderCount, decider),
    several(workerCount, () =>
      part(['worker', '--app', APP, '--endpoint', endpoint, '--concurrency', '50', '--drain', '1s']),
    ),
  ])
  // Clients meet one gateway or another, and never know which.
  let turn = 0
  const nextPort = () => gateways[turn++ % gateways.length]!.port
  const network = await tcpProxy(nextPort)
  const url = `http://127.0.0.1:${network.port}`

  const executions: (WorkflowExecution & { order: Order; tags: string[] })[] = []
  const graphql = async <T>(query: string, variables: object = {}, port = nextPort()): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    })
    const { data, errors } = (await response.json()) as { data: T; errors?: { message: string }[] }
    if (errors) throw new Error(errors[0]!.message)
    return data
  }

  afterFile(async () => {
    await Promise.all(running.map(process => process.alive && process.stop()))
    await closeRedis(connection)
    swf.close()
    await localSwf.stop()
    const local = await createLocalSwf({ data })
    try {
      await checkAllHistories(local)
    } finally {
      await local.close()
    }
  })

  return {
    ...{ domain, prefix, redis, connection, swf, gateways, deciders, network, url, executions, graphql },
    /** Starts an execution through a gateway, or behind its back; resolves when SWF has it. */
    async start(
      workflowId: string,
      order: Order,
      { tags = [], unseen = false }: { tags?: string[]; unseen?: boolean } = {},
    ) {
      const started = unseen ? startInSwf : startInGateway
      const runId = await until(() => started(workflowId, order, tags), { what: `${workflowId} is started`, every: 50 })
      const execution = { workflowId, runId, order, tags }
      executions.push(execution)
      return execution
    },
    openCount: async () => {
      const { count } = await swf.countOpenWorkflowExecutions({ domain, startTimeFilter: { oldestDate: new Date(0) } })
      return count!
    },
    /** A cursor from which on nothing is missed that happens from now on. */
    cursor: () =>
      until(
        async () =>
          (await graphql<{ executions: { updatesCursor: string } }>('{ executions { updatesCursor } }')).executions
            .updatesCursor,
        { what: 'the index is filled' },
      ),
    history: (execution: WorkflowExecution): Promise<HistoryEvent[]> => readHistory(swf, domain, execution),
  }

  async function startInSwf(workflowId: string, order: Order, tagList: string[]): Promise<string> {
    const input = JSON.stringify(order)
    return (await swf.startWorkflowExecution({ domain, workflowId, workflowType: TYPE, input, tagList })).runId!
  }

  async function startInGateway(workflowId: string, order: Order, tags: string[]): Promise<string> {
    const input = { workflowId, type: TYPE.name, input: order, tags, idempotencyKey: workflowId }
    const { startExecution } = await graphql<{ startExecution: { execution: { runId: string } } }>(
      'mutation ($input: StartExecutionInput!) { startExecution(input: $input) { execution { runId } } }',
      { input },
    )
    return startExecution.execution.runId
  }
}

/** Resolves with what a process says when it is ready. */
async function ready<T>(process: TestProcess): Promise<T> {
  return JSON.parse(await process.line('"message":"ready"', { within: 30_000 })) as T
}

const several = <T>(count: number, make: () => Promise<T>) => Promise.all(Array.from({ length: count }, make))
