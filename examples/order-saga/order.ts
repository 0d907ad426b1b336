// What an order is. Both the workflow and the handlers read these; the demo checks its file of orders with them.

import { z } from 'zod'

export const CARRIERS = ['DHL', 'UPS', 'FedEx', 'PostNord', 'GLS', 'Night Owl'] as const

export const Item = z.object({
  sku: z.string().regex(/^[A-Z]{3}-\d{3}$/, 'three letters, a hyphen, three digits'),
  quantity: z.int().min(1),
})

export const Address = z.object({
  name: z.string().min(1),
  street: z.string().min(1),
  city: z.string().min(1),
  postalCode: z.string().min(1),
  country: z.string().regex(/^[A-Z]{2}$/, 'two letters, ISO 3166'),
})

/** A real shop would pass a token of its payment provider: what a workflow is given stays readable in its history. */
export const Card = z.object({
  holder: z.string().min(1),
  number: z.string().regex(/^\d{13,19}$/, '13 to 19 digits'),
  expires: z.string().regex(/^(0[1-9]|1[0-2])\/\d{2}$/, 'MM/YY'),
})

/** The steps that an order can be held before. */
export const HoldPoint = z.enum(['reservation', 'payment', 'shipment'])

export const Order = z.object({
  /** Also the workflowId of the order's execution. */
  id: z.string().min(1).max(64),
  customer: z.email(),
  items: z.array(Item).min(1),
  shipTo: Address,
  carrier: z.enum(CARRIERS),
  card: Card,
  /** Hold the order before this step until somebody releases it. */
  holdBefore: HoldPoint.optional(),
})

/** An item that the catalogue knows, at the price of the day. Amounts of money are in cents. */
export const Line = Item.extend({ name: z.string(), price: z.int() })

export type Item = z.infer<typeof Item>
export type Address = z.infer<typeof Address>
export type Card = z.infer<typeof Card>
export type HoldPoint = z.infer<typeof HoldPoint>
export type Order = z.infer<typeof Order>
export type Line = z.infer<typeof Line>
export type Carrier = (typeof CARRIERS)[number]
