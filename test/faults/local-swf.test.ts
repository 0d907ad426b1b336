// The local SWF under random kills: ten a run. Each run prints its seed; RUNS and SEED in the environment say how many, and which first.

import { expect, test } from 'vitest'
import { killUnderLoad } from '../swf/local/killed-server.js'

const RUNS = Number(process.env.RUNS ?? 5)
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000)

test.each(Array.from({ length: RUNS }, (_, n) => SEED + n))(
  'seed %i: ten kills under load lose nothing that was answered',
  async seed => {
    const { kills, answered, histories } = await killUnderLoad(seed, 10, 1_500)
    console.log(`seed ${seed}: ${kills} kills, ${answered} requests answered, ${histories} histories whole`)
    expect(answered).toBeGreaterThan(1_000)
  },
)
