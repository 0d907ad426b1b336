// The example's own records: its store, its books, its file of orders.

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { keepBooks } from '../../examples/order-saga/books.js'
import { parseOrders, readOrders } from '../../examples/order-saga/orders-file.js'
import { PRODUCTS } from '../../examples/order-saga/products.js'
import { Overtaken, Store, storeFile } from '../../examples/order-saga/store.js'
import { tmpDir } from '../support/tmp.js'
import { job, ORDERS } from './orders.js'

const SHOP = [
  { sku: 'TEA-001', name: 'Tea', price: 500, stock: 10 },
  { sku: 'CUP-002', name: 'Cup', price: 1_200, stock: 3 },
]

function openStore(): Store {
  return new Store(join(tmpDir('orders'), 'orders.db'), SHOP)
}

function stockOf(store: Store, sku: string): number {
  return store.product(sku)!.stock
}

describe('the store', () => {
  test('lies where ORDER_STORE says, else in the data directory of the gateway', () => {
    expect(storeFile({ ORDER_STORE: '/a/b.db', SWF_GATEWAY_DATA: '/data' })).toBe('/a/b.db')
    expect(storeFile({ SWF_GATEWAY_DATA: '/data' })).toBe('/data/orders.db')
    expect(storeFile({})).toBe(join('.data', 'orders.db'))
  })

  test('opened again, keeps its stock', () => {
    const file = join(tmpDir('orders'), 'deep', 'orders.db')
    const first = new Store(file, SHOP)
    first.reserve(job({ key: 'k', runId: 'r' }), 'o', 'TEA-001', 4)
    first.close()
    const second = new Store(file, SHOP)
    expect(stockOf(second, 'TEA-001')).toBe(6)
    second.close()
  })

  test('reserves once under one key, and not more than there is', () => {
    const store = openStore()
    const one = job({ key: 'one', runId: 'r1' })
    expect(store.reserve(one, 'o1', 'CUP-002', 2)).toBe('RESERVED')
    expect(store.reserve(one, 'o1', 'CUP-002', 2)).toBe('RESERVED')
    expect(stockOf(store, 'CUP-002')).toBe(1)
    expect(store.reserve(job({ key: 'two', runId: 'r2' }), 'o2', 'CUP-002', 2)).toBe('OUT_OF_STOCK')
    expect(stockOf(store, 'CUP-002')).toBe(1)
  })

  test('releases what one execution reserved, once, and nothing of others', () => {
    const store = openStore()
    const mine = job({ key: 'mine', runId: 'r1' })
    store.reserve(mine, 'o', 'TEA-001', 3)
    store.reserve(mine, 'o', 'CUP-002', 1)
    store.reserve(job({ key: 'other', runId: 'r2' }), 'o', 'TEA-001', 5)
    expect(store.release(mine)).toBe(4)
    expect(store.release(mine)).toBe(0)
    expect(stockOf(store, 'TEA-001')).toBe(5)
    expect(stockOf(store, 'CUP-002')).toBe(3)
  })

  test('takes money once, and gives it back once', () => {
    const store = openStore()
    const charge = job({ key: 'charge', runId: 'r' })
    expect(store.authorize(charge, 'o', 900, '…4242')).toBe('AUTHORIZED')
    store.capture(charge)
    expect(store.authorize(charge, 'o', 900, '…4242')).toBe('CAPTURED')
    store.capture(charge)
    expect(keepBooks(store, []).money).toMatchObject({ taken: 900, refunded: 0 })
    const refund = job({ key: 'refund', runId: 'r', token: '2.0' })
    expect(store.refund(refund)).toBe(900)
    expect(store.refund(refund)).toBe(0)
    expect(keepBooks(store, []).money).toMatchObject({ taken: 900, refunded: 900 })
  })

  test('frees money that was only set aside, without a refund', () => {
    const store = openStore()
    const charge = job({ key: 'charge', runId: 'r' })
    store.authorize(charge, 'o', 900, '…4242')
    expect(store.refund(charge)).toBe(0)
    store.capture(charge)
    expect(keepBooks(store, [])).toMatchObject({ money: { taken: 0, refunded: 0 }, open: { authorizations: 0 } })
  })

  test('takes a parcel back with its items still reserved, to be released', () => {
    const store = openStore()
    store.reserve(job({ key: 'reserve', runId: 'r' }), 'o', 'TEA-001', 2)
    const ship = job({ key: 'ship', runId: 'r', token: '2.0' })
    expect(store.label(ship, 'o', 'DHL', 'DHL-1')).toBe('LABELED')
    store.handOver(ship)
    expect(store.label(ship, 'o', 'DHL', 'DHL-1')).toBe('HANDED_OVER')
    expect(keepBooks(store, []).stock[1]).toMatchObject({ sku: 'TEA-001', stock: 8, shipped: 2, balanced: true })
    const undo = job({ key: 'undo', runId: 'r', token: '3.0' })
    expect([store.recall(undo), store.recall(undo)]).toEqual([1, 0])
    expect(keepBooks(store, []).open.reservations).toBe(1)
    expect(store.release(undo)).toBe(2)
    expect(keepBooks(store, []).balanced).toBe(true)
  })

  test('refuses a run that was overtaken, so that a late charge cannot follow its refund', () => {
    const store = openStore()
    store.refund(job({ key: 'undo', runId: 'r', token: '17.0' }))
    expect(() => store.authorize(job({ key: 'charge', runId: 'r', token: '9.0' }), 'o', 900, '…4242')).toThrow(
      Overtaken,
    )
    expect(() => store.authorize(job({ key: 'charge', runId: 'r', token: '9.2' }), 'o', 900, '…4242')).toThrow(
      Overtaken,
    )
    expect(store.authorize(job({ key: 'charge', runId: 'another', token: '9.0' }), 'o', 900, '…4242')).toBe(
      'AUTHORIZED',
    )
  })

  test('is opened by several processes at once, and sells nothing twice', async () => {
    const file = join(tmpDir('orders'), 'orders.db')
    const buyer = fileURLToPath(new URL('./buyer.ts', import.meta.url))
    const start = String(Date.now() + 1_500)
    const run = (name: string) =>
      promisify(execFile)(process.execPath, ['--import', '@oxc-node/core/register', buyer, file, name, start])
    const bought = (await Promise.all(['a', 'b', 'c'].map(run))).map(({ stdout }) => Number(stdout))
    expect(bought.reduce((sum, n) => sum + n, 0)).toBe(50)
    const store = new Store(file, [])
    expect(keepBooks(store, []).stock).toMatchObject([{ stock: 0, shipped: 0, openingStock: 50 }])
    store.close()
  })
})

