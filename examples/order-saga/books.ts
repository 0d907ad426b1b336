// The books: what must be true of the store once every order has ended, whatever went wrong on the way.

import type { Item } from './order.js'
import type { Store } from './store.js'

export interface StockLine {
  sku: string
  openingStock: number
  stock: number
  shipped: number
  /** Items on the shelf and items shipped are all the items there were. */
  balanced: boolean
}

export interface Books {
  stock: StockLine[]
  /** Amounts in cents. */
  money: { taken: number; refunded: number; owed: number; balanced: boolean }
  /** What should be zero: work that was begun and neither finished nor undone. */
  open: { reservations: number; authorizations: number; labels: number }
  /** Completed orders that were not paid once and shipped once, and other orders that kept money or goods. */
  wrongOrders: string[]
  balanced: boolean
}

/** An order that is to have been paid and shipped. */
export interface Sale {
  id: string
  items: readonly Item[]
}

/** Compares the store with the orders that completed. */
export function keepBooks(store: Store, completed: readonly Sale[]): Books {
  const stock = stockLines(store)
  const owed = completed
    .flatMap(sale => sale.items)
    .reduce((sum, item) => sum + item.quantity * price(store, item.sku), 0)
  const [taken, refunded] = [
    `SELECT coalesce(sum(amount), 0) AS n FROM payments WHERE state IN ('CAPTURED', 'REFUNDED')`,
    `SELECT coalesce(sum(amount), 0) AS n FROM refunds`,
  ].map(sql => number(store, sql)) as [number, number]
  const money = { taken, refunded, owed, balanced: taken - refunded === owed }
  const open = {
    reservations: number(store, `SELECT count(*) AS n FROM reservations WHERE state = 'OPEN'`),
    authorizations: number(store, `SELECT count(*) AS n FROM payments WHERE state = 'AUTHORIZED'`),
    labels: number(store, `SELECT count(*) AS n FROM shipments WHERE state = 'LABELED'`),
  }
  const wrongOrders = misdelivered(store, completed)
  const nothingOpen = Object.values(open).every(count => count === 0)
  const balanced = stock.every(line => line.balanced) && money.balanced && nothingOpen && wrongOrders.length === 0
  return { stock, money, open, wrongOrders, balanced }
}

function stockLines(store: Store): StockLine[] {
  const sql = `
    SELECT sku, opening_stock AS openingStock, stock,
      coalesce((SELECT sum(quantity) FROM reservations r WHERE r.sku = p.sku AND r.state = 'SHIPPED'), 0) AS shipped
    FROM products p ORDER BY sku`
  return store
    .rows<Omit<StockLine, 'balanced'>>(sql)
    .map(line => ({ ...line, balanced: line.stock + line.shipped === line.openingStock }))
}

/** Returns the orders that were not charged, or not sent, as their end calls for. */
function misdelivered(store: Store, completed: readonly Sale[]): string[] {
  const due = new Map(completed.map(sale => [sale.id, contents(sale.items)]))
  const charged = `SELECT order_id AS id, count(*) AS n FROM payments WHERE state = 'CAPTURED' GROUP BY 1`
  const charges = new Map(store.rows<{ id: string; n: number }>(charged).map(({ id, n }) => [id, n]))
  const sent = `
    SELECT s.order_id AS id, r.sku, r.quantity FROM shipments s JOIN reservations r ON r.run_id = s.run_id
    WHERE s.state = 'HANDED_OVER' AND r.state = 'SHIPPED'`
  const parcels = new Map<string, Item[]>()
  for (const { id, ...item } of store.rows<Item & { id: string }>(sent))
    parcels.set(id, [...(parcels.get(id) ?? []), item])
  const orders = new Set([...due.keys(), ...charges.keys(), ...parcels.keys()])
  return [...orders].filter(id => {
    const wrongCharge = (charges.get(id) ?? 0) !== (due.has(id) ? 1 : 0)
    return wrongCharge || contents(parcels.get(id) ?? []) !== (due.get(id) ?? '')
  })
}

/** Returns what a parcel holds, in an order that can be compared. */
function contents(items: Sale['items']): string {
  return items
    .map(({ sku, quantity }) => `${quantity} ${sku}`)
    .sort()
    .join(', ')
}

function price(store: Store, sku: string): number {
  const product = store.product(sku)
  if (!product) throw new Error(`a completed order holds ${sku}, which the catalogue does not know`)
  return product.price
}

function number(store: Store, sql: string): number {
  return store.rows<{ n: number }>(sql)[0]!.n
}
