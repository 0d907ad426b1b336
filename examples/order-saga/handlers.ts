// What the activities do. The only file of this application that touches the world.
//
// A handler may run more than once for one call: after a failure, after a timeout, or because its worker died.
// So every change goes to the store with `job`, which names the call (idempotencyKey) and the run (fencingToken).

import { setTimeout as pause } from 'node:timers/promises'
import { ActivityFailure, implement } from 'swf-gateway'
import {
  chargePayment,
  recallShipment,
  refundPayment,
  releaseInventory,
  reserveInventory,
  shipOrder,
  validateInput,
} from './activities.js'
import { askAuthorization, askCapture, type Answer } from './bank.js'
import { book, unserviceable } from './carriers.js'
import { numberFor, Store, storeFile } from './store.js'

let opened: Store | undefined

/** Opens the store when it is first needed, so that registering the types needs none. */
function store(): Store {
  return (opened ??= new Store(storeFile()))
}

export const handlers = [
  implement(validateInput, ({ items }) => {
    const lines = items.map(item => {
      const product = store().product(item.sku)
      if (!product) throw new ActivityFailure('UnknownProduct', `the catalogue has no ${item.sku}`, { sku: item.sku })
      return { ...item, name: product.name, price: product.price }
    })
    return { lines, total: lines.reduce((sum, line) => sum + line.quantity * line.price, 0) }
  }),

  implement(reserveInventory, async ({ orderId, lines }, job) => {
    for (const { sku, quantity } of lines) {
      await pause(40, undefined, { signal: job.signal })
      if (store().reserve(job, orderId, sku, quantity) === 'OUT_OF_STOCK')
        throw new ActivityFailure('OutOfStock', `fewer than ${quantity} of ${sku} are left`, { sku, quantity })
      job.heartbeat({ reserved: sku })
    }
    return { reservationId: numberFor('R', job.idempotencyKey) }
  }),

  implement(chargePayment, async ({ orderId, amount, card }, job) => {
    const payment = { paymentId: numberFor('P', job.idempotencyKey), amount }
    approve(await askAuthorization(card, job.signal))
    if (store().authorize(job, orderId, amount, `…${card.number.slice(-4)}`) === 'CAPTURED') return payment
    job.heartbeat({ authorized: amount })
    approve(await askCapture(card, job.idempotencyKey, store(), job.signal))
    store().capture(job)
    return payment
  }),

  implement(shipOrder, async ({ orderId, address, carrier }, job) => {
    const trackingNumber = numberFor(carrier.toUpperCase().replaceAll(' ', ''), job.idempotencyKey)
    if (store().label(job, orderId, carrier, trackingNumber) === 'HANDED_OVER') return { trackingNumber }
    job.heartbeat({ labeled: trackingNumber })
    const obstacle = unserviceable(address)
    if (obstacle) throw new ActivityFailure('AddressUnserviceable', obstacle)
    if (!(await book(carrier, job.idempotencyKey, store(), job.signal)))
      throw new ActivityFailure('CarrierUnavailable', `the booking system of ${carrier} is down`)
    store().handOver(job)
    return { trackingNumber }
  }),

  implement(releaseInventory, (_order, job) => ({ itemsReleased: store().release(job) })),
  implement(refundPayment, (_order, job) => ({ amountRefunded: store().refund(job) })),
  implement(recallShipment, (_order, job) => ({ parcelsRecalled: store().recall(job) })),
]

/** Fails the activity unless the bank approves: for good when it refuses, for now when it was not reached. */
function approve(answer: Answer): void {
  if (answer === 'approved') return
  if (answer === 'unreachable') throw new ActivityFailure('BankUnreachable', 'the line to the bank broke')
  throw new ActivityFailure(answer.refused, answer.message)
}
