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

/** Returns why a run is stuck whose author's code threw what is no failure. */
export function stuckBy(error: unknown, event: { eventId: number }): Stuck {
  const { name = 'Error', message = String(error) } = (error ?? {}) as Partial<Error>
  return new Stuck(`${name}: ${message}`, event.eventId, authorLocation(error))
}

const OWN = new URL('..', import.meta.url).pathname

/** Returns the first line of a stack that is the author's: not Node's, not a dependency's, not of this folder. */
function authorLocation(error: unknown): string | undefined {
  const { stack } = (error ?? {}) as { stack?: string }
  for (const line of stack?.split('\n') ?? []) {
    const at = /\(?((?:file:\/\/)?[^()\s]+:\d+:\d+)\)?$/.exec(line.trim())?.[1]
    if (!at || !line.trim().startsWith('at ')) continue
    const path = at.replace('file://', '')
    if (path.startsWith('node:') || path.includes('/node_modules/') || path.startsWith(OWN)) continue
    return path.split('/').slice(-2).join('/')
  }
  return undefined
}
