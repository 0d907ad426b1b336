// Queues in words and columns.

import type {
  Percentiles,
  QueueMeasures,
  QueueSettings,
  QueueState,
  RateLimit,
  RecordedChange,
  WorkerState,
} from '../queues/queue.js'
import { DAY, HOUR, MINUTE, SECOND } from '../swf/duration.js'

/** Lays rows out in columns, numbers to the right; the first row is the heading. */
export function columns(rows: readonly (readonly (string | number)[])[]): string {
  const [heading, ...rest] = rows as [readonly (string | number)[], ...(readonly (string | number)[])[]]
  const widths = heading.map((_, i) => Math.max(...rows.map(row => String(row[i]).length)))
  const isNumber = heading.map((_, i) => rest.some(row => typeof row[i] === 'number'))
  const cell = (value: string | number, i: number) =>
    isNumber[i] ? String(value).padStart(widths[i]!) : String(value).padEnd(widths[i]!)
  return rows.map(row => row.map(cell).join('  ').trimEnd()).join('\n')
}

const UNITS = [
  [DAY, 'd'],
  [HOUR, 'h'],
  [MINUTE, 'min'],
  [SECOND, 's'],
  [1, 'ms'],
] as const

/** Writes a length of time for people: 850 ms, 4.2 s, 12 min. */
export function span(ms: number | undefined): string {
  if (ms === undefined) return '-'
  const [unit, name] = UNITS.find(([unit]) => ms >= unit) ?? [1, 'ms']
  const value = ms / unit
  return `${value < 10 && unit > 1 ? Math.round(value * 10) / 10 : Math.round(value)} ${name}`
}

function rateText(rate: RateLimit | undefined): string {
  return rate ? `${rate.tasks}/${span(rate.per).replace(/^1 /, '')}` : '-'
}

function stateOf({ paused, concurrency }: QueueSettings): string {
  return paused ? 'paused' : concurrency === 0 ? 'concurrency 0' : 'on'
}

export function describeQueues(queues: readonly QueueState[], domain: string): string {
  if (queues.length === 0) return `No worker has named a task list in domain ${domain} within the last 30 days.`
  const heading =
    'TASK LIST,WAITING,OLDEST,ACTIVE,SLOTS,CONCURRENCY,PER WORKER,PREFETCH,RATE,STATE,VERSION,WORKERS,OBEYED'
  return columns([
    heading.split(','),
    ...queues.map(({ taskList, depth, oldestAge, active, slotsHeld, settings, observed }) => [
      ...[taskList, depth, span(oldestAge), active, slotsHeld, settings.concurrency, settings.workerConcurrency],
      ...[settings.prefetch, rateText(settings.rateLimit), stateOf(settings), settings.version, observed.length],
      observed.filter(({ version }) => version === settings.version).length,
    ]),
  ])
}

export function describeQueue(queue: QueueState, statistics: QueueMeasures, now: number): string {
  const { settings, observed, depth, oldestAge, active, slotsHeld } = queue
  const { version, concurrency, workerConcurrency, prefetch, rateLimit, changedBy, changedAt } = settings
  const changed =
    changedAt === undefined ? 'the deployment’s defaults' : `by ${changedBy}, ${span(now - changedAt)} ago`
  const obeying = observed.filter(each => each.version === version).length
  return [
    `${queue.taskList} in ${queue.domain}: ${stateOf(settings)}`,
    `  settings  version ${version} (${changed}): concurrency ${concurrency}, ${workerConcurrency} a worker, prefetch ${prefetch}, rate ${rateText(rateLimit)}`,
    `  now       ${depth} waiting${oldestAge === undefined ? '' : ` (the oldest ${span(oldestAge)})`}, ${active} active, ${slotsHeld} slots held`,
    `  fleet     ${observed.length} ${observed.length === 1 ? 'worker' : 'workers'}, of which ${obeying} obey version ${version}`,
    ...(observed.length ? ['', columns(fleetRows(queue, now))] : []),
    '',
    `Since ${new Date(statistics.since).toISOString().slice(11, 16)} UTC: ${Math.round(statistics.throughput * 10) / 10} outcomes a second`,
    '',
    columns(typeRows(statistics)),
    ...(statistics.processes.length ? ['', columns(processRows(statistics))] : []),
  ].join('\n')
}

