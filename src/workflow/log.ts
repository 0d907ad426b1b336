// What a workflow logs: lines in its decider's log.

import { currentRun, type LogLine } from './replay/current.js'

type LogLevel = LogLine['level']

/** Writes a line: a constant message, and its facts as fields. */
export interface WriteLine {
  (message: string): void
  (fields: object, message: string): void
}

/**
 * The log of workflows. A line is written when the code comes by for the first time, and not when its history is replayed; once
 * more when an answer did not reach SWF, or the run was parked, before it was recorded. It names the workflow, its workflowId and
 * runId.
 *
 * @example log.info({ orderId: order.id, amount }, 'payment taken')
 */
export const log: Readonly<Record<LogLevel, WriteLine>> = {
  debug: writer('debug'),
  info: writer('info'),
  warn: writer('warn'),
  error: writer('error'),
}

function writer(level: LogLevel): WriteLine {
  return (given: object | string, message?: string) => {
    const run = currentRun(`log.${level}`)
    if (typeof given === 'string') run.log({ level, message: given, fields: {} })
    else run.log({ level, message: message ?? '', fields: given })
  }
}
