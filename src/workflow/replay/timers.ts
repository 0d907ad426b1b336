// Timers, as commands.

import { cancelTimer, startTimer as start, type Decision } from '../../swf/decision.js'
import { Asked, type Commands } from './commands.js'

export class TimerOperation extends Asked<void> {
  override readonly window = 'timer'
  /** What is tried again when it has ended. */
  retries: string | undefined
  constructor(
    readonly label: string,
    readonly seconds: string,
  ) {
    super()
  }

  override get effect(): string | undefined {
    return this.retries
  }

  decision(): Decision {
    return start({ timerId: this.label, startToFireTimeout: this.seconds })
  }

  takenBack(cause: unknown): void {
    this.reject(cause)
  }
}

/** Starts a timer. Canceled, it ends at once: nobody waits for SWF to say so. */
export function startTimer(commands: Commands, timerId: string, seconds: string): TimerOperation {
  const operation = new TimerOperation(timerId, seconds)
  commands.ask(operation)
  operation.cancel = cause => {
    if (operation.settled) return
    if (!commands.takeBack(operation)) {
      commands.tell(cancelTimer({ timerId }), operation)
      commands.release(operation)
    }
    operation.reject(cause)
  }
  return operation
}