export function describeWorkers(workers: readonly WorkerState[], domain: string, now: number): string {
  if (workers.length === 0) return `No worker was seen in domain ${domain} within the last minute.`
  return columns([
    ['WORKER', 'HOST', 'PID', 'RELEASE', 'ACTIVE', 'UP', 'SEEN', 'ACTIVITY TYPES'],
    ...workers.map(worker => [
      ...[worker.id, worker.host, worker.pid, worker.version, worker.active, span(now - worker.startedAt)],
      ...[`${span(Math.max(0, now - worker.lastSeen))} ago`, typesOf(worker)],
    ]),
  ])
}

function typesOf({ activityTypes }: WorkerState): string {
  return activityTypes.map(({ name, version }) => `${name} ${version}`).join(', ')
}

function fleetRows({ observed }: QueueState, now: number): (string | number)[][] {
  return [
    ['WORKER', 'HOST', 'PID', 'RELEASE', 'ACTIVE', 'LIMIT', 'OBEYS', 'UP', 'SEEN', 'ACTIVITY TYPES'],
    ...observed.map(({ worker, active, concurrency, version, draining }) => [
      ...[worker.id, worker.host, worker.pid, worker.version],
      ...[active, draining ? 'drains' : String(concurrency), version],
      ...[span(now - worker.startedAt), `${span(Math.max(0, now - worker.lastSeen))} ago`],
      typesOf(worker),
    ]),
  ]
}

function typeRows({ activityTypes, ...all }: QueueMeasures): (string | number)[][] {
  const heading = 'ACTIVITY TYPE,DONE,FAILED,CANCELED,BACK,SUCCESS,RETRIES,TAKEOVERS,FENCED,EXPIRED,DROPPED,LOST'
  return [
    [...heading.split(','), 'WAIT p50 p95 p99', 'RUN p50 p95 p99'],
    ...[...activityTypes, { ...all, name: 'all', version: '' }].map(each => [
      ...[`${each.name} ${each.version}`.trim(), each.completed, each.failed, each.canceled, each.handedBack],
      ...[percent(each.successRate), each.retries, each.takeovers, each.fenced, each.expired, each.dropped, each.lost],
      ...[percentilesText(each.wait), percentilesText(each.run)],
    ]),
  ]
}

function processRows({ processes }: QueueMeasures): (string | number)[][] {
  return [
    ['WORKER', 'DONE', 'FAILED', 'CANCELED', 'BACK', 'SUCCESS', 'RETRIES', 'TAKEN OVER', 'FENCED', 'MEAN RUN'],
    ...processes.map(each => [
      ...[each.process, each.completed, each.failed, each.canceled, each.handedBack],
      ...[percent(each.successRate), each.retries, each.takeovers, each.fenced, span(each.meanRun)],
    ]),
  ]
}

function percentilesText(times: Percentiles | undefined): string {
  return times ? [times.p50, times.p95, times.p99].map(span).join(', ') : '-'
}

function percent(share: number | undefined): string {
  return share === undefined ? '-' : `${Math.floor(share * 1_000) / 10} %`
}

/** Says what one change changed. */
export function describeChange(from: QueueSettings | null, to: QueueSettings): string {
  const facts = (settings: QueueSettings) => ({
    concurrency: String(settings.concurrency),
    'worker concurrency': String(settings.workerConcurrency),
    prefetch: String(settings.prefetch),
    rate: rateText(settings.rateLimit),
    paused: settings.paused ? 'yes' : 'no',
  })
  const [before, after] = [from && facts(from), facts(to)]
  const changed = Object.entries(after).filter(([name, value]) => before?.[name as keyof typeof after] !== value)
  if (changed.length === 0) return 'as it was'
  return changed
    .map(([name, value]) => (before ? `${name} ${before[name as keyof typeof after]} → ${value}` : `${name} ${value}`))
    .join(', ')
}

const WHY = { OPERATOR: '', DEFAULTS: 'defaults of a worker that started', RESTORED: 'put back, redis had lost them' }

export function describeChanges(changes: readonly RecordedChange[]): string {
  if (changes.length === 0) return 'No change is on record.'
  return columns([
    ['AT', 'VERSION', 'BY', 'CHANGE', ''],
    ...changes.map(({ at, by, why, from, to }) => [
      ...[new Date(at).toISOString(), to.version, by, describeChange(from, to), WHY[why]],
    ]),
  ])
}
