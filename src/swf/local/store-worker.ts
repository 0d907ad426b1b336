// The thread that owns the database. It runs from the text of this function, so that it starts the same from dist and from
// sources: nothing in it may come from outside it, apart from types.
//
// SW1. One message of writes is one transaction, synced before it is answered. Messages are done in order.
// SW2. A write or sync that failed is never tried again: after it every message is answered with the same error.
// SW3. Old executions are deleted a few at a time, between the messages.

import type Libsql from 'libsql'
import type * as Threads from 'node:worker_threads'

/** A statement by its name, and its parameters. */
export type Write = readonly [name: string, ...parameters: (string | number | null)[]]

export type StoreRequest =
  | { readonly id: number; readonly kind: 'write'; readonly writes: readonly Write[] }
  | { readonly id: number; readonly kind: 'read'; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly id: number; readonly kind: 'forget'; readonly domain: string; readonly closedBefore: number }
  | { readonly id: number; readonly kind: 'close' }
  /** The thread ends by itself; nothing is answered. */
  | { readonly id: number; readonly kind: 'end' }

export interface StoreReply {
  readonly id: number
  readonly rows?: unknown[]
  readonly error?: { readonly code: string; readonly message: string }
}

export interface StoreWorkerData {
  /** Where the package libsql is. */
  readonly libsql: string
  readonly file: string
}

