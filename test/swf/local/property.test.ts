import { test } from 'vitest'
import { reopenedSequences, sequences } from './sequences.js'

test('whatever is called in whatever order, every history is right and adds up to the state', async () => {
  await sequences(1_000)
}, 120_000)

test('a store that is opened again equals the one before, and goes on', async () => {
  await reopenedSequences(40)
}, 120_000)
