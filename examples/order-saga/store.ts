// The shop's own records: stock, payments and shipments, in one SQLite file that all worker processes share.
//
// S1. A change is one transaction that takes the write lock first (BEGIN IMMEDIATE): no two workers sell the same item.
// S2. A step's effects are recorded under its idempotency key. Running it again finds them and changes nothing.
// S3. Undoing takes back what the same execution has done and not yet undone: doing it twice, or for nothing, does no harm.
// S4. Half-done work shows: a payment is AUTHORIZED before it is CAPTURED, a shipment LABELED before it is HANDED_OVER.
// S5. Of one execution the store remembers the highest fencing token and refuses a lower one: a worker that hung, and was
//     overtaken, cannot charge a card after the charge has been undone.

import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'libsql'
import type { ActivityContext } from 'swf-gateway'
import { PRODUCTS, type Product } from './products.js'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS products (
    sku TEXT PRIMARY KEY, name TEXT NOT NULL, price INTEGER NOT NULL,
    opening_stock INTEGER NOT NULL, stock INTEGER NOT NULL CHECK (stock >= 0));
  CREATE TABLE IF NOT EXISTS reservations (
    key TEXT, sku TEXT REFERENCES products, run_id TEXT NOT NULL, order_id TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('OPEN', 'RELEASED', 'SHIPPED')), PRIMARY KEY (key, sku));
  CREATE TABLE IF NOT EXISTS payments (
    key TEXT PRIMARY KEY, run_id TEXT NOT NULL, order_id TEXT NOT NULL,
    amount INTEGER NOT NULL, card TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('AUTHORIZED', 'CAPTURED', 'VOIDED', 'REFUNDED')));
  CREATE TABLE IF NOT EXISTS refunds (
    payment TEXT PRIMARY KEY REFERENCES payments (key), amount INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS shipments (
    key TEXT PRIMARY KEY, run_id TEXT NOT NULL, order_id TEXT NOT NULL,
    carrier TEXT NOT NULL, tracking_number TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('LABELED', 'HANDED_OVER', 'VOIDED', 'RECALLED')));
  CREATE TABLE IF NOT EXISTS incidents (key TEXT PRIMARY KEY, count INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS fences (run_id TEXT PRIMARY KEY, rank INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS reservations_by_run ON reservations (run_id);
  CREATE INDEX IF NOT EXISTS payments_by_run ON payments (run_id);
  CREATE INDEX IF NOT EXISTS shipments_by_run ON shipments (run_id);`

/** Who makes a change: what a handler knows of its job. */
export type Writer = Pick<ActivityContext, 'idempotencyKey' | 'fencingToken' | 'workflowExecution'>

/** A change came from a run that has been overtaken; nothing was changed. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken'
}

export type Reserved = 'RESERVED' | 'OUT_OF_STOCK'
export type PaymentState = 'AUTHORIZED' | 'CAPTURED' | 'VOIDED' | 'REFUNDED'
export type ShipmentState = 'LABELED' | 'HANDED_OVER' | 'VOIDED' | 'RECALLED'

/** Where the store lies: `ORDER_STORE`, else `orders.db` in the gateway's data directory. */
export function storeFile(env: NodeJS.ProcessEnv = process.env): string {
  return env.ORDER_STORE ?? join(env.SWF_GATEWAY_DATA ?? '.data', 'orders.db')
}

export class Store {
  readonly #db: Database.Database

  /** Opens the file; makes it, its tables and the opening stock when they are not there. */
  constructor(file: string, products: readonly Product[] = PRODUCTS) {
    mkdirSync(dirname(file), { recursive: true })
    this.#db = new Database(file, { timeout: 5_000 })
    this.#writeAhead()
    this.#transaction(() => {
      this.#db.exec(SCHEMA)
      for (const { sku, name, price, stock } of products)
        this.#run('INSERT OR IGNORE INTO products VALUES (?, ?, ?, ?, ?)', sku, name, price, stock, stock)
    })
  }

  close(): void {
    this.#db.close()
  }

  /** Reads rows; for reports such as the books. */
  rows<Row>(sql: string, ...values: unknown[]): Row[] {
    return this.#db.prepare(sql).all(...values) as Row[]
  }

  product(sku: string): Product | undefined {
    return this.rows<Product>('SELECT sku, name, price, stock FROM products WHERE sku = ?', sku)[0]
  }

  // Stock

  /** Takes one item of an order from the shelf. */
  reserve(job: Writer, orderId: string, sku: string, quantity: number): Reserved {
    return this.#change(job, (key, runId) => {
      if (this.rows('SELECT 1 FROM reservations WHERE key = ? AND sku = ?', key, sku).length > 0) return 'RESERVED'
      const taken = 'UPDATE products SET stock = stock - ? WHERE sku = ? AND stock >= ?'
      if (this.#run(taken, quantity, sku, quantity) === 0) return 'OUT_OF_STOCK'
      this.#run(`INSERT INTO reservations VALUES (?, ?, ?, ?, ?, 'OPEN')`, key, sku, runId, orderId, quantity)
      return 'RESERVED'
    })
  }

  /** Puts back what the execution has reserved and not shipped; returns the number of items put back. */
  release(job: Writer): number {
    return this.#change(job, (_key, runId) => {
      const open = `SELECT sku, sum(quantity) AS quantity FROM reservations WHERE run_id = ? AND state = 'OPEN' GROUP BY sku`
      const items = this.rows<{ sku: string; quantity: number }>(open, runId)
      for (const { sku, quantity } of items)
        this.#run('UPDATE products SET stock = stock + ? WHERE sku = ?', quantity, sku)
      this.#run(`UPDATE reservations SET state = 'RELEASED' WHERE run_id = ? AND state = 'OPEN'`, runId)
      return items.reduce((sum, item) => sum + item.quantity, 0)
    })
  }

  // Money

  /** Sets an amount aside on a card; returns the state of the payment, which an earlier try may have taken further. */
  authorize(job: Writer, orderId: string, amount: number, card: string): PaymentState {
    return this.#change(job, (key, runId) => {
      const insert = `INSERT OR IGNORE INTO payments VALUES (?, ?, ?, ?, ?, 'AUTHORIZED')`
      this.#run(insert, key, runId, orderId, amount, card)
      return this.#state('payments', key)
    })
  }

  /** Takes the amount that was set aside. */
  capture(job: Writer): void {
    this.#change(job, key =>
      this.#run(`UPDATE payments SET state = 'CAPTURED' WHERE key = ? AND state = 'AUTHORIZED'`, key),
    )
  }

  /** Gives the money back: frees what was only set aside, refunds what was taken. Returns the amount refunded. */
  refund(job: Writer): number {
    return this.#change(job, (_key, runId) => {
      const captured = `SELECT key, amount FROM payments WHERE run_id = ? AND state = 'CAPTURED'`
      const payments = this.rows<{ key: string; amount: number }>(captured, runId)
      for (const { key, amount } of payments) this.#run('INSERT INTO refunds VALUES (?, ?)', key, amount)
      this.#run(`UPDATE payments SET state = 'REFUNDED' WHERE run_id = ? AND state = 'CAPTURED'`, runId)
      this.#run(`UPDATE payments SET state = 'VOIDED' WHERE run_id = ? AND state = 'AUTHORIZED'`, runId)
      return payments.reduce((sum, payment) => sum + payment.amount, 0)
    })
  }

  // Parcels

  /** Prints the label of an order's parcel; returns the state of the shipment, which an earlier try may have taken further. */
  label(job: Writer, orderId: string, carrier: string, trackingNumber: string): ShipmentState {
    return this.#change(job, (key, runId) => {
      const insert = `INSERT OR IGNORE INTO shipments VALUES (?, ?, ?, ?, ?, 'LABELED')`
      this.#run(insert, key, runId, orderId, carrier, trackingNumber)
      return this.#state('shipments', key)
    })
  }

  /** Hands the parcel over: the reserved items have left the house. */
  handOver(job: Writer): void {
    this.#change(job, (key, runId) => {
      const handed = this.#run(`UPDATE shipments SET state = 'HANDED_OVER' WHERE key = ? AND state = 'LABELED'`, key)
      if (handed) this.#run(`UPDATE reservations SET state = 'SHIPPED' WHERE run_id = ? AND state = 'OPEN'`, runId)
    })
  }

  /** Takes the parcel back: voids a label; what had left is in the house again, still reserved. Returns parcels taken back. */
  recall(job: Writer): number {
    return this.#change(job, (_key, runId) => {
      const recalled = `UPDATE shipments SET state = 'RECALLED' WHERE run_id = ? AND state = 'HANDED_OVER'`
      const back = this.#run(recalled, runId)
      if (back) this.#run(`UPDATE reservations SET state = 'OPEN' WHERE run_id = ? AND state = 'SHIPPED'`, runId)
      return back + this.#run(`UPDATE shipments SET state = 'VOIDED' WHERE run_id = ? AND state = 'LABELED'`, runId)
    })
  }

  // Trouble

  /** Counts what went wrong under a key, and returns how often it has: a worker that is killed does not forget it. */
  incident(key: string): number {
    return this.#transaction(() => {
      this.#run('INSERT INTO incidents VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET count = count + 1', key)
      return this.rows<{ count: number }>('SELECT count FROM incidents WHERE key = ?', key)[0]!.count
    })
  }

  /** Makes a change under the job's key; throws Overtaken when a later run of its execution has been here. */
  #change<T>(
    { idempotencyKey, fencingToken, workflowExecution: { runId } }: Writer,
    work: (key: string, runId: string) => T,
  ): T {
    return this.#transaction(() => {
      const pass = `INSERT INTO fences VALUES (?, ?) ON CONFLICT (run_id) DO UPDATE SET rank = excluded.rank WHERE excluded.rank >= rank`
      if (this.#run(pass, runId, rankOf(fencingToken)) === 0)
        throw new Overtaken(`run ${fencingToken} of ${runId} has been overtaken`)
      return work(idempotencyKey, runId)
    })
  }

  /** Switches the file to a write-ahead log. Of two processes that do so at once one is told BUSY, whatever its timeout. */
  #writeAhead(): void {
    for (let tries = 1; ; tries++) {
      try {
        this.#db.pragma('journal_mode = WAL')
        return
      } catch (error) {
        if (tries === 100 || (error as { code?: string }).code !== 'SQLITE_BUSY') throw error
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
      }
    }
  }

  #transaction<T>(work: () => T): T {
    return this.#db.transaction(work).immediate()
  }

  /** Returns the number of rows changed. */
  #run(sql: string, ...values: unknown[]): number {
    return this.#db.prepare(sql).run(...values).changes
  }

  #state<State>(table: 'payments' | 'shipments', key: string): State {
    return this.rows<{ state: State }>(`SELECT state FROM ${table} WHERE key = ?`, key)[0]!.state
  }
}

/** Returns the rank of a fencing token, `event.takeover`: SWF's number of the event that started the run comes first. */
function rankOf(fencingToken: string): number {
  const [event = 0, takeover = 0] = fencingToken.split('.').map(Number)
  return event * 1_000 + takeover
}

/** Returns a short readable number for a key: always the same one, so that a second try names the same parcel. */
export function numberFor(prefix: string, key: string): string {
  return `${prefix}-${createHash('sha256').update(key).digest('hex').slice(0, 10).toUpperCase()}`
}
