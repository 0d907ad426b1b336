// Cursors: where a subscriber is. Opaque to clients; text of the form `1.<stream id>[.<event id>.<run id>]` in base64url.
// With a run, it names the run's update too, so that one run can be resumed without reading what others did.

export interface Cursor {
  /** The last stream entry read; `0-0` is the beginning. */
  streamId: string
  /** The run and its update that the entry held. */
  run?: { runId: string; eventId: number }
}

/** Returns a cursor as text. */
export function encodeCursor({ streamId, run }: Cursor): string {
  const text = run ? `1.${streamId}.${run.eventId}.${run.runId}` : `1.${streamId}`
  return Buffer.from(text).toString('base64url')
}

/** Returns what a cursor says; throws BadCursor. */
export function decodeCursor(text: string): Cursor {
  const match = /^1\.(\d{1,15}-\d{1,15})(?:\.(\d{1,9})\.(.+))?$/.exec(Buffer.from(text, 'base64url').toString())
  if (!match) throw new BadCursor(text)
  const [, streamId, eventId, runId] = match as unknown as [string, string, string?, string?]
  if (runId === undefined) return { streamId }
  return { streamId, run: { runId, eventId: Number(eventId) } }
}

/** Tells which of two stream ids is the later one: negative when `a` is the earlier. */
export function compareStreamIds(a: string, b: string): number {
  const [aTime, aSequence] = a.split('-').map(Number) as [number, number]
  const [bTime, bSequence] = b.split('-').map(Number) as [number, number]
  return aTime - bTime || aSequence - bSequence
}

/** A text is no cursor of this service. */
export class BadCursor extends Error {
  override readonly name = 'BadCursor'
  readonly code = 'BAD_USER_INPUT'
  constructor(readonly cursor: string) {
    super('Not a cursor: pass one that this API gave out, unchanged, or none')
  }
}
