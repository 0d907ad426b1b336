/** Author code called something that cannot be replayed. */
export class NotReplayable extends Error {
  override readonly name = 'NotReplayable'
  readonly code = 'NOT_REPLAYABLE'
  constructor(what: string, instead: string) {
    super(`${what} cannot be replayed: use ${instead}`)
  }
}
