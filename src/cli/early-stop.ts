// A process can be told to stop from its first moment on. As process 1 of a container it has to listen for that itself: the
// kernel passes over signals that process 1 does not listen for.

import { constants } from 'node:os'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** Commands that run until they are told to stop: that they were is no failure. The others then have not done their work. */
const SERVICES = new Set(['dev', 'gateway', 'decider', 'worker', 'local-swf'])

/** From now on SIGTERM and SIGINT end the process at once: nothing has been started that would have to be stopped. */
export function stopAtOnce(): void {
  for (const signal of SIGNALS) process.on(signal, end)
}

/** Leaves SIGTERM and SIGINT to whoever knows what has been started, and listens for them already. */
export function handOverSignals(): void {
  for (const signal of SIGNALS) process.off(signal, end)
}

function end(signal: (typeof SIGNALS)[number]): void {
  process.exit(SERVICES.has(process.argv[2] ?? '') ? 0 : 128 + constants.signals[signal])
}
