// Why a store can not be used, and what to do about it.

const REASONS = {
  STORE_IN_USE: ['is in use', 'Stop the process that uses it, or choose another directory.'],
  STORE_DAMAGED: ['is damaged', 'Put a copy of its directory back, or move the directory away to begin with nothing.'],
  STORE_TOO_NEW: ['was written by a newer version', 'Use that version, or choose another directory.'],
  STORE_TOO_OLD: ['was written by an older version', 'Use that version, or choose another directory.'],
  STORE_NOT_OURS: ['is not a store of the local SWF', 'Choose another directory.'],
  STORE_FAILED: [
    'failed',
    'What was answered is safe in it. See that its disk works, has room and may be written to by this user, and start again.',
  ],
} as const

export type StoreErrorCode = keyof typeof REASONS

/** The store could not be opened, or failed: the code says why, the message also what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  constructor(
    readonly code: StoreErrorCode,
    file: string,
    what: string,
  ) {
    const [why, remedy] = REASONS[code]
    super(`The store ${file} ${why}: ${what}. ${remedy}`)
  }
}

/** What an error of the database says of the store. */
export function storeErrorCode(code: string, opening: boolean): StoreErrorCode {
  if (Object.hasOwn(REASONS, code)) return code as StoreErrorCode
  if (/^SQLITE_(?:BUSY|LOCKED)/.test(code)) return 'STORE_IN_USE'
  if (/^SQLITE_(?:CORRUPT|NOTADB)/.test(code)) return 'STORE_DAMAGED'
  // A statement that can not be understood while the store is read in: tables are not there.
  return opening && code === 'SQLITE_ERROR' ? 'STORE_DAMAGED' : 'STORE_FAILED'
}
