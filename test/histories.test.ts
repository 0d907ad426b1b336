// Golden histories: recorded once, replayed by every build. One that does not fit any more is a change that would have stopped
// the executions that were open at the time: it is never recorded anew, the code is mended.
//
//     RECORD=1 npx vitest run test/histories.test.ts      records those that are missing

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { approval } from '../examples/approval/approval.js'
import * as desk from '../examples/approval/activities.js'
import { decided } from '../examples/approval/report.js'
import { workflows as approvals } from '../examples/approval/workflows.js'
import * as shop from '../examples/order-saga/activities.js'
import { hold, orderSaga, release } from '../examples/order-saga/workflow.js'
import { example } from '../examples/order-saga/app.js'
import { ActivityFailure, implement, testEnvironment, type TestEnvironment } from '../src/testing/index.js'
import { readHistoryFile, writeHistoryFile } from '../src/swf/history-file.js'
import { replay } from '../src/workflow/replay/replay.js'
import * as guide from './examples/guide.js'

const FOLDER = 'test/histories'
const workflows = [orderSaga, ...approvals, ...guide.workflows]
const order = (id: string, given: object = {}) => ({ ...(example.input as object), id, ...given }) as never
const fails = (id: string, reason: string, times = Infinity) => failing.set(id, { reason, times })
const failing = new Map<string, { reason: string; times: number }>()
const fail = (id: string) => {
  const planned = failing.get(id)
  if (planned && planned.times-- > 0) throw new ActivityFailure(planned.reason)
}
const handlers = [
  implement(shop.validateInput, async () => ({
    lines: [{ sku: 'KBD-104', quantity: 1, name: 'Keyboard', price: 500 }],
    total: 500,
  })),
  implement(shop.reserveInventory, async ({ orderId }) => (fail(`${orderId} reserve`), { reservationId: 'r-1' })),
  implement(shop.chargePayment, async ({ orderId }) => (fail(`${orderId} charge`), { paymentId: 'p-1', amount: 500 })),
  implement(shop.shipOrder, async ({ orderId }) => (fail(`${orderId} ship`), { trackingNumber: 't-1' })),
  implement(shop.releaseInventory, async () => ({ itemsReleased: 1 })),
  implement(shop.refundPayment, async () => ({ amountRefunded: 500 })),
  implement(shop.recallShipment, async () => ({ parcelsRecalled: 0 })),
  implement(desk.ask, async () => {}),
  implement(desk.pay, async ({ item }) => ({ paymentId: `pay-${item.id}` })),
  implement(guide.reserve, async what => (fail(what), what)),
  implement(guide.release, async () => {}),
  implement(guide.quote, async what => what.length),
  implement(guide.tell, async () => {}),
  implement(guide.track, async () => ({ at: 'Hull' })),
]

type Life = (env: TestEnvironment, id: string) => Promise<{ result(): Promise<unknown> }>
const LIVES: Record<string, Life> = {
  'order-completed': (env, workflowId) => env.start(orderSaga, order(workflowId), { workflowId }),
  'order-retried': (env, workflowId) => {
    fails(`${workflowId} charge`, 'BankBusy', 2)
    return env.start(orderSaga, order(workflowId), { workflowId })
  },
  'order-out-of-stock': (env, workflowId) => {
    fails(`${workflowId} reserve`, 'OutOfStock')
    return env.start(orderSaga, order(workflowId), { workflowId })
  },
  'order-not-shipped': (env, workflowId) => {
    fails(`${workflowId} ship`, 'AddressUnserviceable')
    return env.start(orderSaga, order(workflowId), { workflowId })
  },
  'order-held-and-released': async (env, workflowId) => {
    const execution = await env.start(orderSaga, order(workflowId, { holdBefore: 'payment' }), { workflowId })
    await env.advance('1h')
    await execution.signal(hold, { by: 'ada' })
    await execution.signal(release, { by: 'ada' })
    return execution
  },
  'order-canceled': async (env, workflowId) => {
    const execution = await env.start(orderSaga, order(workflowId, { holdBefore: 'shipment' }), { workflowId })
    await env.advance('1h')
    await execution.requestCancel()
    return execution
  },
  'report-approved': async (env, workflowId) => {
    const items = ['hotel', 'train'].map(id => ({ id, what: id, amount: 100 }))
    const input = { id: workflowId, employee: 'ada', approver: 'grace', manager: 'edsger', items }
    const execution = await env.start(approval, input, { workflowId })
    await env.advance('3d')
    for (const { id } of items) {
      const payload = JSON.stringify({ approved: id === 'hotel', by: 'grace' })
      const to = { domain: env.domain, workflowId: `${workflowId}.${id}` }
      await env.swf.signalWorkflowExecution({ ...to, signalName: decided.name, input: payload })
    }
    return execution
  },
  offers: (env, workflowId) => env.start(guide.offers, 'cup', { workflowId }),
  'careful-canceled': async (env, workflowId) => {
    const execution = await env.start(guide.careful, 'cup', { workflowId })
    await env.advance('1h')
    await execution.requestCancel()
    return execution
  },
  basket: (env, workflowId) => env.start(guide.basket, ['a', 'b', 'c'], { workflowId }),
  counter: (env, workflowId) => env.start(guide.counter, 0, { workflowId }),
  'trip-undone': (env, workflowId) => env.start(guide.trip, ['a', 'b', 'nowhere'], { workflowId }),
  changed: (env, workflowId) => env.start(guide.changed, 'cup', { workflowId }),
}

async function record(): Promise<void> {
  for (const [name, live] of Object.entries(LIVES)) {
    if (existsSync(join(FOLDER, `${name}.json`))) continue
    const env = await testEnvironment({ workflows, handlers })
    const execution = await live(env, name)
    await execution.result().catch(() => {})
    const startTimeFilter = { oldestDate: new Date(0) }
    const { executionInfos = [] } = await env.swf.listClosedWorkflowExecutions({ domain: env.domain, startTimeFilter })
    for (const [n, { execution: run }] of [...executionInfos].reverse().entries()) {
      const { workflowId, runId } = run as { workflowId: string; runId: string }
      const file = await env.local.exportHistory({ domain: env.domain, workflowId, runId })
      const suffix = workflowId === name ? (n === 0 ? '' : `.${n}`) : `.${n}-child`
      writeFileSync(join(FOLDER, `${name}${suffix}.json`), writeHistoryFile(file))
    }
    await env.close()
  }
}

if (process.env.RECORD) await record()
const files = readdirSync(FOLDER).filter(name => name.endsWith('.json'))

test('every life has its history', () => {
  for (const name of Object.keys(LIVES)) expect(files).toContain(`${name}.json`)
})

test.each(files)('%s still fits', async name => {
  const file = readHistoryFile(readFileSync(join(FOLDER, name), 'utf8'))
  const definition = workflows.find(it => it.name === file.workflowType.name)!
  const turn = await replay(definition, file)
  expect(turn).toMatchObject({ kind: 'decided', decisions: [], warnings: [] })
  // Up to each decision task it decides what was decided then.
  for (const { eventId, eventType } of file.events) {
    if (eventType !== 'DecisionTaskStarted') continue
    const prefix = await replay(definition, { ...file, events: file.events.slice(0, eventId) })
    expect(prefix.kind).toBe('decided')
  }
})
