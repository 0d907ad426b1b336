// Logs and metrics. A log's message is constant, its facts are fields with SWF's names.

import { pino, type Logger } from 'pino'
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import { boundedLine } from './cut.js'
import { openStdout, type LineWriter } from './line-writer.js'

export type Log = Logger

/**
 * Opens the log of a component: JSON lines on stdout, one an event. `level` as in pino, or `silent`. @default 'info'
 * Written in the background: neither a full disk nor a reader that has stopped reading may stop heartbeats. What cannot be
 * written, or has 10 MB of arrears before it, is lost. Values have at most 2,000 characters, lists 100 members.
 */
export function createLog(component: string, level = 'info'): Log {
  const output = (stdout ??= openStdout())
  const options = { level, base: { component }, timestamp, messageKey: 'message' }
  return pino(options, { write: line => output.write(boundedLine(line)) })
}

/** Resolves when what was logged is written, or lost; at the latest after `within` milliseconds. */
export async function flushLog(within: number): Promise<void> {
  await stdout?.flush(within)
}

let stamped = 0
let stamp = ''

/** The time as pino wants it, made once a millisecond. */
function timestamp(): string {
  const now = Date.now()
  if (now !== stamped) {
    stamped = now
    stamp = `,"time":"${new Date(now).toISOString()}"`
  }
  return stamp
}

let stdout: LineWriter | undefined

/** The metrics of one process; every name begins with `swf_gateway_`. */
export interface Metrics {
  registry: Registry
  decisionTasks: Counter<'workflowType' | 'outcome'>
  decisions: Counter<'decisionType'>
  stuck: Counter<'workflowType'>
  cachedExecutions: Gauge
  activityTasks: Counter<'activityType' | 'outcome'>
  activityDuration: Histogram<'activityType'>
  activityRetries: Counter<'activityType'>
  takeovers: Counter<'taskList'>
  fenced: Counter<'activityType'>
  abandoned: Counter<'activityType'>
  redisAway: Gauge<'taskList'>
  heartbeats: Counter<'outcome'>
  runningActivities: Gauge<'taskList'>
  slotsHeld: Gauge<'taskList' | 'by'>
  sagas: Counter<'workflowType' | 'state'>
  executions: Counter<'workflowType' | 'event'>
  activeExecutions: Gauge<'domain'>
  subscribers: Gauge
  graphqlRequests: Counter<'operation' | 'outcome'>
  executionsClosed: Counter<'workflowType' | 'status'>
  logLinesLost: Counter
  swfCalls: Counter<'action' | 'outcome'>
  swfCallDuration: Histogram<'action'>
}

/** Makes a process's metrics, Node's own included. */
export function createMetrics(component: string): Metrics {
  const registry = new Registry()
  registry.setDefaultLabels({ component })
  collectDefaultMetrics({ register: registry })
  const named = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) => ({
    name: `swf_gateway_${name}`,
    help,
    labelNames,
    registers: [registry],
  })
  return {
    registry,
    decisionTasks: new Counter(
      named('decision_tasks_total', 'Decision tasks answered', ['workflowType', 'outcome'] as const),
    ),
    decisions: new Counter(named('decisions_total', 'Decisions taken', ['decisionType'] as const)),
    stuck: new Counter(named('stuck_total', 'Decision tasks that ended stuck', ['workflowType'] as const)),
    cachedExecutions: new Gauge(named('cached_executions', 'Executions that the decider keeps in memory')),
    activityTasks: new Counter(
      named('activity_tasks_total', 'Activity tasks responded to; success rate = completed / all', [
        'activityType',
        'outcome',
      ] as const),
    ),
    activityDuration: new Histogram({
      ...named('activity_duration_seconds', 'Run time of activity handlers', ['activityType'] as const),
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800],
    }),
    activityRetries: new Counter(
      named('activity_retries_total', 'Activities scheduled again after a failure', ['activityType'] as const),
    ),
    takeovers: new Counter(named('takeovers_total', 'Tasks taken over from a worker that died', ['taskList'] as const)),
    fenced: new Counter(
      named('fenced_total', 'Outcomes refused because another run owns the task', ['activityType'] as const),
    ),
    abandoned: new Counter(
      named('abandoned_total', 'Handlers that did not stop when asked to', ['activityType'] as const),
    ),
    redisAway: new Gauge(
      named('redis_away', '1 while Redis does not answer or takes no writes, so that nothing is polled', [
        'taskList',
      ] as const),
    ),
    heartbeats: new Counter(named('heartbeats_total', 'Heartbeats sent to SWF', ['outcome'] as const)),
    runningActivities: new Gauge(
      named('running_activities', 'Handlers that run, seen once a second', ['taskList'] as const),
    ),
    slotsHeld: new Gauge(
      named('slots_held', 'Slots of the whole fleet in use, as Redis counts them: by polls, waiting, running', [
        'taskList',
        'by',
      ] as const),
    ),
    sagas: new Counter(
      named('saga_states_total', 'Sagas that entered a state; ROLLING_BACK counts rollbacks', [
        'workflowType',
        'state',
      ] as const),
    ),
    executions: new Counter(
      named('executions_total', 'Executions started, signaled, cancel requested, terminated', [
        'workflowType',
        'event',
      ] as const),
    ),
    activeExecutions: new Gauge(named('active_executions', 'Open executions in the index', ['domain'] as const)),
    subscribers: new Gauge(named('subscribers', 'Open GraphQL subscriptions')),
    graphqlRequests: new Counter(
      named('graphql_requests_total', 'GraphQL operations', ['operation', 'outcome'] as const),
    ),
    executionsClosed: new Counter(
      named(
        'executions_closed_total',
        'Executions whose close this process was the first to write to the feed; add up all deciders and gateways',
        ['workflowType', 'status'] as const,
      ),
    ),
    logLinesLost: new Counter({
      ...named('log_lines_lost_total', 'Lines of the log that could not be written: the disk is full, or nobody reads'),
      collect() {
        this.reset()
        this.inc(stdout?.lost ?? 0)
      },
    }),
    swfCalls: new Counter(
      named(
        'swf_calls_total',
        'Calls to SWF, each try, polls included; outcome is ok, aborted or the code of the fault',
        ['action', 'outcome'] as const,
      ),
    ),
    swfCallDuration: new Histogram({
      ...named(
        'swf_call_duration_seconds',
        'How long calls to SWF took, each try; without polls, which SWF holds open',
        ['action'] as const,
      ),
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    }),
  }
}
