// The contracts of the activities: what goes in, what comes out, how long it may take, what is tried again.
// No handlers and no I/O here: the workflow imports this file, the worker implements it (handlers.ts).

import { defineActivity } from 'swf-gateway/workflow'
import { z } from 'zod'
import { Address, Card, CARRIERS, Line, Order } from './order.js'

/** SWF's four timeouts. All four are always sent, whatever was registered. */
const TIMEOUTS = {
  /** One try, from its start to its end. */
  startToClose: '30s',
  /** One try, waiting for a worker. */
  scheduleToStart: '2m',
  /** One try, waiting and running. */
  scheduleToClose: '3m',
  /** The longest silence. The worker beats by itself for as long as its handler lives. */
  heartbeat: '8s',
} as const

/** The first try and up to three more, after 1, 2 and 2 seconds. */
const RETRY = { maximumAttempts: 4, initialInterval: '1s', backoff: 2, maximumInterval: '2s' } as const

/** To undo must not fail: it is tried for an hour or so before somebody has to look after it. */
const PERSISTENT = { maximumAttempts: 120, initialInterval: '1s', backoff: 2, maximumInterval: '30s' } as const

const OrderRef = z.object({ orderId: z.string() })

// What an order takes

export const validateInput = defineActivity('ValidateInput', '1.0', {
  ...TIMEOUTS,
  description: 'Looks the items up in the catalogue and prices them',
  input: Order,
  result: z.object({ lines: z.array(Line), total: z.int() }),
  retry: { ...RETRY, nonRetryable: ['UnknownProduct'] },
})

export const reserveInventory = defineActivity('ReserveInventory', '1.0', {
  ...TIMEOUTS,
  description: 'Takes the items from the shelves, one after the other',
  input: OrderRef.extend({ lines: z.array(Line) }),
  result: z.object({ reservationId: z.string() }),
  retry: { ...RETRY, nonRetryable: ['OutOfStock'] },
})

export const chargePayment = defineActivity('ChargePayment', '1.0', {
  ...TIMEOUTS,
  description: 'Sets the amount aside on the card, then takes it',
  input: OrderRef.extend({ amount: z.int(), card: Card }),
  result: z.object({ paymentId: z.string(), amount: z.int() }),
  // A bank that has not answered by then will not answer this call.
  startToClose: '10s',
  retry: {
    ...RETRY,
    nonRetryable: ['CardDeclined', 'InsufficientFunds', 'CardExpired', 'CardBlocked', 'CaptureRefused'],
  },
})

export const shipOrder = defineActivity('ShipOrder', '1.0', {
  ...TIMEOUTS,
  description: 'Prints the label, books the parcel and hands it over',
  input: OrderRef.extend({ address: Address, carrier: z.enum(CARRIERS) }),
  result: z.object({ trackingNumber: z.string() }),
  retry: { ...RETRY, nonRetryable: ['AddressUnserviceable'] },
})

// What undoes it, half done or done

export const releaseInventory = defineActivity('ReleaseInventory', '1.0', {
  ...TIMEOUTS,
  description: 'Puts reserved items back',
  input: OrderRef,
  result: z.object({ itemsReleased: z.int() }),
  retry: PERSISTENT,
})

export const refundPayment = defineActivity('RefundPayment', '1.0', {
  ...TIMEOUTS,
  description: 'Refunds what was taken, frees what was only set aside',
  input: OrderRef.extend({ paymentId: z.string().optional() }),
  result: z.object({ amountRefunded: z.int() }),
  retry: PERSISTENT,
})

export const recallShipment = defineActivity('RecallShipment', '1.0', {
  ...TIMEOUTS,
  description: 'Voids the label, or takes the parcel back',
  input: OrderRef.extend({ trackingNumber: z.string().optional() }),
  result: z.object({ parcelsRecalled: z.int() }),
  retry: PERSISTENT,
})
