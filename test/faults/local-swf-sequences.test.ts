// Ten thousand random sequences of calls against the local SWF. SEQUENCES sets how many, SEED replays a run.

import { test } from 'vitest'
import { reopenedSequences, sequences } from '../swf/local/sequences.js'

const RUNS = Number(process.env.SEQUENCES ?? 10_000)
const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31)

test(`${RUNS} sequences, seed ${SEED}`, { timeout: RUNS * 100 }, async () => {
  await sequences(RUNS, SEED)
})

test(`${RUNS / 25} sequences whose store is opened again, seed ${SEED}`, { timeout: RUNS * 100 }, async () => {
  await reopenedSequences(Math.ceil(RUNS / 25), SEED)
})
