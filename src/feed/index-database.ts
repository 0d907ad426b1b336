// The database of the index: SQLite, in this process. Everything in it can be had again: what is damaged is thrown away.

import { rmSync } from 'node:fs'
import Database from 'libsql'

const SCHEMA = `
CREATE TABLE IF NOT EXISTS execution (
  id INTEGER PRIMARY KEY, domain TEXT NOT NULL, run_id TEXT NOT NULL, workflow_id TEXT NOT NULL, parent_run_id TEXT,
  open INTEGER NOT NULL, started_at INTEGER NOT NULL, event_id INTEGER NOT NULL, summary TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS by_run ON execution (domain, run_id);
CREATE INDEX IF NOT EXISTS by_workflow ON execution (domain, workflow_id, open, started_at);
CREATE INDEX IF NOT EXISTS by_parent ON execution (domain, parent_run_id, started_at, run_id) WHERE parent_run_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS position (domain TEXT PRIMARY KEY, stream_id TEXT NOT NULL);
`
const VERSION = 2

/** Opens the database in a file, or in `:memory:`. A file that is damaged, or of another version, is begun anew. */
export function openDatabase(file: string): Database.Database {
  try {
    return open(file)
  } catch (error) {
    if (!isDamage(error)) throw error
    removeDatabase(file)
    return open(file)
  }
}

function isDamage(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(String((error as { code?: unknown }).code))
}

/** Removes a file that nobody has open, with what SQLite keeps beside it. */
export function removeDatabase(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true })
}

function open(file: string): Database.Database {
  const db = new Database(file)
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF')
    const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
    if (version !== 0 && version !== VERSION)
      for (const table of ['execution', 'tag', 'position']) db.exec(`DROP TABLE IF EXISTS ${table}`)
    db.exec(SCHEMA)
    db.exec(`PRAGMA user_version = ${VERSION}`)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}
