// How fast the activity bridge is, beside what it stands between: SWF polled by a bare loop, and BullMQ alone.
//
//     npm run bench -- bridge [--quick]     a minute; quick: 20 s
//
// Each side is a process of its own; all call one local SWF over HTTP and one Redis with an append-only file. They are measured
// in turns. AGAINST=/path/to/another/dist adds the bridge of another build; PROFILE=/folder keeps CPU profiles of the sides.
// CPU is that of the side's own process. With two cores all of them, Redis and SWF share what there is: the ratios count.

import { setTimeout as sleep } from 'node:timers/promises'
import { load, ms, us } from './decider/figures.js'
import { aimed, atLeast, below, median, percentile, table } from './local-swf/table.js'
import { openStage, type Measured, type Side } from './bridge/stage.js'

const quick = process.argv.includes('--quick')
const ROUNDS = quick ? 3 : 9
const WARM = quick ? 2 : 5
const ACTIVITIES = 1_000
const SINGLES = quick ? 100 : 300
const FAN_OUT = { count: 200, ms: 20, concurrency: 50 }
const IDEAL = (FAN_OUT.count / FAN_OUT.concurrency) * FAN_OUT.ms

const stage = await openStage()
const another = process.env.AGAINST
const busy = load()

/** Measures sides in turns, after rounds that do not count, in which code becomes warm; `times` rounds each. */
async function inTurns(sides: readonly Side[], times: number, run: (side: Side) => Promise<Measured>) {
  const measured = new Map<Side, Measured[]>(sides.map(side => [side, []]))
  for (let round = -WARM; round < times; round++)
    for (const side of sides) {
      const one = await run(side)
      if (round >= 0) measured.get(side)!.push(one)
    }
  return (side: Side, what: (one: Measured) => number) => median(measured.get(side)!.map(what))
}
const rate = ({ count, ms }: Measured) => (count / ms) * 1_000
const each = (what: 'cpu' | 'redisCpu' | 'swfCpu' | 'commands' | 'trips') => (one: Measured) => one[what] / one.count

const usual = { concurrency: 20, pollers: 10 }
const bridge = await stage.side('bridge', { how: 'bridge', ...usual })
const former = another ? [await stage.side('bridge, the other build', { how: 'bridge', ...usual }, another)] : []
const bare = await stage.side('bare loop', { how: 'bare', concurrency: 10, pollers: 10 })
const bullmq = await stage.side('BullMQ alone', { how: 'bullmq', ...usual })
const sides = [bridge, ...former, bare, bullmq]

const got = await inTurns(sides, ROUNDS, side => side.run(ACTIVITIES))
const ofBare = (side: Side) => got(side, rate) / got(bare, rate)
table(
  `${ACTIVITIES.toLocaleString('en-US')} no-op activities, median of ${ROUNDS} rounds`,
  ['', 'a second', 'to the bare loop', 'CPU of one', 'of Redis', 'of SWF', 'Redis commands', 'turns with any'],
  sides.map(side => [
    side.name,
    Math.round(got(side, rate)).toLocaleString('en-US'),
    side === bare || side === bullmq ? ofBare(side).toFixed(2) : aimed(ofBare(side), 0.5, atLeast),
    us(got(side, each('cpu'))),
    us(got(side, each('redisCpu'))),
    us(got(side, each('swfCpu'))),
    got(side, each('commands')).toFixed(1),
    got(side, each('trips')).toFixed(1),
  ]),
)

const alone = new Map<Side, number[]>(sides.map(side => [side, []]))
const counted = { commands: 0, trips: 0 }
for (let n = 0; n < SINGLES; n++)
  for (const side of sides.slice(0, -1)) {
    const { latencies, commands, trips } = await side.run(1)
    alone.get(side)!.push(latencies[0]!)
    if (side === bridge) {
      counted.commands += commands
      counted.trips += trips
    }
    await sleep(2)
  }
const at = (side: Side, p: number) => percentile(alone.get(side)!, p)
table(
  `One activity at a time, ${SINGLES} of them: from the poll's answer to SWF's thanks`,
  ['', 'p50', 'p99', 'added p50', 'added p99', 'Redis commands', 'Redis writes'],
  sides
    .slice(0, -1)
    .map(side => [
      side.name,
      ms(at(side, 0.5)),
      ms(at(side, 0.99)),
      ...(side === bare
        ? ['', '', '', '']
        : [
            aimed(at(side, 0.5) - at(bare, 0.5), 3, below, ' ms'),
            ms(at(side, 0.99) - at(bare, 0.99)),
            ...(side === bridge
              ? [(counted.commands / SINGLES).toFixed(1), (counted.trips / SINGLES).toFixed(1)]
              : ['', '']),
          ]),
    ]),
)
for (const side of sides) await side.stop()

const { count, concurrency } = FAN_OUT
const wide = { concurrency, pollers: 10 }
const fans = [
  await stage.side('bridge', { how: 'bridge', ...wide }),
  ...(another ? [await stage.side('bridge, the other build', { how: 'bridge', ...wide }, another)] : []),
  await stage.side('bare loop', { how: 'bare', ...wide }),
]
const fan = await inTurns(fans, ROUNDS * 2, side => side.run(count, FAN_OUT.ms))
table(
  `A fan-out: ${count} activities of ${FAN_OUT.ms} ms, ${concurrency} at a time; the ideal is ${IDEAL} ms`,
  ['', 'time', 'to the ideal'],
  fans.map(side => [side.name, ms(fan(side, one => one.ms)), aimed(fan(side, one => one.ms) / IDEAL, 1.3, below)]),
)
for (const side of fans) await side.stop()
await stage.stop()
console.log(`\nMeanwhile ${busy()}.`)
process.exit()
