import { describe, expect, test } from 'vitest'
import { decodePayload } from '../../src/swf/payload.js'
import { decodeFailure } from '../../src/swf/failure.js'
import { decisionAttributes } from '../../src/swf/decision.js'
import { defineActivity, defineSignal, defineWorkflow, runSaga, saga } from '../../src/workflow/index.js'
import { brief, Story } from '../support/given.js'

interface Order {
  id: string
  total: number
}
const once = { maximumAttempts: 1 }
const reserve = defineActivity<{ id: string }, { reservationId: string }>('Reserve', '1', {
  retry: { nonRetryable: ['OutOfStock'], jitter: 0 },
})
const release = defineActivity<{ reservationId: string }, void>('Release', '1')
const charge = defineActivity<{ id: string; amount: number }, { paymentId: string }>('Charge', '1', { retry: once })
const refund = defineActivity<{ id: string }, void>('Refund', '1', { retry: once })
const ship = defineActivity<{ id: string }, { parcel: string }>('Ship', '1', { retry: once })
const recall = defineActivity<{ id: string }, void>('Recall', '1', { retry: once })
const released = defineSignal('released')

const orderSaga = defineWorkflow('OrderSaga', '1', {}, async (order: Order) => {
  const done = await saga(order)
    .step('reservation', reserve, {
      input: c => ({ id: c.input.id }),
      compensate: [release, c => ({ reservationId: c.reservation.reservationId })],
    })
    .step('payment', charge, {
      input: c => ({ id: c.input.id, amount: c.input.total }),
      rollback: [refund, c => ({ id: c.input.id })],
      compensate: [refund, c => ({ id: c.payment.paymentId })],
    })
    .step('shipment', ship, {
      input: c => ({ id: c.payment.paymentId }),
      rollback: [recall, c => ({ id: c.input.id })],
    })
    .run()
  return done.shipment.parcel
})
const order: Order = { id: 'o1', total: 12 }
const begin = async (story = new Story(orderSaga, order)) => {
  await story.go()
  return story
}
const inputOf = (story: Story) =>
  decodePayload(
    story.events.findLast(event => event.eventType === 'ActivityTaskScheduled')!.activityTaskScheduledEventAttributes
      .input,
  ).value

