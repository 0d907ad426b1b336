// The bridge's fault table. SEED replays a run, SEEDS says how many seeds the rows of lost answers take.

import { expect, test } from 'vitest'
import { mutant, MUTANTS } from './bridge/mutant.js'
import * as rows from './bridge/rows.js'
import type { SceneOptions, Verdict } from './bridge/scene.js'

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000)
const SEEDS = Number(process.env.SEEDS ?? 20)
const LONG = 900_000

/** Prints a row's figures. */
function figures(what: string, { recoveries = [], ...verdict }: Partial<Verdict> & object): void {
  const sorted = [...recoveries].sort((a, b) => a - b)
  const recovery = sorted.length
    ? { takenOver: sorted.length, recoveryMedian: sorted[sorted.length >> 1], recoveryMost: sorted.at(-1) }
    : {}
  console.log(`${what}: ${JSON.stringify({ ...verdict, ...recovery })}`)
}

test(`kill -9 of random workers every 2 s over 1,000 executions, SEED=${SEED}`, { timeout: LONG }, async () => {
  const got = await rows.randomKills(1_000, SEED)
  figures('random kills', got)
  // Lock, two stalled checks and a second, for a heartbeat timeout of 5 s.
  expect(got.recoveries.length).toBeGreaterThanOrEqual(got.kills)
  expect(Math.max(...got.recoveries)).toBeLessThan(1_500 + 2 * 1_000 + 1_000)
})

test('kill -9 between the poll and the record', { timeout: LONG }, async () => {
  figures('killed before admit', await rows.killedBeforeAdmit(20))
})

test('adds of jobs are lost', { timeout: LONG }, async () => {
  figures('lost adds', await rows.lostAdds(20))
})

test('a job vanishes twice', { timeout: LONG }, async () => {
  figures('vanished jobs', await rows.vanishedJobs())
})

test('SIGSTOP and SIGCONT beyond the lease', { timeout: LONG }, async () => {
  figures('stopped process', await rows.stoppedProcess(10))
})

test('a blocked event loop', { timeout: LONG }, async () => {
  figures('blocked loop', await rows.blockedLoop(10))
})

test('three stalls of one job', { timeout: LONG }, async () => {
  figures('three stalls', await rows.threeStalls())
})

test('concurrency 1 and slow jobs', { timeout: LONG }, async () => {
  figures('no late start', await rows.noLateStart(12))
})

test.each([0.05, 0.2])(`SWF unheard, rate %d, ${SEEDS} seeds from ${SEED}`, { timeout: LONG }, async rate => {
  await seeds(async seed => figures(`SWF unheard, ${rate}, seed ${seed}`, await rows.swfUnheard(seed, rate, 10)))
})

test.each([0.05, 0.2])(`Redis unheard, rate %d, ${SEEDS} seeds from ${SEED}`, { timeout: LONG }, async rate => {
  await seeds(async seed => figures(`Redis unheard, ${rate}, seed ${seed}`, await rows.redisUnheard(seed, rate, 10)))
})

test('Redis is killed and started again ten times', { timeout: LONG }, async () => {
  figures('Redis restarts', await rows.redisRestarts(10, 100))
})

test('Redis is emptied; a paused queue does not start', { timeout: LONG }, async () => {
  figures('Redis emptied', await rows.redisEmptied(5, 60))
})

test('Redis is out of memory', { timeout: LONG }, async () => {
  figures('Redis full', await rows.redisFull(30))
})

test(`cancels at random moments, SEED=${SEED}`, { timeout: LONG }, async () => {
  figures('cancels', await rows.cancels(100, SEED))
})

test('SIGTERM of every worker in turn, under load', { timeout: LONG }, async () => {
  figures('rolling restart', await rows.rollingRestart(4, 200))
})

test('limits 1, 50, 0, 5 under load', { timeout: LONG }, async () => {
  figures('limits', await rows.limits(4, 400))
})

test('100,000 heartbeats in a second', { timeout: LONG }, async () => {
  figures('heartbeats', await rows.manyHeartbeats(100_000))
})

const CAUGHT: Record<keyof typeof MUTANTS, [row: (options: SceneOptions) => Promise<Verdict>, by: RegExp]> = {
  'no fence': [options => rows.stoppedProcess(5, options), /"stale":[1-9]/],
  'no deadline check': [options => rows.noLateStart(8, options), /"late":[1-9]/],
  'beats that ignore liveness': [rows.vanishedJobs, /until SWF times the lost task out|until a job waits/],
}
const mutants = Object.entries(CAUGHT) as [keyof typeof MUTANTS, (typeof CAUGHT)['no fence']][]

test.each(mutants)('a build with %s is found out', { timeout: LONG }, async (name, [row, by]) => {
  await expect(row({ dist: mutant(MUTANTS[name]) })).rejects.toThrow(by)
})

/** Runs a row with every seed, some at a time. */
async function seeds(row: (seed: number) => Promise<void>): Promise<void> {
  const left = Array.from({ length: SEEDS }, (_, n) => SEED + n)
  const next = async () => {
    for (let seed = left.shift(); seed !== undefined; seed = left.shift()) {
      try {
        await row(seed)
      } catch (error) {
        throw new Error(`SEED=${seed} SEEDS=1: ${(error as Error).message}`, { cause: error })
      }
    }
  }
  await Promise.all(Array.from({ length: 5 }, next))
}
