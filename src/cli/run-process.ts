// The life of a long-running process: start, wait for a signal, stop.
//
// SIGTERM, SIGINT and a lost parent (`dev` that died) stop it gracefully; a second signal is immediate.
// A rejection that nobody handled is a bug: it is logged and the process goes on, for a message must not kill it.

import closeWithGrace from 'close-with-grace'
import { startAll, stopAll, type Service } from '../lifecycle.js'
import type { Log } from '../telemetry.js'

/** The longest that stopping may take if nothing else is said, in milliseconds: open polls (60 s) and running activities, under SIGKILL's 75 s. */
const GRACE = 74_000

/** How long a process may take to stop when `dev` is gone, in milliseconds. */
const ORPHAN_GRACE = 5_000

/** Starts services and keeps them until the process is told to stop, for `grace` milliseconds or 74 s. Resolves when they are started. */
export async function runProcess(
  log: Log,
  services: readonly Service[],
  started: () => object,
  { grace: longest = 0 }: { grace?: number } = {},
): Promise<void> {
  process.on('unhandledRejection', (error: unknown) => {
    log.error(
      { err: (error as Error)?.message ?? String(error), stack: (error as Error)?.stack },
      'unhandled rejection',
    )
  })
  const grace = closeWithGrace(
    { delay: Math.max(GRACE, longest), logger: false, skip: ['unhandledRejection', 'beforeExit'] },
    async ({ signal, err }) => {
      if (err) log.fatal({ err: err.message, stack: err.stack }, 'stopping after an error')
      else log.info({ signal }, 'stopping')
      await stopAll(services)
      log.info('stopped')
    },
  )
  // Without its supervisor, SWF and Redis are gone too: there is little to wait for.
  const orphaned = () => {
    setTimeout(() => process.exit(1), ORPHAN_GRACE).unref()
    grace.close()
  }
  process.once('disconnect', orphaned)
  if (process.send && !process.connected) orphaned()
  try {
    await startAll(services)
  } catch (error) {
    grace.uninstall()
    throw error
  }
  const facts = started()
  log.info(facts, 'ready')
  process.send?.({ type: 'ready', ...facts })
}
