// What libraries and authors write to the console, as lines of the log.

import { format } from 'node:util'
import type { Log } from './telemetry.js'

const LEVELS = { debug: 'debug', log: 'info', info: 'info', trace: 'info', warn: 'warn', error: 'error' } as const

let captured = false

/** Tells whether what is written to the console of this process goes to a log. */
export function consoleIsCaptured(): boolean {
  return captured
}

/** From now on everything that is written to this thread's console, and every warning of Node's, goes to `log`. */
export function captureConsole(log: Log): void {
  captured = true
  for (const [method, level] of Object.entries(LEVELS))
    console[method as keyof typeof LEVELS] = (...args: unknown[]) =>
      log[level]({ text: format(...args) }, 'written to the console')
  process.removeAllListeners('warning')
  process.on('warning', ({ name, message, stack }) =>
    log.warn({ name, text: message, stack }, 'warning of the process'),
  )
}
