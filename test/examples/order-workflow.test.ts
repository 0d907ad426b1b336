// The example's workflow and handlers together: every order of the file lives its life, and ends as the file says.

import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { keepBooks } from '../../examples/order-saga/books.js'
import { readOrders, type Entry } from '../../examples/order-saga/orders-file.js'
import { effort, problem, type Outcome } from '../../examples/order-saga/outcome.js'
import { booksTable, orderTable, verdict } from '../../examples/order-saga/report.js'
import { countsOf } from '../../examples/order-saga/progress.js'
import { Store } from '../../examples/order-saga/store.js'
import { orderSaga } from '../../examples/order-saga/workflow.js'
import { brief, Story } from '../support/given.js'
import { tmpDir } from '../support/tmp.js'
import { live, ORDERS } from './orders.js'

const entries = readOrders(ORDERS)
const file = join(tmpDir('orders'), 'orders.db')
let outcomes: (Outcome & { story: Story })[]

beforeAll(async () => {
  process.env.ORDER_STORE = file
  outcomes = await Promise.all(entries.map(live))
})

function outcomeOf(matches: (entry: Entry) => boolean): Outcome & { story: Story } {
  return outcomes.find(({ entry }) => matches(entry))!
}

/** The activities of an order, in the order in which they were scheduled. */
function activities({ tasks }: Outcome): string[] {
  return tasks.map(task => task.activityType.name)
}

describe('every order', () => {
  test('ends as the file says, and the books balance', () => {
    const store = new Store(file)
    const completed = outcomes.filter(({ execution }) => execution?.status === 'COMPLETED').map(({ entry }) => entry)
    const books = keepBooks(store, completed)
    store.close()
    expect(outcomes.flatMap(outcome => problem(outcome) ?? [])).toEqual([])
    expect(books).toMatchObject({ balanced: true, wrongOrders: [] })
    expect(verdict(outcomes, books, 1).text).toContain(`Proven: all ${entries.length} orders ended`)
    expect(orderTable(outcomes).split('\n')).toHaveLength(entries.length + 1)
    expect(booksTable(books)).not.toContain('✗')
  })

  test('tells a history that SWF would have', () => {
    for (const { story } of outcomes) story.check()
  })
})

describe('an order', () => {
  test('completes in four activities', () => {
    const outcome = outcomeOf(({ expect }) => expect.state === 'COMPLETED')
    expect(activities(outcome)).toEqual(['ValidateInput', 'ReserveInventory', 'ChargePayment', 'ShipOrder'])
    expect(effort(outcome)).toEqual({ attempts: 4, retries: 0, compensations: 0 })
  })

  test('with an unknown product ends before anything is done', () => {
    expect(activities(outcomeOf(({ expect }) => expect.reason === 'ValidateInput: UnknownProduct'))).toEqual([
      'ValidateInput',
    ])
  })

  test('short of stock puts back the items that it had taken', () => {
    const outcome = outcomeOf(({ expect }) => expect.reason === 'ReserveInventory: OutOfStock')
    expect(activities(outcome)).toEqual(['ValidateInput', 'ReserveInventory', 'ReleaseInventory'])
  })

  test('whose card is refused, or whose money is set aside and not taken, is rolled back and compensated in reverse', () => {
    const undone = ['ValidateInput', 'ReserveInventory', 'ChargePayment', 'RefundPayment', 'ReleaseInventory']
    for (const reason of ['CardDeclined', 'CaptureRefused'])
      expect(activities(outcomeOf(({ expect }) => expect.reason === `ChargePayment: ${reason}`)), reason).toEqual(
        undone,
      )
  })

  test('whose bank cannot be reached is tried four times', () => {
    const outcome = outcomeOf(({ card }) => card.number === '4000000000000119')
    expect(outcome.execution?.failure?.reason).toBe('ChargePayment: BankUnreachable')
    expect(effort(outcome)).toEqual({ attempts: 6, retries: 3, compensations: 2 })
  })

  test('whose bank is silent once is charged at the second try, after the first has timed out', () => {
    const outcome = outcomeOf(({ card }) => card.number === '4000002500003155')
    expect(outcome.story.events.some(({ eventType }) => eventType === 'ActivityTaskTimedOut')).toBe(true)
    expect(effort(outcome)).toEqual({ attempts: 5, retries: 1, compensations: 0 })
  })

  test('whose carrier fails twice is shipped at the third try', () => {
    const outcome = outcomeOf(({ carrier }) => carrier === 'Night Owl')
    expect(effort(outcome)).toEqual({ attempts: 6, retries: 2, compensations: 0 })
  })

  test('to an address that nobody serves gives back label, money and items, in this order', () => {
    const outcome = outcomeOf(({ expect }) => expect.reason === 'ShipOrder: AddressUnserviceable')
    expect(activities(outcome).slice(4)).toEqual(['RecallShipment', 'RefundPayment', 'ReleaseInventory'])
  })

  test('canceled while it is held before its payment gives its items back', () => {
    const outcome = outcomeOf(({ act, holdBefore }) => act === 'cancel' && holdBefore === 'payment')
    expect(activities(outcome)).toEqual(['ValidateInput', 'ReserveInventory', 'ReleaseInventory'])
    expect(outcome.execution).toMatchObject({ status: 'CANCELED', saga: { state: 'FAILED' } })
  })

  test('held and released goes on, and its state says who released it', () => {
    const outcome = outcomeOf(({ act }) => act === 'release')
    expect(outcome.execution).toMatchObject({ status: 'COMPLETED', state: { releasedBy: 'test' } })
  })
})

