// Human approval: a child execution per item asks, reminds and escalates; the report waits for all of them.

import { defineState, defineWorkflow, executeChild, map, now, TimeoutExpired, withTimeout } from 'swf-gateway/workflow'
import { z } from 'zod'
import { ask, pay } from './activities.js'
import { Decision, decided, Item, itemWorkflowId, Report } from './report.js'

/** A person is reminded after so long, this often, before the next one is asked; then the item is refused. */
const PATIENCE = '2d'
const REMINDERS = 2

/** Who is asked now, for how long, and how often they were reminded. */
export const asking = defineState({ waitsFor: '', reminder: 0, since: 0 })

export const itemApproval = defineWorkflow(
  'ItemApproval',
  '1.0',
  {
    input: z.object({ report: z.string(), people: z.array(z.string()).min(1), item: Item }),
    result: Decision,
    executionStartToClose: '60d',
  },
  async ({ report, people, item }): Promise<Decision> => {
    for (const person of people) {
      for (let reminder = 0; reminder <= REMINDERS; reminder++) {
        asking.set({ waitsFor: person, reminder, since: now() })
        await ask({ person, report, item, reminder })
        try {
          return await withTimeout(PATIENCE, decided.receive())
        } catch (failure) {
          if (!(failure instanceof TimeoutExpired)) throw failure
        }
      }
    }
    return { approved: false, by: 'nobody', comment: `not decided in time by ${people.join(', ')}` }
  },
)

export interface Approved {
  paid: string[]
  refused: { item: string; decision: Decision }[]
}

/** How many items are decided. */
export const progress = defineState({ open: 0, paid: 0, refused: 0 })

export const approval = defineWorkflow(
  'ExpenseApproval',
  '1.0',
  { input: Report, executionStartToClose: '90d', childPolicy: 'REQUEST_CANCEL' },
  async ({ id, employee, approver, manager, items }): Promise<Approved> => {
    const outcome: Approved = { paid: [], refused: [] }
    let open = items.length
    const show = () => progress.set({ open, paid: outcome.paid.length, refused: outcome.refused.length })
    show()
    await map(items, { concurrency: 100 }, async item => {
      const decision = await executeChild(
        itemApproval,
        { report: id, people: [approver, manager], item },
        { workflowId: itemWorkflowId(id, item.id) },
      )
      if (decision.approved) {
        const { paymentId } = await pay({ employee, item, decision })
        outcome.paid.push(paymentId)
      } else outcome.refused.push({ item: item.id, decision })
      open--
      show()
    })
    return outcome
  },
)