describe('a saga', () => {
  test('runs its steps in order, each seeing the results before it, and completes', async () => {
    const story = await begin()
    expect(brief(await story.complete('Reserve', { reservationId: 'r1' }).go())).toEqual([
      'ScheduleActivityTask Charge 2.1',
    ])
    expect(inputOf(story)).toEqual({ id: 'o1', amount: 12 })
    await story.complete('Charge', { paymentId: 'p1' }).go()
    expect(inputOf(story)).toEqual({ id: 'p1' })
    expect(story.sent.saga).toEqual({
      state: 'RUNNING',
      step: 'shipment',
      attempt: 1,
      steps: [
        { name: 'reservation', state: 'DONE', attempts: 1 },
        { name: 'payment', state: 'DONE', attempts: 1 },
        { name: 'shipment', state: 'RUNNING', attempts: 1 },
      ],
    })
    const [close] = await story.complete('Ship', { parcel: 'x' }).go()
    expect(decisionAttributes(close!).result).toBe('"x"')
    expect(story.sent.saga?.state).toBe('COMPLETED')
    story.check()
  })

  test('rolls the failed step back, compensates completed ones in reverse, then fails saying what happened', async () => {
    const story = await begin()
    await story.complete('Reserve', { reservationId: 'r1' }).go()
    await story.complete('Charge', { paymentId: 'p1' }).go()
    expect(brief(await story.fail('Ship', 'Undeliverable', 'no carrier goes there').go())).toEqual([
      'ScheduleActivityTask Recall 4.1',
    ])
    expect(story.sent.saga).toMatchObject({ state: 'ROLLING_BACK', step: 'shipment', attempt: 1 })
    expect(brief(await story.complete('Recall').go())).toEqual(['ScheduleActivityTask Refund 5.1'])
    expect(inputOf(story)).toEqual({ id: 'p1' })
    expect(story.sent.saga).toMatchObject({ state: 'COMPENSATING', step: 'payment' })
    expect(brief(await story.complete('Refund').go())).toEqual(['ScheduleActivityTask Release 6.1'])
    expect(inputOf(story)).toEqual({ reservationId: 'r1' })
    const [close] = await story.complete('Release').go()
    expect(brief([close!])).toEqual(['FailWorkflowExecution Ship: Undeliverable'])
    const { details } = decisionAttributes(close!)
    expect(decodeFailure('', undefined, details as string)).toMatchObject({
      code: 'SAGA_FAILED',
      details: { step: 'shipment', undone: ['shipment', 'payment', 'reservation'], left: [] },
      cause: { code: 'ACTIVITY_TASK_FAILED', reason: 'Undeliverable', message: 'no carrier goes there', attempts: 1 },
    })
    expect(story.sent.saga).toMatchObject({
      state: 'FAILED',
      steps: [{ state: 'UNDONE' }, { state: 'UNDONE' }, { state: 'UNDONE' }],
    })
    story.check()
  })

  test('shows RETRYING with the attempt from the failure until the retry is done', async () => {
    const story = await begin()
    await story.fail('Reserve', 'Busy').go()
    expect(story.sent.saga).toMatchObject({ state: 'RETRYING', step: 'reservation', attempt: 2 })
    await story.fire('1.1.retry').go()
    expect(story.sent.saga).toMatchObject({ state: 'RETRYING', attempt: 2 })
    await story.complete('1.2', { reservationId: 'r1' }).go()
    expect(story.sent.saga).toMatchObject({ state: 'RUNNING', step: 'payment', attempt: 1 })
  })

  test('whose first step fails has nothing to undo', async () => {
    const story = await begin()
    expect(brief(await story.fail('Reserve', 'OutOfStock').go())).toEqual(['FailWorkflowExecution Reserve: OutOfStock'])
    expect(story.sent.saga?.steps).toEqual([
      { name: 'reservation', state: 'FAILED', attempts: 1 },
      { name: 'payment', state: 'SKIPPED', attempts: 0 },
      { name: 'shipment', state: 'SKIPPED', attempts: 0 },
    ])
  })

  test('goes on undoing when one compensation fails for good, and says what is left', async () => {
    const story = await begin()
    await story.complete('Reserve', { reservationId: 'r1' }).go()
    await story.complete('Charge', { paymentId: 'p1' }).go()
    await story.fail('Ship', 'Lost').go()
    await story.fail('Recall', 'Gone').go()
    await story.fail('Refund', 'BankClosed').go()
    const [close] = await story.complete('Release').go()
    expect(decodeFailure('', undefined, decisionAttributes(close!).details as string).details).toEqual({
      step: 'shipment',
      undone: ['reservation'],
      left: ['shipment', 'payment'],
    })
    expect(story.sent.saga?.steps.map(step => step.state)).toEqual(['UNDONE', 'LEFT', 'LEFT'])
  })

  test('that is canceled waits for the running activity, undoes what was done unhindered, and closes as canceled', async () => {
    const story = await begin()
    await story.complete('Reserve', { reservationId: 'r1' }).go()
    expect(brief(await story.requestCancel().go())).toEqual(['RequestCancelActivityTask 2.1'])
    expect(brief(await story.activityCanceled('Charge').go())).toEqual(['ScheduleActivityTask Refund 3.1'])
    expect(brief(await story.requestCancel().go())).toEqual([])
    await story.complete('Refund').go()
    expect(brief(await story.complete('Release').go())).toEqual(['CancelWorkflowExecution'])
    expect(story.sent.saga?.state).toBe('FAILED')
    story.check()
  })

  test('a canceled activity that completed all the same is compensated like any other', async () => {
    const story = await begin()
    await story.complete('Reserve', { reservationId: 'r1' }).go()
    await story.requestCancel().go()
    expect(brief(await story.complete('Charge', { paymentId: 'p1' }).go())).toEqual(['ScheduleActivityTask Refund 3.1'])
    expect(inputOf(story)).toEqual({ id: 'p1' })
  })

  test('an error in author code undoes nothing: the run is stuck', async () => {
    const broken = defineWorkflow('Broken', '1', {}, () =>
      saga(order)
        .step('reservation', reserve, { input: c => ({ id: c.input.id }), compensate: [release, c => c.reservation] })
        .do('oops', async () => {
          throw new TypeError('a bug')
        })
        .run(),
    )
    const story = await begin(new Story(broken))
    expect(await story.complete('Reserve', { reservationId: 'r' }).decide()).toMatchObject({
      kind: 'stuck',
      stuck: { reason: 'TypeError: a bug' },
    })
  })

  test('written as code loops over its steps, and waits inside them', async () => {
    const loop = defineWorkflow('Loop', '1', {}, () =>
      runSaga(async s => {
        for (const id of ['a', 'b'])
          await s.step(id, () => reserve({ id }), { compensate: [release, reservation => reservation] })
        await s.step('release', () => released.receive())
        await s.step('c', () => charge({ id: 'c', amount: 1 }))
      }),
    )
    const story = await begin(new Story(loop))
    await story.complete('1.1', { reservationId: 'ra' }).go()
    await story.complete('2.1', { reservationId: 'rb' }).go()
    expect(story.sent.saga).toMatchObject({ step: 'release' })
    await story.signal('released').go()
    await story.fail('Charge', 'Refused').go()
    expect(inputOf(story)).toEqual({ reservationId: 'rb' })
    await story.complete('Release').go()
    expect(inputOf(story)).toEqual({ reservationId: 'ra' })
    expect(brief(await story.complete('Release').go())).toEqual(['FailWorkflowExecution c: Refused'])
  })

  test('rolls back every step that failed, those that the code caught included', async () => {
    const caught = defineWorkflow('Caught', '1', {}, () =>
      runSaga(async s => {
        await s
          .step('ship', () => ship({ id: 'a' }), { rollback: [recall, () => ({ id: 'a' })] })
          .catch(() => s.step('other', () => reserve({ id: 'b' })))
        await s.step('charge', () => charge({ id: 'c', amount: 1 }), { rollback: [refund, () => ({ id: 'c' })] })
      }),
    )
    const story = await begin(new Story(caught))
    await story.fail('Ship', 'Lost').go()
    await story.complete('Reserve', { reservationId: 'r' }).go()
    expect(brief(await story.fail('Charge', 'Refused').go())).toEqual(['ScheduleActivityTask Refund 4.1'])
    expect(brief(await story.complete('Refund').go())).toEqual(['ScheduleActivityTask Recall 5.1'])
    expect(brief(await story.complete('Recall').go())).toEqual(['FailWorkflowExecution charge: Refused'])
  })

  test('shows its end with the closing decision and not before', async () => {
    const after = defineWorkflow('After', '1', {}, async () => {
      await saga(order)
        .step('reservation', reserve, { input: c => ({ id: c.input.id }) })
        .run()
      await released.receive()
    })
    const story = await begin(new Story(after))
    await story.complete('Reserve', { reservationId: 'r' }).go()
    expect(story.sent.saga?.state).toBe('RUNNING')
    await story.signal('released').go()
    expect(story.sent.saga?.state).toBe('COMPLETED')
  })
})

test('a saga that has failed is shown as compensating while its workflow goes on, and as failed with its close', async () => {
  const caught = defineWorkflow('Caught', '1', {}, async () => {
    const end = saga(order)
      .step('payment', charge, { input: () => ({ id: 'a', amount: 1 }), rollback: [refund, () => ({ id: 'a' })] })
      .run()
    await end.catch(() => released.receive())
  })
  const story = await begin(new Story(caught))
  await story.fail('Charge', 'Refused').go()
  expect(story.sent.saga?.state).toBe('ROLLING_BACK')
  await story.complete('Refund').go()
  expect(story.sent.saga).toMatchObject({ state: 'COMPENSATING', steps: [{ state: 'UNDONE' }] })
  expect(brief(await story.signal('released').go())).toEqual(['CompleteWorkflowExecution'])
  expect(story.sent.saga?.state).toBe('FAILED')
})

test('two steps of one name are refused', () => {
  expect(() =>
    saga(1)
      .step('a', charge, { input: () => ({ id: '', amount: 1 }) })
      .do('a', async () => 1),
  ).toThrow(/two results named a/)
})