describe('the hold signal', () => {
  test('holds an order before its next step until it is released; after three days the order is undone', async () => {
    const [{ act: _act, expect: _expect, ...order }] = entries as [Entry]
    const story = new Story(orderSaga, order)
    await story.go()
    await story.signal('hold', { by: 'fraud desk' }).go()
    const lines = [{ sku: 'TEA-001', quantity: 1, name: 'Tea', price: 500 }]
    const held = await story.complete('ValidateInput', { lines, total: 500 }).go()
    expect(brief(held)).toEqual(['StartTimer 2.sleep 259200s'])
    expect(story.context).toMatchObject({ state: { held: 'reservation' }, saga: { step: 'hold before reservation' } })
    const released = await story.signal('release', 'anything').go()
    expect(brief(released)).toEqual(['CancelTimer 2.sleep', 'ScheduleActivityTask ReserveInventory 3.1'])
    expect(story.context.state).toEqual({ releasedBy: 'somebody' })
    await story.signal('hold').go()
    await story.complete('ReserveInventory', { reservationId: 'R-1' }).go()
    expect(brief(await story.fire(/sleep/).go())).toEqual(['ScheduleActivityTask ReleaseInventory 5.1'])
    story.check()
  })
})

describe('what is shown', () => {
  test('counts orders by state', () => {
    expect(countsOf(['running', 'completed', 'running', 'odd'], 5)).toBe('5 orders: 2 running, 1 completed, 1 odd')
    expect(countsOf([], 5)).toBe('5 orders: on their way')
  })

  test('names every order that is not as it must be', () => {
    const good: Outcome = outcomes[0]!
    const open = { ...good, execution: { ...good.execution!, status: 'OPEN' as const, closedAt: null } }
    const failed = { ...good, execution: { ...good.execution!, status: 'FAILED' as const, failure: { reason: 'Why' } } }
    expect(problem(open)).toBe('is still open: COMPLETED at shipment')
    expect(problem(failed)).toBe('ended FAILED (Why), expected COMPLETED')
    expect(problem({ ...good, execution: undefined })).toBe('was never found')
    const balanced = { stock: [], money: {} as never, open: {} as never, wrongOrders: [], balanced: true }
    expect(verdict([good, failed], balanced, 1)).toMatchObject({ proven: false })
    expect(verdict([good], { ...balanced, balanced: false }, 1)).toMatchObject({ proven: false })
  })
})
