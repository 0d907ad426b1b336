// A small order workflow whose activities do what the test tells them to.

import { z } from 'zod'
import { defineActivity, defineSignal, defineWorkflow, saga } from '../../src/workflow/index.js'
import { ActivityFailure, implement, type ActivityContext } from '../../src/workers/definitions.js'

const Order = z.object({ id: z.string(), fail: z.string().optional(), hold: z.boolean().optional() })
const Id = z.object({ id: z.string(), fail: z.string().optional() })
const retry = { maximumAttempts: 3, initialInterval: '1s', nonRetryable: ['Never'] } as const

export const reserve = defineActivity('Reserve', '1', {
  input: Id,
  result: z.string(),
  startToClose: '30s',
  heartbeat: '10s',
  retry,
})
export const release = defineActivity('Release', '1', { input: Id, startToClose: '30s', retry })
export const ship = defineActivity('Ship', '1', {
  input: Id,
  result: z.string(),
  startToClose: '30s',
  heartbeat: '10s',
  retry,
})
export const recall = defineActivity('Recall', '1', { input: Id, startToClose: '30s', retry })
export const released = defineSignal('release', { input: z.object({ by: z.string() }) })

export const order = defineWorkflow('Order', '1', { input: Order }, async input => {
  const done = await saga(input)
    .step('reservation', reserve, {
      input: c => ({ id: c.input.id }),
      compensate: [release, c => ({ id: c.input.id })],
    })
    .do('hold', async () => input.hold && released.receive())
    .step('shipment', ship, {
      input: ({ input: { id, fail } }) => ({ id, ...(fail && { fail }) }),
      rollback: [recall, c => ({ id: c.input.id })],
    })
    .run()
  return { reservation: done.reservation, parcel: done.shipment }
})

/** What handlers did, in order: `Reserve o1 attempt 1`. */
export class Ledger {
  readonly entries: { activity: string; id: string; attempt: number; key: string; token: string }[] = []
  write(activity: string, id: string, job: ActivityContext): void {
    this.entries.push({ activity, id, attempt: job.attempt, key: job.idempotencyKey, token: job.fencingToken })
  }
  of(id: string): string[] {
    return this.entries.filter(entry => entry.id === id).map(({ activity, attempt }) => `${activity} ${attempt}`)
  }
}

export function orderApp(ledger: Ledger) {
  const handlers = [
    implement(reserve, async ({ id }, job) => {
      ledger.write('Reserve', id, job)
      return `reserved ${id}`
    }),
    implement(release, async ({ id }, job) => ledger.write('Release', id, job)),
    implement(ship, async ({ id, fail }, job) => {
      ledger.write('Ship', id, job)
      if (fail === 'twice' && job.attempt < 3) throw new ActivityFailure('Busy', 'the carrier does not answer')
      if (fail === 'never') throw new ActivityFailure('Never', 'no carrier goes there')
      if (fail === 'hang')
        await new Promise((_, reject) => job.signal.addEventListener('abort', () => reject(job.signal.reason as Error)))
      return `parcel ${id}`
    }),
    implement(recall, async ({ id }, job) => ledger.write('Recall', id, job)),
  ]
  return { workflows: [order], handlers }
}
