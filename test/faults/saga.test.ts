// Sagas under faults, densely: groups of steps, both orders of undoing, a decider with and without a memory, one fault at every
// moment, and several faults at random ones. SEED says which, CASES how many.

import { describe, expect, test } from 'vitest'
import { everywhere, expectNoMix, FAULTS, live, placesOf, STEPS, type Case, type Plan } from '../workflow/saga-sweep.js'
import { randomOf } from '../swf/local/random.js'

const groups = [[1], [2, 3, 4], [5], [6, 7], [8, 9, 10]]
const plans: [string, Plan][] = [
  ['one step after the other', {}],
  ['one step after the other, the last one fails', { fails: STEPS }],
  ['steps in groups', { groups }],
  ['steps in groups, one in the midst of a group fails', { groups, fails: 7 }],
  ['steps in groups, one of the last group fails, all is undone at once', { groups, fails: 9, undo: 'parallel' }],
  ['steps begun at once by code that does not wait', { groups, fails: 3, loose: true }],
  ['one step after the other, all is undone at once', { fails: STEPS, undo: 'parallel' }],
]
const seed = Number(process.env.SEED ?? 1)
const count = Number(process.env.CASES ?? 200)

describe.each(plans)('%s', (_what, plan) => {
  describe.each([
    ['from memory', {}],
    ['from the whole history each time', { cached: 0 }],
  ])('decided %s', (_how, options) => {
    test.each(FAULTS)('%s at every moment', async fault => {
      for (const lived of await live(await everywhere(plan, () => fault), options)) expectNoMix(lived)
    })

    test(`up to three faults at random moments, SEED=${seed} CASES=${count}`, async () => {
      const random = randomOf(seed)
      const places = await placesOf(plan)
      const cases: Case[] = Array.from({ length: count }, () => ({
        ...plan,
        strikes: Array.from({ length: 2 + (random() < 0.5 ? 1 : 0) }, () => ({
          fault: FAULTS[Math.floor(random() * FAULTS.length)]!,
          at: 1 + Math.floor(random() * places * 1.5),
        })),
      }))
      const lived = await live(cases, options)
      for (const one of lived) expectNoMix(one)
      expect(lived).toHaveLength(count)
    })
  })
})
