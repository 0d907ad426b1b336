// How long executions wait that are decided while long ones are replayed.

import { setTimeout as sleep } from 'node:timers/promises'
import { Run } from '../../../src/workflow/replay/replay.js'
import { percentile, table } from '../local-swf/table.js'
import { ms } from './figures.js'
import { recorded, type Recorder } from './recorder.js'
import { sequence } from './workflows.js'

const SMALL = 100
const EVENTS = 20_000
const LONG = [0, 1, 4, 16]

/** Small executions are decided again and again, and long ones replayed meanwhile: how long the small ones wait. */
export async function fairness(times: number): Promise<void> {
  const small = await recorded(sequence(), { steps: 3, list: 'a' }, 10)
  const long = await recorded(sequence(), { steps: 5_000, list: 'a' }, EVENTS)
  const rows: string[][] = []
  for (const count of LONG) {
    const waits: number[] = []
    let took = 0
    for (let n = 0; n < times; n++) {
      const begun = performance.now()
      let replaying = true
      const replays = Promise.all(Array.from({ length: count }, () => replayed(long)))
        .then(() => (count === 0 ? sleep(50) : undefined))
        .then(() => (replaying = false))
      const decide = async () => {
        do {
          waits.push(await replayed(small))
          await sleep(2)
        } while (replaying)
      }
      await Promise.all([
        replays.then(() => (took = performance.now() - begun)),
        ...Array.from({ length: SMALL }, decide),
      ])
    }
    const [p50, p99, max] = [percentile(waits, 0.5), percentile(waits, 0.99), Math.max(...waits)]
    rows.push([
      String(count),
      count === 0 ? '' : ms(took),
      ms(p50),
      ms(p99),
      ms(max),
      waits.length.toLocaleString('en-US'),
    ])
  }
  table(
    `How long ${SMALL} small executions wait for a decision while long ones of ${EVENTS.toLocaleString('en-US')} events are replayed`,
    ['long ones', 'all replayed in', 'p50', 'p99', 'max', 'decisions'],
    rows,
  )
}

async function replayed({ definition, execution, events }: Recorder): Promise<number> {
  const start = performance.now()
  const turn = await new Run(definition, execution).advance(events)
  if (turn.kind === 'stuck') throw new Error(turn.stuck.reason)
  return performance.now() - start
}
