// A scene for the bridge's faults: real Redis, a local SWF with its faults, a decider that retries, worker processes that can
// be killed, and the ledger that their handlers write to. `verdict` says at the end what became of it all.

import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { queueKey } from '../../../src/queues/keys.js'
import { Queues } from '../../../src/queues/queue.js'
import { connectRedis, redisReady } from '../../../src/redis.js'
import { createSwfClient } from '../../../src/swf/client.js'
import type { HistoryEvent } from '../../../src/swf/history-event.js'
import { createLog, createMetrics } from '../../../src/telemetry.js'
import { SILENT } from '../../../src/workers/decider/announcer.js'
import { Decider } from '../../../src/workers/decider/decider.js'
import { implement } from '../../../src/workers/definitions.js'
import { registerApp } from '../../../src/workers/register-app.js'
import { defineActivity, defineWorkflow } from '../../../src/workflow/index.js'
import { afterFile } from '../../support/dispose.js'
import { localSwf } from '../../support/local-swf.js'
import { startNode, type TestProcess } from '../../support/process.js'
import { testRedis } from '../../support/redis.js'
import { tmpDir } from '../../support/tmp.js'
import { until } from '../../support/until.js'

/** What a handler does; handler.mjs knows how. Times in milliseconds. */
export interface Work {
  /** How long its first run takes. */
  ms?: number
  /** How long every other run takes. @default ms */
  then?: number
  /** For how long its first run blocks the event loop. */
  block?: number
  /** How many of its runs kill their process. */
  die?: number
  /** How many heartbeats it sends at once. */
  beats?: number
}

export interface Line {
  what: 'begin' | 'apply' | 'end'
  key: string
  token: string
  attempt: number
  pid: number
  at: number
  deadline?: number
}

export interface SceneOptions {
  /** The build that the workers run. @default dist */
  dist?: string
  /** @default the run's Redis */
  redis?: string
  taskList?: string
  /** Heartbeat and start-to-close timeout of the activity. @default 5 s and 60 s */
  heartbeat?: `${number}s`
  startToClose?: `${number}s`
  /** Tries of an activity. @default 30 */
  attempts?: number
  /** Where the random sequences of SWF's faults begin. */
  seed?: number
}

export interface WorkerOptions {
  concurrency?: number
  prefetch?: number
  pollers?: number
  drain?: number
  grace?: number
  dieAtPoll?: number
  /** Instead of the scene's, such as that of a proxy. */
  redis?: string
  level?: string
}

/** How the activities of a scene ended, from the histories, and what the ledger tells beside them. */
export interface Verdict {
  /** Executions by the event that closed them; `open` where none did. */
  executions: Record<string, number>
  /** Activity tries by the event that closed them; a failure with its reason. */
  tries: Record<string, number>
  /** Calls of activities, by key. */
  calls: number
  /** Calls whose effect was never applied, although their execution completed. */
  lost: number
  /** Effects that a store applied twice which refuses a token below the highest that it has seen. */
  appliedTwice: number
  /** Results that SWF took from another than the newest run. */
  stale: number
  /** Runs that began after their deadline. */
  late: number
  /** Runs that began while another of the same task was at work in a process that was well. */
  overlapping: number
  /** Runs beyond the first of a call. */
  repeated: number
  /** Runs that took over from a killed process: how long after the kill they began, in milliseconds. */
  recoveries: number[]
}

export type Scene = Awaited<ReturnType<typeof openScene>>

const DIST = fileURLToPath(new URL('../../../dist', import.meta.url))
const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url))

