// The demo under random kills. Each run prints its seed; RUNS and SEED in the environment say how many, and which one first.

import { expect, test } from 'vitest'
import { KILLED, startDemo } from '../support/demo.js'
import { until } from '../support/until.js'
import { randomOf } from '../swf/local/random.js'

const RUNS = Number(process.env.RUNS ?? 10)
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000)
/** Milliseconds of a run in which processes are killed. */
const DISTURBED = 12_000

const MIXES: Record<string, readonly (typeof KILLED)[number][][]> = {
  'one at a time': KILLED.map(name => [name]),
  'two at once': KILLED.flatMap((one, n) => KILLED.slice(n + 1).map(other => [one, other])),
  'workers only': [['worker'], ['decider'], ['worker', 'decider']],
  'what they stand on': [['local-swf'], ['redis'], ['local-swf', 'redis']],
  everything: [[...KILLED]],
}

const runs = Array.from({ length: RUNS }, (_, n): [number, string] => [
  SEED + n,
  Object.keys(MIXES)[n % Object.keys(MIXES).length]!,
])

test.each(runs)(
  'seed %i: kills of %s lose nothing',
  async (seed, mix) => {
    const random = randomOf(seed)
    const demo = startDemo()
    await until(() => demo.pid('worker'), { what: 'the stack runs', within: 60_000 })
    let kills = 0
    for (const end = Date.now() + DISTURBED; Date.now() < end && demo.process.alive;) {
      await new Promise(resolve => setTimeout(resolve, 300 + random() * 2_500))
      const names = MIXES[mix]!
      for (const name of names[Math.floor(random() * names.length)]!) {
        const pid = demo.pid(name)
        if (pid === undefined) continue
        try {
          process.kill(pid, 'SIGKILL')
          kills++
        } catch {
          // It has just ended.
        }
      }
    }
    const { code } = await demo.ended()
    console.log(`seed ${seed}, ${mix}: ${kills} kills, exit code ${code}`)
    expect(demo.process.output()).toContain('Proven: all 49 orders ended as their file says.')
    expect(code).toBe(0)
    expect(kills).toBeGreaterThan(3)
  },
  200_000,
)
