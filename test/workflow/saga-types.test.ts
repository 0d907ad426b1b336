// What the compiler must refuse of sagas: `tsc` fails on an unused @ts-expect-error, so a hole in the types fails the type check.

import { expect, test } from 'vitest'
import {
  defineActivity,
  defineSignal,
  defineWorkflow,
  executeChild,
  runSaga,
  saga,
  sleep,
} from '../../src/workflow/index.js'

const reserve = defineActivity<{ sku: string }, { reservationId: string }>('Reserve', '1')
const release = defineActivity<{ reservationId: string }, void>('Release', '1')
const charge = defineActivity<{ amount: number }, { paymentId: string }>('Charge', '1')
const refund = defineActivity<{ paymentId: string }, void>('Refund', '1')
const approved = defineSignal<{ by: string }>('approved')
const delivery = defineWorkflow('Delivery', '1', {}, async (order: { id: string }) => ({ parcel: order.id.length }))
const patient = { retry: { maximumAttempts: 50 } }

export const declarative = defineWorkflow('Declarative', '1', {}, async (order: { sku: string; total: number }) => {
  const done = await saga(order, { deadline: '2h', undo: 'parallel', onUndoFailure: 'stop', retryUndo: true })
    .step('stock', reserve, {
      input: c => ({ sku: c.input.sku }),
      compensate: [release, c => ({ reservationId: c.stock.reservationId }), patient],
    })
    .step('gift', reserve, {
      when: c => c.input.total > 100,
      input: c => ({ sku: c.stock.reservationId }),
      compensate: [release, (_c, gift) => gift],
    })
    .parallel({
      payment: s =>
        s.step(charge, {
          input: c => ({ amount: c.input.total }),
          rollback: [refund, c => ({ paymentId: c.input.sku })],
          compensate: [refund, (_c, paid) => paid, patient],
        }),
      label: s =>
        s.child(delivery, {
          when: c => c.input.total > 1,
          input: c => ({ id: c.stock.reservationId }),
          compensate: (_c, { parcel }) => executeChild(delivery, { id: String(parcel) }),
        }),
      consent: s => s.receive(approved, { timeout: '1d' }),
      rest: s => s.sleep('1s'),
      note: s => s.do(async c => c.gift?.reservationId),
    })
    .child('parcel', delivery, {
      input: c => ({ id: c.payment.paymentId }),
      child: c => ({ workflowId: `parcel-${c.input.sku}` }),
      compensate: async c => void c.parcel.parcel,
    })
    .receive('go', approved)
    .sleep('pause', c => (c.input.total > 5 ? '5s' : 0))
    .do('sum', async c => c.parcel.parcel + c.input.total, { rollback: async c => void c.go.by })
    .run()
  const optional: { reservationId: string } | undefined = done.gift
  const label: { parcel: number } | undefined = done.label
  // @ts-expect-error a step with a condition may have no result
  const surely: { reservationId: string } = done.gift
  const note: string | undefined = done.note
  return { by: done.consent.by, payment: done.payment.paymentId, sum: done.sum + 1, optional, label, surely, note }
})

export const refused = () => {
  saga({ sku: 'a' }).step('stock', reserve, {
    // @ts-expect-error the input of reserve is a sku
    input: c => ({ name: c.input.sku }),
  })
  saga({ sku: 'a' }).step('stock', reserve, {
    input: c => c.input,
    // @ts-expect-error what is compensated with has another input
    compensate: [refund, c => ({ paymentId: c.stock })],
  })
  saga({ sku: 'a' }).step('stock', reserve, {
    input: c => c.input,
    // @ts-expect-error a rollback cannot see its own step's result
    rollback: [release, c => ({ reservationId: c.stock.reservationId })],
  })
  // @ts-expect-error a later step is not known yet
  saga({ sku: 'a' }).step('stock', reserve, { input: c => ({ sku: c.payment }) })
  // @ts-expect-error the input of a child is checked
  saga(1).child('parcel', delivery, { input: () => ({ name: 'a' }) })
  saga({ sku: 'a' }).parallel({
    // @ts-expect-error so is that of a step in a group
    stock: s => s.step(reserve, { input: () => ({ name: 'a' }) }),
    other: s =>
      s.step(reserve, {
        // @ts-expect-error one step of a group does not see the others
        input: c => ({ sku: c.stock.reservationId }),
      }),
  })
  // @ts-expect-error there is no such policy
  saga(1, { onUndoFailure: 'ignore' })
  // @ts-expect-error a deadline is a duration
  saga(1, { deadline: 'soon' })
  return runSaga(async s => {
    const { reservationId } = await s.step('stock', () => reserve({ sku: 'a' }), {
      rollback: [release, () => ({ reservationId: 'a' })],
      compensate: [release, stock => ({ reservationId: stock.reservationId }), patient],
    })
    // @ts-expect-error what is compensated with has another input
    await s.step('other', () => reserve({ sku: 'a' }), { compensate: [refund, stock => stock] })
    // @ts-expect-error a rollback is given nothing
    await s.step('third', () => reserve({ sku: 'a' }), { rollback: [release, stock => stock] })
    await s.step('pause', () => sleep('1s'), { compensate: () => sleep('1s') })
    return reservationId
  })
}

test('sagas are refused where they are written, not where they run', () => {
  expect(() =>
    saga(1)
      .parallel({ a: s => s.sleep('1s') })
      .sleep('a', '1s'),
  ).toThrow(/two results named a/)
  expect(() => saga(1).sleep('input', '1s')).toThrow(/two results named input/)
})
