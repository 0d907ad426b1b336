// Reads the engine's state back from the store: domains, types, open executions and what is open in them.
//
// RE1. A task that was started stays started, with its token and its deadline; a timer that fell due meanwhile fires at once.
// RE2. A history with a gap is a damaged store: nothing starts from half a state.

import type { Read } from './closed-in-file.js'
import type { DomainRecord, RegisteredType } from './domain.js'
import { Domain } from './domain.js'
import type { Engine } from './engine.js'
import { finite } from './engine.js'
import type { ActivityTask, DecisionTask } from './execution.js'
import { Execution } from './execution.js'

/** How many executions are read at a time. */
const BATCH = 256

export async function restore(engine: Engine, read: Read, heartbeats: Set<number>): Promise<void> {
  for (const { record } of await read<{ record: string }>('SELECT record FROM domains')) {
    const domain = new Domain(JSON.parse(record) as DomainRecord)
    engine.domains.set(domain.name, domain)
  }
  const types = await read<{ domain: string; record: string }>('SELECT domain, record FROM types')
  for (const { domain, record } of types) engine.domain(domain).putType(JSON.parse(record) as RegisteredType)
  const [last] = await read<{ id: number | null }>(
    'SELECT max(id) AS id FROM (SELECT max(id) AS id FROM open UNION ALL SELECT max(id) FROM closed)',
  )
  engine.lastSerial = last?.id ?? 0

  const waiting: (ActivityTask | DecisionTask)[] = []
  for (let after = 0; ;) {
    const batch = await read<{ id: number; domain: string; workflow_id: string; run_id: string }>(
      'SELECT * FROM open WHERE id > ? ORDER BY id LIMIT ?',
      after,
      BATCH,
    )
    if (batch.length === 0) break
    const range = [batch[0]!.id * 32_768, batch.at(-1)!.id * 32_768 + 32_767]
    const histories = new Map<number, string[]>()
    // From the open executions to their events: among them are those of many closed ones.
    const chunks = await read<{ execution: number; lines: string }>(
      `SELECT id AS execution, lines FROM open CROSS JOIN events ON key BETWEEN id * 32768 AND id * 32768 + 32767
       WHERE id BETWEEN ? AND ? ORDER BY id, key`,
      batch[0]!.id,
      batch.at(-1)!.id,
    )
    for (const { execution, lines } of chunks) {
      const history = histories.get(execution)
      if (history) history.push(...lines.split('\n'))
      else histories.set(execution, lines.split('\n'))
    }
    const beats = await read<{ key: number; at: number; details: string | null }>(
      'SELECT * FROM heartbeats WHERE key BETWEEN ? AND ?',
      ...range,
    )
    const executions = new Map<number, Execution>()
    for (const { id, domain, workflow_id, run_id } of batch) {
      const x = new Execution(id, domain, workflow_id, run_id)
      for (const text of histories.get(id) ?? []) x.restore(text)
      if (x.lastEventId === 0 || !x.open) throw new Error(`run ${run_id} of ${workflow_id} is open without a history`)
      executions.set(id, x)
    }
    for (const { key, at, details } of beats) {
      const serial = Math.floor(key / 32_768)
      heartbeats.add(serial)
      const activity = executions.get(serial)?.activities.get(key % 32_768)
      if (!activity) continue
      activity.heartbeatAt = at
      activity.heartbeatDetails = details === null ? undefined : (JSON.parse(details) as string)
    }
    for (const x of executions.values()) resume(engine, x, waiting)
    after = batch.at(-1)!.id
  }
  offerInOrder(engine, waiting)
}

/** Puts tasks on their lists, the oldest first. */
export function offerInOrder(engine: Engine, waiting: (ActivityTask | DecisionTask)[]): void {
  waiting.sort((a, b) => a.scheduledAt - b.scheduledAt)
  for (const task of waiting) {
    if (task.kind === 'decision') engine.offerDecision(task.execution)
    else engine.offerActivity(task)
  }
}

/** Takes an execution in and sets its timers; its tasks that wait for a poll are added to `waiting`. */
export function resume(engine: Engine, x: Execution, waiting: (ActivityTask | DecisionTask)[]): void {
  engine.adopt(engine.domain(x.domain), x)
  for (const timer of x.timers.values()) engine.timers.set(timer, timer.firesAt)
  if (x.started) engine.timers.set(x.started, finite(x.started.deadline))
  if (x.scheduled) waiting.push(x.scheduled)
  for (const lambda of x.lambdas.values()) {
    if (lambda.startedEventId > 0) engine.callLambda(lambda)
    else engine.startLambda(lambda)
  }
  for (const activity of x.activities.values()) {
    if (activity.startedEventId > 0) engine.timers.set(activity, finite(activity.deadline.at))
    else waiting.push(activity)
  }
}
