import { expect, test } from 'vitest'
import { killUnderLoad } from './killed-server.js'

// SEED repeats a run: the same workflows, and the same moments as far as the machine is as fast.
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000)

test(`seed ${SEED}: five kills under load lose nothing that was answered`, async () => {
  const { answered, histories } = await killUnderLoad(SEED, 5, 150)
  expect(answered).toBeGreaterThan(20)
  expect(histories).toBeGreaterThan(4)
})
