// Figures over windows, and counts by what executions have in common.

import { performance } from 'node:perf_hooks'
import type { ExecutionTable } from '../../../src/feed/execution-table.js'
import { cpu, ms } from '../decider/figures.js'
import { median, table } from '../local-swf/table.js'
import { DOMAIN, startedAt } from './population.js'

const DAY = 1 / 30

export function figures(executions: ExecutionTable, among: string): void {
  const to = startedAt(1)
  const overall = { from: startedAt(0), to: to + 1e9 }
  const cases: [string, () => unknown][] = [
    ['stats of the last day', () => executions.stats(DOMAIN, { from: startedAt(1 - DAY), to })],
    ['stats of a month', () => executions.stats(DOMAIN, overall)],
    [
      'stats of a month, by version, of a tag',
      () => executions.stats(DOMAIN, { ...overall, versions: true, filter: { tag: 'eu' } }),
    ],
    ['counts by type and status', () => executions.groups(DOMAIN, {}, ['TYPE', 'STATUS'])],
    ['counts by state of the saga, of a tag', () => executions.groups(DOMAIN, { tag: 'eu' }, ['SAGA_STATE'])],
  ]
  table(
    `Figures of ${among} executions`,
    ['what', 'p50', 'CPU p50'],
    cases.map(([what, ask]) => {
      const [times, cpus]: number[][] = [[], []]
      for (let n = 0; n < 15; n++) {
        const [before, used] = [performance.now(), cpu()]
        ask()
        times!.push(performance.now() - before)
        cpus!.push(cpu() - used)
      }
      return [what, ms(median(times!)), ms(median(cpus!))]
    }),
  )
}
