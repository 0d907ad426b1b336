// What an expense report is, what may be signaled about it, and how a decision looks.

import { defineSignal } from 'swf-gateway/workflow'
import { z } from 'zod'

export const Item = z.object({ id: z.string(), what: z.string(), amount: z.int().positive() })
export type Item = z.infer<typeof Item>

export const Report = z.object({
  id: z.string(),
  employee: z.string(),
  approver: z.string(),
  /** Who is asked when the approver does not answer. */
  manager: z.string(),
  items: z.array(Item).min(1),
})
export type Report = z.infer<typeof Report>

export const Decision = z.object({ approved: z.boolean(), by: z.string(), comment: z.string().optional() })
export type Decision = z.infer<typeof Decision>

/** A person has decided on an item; sent to the item's execution, whose workflowId is `report/item` with a dot. */
export const decided = defineSignal('decided', { input: Decision })

/** The workflowId of an item's execution. */
export const itemWorkflowId = (report: string, item: string): string => `${report}.${item}`
