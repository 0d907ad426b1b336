// The demo's file of orders: each order, what somebody does about it on the way, and how it must end.

import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { Order } from './order.js'

/**
 * How an order must end. `status` is how SWF closes the execution, where that is not the same word; `reason` is how its reason
 * begins: where tries run out, the last one may have failed in another way than those before.
 */
const Expectation = z.strictObject({
  state: z.enum(['COMPLETED', 'FAILED']),
  status: z.enum(['COMPLETED', 'FAILED', 'CANCELED', 'TERMINATED']).optional(),
  reason: z.string().optional(),
})

const Entry = Order.extend({
  /** What somebody does once the order is held. */
  act: z.enum(['release', 'cancel', 'terminate']).optional(),
  expect: Expectation,
})
  .strict()
  .refine(entry => (entry.holdBefore === undefined) === (entry.act === undefined), {
    path: ['act'],
    message: 'an order with holdBefore needs an act that ends the wait, and no other order has one',
  })
  .refine(entry => entry.act !== 'terminate' || entry.holdBefore === 'reservation', {
    path: ['act'],
    message:
      'terminate undoes nothing: only an order held before its reservation can be terminated with the books in order',
  })

export type Entry = z.infer<typeof Entry>

/** An orders file cannot be used; the message names the order and the field. */
export class OrdersFileError extends Error {
  override readonly name = 'OrdersFileError'
}

export function readOrders(file: string): Entry[] {
  let json: unknown
  try {
    json = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new OrdersFileError(`${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  return parseOrders(json, file)
}

/** Returns the orders of a parsed file; throws an OrdersFileError that lists every mistake. */
export function parseOrders(json: unknown, file = 'the orders file'): Entry[] {
  if (!Array.isArray(json) || json.length === 0) throw new OrdersFileError(`${file} is no list of orders: [{ "id": …`)
  const mistakes: string[] = []
  const ids = new Set<string>()
  const entries: Entry[] = []
  for (const [index, value] of json.entries()) {
    const parsed = Entry.safeParse(value)
    const id = nameOf(value, index)
    if (parsed.success) entries.push(parsed.data)
    else
      for (const issue of parsed.error.issues)
        mistakes.push(`${id}: ${issue.path.join('.') || 'order'}: ${issue.message}`)
    if (ids.has(id)) mistakes.push(`${id}: id: two orders have it`)
    ids.add(id)
  }
  if (mistakes.length > 0) throw new OrdersFileError([`${file} has mistakes:`, ...mistakes].join('\n  '))
  return entries
}

function nameOf(value: unknown, index: number): string {
  const id = (value as { id?: unknown } | null)?.id
  return typeof id === 'string' && id !== '' ? `order ${id}` : `order number ${index + 1}`
}
