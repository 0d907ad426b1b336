// The engine alone: cold replays, and decisions of runs in memory.

import { createSwfClient } from '../../../src/swf/client.js'
import type { HistoryEvent } from '../../../src/swf/history-event.js'
import { Run } from '../../../src/workflow/replay/replay.js'
import { median, table } from '../local-swf/table.js'
import { cost, cpu, ms, ratio, us } from './figures.js'
import { Recorder, recorded } from './recorder.js'
import { fanOut, sequence } from './workflows.js'

/** SWF's limit is 25,000; a run ends itself at 24,000. */
const LONGEST = 23_990

/** What a history costs from its text: pages parsed, timestamps made Dates as the client does, replayed. */
export async function longest(times: number): Promise<void> {
  const recorder = await recorded(sequence(), { steps: 5_000, list: 'a' }, LONGEST)
  const pages = recorder.pages()
  const size = pages.reduce((sum, page) => sum + page.length, 0)
  let parsed: object[] = []
  const client = createSwfClient({ transport: async () => parsed.shift() })
  const parts = { parse: [] as number[], convert: [] as number[], replay: [] as number[] }
  const firsts: number[] = []
  for (let n = 0; n < times; n++) {
    const costs = {
      parse: await cost(1, async () => void (parsed = pages.map(page => JSON.parse(page) as object))),
      convert: 0,
      replay: 0,
    }
    const events: HistoryEvent[] = []
    costs.convert = await cost(1, async () => {
      while (parsed.length > 0)
        events.push(...(await client.getWorkflowExecutionHistory({ domain: '', execution: recorder.execution })).events)
    })
    costs.replay = await cost(1, () => replayed(recorder, events))
    if (n === 0) firsts.push(costs.parse, costs.convert, costs.replay)
    for (const part of ['parse', 'convert', 'replay'] as const) parts[part].push(costs[part])
  }
  const medians = [median(parts.parse), median(parts.convert), median(parts.replay)]
  const sum = (figures: number[]) => figures.reduce((a, b) => a + b, 0)
  table(
    `CPU of a cold replay of ${recorder.events.length.toLocaleString('en-US')} events (${(size / 1e6).toFixed(1)} MB of JSON)`,
    ['', 'JSON.parse', 'timestamps', 'replay', 'all'],
    [
      ['usual', ...medians.map(ms), ms(sum(medians))],
      ['first in this process', ...firsts.map(ms), ms(sum(firsts))],
      ['prototype', '18 ms', '', '5-13 ms', ''],
    ],
  )
}

async function replayed({ definition, execution }: Recorder, events: readonly HistoryEvent[]): Promise<void> {
  const turn = await new Run(definition, execution).advance(events)
  if (turn.kind === 'stuck') throw new Error(turn.stuck.reason)
  if (turn.warnings.length > 0) throw new Error(turn.warnings[0])
}

const LENGTHS = [100, 1_000, 5_000, 20_000]
const SPAN = 150

/** A decision of a run in memory, and a cold one, by the length of the history. */
export async function growth(times: number): Promise<void> {
  const steps = { steps: 5_000, list: 'a' }
  const whole = await recorded(sequence(), steps, LENGTHS.at(-1)! + SPAN * 6)
  const tasks = whole.tasks()
  const sticky: number[][] = LENGTHS.map(() => [])
  for (let n = -1; n < times; n++) {
    const run = new Run(whole.definition, whole.execution)
    let next = 0
    for (const [row, length] of LENGTHS.entries()) {
      const from = tasks.findIndex(events => events.at(-1)!.eventId >= length)
      for (; next < from; next++) await run.advance(tasks[next]!)
      const before = cpu()
      for (; next < from + SPAN; next++) await run.advance(tasks[next]!)
      if (n >= 0) sticky[row]!.push((cpu() - before) / SPAN)
    }
  }
  const cold: number[] = []
  for (const length of LENGTHS) {
    const recorder = await recorded(sequence(), steps, length)
    const repeats = Math.ceil(20_000 / length)
    const replays = async () => {
      for (let n = 0; n < repeats; n++) await replayed(recorder, recorder.events)
    }
    cold.push((await cost(times, replays)) / repeats)
  }
  table(
    'CPU of a decision in the engine, by the length of its history (aim: flat when sticky)',
    ['events before', 'sticky', 'to the first', 'cold', 'to the first', 'cold to sticky'],
    LENGTHS.map((length, row) => {
      const [figure, first] = [median(sticky[row]!), median(sticky[0]!)]
      return [
        length.toLocaleString('en-US'),
        us(figure),
        ratio(figure, first),
        ...[us(cold[row]!), ratio(cold[row]!, cold[0]!), Math.round(cold[row]! / figure).toLocaleString('en-US')],
      ]
    }),
  )
}

const OPEN = [1, 10, 100, 1_000]
const CLOSED = 1_200

/** A decision of a run in memory, by the number of activities that are open: one or all close, as many are scheduled. */
export async function fanOuts(times: number): Promise<void> {
  const rows: string[][] = []
  const firsts: number[] = []
  for (const open of OPEN) {
    const row = [open.toLocaleString('en-US')]
    for (const [column, closed] of [1, open].entries()) {
      const recorder = new Recorder(fanOut, { steps: 3_500, open })
      await recorder.decide()
      for (let left = CLOSED; left > 0; left -= closed) {
        for (let n = 0; n < closed; n++) recorder.complete()
        await recorder.decide()
      }
      const [first, ...tasks] = recorder.tasks()
      const costs: number[] = []
      for (let n = -1; n < times; n++) {
        const run = new Run(recorder.definition, recorder.execution)
        await run.advance(first!)
        const before = cpu()
        for (const task of tasks) await run.advance(task)
        if (n >= 0) costs.push((cpu() - before) / CLOSED)
      }
      firsts[column] ??= median(costs)
      row.push(us(median(costs)), ratio(median(costs), firsts[column]))
    }
    rows.push(row)
  }
  table(
    'CPU for an activity that closes, the next one scheduled, by the number of open ones (aim: flat)',
    ['open', 'one a decision', 'to the first', 'all in one', 'to the first'],
    rows,
  )
}
