import { shorten } from '../../cut.js'
import { describeThrown, nameOfThrown } from '../../swf/thrown.js'
import { NotReplayable } from './not-replayable.js'

/** Why a run cannot be decided: its code does not fit its history, or threw what is no failure. */
export class Stuck extends Error {
  override readonly name = 'Stuck'
  constructor(
    readonly reason: string,
    readonly eventId: number,
    /** The author's line, `order.workflow.js:41:12`. */
    readonly location?: string,
  ) {
    super(reason)
  }
}

/** What is thrown by mistake; of all else the author may have thought that it fails the execution. */
const MISTAKES = [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, NotReplayable]
const ON_PURPOSE = "to fail the execution on purpose throw new WorkflowExecutionFailed('Reason')"
/** Characters of a message that are told: the reason goes into the executionContext. */
const MOST = 1_000

/** Returns why a run is stuck whose author's code threw what is no failure. */
export function stuckBy(error: unknown, { eventId }: { eventId: number }): Stuck {
  if (error instanceof Stuck) return error
  const hint = MISTAKES.some(type => error instanceof type) ? '' : ` (${ON_PURPOSE})`
  return new Stuck(`${described(error)}${hint}`, eventId, authorLocation(error))
}

/** Returns an error in short: `TypeError: order.lines is not iterable`. */
export function described(error: unknown): string {
  const { message = '' } = describeThrown(error)
  return `${nameOfThrown(error)}: ${shorten(message, MOST)}`
}

const OWN = new URL('..', import.meta.url).pathname

/** Returns the first line of a stack that is the author's: not Node's, not a dependency's, not of this folder. */
export function authorLocation(error: unknown): string | undefined {
  for (const line of stackOf(error)) {
    // A long message is part of the stack, and would take the pattern long.
    if (line.length > MOST || !/^\s*at /.test(line)) continue
    const at = /\(?((?:file:\/\/)?[^()\s]+:\d+:\d+)\)?$/.exec(line.trim())?.[1]
    if (!at) continue
    const path = at.replace('file://', '')
    if (path.startsWith('node:') || path.includes('/node_modules/') || path.startsWith(OWN)) continue
    return path.split('/').slice(-2).join('/')
  }
  return undefined
}

/** Never throws: anything can be thrown. */
function stackOf(error: unknown): string[] {
  try {
    return String((error as Error).stack).split('\n')
  } catch {
    return []
  }
}
