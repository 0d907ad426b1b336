// A saga of ten steps, with something going wrong at every moment: it is done, or it is undone, and never a mix.
// Groups of steps, both orders of undoing and several things going wrong at once: test/faults/saga.test.ts.

import { expect, test } from 'vitest'
import { everywhere, expectNoMix, FAULTS, live, STEPS, type Case, type Fault } from './saga-sweep.js'

const failing = { fails: STEPS }
/** Where the last step begins; up to there it makes no difference whether that one will fail. */
const LAST = 4 * (STEPS - 1)
const statuses = async (cases: readonly Case[], options = {}) => {
  const lived = await live(cases, options)
  for (const one of lived) expectNoMix(one)
  return lived.map(({ status }) => status)
}

test('a saga of ten steps is done when nothing goes wrong, and undone from whichever step fails', async () => {
  const fails = Array.from({ length: STEPS }, (_, n) => ({ fails: n + 1 }))
  expect(await statuses([{}, ...fails])).toEqual(['COMPLETED', ...fails.map(() => 'FAILED')])
})

test.each<[what: string, fault: Fault, ends: string[]]>([
  ['it is asked to cancel', 'cancel', ['CANCELED', 'COMPLETED', 'FAILED']],
  ['a decider or a worker dies, with the task that it got or with its answer', 'lost', ['COMPLETED', 'FAILED']],
  ['an answer is taken and its giver is told that it was not', 'unheard', ['COMPLETED', 'FAILED']],
  ['an answer is given twice', 'twice', ['COMPLETED', 'FAILED']],
])('a saga is done or undone when %s, at any moment', async (_what, fault, ends) => {
  const cases = [...(await everywhere(failing, () => fault)), ...(await everywhere({}, () => fault, LAST))]
  expect(cases.length).toBeGreaterThan(80)
  expect([...new Set(await statuses(cases))].sort()).toEqual(ends)
})

test('a saga is done or undone when its decider forgets it after each task, and something goes wrong at any moment', async () => {
  expect(await statuses(await everywhere(failing, place => FAULTS[place % FAULTS.length]!), { cached: 0 })).toContain(
    'CANCELED',
  )
})
