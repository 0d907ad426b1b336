// What is put into the index, taken up from its file, and dropped, step by step: a step blocks the event loop.

import { performance } from 'node:perf_hooks'
import { ExecutionTable } from '../../../src/feed/execution-table.js'
import type { ExecutionSummary } from '../../../src/feed/update.js'
import { cpu } from '../decider/figures.js'
import { DOMAIN, population, startedAt } from './population.js'

const STEP = 500

export interface Written {
  perSecond: number
  /** CPU milliseconds of each step. */
  steps: number[]
  megabytes?: number
}

export function filled(size: number, file: string): Written & { executions: ExecutionTable } {
  const executions = new ExecutionTable(file)
  const rss = process.memoryUsage().rss
  const measured = stepped(size, batches(size), batch => executions.put(batch))
  return { executions, ...measured, megabytes: (process.memoryUsage().rss - rss) / 2 ** 20 }
}

/** Each step changes executions from all over the time. */
export function updated(executions: ExecutionTable, size: number): Written {
  const every = Math.max(1, Math.floor(size / 10_000))
  const changed: ExecutionSummary[] = []
  let i = 0
  for (const summary of population(size))
    if (i++ % every === 0) changed.push({ ...summary, eventId: summary.eventId + 1 })
  const steps = Array.from({ length: changed.length / STEP }, (_, step) =>
    Array.from({ length: STEP }, (_, n) => changed[(n * changed.length) / STEP + step]!),
  )
  return stepped(changed.length, steps, batch => executions.put(batch))
}

export function loaded(file: string): Written {
  const executions = new ExecutionTable(file)
  let total = 0
  const measured = stepped(0, executions.load(), progress => (total = progress.total))
  executions.close()
  return { ...measured, perSecond: total * measured.perSecond }
}

/** Drops half of all: those that closed in the first half, or then all that a walk has not found. */
export function dropped(executions: ExecutionTable, how: 'prune' | 'walk'): Written {
  const before = executions.size(DOMAIN)
  const step = how === 'prune' ? () => executions.prune(DOMAIN, startedAt(0.5)) : () => executions.dropEarlier(DOMAIN)
  if (how === 'walk') executions.newGeneration(DOMAIN)
  const measured = stepped(0, whileTrue(step), () => {})
  return { ...measured, perSecond: (before - executions.size(DOMAIN)) * measured.perSecond }
}

function* whileTrue(step: () => boolean): Generator<void> {
  while (step()) yield
}

function* batches(size: number): Generator<ExecutionSummary[]> {
  let batch: ExecutionSummary[] = []
  for (const summary of population(size)) {
    batch.push(summary)
    if (batch.length < STEP) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

/** Measures what is done with each of some steps that write `rows` in all; with 0 rows, getting a step is the work. */
function stepped<T>(rows: number, work: Iterable<T>, take: (step: T) => void): Written {
  let spent = 0
  const steps: number[] = []
  const whole = performance.now()
  const iterator = work[Symbol.iterator]()
  for (;;) {
    const gotAt = cpu()
    const next = iterator.next()
    const got = cpu() - gotAt
    if (next.done) break
    const [before, used] = [performance.now(), cpu()]
    take(next.value)
    spent += performance.now() - before
    steps.push(rows === 0 ? got : cpu() - used)
  }
  return { perSecond: rows === 0 ? 1_000 / (performance.now() - whole) : rows / (spent / 1_000), steps }
}