export function storeWorker(require: NodeJS.Require): void {
  const APPLICATION_ID = 0x53574647
  const FORMAT = 2
  // An event's key is its execution's number and its own id: 25,000 events fit in 15 bits.
  const SCHEMA = `
    CREATE TABLE domains (name TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE types (
      domain TEXT, kind TEXT, name TEXT, version TEXT, record TEXT NOT NULL, PRIMARY KEY (domain, kind, name, version)
    ) WITHOUT ROWID;
    CREATE TABLE open (id INTEGER PRIMARY KEY, domain TEXT NOT NULL, workflow_id TEXT NOT NULL, run_id TEXT NOT NULL);
    CREATE TABLE closed (
      id INTEGER PRIMARY KEY, domain TEXT NOT NULL, workflow_id TEXT NOT NULL, run_id TEXT NOT NULL,
      type_name TEXT NOT NULL, type_version TEXT NOT NULL, started_at INTEGER NOT NULL, closed_at INTEGER NOT NULL,
      close_status TEXT NOT NULL, tags TEXT, last_event INTEGER NOT NULL, description TEXT NOT NULL
    );
    CREATE INDEX closed_by_id ON closed (domain, workflow_id, run_id);
    CREATE INDEX closed_by_start ON closed (domain, started_at);
    CREATE INDEX closed_by_close ON closed (domain, closed_at);
    CREATE INDEX closed_by_type_and_start ON closed (domain, type_name, started_at, id, type_version);
    CREATE INDEX closed_by_type_and_close ON closed (domain, type_name, closed_at, id, type_version);
    CREATE INDEX closed_by_status_and_start ON closed (domain, close_status, started_at);
    CREATE INDEX closed_by_status_and_close ON closed (domain, close_status, closed_at);
    CREATE TABLE tagged (
      id INTEGER NOT NULL, domain TEXT NOT NULL, tag TEXT NOT NULL, started_at INTEGER NOT NULL, closed_at INTEGER NOT NULL,
      PRIMARY KEY (domain, tag, started_at, id)
    ) WITHOUT ROWID;
    CREATE INDEX tagged_by_close ON tagged (domain, tag, closed_at, id);
    CREATE TRIGGER tag AFTER INSERT ON closed WHEN new.tags IS NOT NULL BEGIN
      INSERT OR IGNORE INTO tagged
        SELECT new.id, new.domain, value, new.started_at, new.closed_at FROM json_each(new.tags);
    END;
    CREATE TRIGGER untag AFTER DELETE ON closed WHEN old.tags IS NOT NULL BEGIN
      DELETE FROM tagged WHERE domain = old.domain AND started_at = old.started_at AND id = old.id
        AND tag IN (SELECT value FROM json_each(old.tags));
    END;
    CREATE TABLE events (key INTEGER PRIMARY KEY, lines TEXT NOT NULL);
    CREATE TABLE heartbeats (key INTEGER PRIMARY KEY, at INTEGER NOT NULL, details TEXT);
    CREATE VIEW histories AS SELECT key >> 15 AS execution, key & 32767 AS first_event, lines FROM events;
  `
  const WRITES: Record<string, string> = {
    putDomain: 'INSERT OR REPLACE INTO domains VALUES (?, ?)',
    putType: 'INSERT OR REPLACE INTO types VALUES (?, ?, ?, ?, ?)',
    deleteType: 'DELETE FROM types WHERE domain = ? AND kind = ? AND name = ? AND version = ?',
    open: 'INSERT INTO open VALUES (?, ?, ?, ?)',
    closeOpen: 'DELETE FROM open WHERE id = ?',
    closed: 'INSERT INTO closed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    events: 'INSERT INTO events VALUES (?, ?)',
    deleteEvents: 'DELETE FROM events WHERE key BETWEEN ? AND ?',
    heartbeat: 'INSERT OR REPLACE INTO heartbeats VALUES (?, ?, ?)',
    deleteHeartbeats: 'DELETE FROM heartbeats WHERE key BETWEEN ? AND ?',
  }
  const FORGOTTEN_AT_A_TIME = 100

  const { parentPort, workerData } = require('node:worker_threads') as typeof Threads
  const { libsql, file } = workerData as StoreWorkerData
  const reply = (message: StoreReply) => parentPort!.postMessage(message)
  const refusal = (code: string, message: string) => Object.assign(new Error(message), { code })

  let failure: { code: string; message: string } | undefined
  const attempt = (id: number, work: () => unknown[] | void) => {
    try {
      if (!failure) {
        const rows = work()
        reply(rows ? { id, rows } : { id })
        return
      }
    } catch (error) {
      const { code, message } = error as { code?: string; message: string }
      failure = { code: code ?? 'STORE_FAILED', message }
    }
    reply({ id, error: failure! })
  }

  const open = () => {
    const Database = require(libsql) as typeof Libsql
    const db = new Database(file)
    db.pragma('locking_mode = EXCLUSIVE')
    db.exec('BEGIN IMMEDIATE')
    db.exec('COMMIT')
    const pragma = (name: string) => (db.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[name]
    const tables = db.prepare('SELECT count(*) AS count FROM sqlite_schema').get() as { count: number }
    const ours = pragma('application_id') === APPLICATION_ID
    if (!ours && tables.count > 0) throw refusal('STORE_NOT_OURS', 'it is another database')
    const format = pragma('user_version')!
    if (ours && format !== FORMAT) {
      const code = format > FORMAT ? 'STORE_TOO_NEW' : 'STORE_TOO_OLD'
      throw refusal(code, `its format is ${format}, and this version reads ${FORMAT}`)
    }
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    db.pragma('wal_autocheckpoint = 2000')
    if (!ours) {
      db.exec('BEGIN')
      db.exec(SCHEMA)
      db.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
      db.exec(`PRAGMA user_version = ${FORMAT}`)
      db.exec('COMMIT')
      db.pragma('wal_checkpoint(TRUNCATE)')
    }
    return db
  }

  let db: ReturnType<typeof open> | undefined
  attempt(0, () => void (db = open()))

  const statements = new Map<string, { run(...parameters: unknown[]): unknown; all(...p: unknown[]): unknown[] }>()
  const prepared = (sql: string) => {
    let statement = statements.get(sql)
    if (!statement) statements.set(sql, (statement = db!.prepare(sql)))
    return statement
  }
  const transaction = (work: () => void) => {
    prepared('BEGIN IMMEDIATE').run()
    work()
    prepared('COMMIT').run()
  }

  /** Deletes what is older, a few at a time; other messages come in between. */
  const forget = (domain: string, closedBefore: number) => {
    if (failure || !db) return
    const old = prepared('SELECT id FROM closed WHERE domain = ? AND closed_at < ? ORDER BY closed_at LIMIT ?').all(
      domain,
      closedBefore,
      FORGOTTEN_AT_A_TIME,
    ) as { id: number }[]
    if (old.length === 0) return
    transaction(() => {
      for (const { id } of old) {
        prepared(WRITES.deleteEvents!).run(id * 32_768, id * 32_768 + 32_767)
        prepared('DELETE FROM closed WHERE id = ?').run(id)
      }
    })
    setImmediate(() => attempt(-1, () => forget(domain, closedBefore)))
  }

  parentPort!.on('message', (request: StoreRequest) => {
    if (request.kind === 'end') {
      try {
        db?.close()
      } catch {
        // It has failed before, and that was told.
      }
      db = undefined
      parentPort!.close()
      return
    }
    attempt(request.id, () => {
      switch (request.kind) {
        case 'write':
          return transaction(() => {
            for (const [name, ...parameters] of request.writes) prepared(WRITES[name]!).run(...parameters)
          })
        case 'read':
          return prepared(request.sql).all(...request.parameters)
        case 'forget':
          return forget(request.domain, request.closedBefore)
        case 'close':
          db!.pragma('wal_checkpoint(TRUNCATE)')
          db!.close()
          db = undefined
      }
    })
  })
}
