// What SWF refuses for its limits, it refuses only for a while: it is asked for again, and author code does not hear of it.

import type { Asked, Commands } from './commands.js'
import { LIMIT_WAIT } from './limits.js'
import { startTimer, TimerOperation } from './timers.js'

/**
 * Asks again for what the event `refusedBy` has refused: after a wait. A timer cannot wait for a timer: it is asked for when
 * another one has ended, if too many are open, and at once otherwise, which the decider holds back for a moment.
 */
export function askAgain(commands: Commands, operation: Asked<any>, refusedBy: number, cause: string): void {
  if (operation.settled) return
  if (operation instanceof TimerOperation) {
    if (cause.startsWith('OPEN_')) return commands.askNext(operation)
    commands.throttled = true
    return commands.ask(operation)
  }
  const wait = startTimer(commands, `${operation.label}.limit.${refusedBy}`, LIMIT_WAIT)
  const { cancel } = operation
  operation.cancel = cause => {
    wait.cancel(cause)
    if (!operation.settled) operation.takenBack(cause)
  }
  wait.promise.then(
    () => {
      if (operation.settled) return
      operation.cancel = cancel
      commands.ask(operation)
    },
    () => {},
  )
}
