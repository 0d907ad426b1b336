// How fast the decider is, and its engine, which replays workflows.
//
//     npm run bench -- decider [--quick | PART…]     a minute and a half; quick: half a minute
//
// Parts: replay, growth, open, memory, fairness, throughput, kit. CPU is user and system time, garbage collection included;
// what differs in one thing is measured in turns. "Sticky" decides with executions in memory, "cold" replays each from its
// whole history (`cached: 0`).

import { load } from './decider/figures.js'
import { fairness } from './decider/fairness.js'
import { kit } from './decider/kit.js'
import { memory } from './decider/memory.js'
import { fanOuts, growth, longest } from './decider/replay.js'
import { throughput } from './decider/throughput.js'

const quick = process.argv.includes('--quick')
const PARTS: Record<string, () => Promise<void>> = {
  replay: () => longest(quick ? 7 : 21),
  growth: () => growth(quick ? 3 : 9),
  open: () => fanOuts(quick ? 3 : 9),
  memory,
  fairness: () => fairness(quick ? 2 : 5),
  throughput: () => throughput(quick ? { rounds: 2, ms: 500, grown: 1 } : { rounds: 5, ms: 1_000, grown: 3 }),
  kit: () => kit(quick ? 1 : 3),
}
const named = process.argv.slice(2).filter(name => name in PARTS)

const busy = load()
for (const [name, part] of Object.entries(PARTS)) if (named.length === 0 || named.includes(name)) await part()
console.log(`\nMeanwhile ${busy()}.`)
process.exit()