describe('the books', () => {
  const sale = { id: 'o', items: [{ sku: 'TEA-001', quantity: 2 }] }

  function sell(store: Store, id: string, runId: string): void {
    store.reserve(job({ key: `${runId} reserve`, runId }), id, 'TEA-001', 2)
    const charge = job({ key: `${runId} charge`, runId, token: '2.0' })
    store.authorize(charge, id, 1_000, '…4242')
    store.capture(charge)
    const ship = job({ key: `${runId} ship`, runId, token: '3.0' })
    store.label(ship, id, 'DHL', 'DHL-1')
    store.handOver(ship)
  }

  test('balance when a completed order was paid once and shipped once', () => {
    const store = openStore()
    sell(store, 'o', 'r')
    expect(keepBooks(store, [sale])).toMatchObject({
      money: { taken: 1_000, refunded: 0, owed: 1_000 },
      wrongOrders: [],
      balanced: true,
    })
  })

  test('do not balance when an order was sold that did not complete, or completed unsold', () => {
    const store = openStore()
    sell(store, 'o', 'r')
    expect(keepBooks(store, [])).toMatchObject({ wrongOrders: ['o'], balanced: false })
    const two = keepBooks(store, [sale, { ...sale, id: 'p' }])
    expect(two).toMatchObject({ wrongOrders: ['p'], money: { balanced: false }, balanced: false })
  })

  test('do not balance when an order was sold twice, or sent with other items', () => {
    const store = openStore()
    sell(store, 'o', 'r1')
    sell(store, 'o', 'r2')
    expect(keepBooks(store, [sale])).toMatchObject({ wrongOrders: ['o'], balanced: false })
    const other = openStore()
    sell(other, 'o', 'r')
    const more = { id: 'o', items: [{ sku: 'TEA-001', quantity: 1 }] }
    expect(keepBooks(other, [more])).toMatchObject({ wrongOrders: ['o'], balanced: false })
  })

  test('do not balance while something is left open', () => {
    const store = openStore()
    store.reserve(job({ key: 'k', runId: 'r' }), 'o', 'TEA-001', 2)
    expect(keepBooks(store, [])).toMatchObject({ open: { reservations: 1 }, balanced: false })
  })
})

