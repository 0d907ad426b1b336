// A fan-out over several runs in the testing kit: its decider, local SWF and handlers in one process.

import { implement, testEnvironment } from '../../../src/testing/index.js'
import { defineActivity, defineWorkflow, mapContinued } from '../../../src/workflow/index.js'
import { median, table } from '../local-swf/table.js'
import { cpu, ms, us } from './figures.js'

const ITEMS = 3_000
const note = defineActivity<number, void>('Note', '1', {})
const notes = defineWorkflow('Notes', '1', {}, async (concurrency: number) => {
  const items = Array.from({ length: ITEMS }, (_, n) => n)
  await mapContinued(items, { concurrency }, n => note(n))
})

export async function kit(times: number): Promise<void> {
  const rows: string[][] = []
  for (const concurrency of [10, 200, 1_000]) {
    const [costs, walls]: [number[], number[]] = [[], []]
    for (let n = 0; n < times; n++) {
      const env = await testEnvironment({ workflows: [notes], handlers: [implement(note, async () => {})] })
      const [before, start] = [cpu(), performance.now()]
      await env.execute(notes, concurrency)
      costs.push(cpu() - before)
      walls.push(performance.now() - start)
      await env.close()
    }
    rows.push([String(concurrency), ms(median(walls)), ms(median(costs)), us(median(costs) / ITEMS)])
  }
  table(
    `${ITEMS.toLocaleString('en-US')} activities by mapContinued in the testing kit`,
    ['at a time', 'time', 'CPU', 'CPU of an activity'],
    rows,
  )
}
