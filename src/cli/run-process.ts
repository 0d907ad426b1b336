// The life of a long-running process: start, wait for a signal, stop.
//
// SIGTERM, SIGINT and a lost parent (`dev` that died) stop it gracefully; a second signal is immediate.
// A rejection that nobody handled is a bug: it is logged and the process goes on, for a message must not kill it.

import closeWithGrace from 'close-with-grace'
import { captureConsole } from '../console.js'
import { startAll, stopAll, type Service } from '../lifecycle.js'
import { createLog, flushLog, type Log } from '../telemetry.js'
import { handOverSignals } from './early-stop.js'
import { variablesPassedOver } from './environment.js'

/** The longest that stopping may take if nothing else is said, in milliseconds: open polls (60 s) and running activities, under SIGKILL's 75 s. */
const GRACE = 74_000

/** How long a process may take to stop that has not started yet, in milliseconds. */
const STARTING_GRACE = 5_000

/** How long the end waits for a reader of the log, in milliseconds. */
const LAST_LINES = 1_000

/** How long a process may take to stop when `dev` is gone, in milliseconds. */
const ORPHAN_GRACE = 5_000

/** Opens the log of a process. What libraries and authors write to the console goes there too, so that every line is JSON. */
export function processLog(component: string, level: string): Log {
  const log = createLog(component, level)
  captureConsole(log)
  const variables = variablesPassedOver()
  if (variables.length > 0)
    log.info({ variables }, 'variables passed over: Kubernetes sets them for a Service of this name')
  return log
}

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
  let begun = false
  let stopping = false
  const grace = closeWithGrace(
    { delay: Math.max(GRACE, longest), logger: false, skip: ['unhandledRejection', 'beforeExit'] },
    async ({ signal, err }) => {
      stopping = true
      if (err) log.fatal({ err: err.message, stack: err.stack }, 'stopping after an error')
      else log.info({ signal }, 'stopping')
      if (!begun) setTimeout(() => process.exit(0), STARTING_GRACE).unref()
      try {
        await stopAll(services)
        log.info('stopped')
      } catch (error) {
        log.error({ err: error }, 'not stopped in order')
        if (begun) throw error
      } finally {
        await flushLog(LAST_LINES)
      }
    },
  )
  handOverSignals()
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
    // What is stopped while it starts may well fail to.
    if (stopping) return
    grace.uninstall()
    throw error
  }
  begun = true
  if (stopping) return
  const facts = started()
  log.info(facts, 'ready')
  // Whoever started it may have gone.
  process.send?.({ type: 'ready', ...facts }, undefined, undefined, () => {})
}
