// What an execution in memory takes, and what the decider reckons that it does.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { HistoryEvent } from '../../../src/swf/history-event.js'
import { Run } from '../../../src/workflow/replay/replay.js'
import { table } from '../local-swf/table.js'
import { ratio } from './figures.js'
import { Recorder } from './recorder.js'
import { fanOut, sequence } from './workflows.js'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

const CASES: { what: string; runs: number; record: () => Promise<Recorder> }[] = [
  { what: 'three steps, at the last', runs: 2_000, record: () => steps(3, 2) },
  { what: '1,000 events, 1 open', runs: 200, record: () => steps(1_000, 165) },
  { what: '20,000 events, 1 open', runs: 10, record: () => steps(5_000, 3_331) },
  { what: '100 open', runs: 200, record: () => open(100) },
  { what: '1,000 open', runs: 20, record: () => open(1_000) },
]

export async function memory(): Promise<void> {
  const rows: string[][] = []
  for (const { what, runs, record } of CASES) {
    const recorder = await record()
    const pages = recorder.pages()
    // Once for what stays: compiled code, shapes of objects.
    await kept(recorder, pages)
    const held: Run[] = []
    gc()
    const before = process.memoryUsage().heapUsed
    for (let n = 0; n < runs; n++) held.push(await kept(recorder, pages))
    gc()
    const taken = (process.memoryUsage().heapUsed - before) / held.length
    const reckoned = held[0]!.bytes
    const kib = (bytes: number) => `${(bytes / 1_024).toFixed(1)} KiB`
    rows.push([what, String(recorder.events.length), kib(taken), kib(reckoned), ratio(reckoned, taken)])
  }
  table('Memory of an execution that is kept', ['', 'events', 'takes', 'reckoned', 'reckoned to taken'], rows)
}

/** A run that was fed its history page by page, from texts of its own, so that it alone holds what it holds. */
async function kept({ definition, execution }: Recorder, pages: readonly string[]): Promise<Run> {
  const run = new Run(definition, execution)
  const events = pages.flatMap(page => (JSON.parse(page) as { events: HistoryEvent[] }).events)
  for (const event of events) event.eventTimestamp = new Date((event.eventTimestamp as unknown as number) * 1_000)
  const turn = await run.advance(events)
  if (turn.kind === 'stuck') throw new Error(turn.stuck.reason)
  return run
}

async function steps(count: number, done: number): Promise<Recorder> {
  const recorder = new Recorder(sequence(), { steps: count, list: 'a' })
  await recorder.decide()
  for (let n = 0; n < done; n++) await recorder.complete().decide()
  return recorder
}

async function open(count: number): Promise<Recorder> {
  const recorder = new Recorder(fanOut, { steps: count, open: count })
  await recorder.decide()
  return recorder
}
