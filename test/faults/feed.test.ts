// The feed's fault table. SEED replays a run.

import { expect, test } from 'vitest'
import { mutant } from './bridge/mutant.js'
import { MUTANTS } from './feed/mutants.js'
import * as rows from './feed/rows.js'
import type { SceneOptions } from './feed/scene.js'

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000)
const LONG = 900_000

/** Prints a row's figures. */
const figures = (what: string, got: object) => console.log(`${what}: ${JSON.stringify(got)}`)

test(`20 clients, 200 sockets reset, kills of everything, SEED=${SEED}`, { timeout: LONG }, async () => {
  const much = {
    ...{ executions: 1_000, steps: 8, longSteps: 200, sockets: 200, gateways: 6, deciders: 10, stalls: 4 },
    ...{ refusals: 20, terminations: 20, redis: 3 },
  }
  const got = await rows.disturbed(much, SEED)
  figures('disturbed', got)
  expect(got.updates).toBeGreaterThan(10_000)
})

test('two clients do not read for a minute, at 1,000 updates a second', { timeout: LONG }, async () => {
  figures('paused clients', await rows.pausedClients(60))
})

test('Redis is emptied, and its stream trimmed', { timeout: LONG }, async () => {
  figures('lost', await rows.lost(95, 3, 3))
})

const some = (options: SceneOptions) => {
  const much = {
    ...{ executions: 60, steps: 4, longSteps: 40, sockets: 80, gateways: 2, deciders: 4, stalls: 2 },
    ...{ refusals: 4, terminations: 2, redis: 1 },
  }
  return rows.disturbed(much, SEED, options)
}
const CAUGHT: Record<keyof typeof MUTANTS, (options: SceneOptions) => Promise<unknown>> = {
  'appends that do not look': some,
  'sagas that end before their execution': some,
  'what was missed given twice': some,
  'event ids that nobody reads': some,
  'no sweeper': some,
  'gaps that nobody sees': options => rows.lost(20, 1, 1, options),
  'rings without a bound': options => rows.pausedClients(5, options),
}
const mutants = Object.entries(CAUGHT) as [keyof typeof MUTANTS, (typeof CAUGHT)['no sweeper']][]

test.each(mutants)('a build with %s is found out', { timeout: LONG }, async (name, row) => {
  const found = await row({ dist: mutant(MUTANTS[name]) }).catch((error: unknown) => error)
  expect(found).toBeInstanceOf(Error)
  console.log(`${name}: ${(found as Error).message.slice(0, 200)}`)
})
