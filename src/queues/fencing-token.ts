/**
 * Names a run of a task: SWF's startedEventId, in ten digits, and the takeovers since. It grows with every run, compared as text
 * too, so that any store can tell the later of two runs: `WHERE token < $new`.
 */
export function fencingToken(startedEventId: number, takeovers: number): string {
  return `${String(startedEventId).padStart(10, '0')}.${takeovers}`
}