describe('the file of orders', () => {
  const entries = readOrders(ORDERS)
  const count = (reason: string | undefined) => entries.filter(({ expect }) => expect.reason === reason).length

  test('holds at least 40 orders of every kind', () => {
    expect(entries.length).toBeGreaterThanOrEqual(40)
    expect(entries.filter(({ expect }) => expect.state === 'COMPLETED').length).toBeGreaterThanOrEqual(25)
    for (const reason of [
      'ValidateInput: UnknownProduct',
      'ReserveInventory: OutOfStock',
      'ChargePayment: CardDeclined',
      'ShipOrder: AddressUnserviceable',
    ])
      expect(count(reason), reason).toBeGreaterThanOrEqual(2)
    for (const reason of ['ChargePayment', 'ChargePayment: CaptureRefused']) expect(count(reason), reason).toBe(1)
    for (const act of ['release', 'cancel', 'terminate'] as const)
      expect(
        entries.some(entry => entry.act === act),
        act,
      ).toBe(true)
    expect(entries.filter(({ carrier }) => carrier === 'Night Owl').length).toBeGreaterThanOrEqual(2)
    expect(entries.every(({ items }) => items.length > 1)).toBe(true)
  })

  test('asks for no more than there is, but where it is to fail: whichever order comes first, all end the same', () => {
    for (const { sku, stock } of PRODUCTS) {
      const wanted = entries.flatMap(({ items }) => items.filter(item => item.sku === sku).map(item => item.quantity))
      const possible = wanted.filter(quantity => quantity <= stock)
      expect(
        possible.reduce((sum, quantity) => sum + quantity, 0),
        sku,
      ).toBeLessThanOrEqual(stock)
    }
    for (const { id, items, expect: expected } of entries) {
      const missing = items.some(
        ({ sku, quantity }) => quantity > (PRODUCTS.find(product => product.sku === sku)?.stock ?? Infinity),
      )
      expect(missing, id).toBe(expected.reason === 'ReserveInventory: OutOfStock')
    }
  })

  test('with a mistake is refused by order and field, all mistakes at once', () => {
    const [order, held] = JSON.parse(readFileSync(ORDERS, 'utf8')) as Record<string, unknown>[]
    const wrong = [
      { ...order, items: [{ sku: 'KBD-104', quantity: 0 }], colour: 'red' },
      { ...held, id: undefined },
      { ...held, act: 'release' },
      { ...held, id: 'H', holdBefore: 'payment', act: 'terminate' },
      order,
      'not an order',
    ]
    expect(() => parseOrders(wrong, 'my.json')).toThrow(/^my\.json has mistakes:\n {2}order ORD-24101: /)
    try {
      parseOrders(wrong)
    } catch (error) {
      const { message } = error as Error
      expect(message).toContain('order ORD-24101: items.0.quantity: ')
      expect(message).toContain('colour')
      expect(message).toContain('order number 2: id: ')
      expect(message).toContain('order ORD-24102: act: an order with holdBefore needs an act')
      expect(message).toContain('order H: act: terminate undoes nothing')
      expect(message).toContain('order ORD-24101: id: two orders have it')
      expect(message).toContain('order number 6: ')
    }
    expect(() => parseOrders({})).toThrow('no list of orders')
    expect(() => readOrders('/nowhere.json')).toThrow('/nowhere.json cannot be read')
  })
})
