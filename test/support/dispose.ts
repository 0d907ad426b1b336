// What a test file has started is stopped after its last test, whether they passed or not, in reverse order.

import { afterAll } from 'vitest'

type Disposal = () => unknown

const disposals: Disposal[] = []

/** Runs `dispose` after the last test of this file. May be called at any time: at the top, in a hook, in a test. */
export function afterFile(dispose: Disposal): void {
  disposals.push(dispose)
}

// Every file has its own copy of this module, so this is registered once a file.
afterAll(async () => {
  const errors: unknown[] = []
  for (let dispose = disposals.pop(); dispose; dispose = disposals.pop()) {
    try {
      await dispose()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors.length === 1 ? errors[0] : new AggregateError(errors, 'could not clean up')
})
