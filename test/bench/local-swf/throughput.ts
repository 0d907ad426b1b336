// Requests and cycles a second. Servers that differ in one thing are measured in turns, so that a busy machine is busy for all.

import { cpus } from 'node:os'
import type { Done } from './load.js'
import { leanLoad, sdkLoad } from './load.js'
import type { ServerProcess } from './process.js'
import type { Usage } from './server.js'
import { aimed, atLeast, median, percentile, table } from './table.js'

export type StoreName = 'in memory' | '--data'

const AIMS: Record<StoreName, Record<number, number>> = {
  'in memory': { 64: 15_000 },
  '--data': { 1: 1_500, 16: 7_000, 64: 10_000 },
}
const CLIENTS = [1, 16, 64]

interface Sample extends Done {
  usage: Usage
}
type Load = (port: number, clients: number, ms: number) => Promise<Done>

/** How long the processors of this machine have been busy, in milliseconds. */
const busy = () => cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0)

/** Does something, and says which part of the machine other processes used meanwhile. */
async function withOthers(measure: () => Promise<Sample[]>): Promise<string> {
  const before = busy()
  const own = process.cpuUsage()
  const start = performance.now()
  const samples = await measure()
  const used = process.cpuUsage(own)
  const ours = (used.user + used.system) / 1_000 + samples.reduce((sum, { usage }) => sum + usage.cpu, 0)
  const part = (busy() - before - ours) / (performance.now() - start) / cpus().length
  return `others used ${Math.max(0, Math.round(part * 100))} % of the machine`
}

async function sample(server: ServerProcess, load: Load, clients: number, ms: number): Promise<Sample> {
  await server.usage()
  const done = await load(server.port, clients, ms)
  return { ...done, usage: await server.usage() }
}

const HEADS = ['clients', 'requests/s', 'cycles/s', 'CPU/request', 'server loop', 'load loop', 'p50', 'p99', 'RSS']

/** Returns the requests a second and the cells of these samples together. */
function figures(samples: readonly Sample[], aim?: number): { rate: number; cells: string[] } {
  const rate = median(samples.map(({ requests, elapsed }) => (requests / elapsed) * 1_000))
  const latencies = samples.flatMap(sample => sample.latencies)
  const percent = (part: number) => `${Math.round(part * 100)} %`
  const cells = [
    aimed(Math.round(rate), aim, atLeast),
    Math.round(rate / 7).toLocaleString('en-US'),
    `${median(samples.map(({ usage, requests }) => (usage.cpu / requests) * 1_000)).toFixed(0)} µs`,
    percent(median(samples.map(({ usage }) => usage.loop))),
    percent(median(samples.map(({ loop }) => loop))),
    `${percentile(latencies, 0.5).toFixed(2)} ms`,
    `${percentile(latencies, 0.99).toFixed(2)} ms`,
    `${Math.round(samples.at(-1)!.usage.rss)} MB`,
  ]
  return { rate, cells }
}

/** Servers with nothing and with many open executions beside, through lean connections; the first one through the SDK too. */
export async function throughput(
  store: StoreName,
  servers: readonly { open: number; server: ServerProcess }[],
  { rounds, ms }: { rounds: number; ms: number },
): Promise<void> {
  const sizes = servers.map(({ open }) => `${open.toLocaleString('en-US')} beside`)
  for (const { server } of servers) await leanLoad(server.port, 16, ms)
  const rows: string[][] = []
  const others = await withOthers(async () => {
    const all: Sample[] = []
    for (const clients of CLIENTS) {
      const samples: Sample[][] = servers.map(() => [])
      for (let round = 0; round < rounds; round++) {
        for (const [i, { server }] of servers.entries()) samples[i]!.push(await sample(server, leanLoad, clients, ms))
      }
      let none = 0
      for (const [i, { open }] of servers.entries()) {
        const { rate, cells } = figures(samples[i]!, open === 0 ? AIMS[store][clients] : undefined)
        if (open === 0) none = rate
        rows.push([sizes[i]!, String(clients), ...cells, (rate / none).toFixed(2)])
      }
      all.push(...samples.flat())
    }
    return all
  })
  const title = `Throughput ${store}, lean connections (${others})`
  table(title, ['open executions', ...HEADS, 'to 0 beside'], rows)
  const { server } = servers[0]!
  const sdk: string[][] = []
  for (const clients of [1, 16]) {
    await sdkLoad(server.port, clients, ms)
    const { cells } = figures([await sample(server, sdkLoad, clients, 2 * ms)])
    sdk.push([sizes[0]!, String(clients), ...cells])
  }
  table(`Throughput ${store}, @aws-sdk/client-swf`, ['open executions', ...HEADS], sdk)
}