export async function openScene(options: SceneOptions = {}) {
  const { dist = DIST, taskList = 'activities', heartbeat = '5s', startToClose = '60s', attempts = 30 } = options
  const redis = options.redis ?? testRedis().url
  const prefix = `faults-${randomUUID().slice(0, 8)}`
  const domain = `faults-${randomUUID().slice(0, 8)}`
  const local = await localSwf({ pollTimeout: 500, ...(options.seed !== undefined && { seed: options.seed }) })
  const swf = createSwfClient({ transport: (action, input, how) => local.call(action, input, how) })
  const work = defineActivity<Work, { token: string; key: string; pid: number }>('Work', '1', {
    ...{ taskList, heartbeat, startToClose },
    retry: { maximumAttempts: attempts, initialInterval: '1s', backoff: 1, jitter: 0 },
  })
  const batch = defineWorkflow('Batch', '1', { executionStartToClose: '1h' }, async (input: Batch) => {
    if (input.together) return Promise.all(input.steps.map(step => work(step)))
    const results = []
    for (const step of input.steps) results.push(await work(step))
    return results
  })
  await registerApp(swf, domain, { workflows: [batch], handlers: [implement(work, () => undefined as never)] }, 1)

  const silent = createLog('test', process.env.TEST_LOG ?? 'silent')
  const connection = connectRedis({ url: redis, name: 'test', log: silent })
  await redisReady(connection)
  const queues = new Queues({ redis: connection, prefix, log: silent })
  const cancel = ({ runId }: { runId: string }, activityId?: string) =>
    void queues.hintCancel(domain, taskList, { runId }, activityId).catch(() => {})
  const decider = new Decider({
    ...{ swf, domain, workflows: [batch], log: silent, metrics: createMetrics('test') },
    announcer: { ...SILENT, cancel: (execution, id) => cancel(execution, id) },
  })
  await decider.start()

  const ledger = join(tmpDir('ledger'), 'ledger.jsonl')
  writeFileSync(ledger, '')
  const workers = new Set<TestProcess>()
  /** When processes were killed, and which were at times unwell: stopped, or with a blocked loop. */
  const killed = new Map<number, number>()
  const unwell = new Set<number>()
  const executions: { workflowId: string; runId: string }[] = []
  const key = queueKey(prefix, domain, taskList)
  afterFile(async () => {
    await decider.stop()
    connection.disconnect()
    swf.close()
  })

  const lines = (): Line[] =>
    readFileSync(ledger, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line) as Line)
  const openExecutions = async () => {
    const startTimeFilter = { oldestDate: 0 }
    const { count } = (await local.call('CountOpenWorkflowExecutions', { domain, startTimeFilter })) as {
      count: number
    }
    return count
  }
  const history = async (execution: { workflowId: string; runId: string }): Promise<HistoryEvent[]> => {
    const events: HistoryEvent[] = []
    let nextPageToken: string | undefined
    do {
      const page = await swf.getWorkflowExecutionHistory({ domain, execution, ...(nextPageToken && { nextPageToken }) })
      events.push(...page.events)
      nextPageToken = page.nextPageToken
    } while (nextPageToken)
    return events
  }
  const spawn = async ({ prefetch = 0, ...worker }: WorkerOptions = {}): Promise<TestProcess> => {
    const config = {
      queues: { [taskList]: { prefetch } },
      dist,
      endpoint: local.endpoint,
      redis,
      prefix,
      domain,
      ledger,
      taskLists: [taskList],
      heartbeat,
    }
    const started = startNode([WORKER, JSON.stringify({ ...config, pollers: 4, level: 'info', ...worker })])
    workers.add(started)
    await started.line('activity worker started')
    return started
  }

  return {
    ...{
      domain,
      prefix,
      redis,
      ledger,
      heartbeat,
      local,
      swf,
      queues,
      connection,
      key,
      taskList,
      workers,
      lines,
      history,
      spawn,
      unwell,
      executions,
    },
    /** Starts executions; each has the steps, one after the other unless `together`. */
    async start(count: number, batch: Batch): Promise<void> {
      for (let n = 0; n < count; n++) {
        const workflowId = `w${executions.length + 1}`
        const input = JSON.stringify(batch)
        const type = { name: 'Batch', version: '1' }
        const { runId } = await swf.startWorkflowExecution({ domain, workflowId, workflowType: type, input })
        executions.push({ workflowId, runId: runId! })
      }
    },
    /** Resolves when a run of each of `count` calls has begun. */
    begun: (count: number, within = 20_000) =>
      until(
        () =>
          new Set(
            lines()
              .filter(({ what }) => what === 'begin')
              .map(line => line.key),
          ).size >= count,
        {
          what: `${count} calls have begun`,
          within,
        },
      ),
    allClosed: (within = 120_000) =>
      until(async () => (await openExecutions()) === 0, { what: 'every execution has closed', within, every: 50 }),
    /** Takes note that a worker is dead. */
    died(worker: TestProcess): void {
      unwell.add(worker.pid)
      workers.delete(worker)
    },
    kill(worker: TestProcess, signal: NodeJS.Signals = 'SIGKILL') {
      killed.set(worker.pid, Date.now())
      workers.delete(worker)
      return worker.kill(signal)
    },
    /** Waits until no task is open in Redis and no job is left there; then stops the workers, after which no slot may be held. */
    async expectNothingLeft(stop: () => Promise<unknown> = async () => {}): Promise<void> {
      const within = 20_000
      const queue = () => queues.get(domain, taskList)
      await until(
        async () => {
          const { active, depth } = (await queue())!
          return active === 0 && depth === 0
        },
        { what: 'no task is open in Redis', within },
      )
      let left: string[] = []
      const noJobs = async () => {
        left = (await connection.keys(`${key}:jobs:*`)).filter(name => !NO_JOB.test(name))
        return left.length === 0
      }
      await until(noJobs, { what: 'no job is left', within }).catch((error: Error) => {
        throw new Error(`jobs are left: ${left.join(', ')}`, { cause: error })
      })
      await stop()
      const exits = await Promise.all([...workers].map(worker => worker.stop()))
      workers.clear()
      const codes = exits.filter(({ code }) => code !== 0)
      if (codes.length) throw new Error(`a worker did not end cleanly: ${JSON.stringify(codes)}`)
      await until(async () => (await queue())!.slotsHeld === 0, { what: 'no slot is held', within })
    },
    async verdict(): Promise<Verdict> {
      return judge(await Promise.all(executions.map(history)), lines(), { killed, unwell })
    },
  }
}

