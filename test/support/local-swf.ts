import { createLocalSwf } from '../../src/swf/local/index.js'
import { afterFile } from './dispose.js'
import { checkAllHistories } from './history-checker.js'

export type LocalSwf = Awaited<ReturnType<typeof createLocalSwf>>

/** Polls of tests are held for so long: whoever waits for one to end waits no longer. Milliseconds. */
const POLL_TIMEOUT = 2_000

/** Starts a local SWF on a free port, closed after this test file, when every history that it holds has been checked. Without `data` it keeps nothing. */
export async function localSwf(options: NonNullable<Parameters<typeof createLocalSwf>[0]> = {}): Promise<LocalSwf> {
  const swf = await createLocalSwf({ pollTimeout: POLL_TIMEOUT, ...options })
  afterFile(async () => {
    try {
      await checkAllHistories(swf)
    } finally {
      await swf.close()
    }
  })
  return swf
}
