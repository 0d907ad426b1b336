// Decisions a second of whole deciders, and what a decision costs while the history of its execution grows.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createSwfClient, type SwfClient } from '../../../src/swf/client.js'
import { createLocalSwf } from '../../../src/swf/local/index.js'
import { createLog, createMetrics } from '../../../src/telemetry.js'
import { SILENT } from '../../../src/workers/decider/announcer.js'
import { Decider } from '../../../src/workers/decider/decider.js'
import { median, table } from '../local-swf/table.js'
import { cpu, load as machine, ratio, us } from './figures.js'
import { run, type Load } from './load.js'
import { DOMAIN, registerTypes, sequence } from './workflows.js'

const CLIENTS = 16
/** What a decider is told of each task. */
type Hears = (events: number) => void

interface Place {
  name: string
  client: () => SwfClient
  run: (taskList: string, load: Load) => Promise<void>
  end: () => void
}

async function sameProcess(): Promise<Place> {
  const local = await createLocalSwf()
  const client = () => createSwfClient({ transport: (action, input, options) => local.call(action, input, options) })
  return {
    name: 'one process, all its CPU',
    client,
    run: (taskList, load) => run((action, input) => local.call(action, input), taskList, load),
    end: () => {},
  }
}

async function overHttp(): Promise<Place> {
  const child = fork(fileURLToPath(new URL('server.ts', import.meta.url)))
  const [endpoint] = (await once(child, 'message')) as [string]
  return {
    name: "HTTP, the decider's CPU",
    client: () => createSwfClient({ transport: 'http', endpoint }),
    run: async (taskList, load) => {
      child.send({ taskList, load })
      await once(child, 'message')
    },
    end: () => child.disconnect(),
  }
}

/** Starts a decider that keeps executions in memory, and one that does not; each serves the task list of its name. */
async function deciders(place: Place, hears: Record<'cold' | 'sticky', Hears>): Promise<void> {
  await registerTypes(place.client())
  for (const how of ['cold', 'sticky'] as const) {
    const decider = new Decider({
      swf: place.client(),
      domain: DOMAIN,
      workflows: [sequence(how)],
      log: createLog('bench', 'silent'),
      metrics: createMetrics('bench'),
      announcer: { ...SILENT, history: async (_, events) => hears[how](events.at(-1)!.eventId) },
      ...(how === 'cold' && { cached: 0 }),
    })
    await decider.start()
  }
}

export async function throughput({ rounds, ms, grown }: { rounds: number; ms: number; grown: number }): Promise<void> {
  const busy = machine()
  const rows: string[][] = []
  const heads = ['', 'cold', 'sticky', 'sticky to cold', 'cold', 'sticky', 'sticky to cold']
  for (const open of [sameProcess, overHttp]) {
    const place = await open()
    const decided = { cold: 0, sticky: 0 }
    let hear: Hears = () => {}
    await deciders(place, {
      cold: () => void decided.cold++,
      sticky: event => {
        decided.sticky++
        hear(event)
      },
    })
    const rates = { cold: [] as number[], sticky: [] as number[] }
    const costs = { cold: [] as number[], sticky: [] as number[] }
    for (let round = -1; round < rounds; round++) {
      for (const how of ['cold', 'sticky'] as const) {
        const [before, tasks, start] = [cpu(), decided[how], performance.now()]
        await place.run(how, { clients: CLIENTS, ms, steps: 3 })
        if (round < 0) continue
        rates[how].push(((decided[how] - tasks) / (performance.now() - start)) * 1_000)
        costs[how].push((cpu() - before) / (decided[how] - tasks))
      }
    }
    const [cold, sticky] = [median(rates.cold), median(rates.sticky)]
    const [coldCost, stickyCost] = [median(costs.cold), median(costs.sticky)]
    const count = (rate: number) => Math.round(rate).toLocaleString('en-US')
    rows.push([
      place.name,
      ...[count(cold), count(sticky), ratio(sticky, cold)],
      ...[us(coldCost), us(stickyCost), ratio(stickyCost, coldCost)],
    ])
    if (open === overHttp) await growth(place, grown, on => (hear = on))
    place.end()
  }
  table(
    `Decisions a second, and CPU of one: three activities, ${CLIENTS} executions at a time (${busy()})`,
    heads,
    rows,
  )
}

const FROM = [100, 1_000, 5_000, 10_000, 19_000]
const SPAN = 900

/** One execution at a time that grows to 20,000 events: the decider's CPU for a decision, waiting included. */
async function growth(place: Place, times: number, listen: (hears: Hears) => void): Promise<void> {
  const costs: number[][] = FROM.map(() => [])
  for (let n = 0; n < times; n++) {
    let span: { from: number; cpu: number } | undefined
    listen(event => {
      if (span && event >= span.from + SPAN) {
        costs[FROM.indexOf(span.from)]!.push((cpu() - span.cpu) / (SPAN / 6))
        span = undefined
      }
      const from = FROM.find(from => event >= from && event < from + 6)
      if (from !== undefined) span = { from, cpu: cpu() }
    })
    await place.run('sticky', { clients: 1, ms: 0, steps: 3_330 })
  }
  const first = median(costs[0]!)
  table(
    'CPU of a sticky decision over HTTP while its history grows, one execution alone (aim: flat)',
    ['events before', 'CPU', 'to the first'],
    FROM.map((from, n) => [from.toLocaleString('en-US'), us(median(costs[n]!)), ratio(median(costs[n]!), first)]),
  )
}