const NO_JOB = /:(meta|id|events|stalled|stalled-check|marker|limiter)$/

interface Batch {
  steps: Work[]
  together?: boolean
}

interface Processes {
  killed: ReadonlyMap<number, number>
  unwell: ReadonlySet<number>
}

/** Compares fencing tokens: by start, then by takeover. */
export function newer(one: string, other: string): boolean {
  const [a, b] = [one, other].map(token => token.split('.').map(Number) as [number, number])
  return a![0] !== b![0] ? a![0] > b![0] : a![1] > b![1]
}

function judge(histories: readonly HistoryEvent[][], lines: readonly Line[], { killed, unwell }: Processes): Verdict {
  const verdict: Verdict = {
    ...{ executions: {}, tries: {}, calls: 0, lost: 0, appliedTwice: 0, stale: 0, late: 0, overlapping: 0 },
    ...{ repeated: 0, recoveries: [] },
  }
  const count = (of: Record<string, number>, name: string) => (of[name] = (of[name] ?? 0) + 1)
  const taken = new Map<string, string>()
  for (const history of histories) {
    count(verdict.executions, history.find(({ eventType }) => CLOSES.has(eventType))?.eventType ?? 'open')
    for (const event of history) {
      if (event.eventType === 'ActivityTaskCompleted') {
        const { result } = event.activityTaskCompletedEventAttributes
        const { key, token } = JSON.parse(result!) as { key: string; token: string }
        taken.set(key, token)
        count(verdict.tries, 'completed')
      } else if (event.eventType === 'ActivityTaskFailed')
        count(verdict.tries, event.activityTaskFailedEventAttributes.reason ?? 'failed')
      else if (event.eventType === 'ActivityTaskTimedOut')
        count(verdict.tries, event.activityTaskTimedOutEventAttributes.timeoutType)
      else if (event.eventType === 'ActivityTaskCanceled') count(verdict.tries, 'canceled')
    }
  }

  const byKey = new Map<string, Line[]>()
  for (const line of lines) byKey.set(line.key, [...(byKey.get(line.key) ?? []), line])
  verdict.calls = byKey.size
  for (const key of taken.keys()) if (!byKey.get(key)?.some(({ what }) => what === 'apply')) verdict.lost++
  for (const [key, own] of byKey) {
    let highest = '0.0'
    let applied = 0
    const open = new Map<string, Line>()
    const gone = (line: Line, at: number) => {
      const died = killed.get(line.pid)
      return unwell.has(line.pid) || (died !== undefined && died <= at)
    }
    for (const line of own) {
      const run = `${line.token} ${line.pid}`
      if (newer(line.token, highest)) highest = line.token
      if (line.what === 'begin') {
        if (line.deadline !== undefined && line.at > line.deadline) verdict.late++
        for (const other of open.values()) {
          if (line.attempt === other.attempt && !gone(other, line.at)) verdict.overlapping++
          const died = killed.get(other.pid)
          if (died !== undefined && line.attempt === other.attempt) verdict.recoveries.push(line.at - died)
          open.delete(`${other.token} ${other.pid}`)
        }
        open.set(run, line)
      } else if (line.what === 'end') open.delete(run)
      else if (line.token === highest) applied++
    }
    if (applied > 1) verdict.appliedTwice += applied - 1
    verdict.repeated += own.filter(({ what }) => what === 'begin').length - 1
    const token = taken.get(key)
    if (token !== undefined && token !== highest) verdict.stale++
  }
  return verdict
}

const CLOSES: ReadonlySet<string> = new Set(
  ['Completed', 'Failed', 'Canceled', 'Terminated', 'TimedOut', 'ContinuedAsNew'].map(how => `WorkflowExecution${how}`),
)
