// For the worker: what the activities do.

import { implement } from 'swf-gateway'
import { archive, ask, listReceipts, pay } from './activities.js'
import { receipts, record } from './office.js'

export const handlers = [
  implement(ask, async ({ person, report, item, reminder }, { idempotencyKey: key }) => {
    const again = reminder > 0 ? ` (reminder ${reminder})` : ''
    await record({ kind: 'asked', key, what: `${person}: ${report} ${item.id}${again}` })
  }),
  implement(pay, async ({ employee, item }, { idempotencyKey: key }) => {
    await record({ kind: 'paid', key, what: `${employee}: ${item.amount}` })
    return { paymentId: `pay-${item.id}` }
  }),
  implement(listReceipts, async ({ year, after }) => receipts(year, after)),
  implement(archive, async ({ receipt }, { idempotencyKey: key }) => {
    await record({ kind: 'archived', key, what: receipt })
  }),
]
