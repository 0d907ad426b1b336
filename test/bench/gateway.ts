// How fast the gateway is, beside what it stands on: bare Apollo, and bare graphql-ws.
//
//     npm run bench -- gateway [--quick | PART…]     three minutes; quick: one
//
// Parts: requests (ONLY=execution,startExecution: these alone), fanOut, latency. Each server is a process of its own; those
// that are compared are measured in turns. AGAINST=/path/to/another/dist adds the gateway of another build; PROFILE=/folder
// keeps CPU profiles of the servers. With two cores the servers, the load, Redis and SWF share what there is: the ratios count.

import { load } from './decider/figures.js'
import { fanOut } from './gateway/fan-out.js'
import { latency } from './gateway/latency.js'
import { requests } from './gateway/requests.js'
import { openStage, type Stage } from './gateway/stage.js'

const quick = process.argv.includes('--quick')
const PARTS: Record<string, (stage: Stage) => Promise<void>> = {
  requests: stage => requests(stage, quick ? { rounds: 8, ms: 250 } : { rounds: 40, ms: 250 }),
  fanOut: stage =>
    fanOut(
      stage,
      quick ? { sizes: [1_000], rounds: 3, updates: 10 } : { sizes: [1_000, 5_000], rounds: 3, updates: 20 },
    ),
  latency: stage => latency(stage, quick ? 100 : 300),
}
const named = process.argv.slice(2).filter(name => name in PARTS)

const busy = load()
const stage = await openStage()
for (const [name, part] of Object.entries(PARTS)) if (named.length === 0 || named.includes(name)) await part(stage)
await stage.stop()
console.log(`\nMeanwhile ${busy()}.`)
process.exit()
