// A reporter beside vitest's own: the ten slowest files. It stands first in the list, so that a run ends with the
// runner's own summary.

import { relative } from 'node:path'
import type { Reporter, TestModule, Vitest } from 'vitest/node'

const SHOWN = 10

export default class SlowestFiles implements Reporter {
  #vitest: Vitest | undefined

  onInit(vitest: Vitest): void {
    this.#vitest = vitest
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const vitest = this.#vitest
    if (!vitest || vitest.config.watch || modules.length < 2) return
    vitest.logger.log(`\n${slowest(modules.map(module => timing(module, vitest.config.root)))}`)
  }
}

export interface Timing {
  file: string
  milliseconds: number
}

/** Lists the slowest files, slowest first. */
export function slowest(timings: readonly Timing[], shown = SHOWN): string {
  const worst = [...timings].sort((a, b) => b.milliseconds - a.milliseconds).slice(0, shown)
  const lines = worst.map(({ file, milliseconds }) => `${(milliseconds / 1_000).toFixed(2).padStart(9)} s  ${file}`)
  return [' Slowest files', ...lines].join('\n')
}

function timing(module: TestModule, root: string): Timing {
  const { collectDuration, setupDuration, duration } = module.diagnostic()
  return { file: relative(root, module.moduleId), milliseconds: collectDuration + setupDuration + duration }
}
