// The contracts of the activities. No handlers and no I/O here: workflows import this file, handlers.ts implements it.

import { defineActivity } from 'swf-gateway/workflow'
import { z } from 'zod'
import { Decision, Item } from './report.js'

export const ask = defineActivity('AskForApproval', '1.0', {
  description: 'Mails a person an item to decide on; the number tells how often they were asked before',
  input: z.object({ person: z.string(), report: z.string(), item: Item, reminder: z.int().nonnegative() }),
  startToClose: '30s',
})

export const pay = defineActivity('PayItem', '1.0', {
  description: 'Pays an item to the employee',
  input: z.object({ employee: z.string(), item: Item, decision: Decision }),
  result: z.object({ paymentId: z.string() }),
  startToClose: '1m',
  heartbeat: '20s',
  retry: { maximumAttempts: 10, nonRetryable: ['AccountClosed'] },
})

export const listReceipts = defineActivity('ListReceipts', '1.0', {
  description: 'Returns the receipts of a year, a page at a time',
  input: z.object({ year: z.int(), after: z.int().nonnegative() }),
  result: z.array(z.string()),
  startToClose: '30s',
})

export const archive = defineActivity('ArchiveReceipt', '1.0', {
  description: 'Moves a receipt into the archive',
  input: z.object({ receipt: z.string() }),
  taskList: 'archive',
  startToClose: '1m',
})
