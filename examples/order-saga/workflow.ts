// The order saga: validate, reserve, charge, ship; on failure undo what was done, the last thing first.
//
// Each step says how it is undone. `rollback` undoes the half-done work of the step that failed; `compensate` undoes a step
// that had completed when a later one failed or the order was canceled. Retry and timeouts are in the contracts (activities.ts).

import { condition, defineSignal, defineWorkflow, saga, setState, withTimeout } from 'swf-gateway/workflow'
import { z } from 'zod'
import {
  chargePayment,
  recallShipment,
  refundPayment,
  releaseInventory,
  reserveInventory,
  shipOrder,
  validateInput,
} from './activities.js'
import { Order, type HoldPoint } from './order.js'

const By = z.object({ by: z.string() }).catch({ by: 'somebody' })

/** Holds an order before its next step. */
export const hold = defineSignal('hold', { input: By })
/** Lets a held order go on. */
export const release = defineSignal('release', { input: By })

/** How long an order may be held before it is given up and undone. */
const LONGEST_HOLD = '3d'

export const orderSaga = defineWorkflow(
  'OrderSaga',
  '1.0',
  {
    description: 'Takes an order from its validation to the parcel, or leaves nothing behind',
    input: Order,
    result: z.object({ paymentId: z.string(), amount: z.int(), trackingNumber: z.string() }),
    executionStartToClose: '14d',
  },
  async order => {
    const heldBefore = holdable(order.holdBefore)
    const ref = { orderId: order.id }
    const done = await saga(order)
      .step('validation', validateInput, { input: c => c.input })
      .do('hold before reservation', () => heldBefore('reservation'))
      .step('reservation', reserveInventory, {
        input: c => ({ ...ref, lines: c.validation.lines }),
        rollback: [releaseInventory, () => ref],
        compensate: [releaseInventory, () => ref],
      })
      .do('hold before payment', () => heldBefore('payment'))
      .step('payment', chargePayment, {
        input: c => ({ ...ref, amount: c.validation.total, card: c.input.card }),
        rollback: [refundPayment, () => ref],
        compensate: [refundPayment, c => ({ ...ref, paymentId: c.payment.paymentId })],
      })
      .do('hold before shipment', () => heldBefore('shipment'))
      .step('shipment', shipOrder, {
        input: c => ({ ...ref, address: c.input.shipTo, carrier: c.input.carrier }),
        rollback: [recallShipment, () => ref],
        compensate: [recallShipment, c => ({ ...ref, trackingNumber: c.shipment.trackingNumber })],
      })
      .run()
    return { ...done.payment, trackingNumber: done.shipment.trackingNumber }
  },
)

/**
 * Listens to the signals, and returns what waits at a step for as long as the order is held there: because it was ordered so,
 * or because somebody has sent `hold`. While it waits the execution's state says so: `{ held: 'payment' }`.
 */
function holdable(from: HoldPoint | undefined): (step: HoldPoint) => Promise<void> {
  let held: HoldPoint | 'next' | undefined = from
  hold.handle(() => (held = 'next'))
  release.handle(({ by }) => {
    held = undefined
    setState({ releasedBy: by })
  })
  return async step => {
    const isHeld = () => held === 'next' || held === step
    if (!isHeld()) return
    setState({ held: step })
    await withTimeout(
      LONGEST_HOLD,
      condition(() => !isHeld()),
    )
  }
}
