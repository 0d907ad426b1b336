// How fast the index of executions is.
//
//     npm run bench -- index [--quick]     four minutes; quick: up to 100,000 executions, 20 seconds
//
// A page holds 50 executions and the count of all that match. Times are those of one call, on the gateway's event loop; CPU is
// that of the process, garbage collection included.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load, ms } from './decider/figures.js'
import { pages } from './index/pages.js'
import { figures } from './index/stats.js'
import { aimed, below, percentile, table } from './local-swf/table.js'
import { dropped, filled, loaded, updated, type Written } from './index/writes.js'

const SIZES = [10_000, 100_000, 1_000_000].slice(0, process.argv.includes('--quick') ? 2 : 3)
const AIM = 50

const directory = mkdtempSync(join(tmpdir(), 'index-bench-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))

const busy = load()
const aim = (figure: number) => aimed(figure, AIM, below, ' ms')
const bySize: (string | number)[][] = []
const writes: (string | number)[][] = []
for (const size of SIZES) {
  const among = size.toLocaleString('en-US')
  const { executions, ...fill } = filled(size, ':memory:')
  const measured = pages(executions, { least: 3, enough: 100 })
  const times = measured.flatMap(({ first, deep }) => [...first, ...deep])
  const cpus = measured.flatMap(({ cpu }) => cpu)
  bySize.push([
    among,
    ...[percentile(times, 0.5), percentile(times, 0.99), percentile(cpus, 0.5), percentile(cpus, 0.99)].map(ms),
    aim(percentile(cpus, 1)),
  ])
  table(
    `Pages of 50 among ${among} executions, four orders, first and deep`,
    ['combination', 'matches', 'first p50', 'first p99', 'deep p50', 'deep p99', 'worst', 'worst CPU', 'slowest case'],
    measured.map(({ combination, matches, first, deep, cpu, slowest }) => [
      combination,
      matches,
      ...[percentile(first, 0.5), percentile(first, 0.99), percentile(deep, 0.5), percentile(deep, 0.99)].map(ms),
      ms(percentile([...first, ...deep], 1)),
      aim(percentile(cpu, 1)),
      slowest,
    ]),
  )
  figures(executions, among)
  const written: [what: string, Written][] = [
    ['new, in the order of their starts', fill],
    ['changed', updated(executions, size)],
    ['closed long ago', dropped(executions, 'prune')],
    ['gone from Redis', dropped(executions, 'walk')],
  ]
  executions.close()
  const file = join(directory, `${size}.db`)
  const { executions: kept, perSecond, steps } = filled(size, file)
  kept.close()
  written.push(['new, in a file', { perSecond, steps }], ['taken up from a file', loaded(file)])
  for (const [what, { perSecond, steps, megabytes }] of written) {
    const step = [0.5, 0.99].map(share => ms(percentile(steps, share)))
    const memory = megabytes === undefined ? '' : `${Math.round(megabytes)} MB`
    writes.push([`${among}: ${what}`, perSecond, ...step, memory])
  }
}
table('Pages by size', ['executions', 'p50', 'p99', 'CPU p50', 'CPU p99', 'CPU worst'], bySize)
table('Writes, in steps of 500', ['executions', 'a second', 'CPU a step p50', 'p99', 'memory'], writes)
console.log(`\nMeanwhile ${busy()}.`)
