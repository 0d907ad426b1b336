// How fast the local SWF is: it runs in processes of its own and is called over HTTP. Each aim stands beside its figure.
//
//     npm run bench -- local-swf [--quick | --full]     quick: 30 s; as it is: 3 minutes; full: 8 minutes
//
// A cycle is start, decision, activity, close: 7 requests, 11 events. "Server loop" and "load loop" say how busy the two event
// loops were: the busier one is the bottleneck. CPU is all of the server process, its store's thread too.
// LOCAL_SWF=/path/to/swf/local/index.js measures another build.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { growth } from './local-swf/growth.js'
import { lists } from './local-swf/lists.js'
import type { Population } from './local-swf/population.js'
import { ServerProcess } from './local-swf/process.js'
import { coldStart } from './local-swf/start.js'
import { aimed, below, table } from './local-swf/table.js'
import { throughput } from './local-swf/throughput.js'
import type { StoreName } from './local-swf/throughput.js'
import { timers } from './local-swf/timers.js'

const SIZES = {
  quick: { beside: [0, 10_000], rounds: 1, ms: 700, closed: 20_000, grown: 1 },
  usual: { beside: [0, 10_000, 100_000], rounds: 3, ms: 700, closed: 200_000, grown: 3 },
  full: { beside: [0, 10_000, 100_000], rounds: 7, ms: 2_000, closed: 200_000, grown: 8 },
}
const STORES = ['in memory', '--data'] satisfies StoreName[]
const OPEN_AT_RESTART = 10_000
const RESTART = 2_000

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'

const { beside, rounds, ms, closed, grown } =
  SIZES[process.argv.includes('--quick') ? 'quick' : process.argv.includes('--full') ? 'full' : 'usual']

const directories: string[] = []
const running = new Set<ServerProcess>()
process.on('exit', () => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

async function start(data?: string): Promise<ServerProcess> {
  const server = await ServerProcess.start(data)
  running.add(server)
  return server
}
async function started(store: StoreName, population: Population): Promise<{ server: ServerProcess; data?: string }> {
  const data = store === '--data' ? mkdtempSync(join(tmpdir(), 'local-swf-bench-')) : undefined
  if (data) directories.push(data)
  const server = await start(data)
  await server.populate(population)
  return { server, ...(data && { data }) }
}
async function killed(server: ServerProcess): Promise<void> {
  running.delete(server)
  await server.kill()
}

const empty: Record<string, ServerProcess> = {}
const full: Record<string, ServerProcess> = {}
for (const store of STORES) {
  const servers: { open: number; server: ServerProcess }[] = []
  for (const open of beside) servers.push({ open, server: (await started(store, { open, closed: 0 })).server })
  await throughput(store, servers, { rounds, ms })
  empty[store] = servers[0]!.server
  full[store] = servers.at(-1)!.server
  for (const { server } of servers.slice(1, -1)) await killed(server)
}
await lists('open', full, beside.at(-1)!)
for (const server of Object.values(full)) await killed(server)
await growth(empty, grown)
await timers(empty)
for (const server of Object.values(empty)) await killed(server)

const memory = await started('in memory', { open: 0, closed })
const file = await started('--data', { open: OPEN_AT_RESTART, closed })
await lists('closed', { 'in memory': memory.server, '--data': file.server }, closed)
await killed(memory.server)

running.delete(file.server)
await file.server.close()
const restarted = await start(file.data)
await killed(restarted)
const again = await start(file.data)
await killed(again)
const row = (how: string, ms: number) => [how, aimed(Math.round(ms), RESTART, below, ' ms')]
table(
  `Restart with ${OPEN_AT_RESTART.toLocaleString('en-US')} open among ${closed.toLocaleString('en-US')} closed executions`,
  ['after', 'until it listens'],
  [row('a stop', restarted.ms), row('a kill', again.ms)],
)
await coldStart()
process.exit()
