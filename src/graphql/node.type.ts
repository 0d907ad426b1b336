// Relay's Node: one id for everything that can be looked up again.

import 'reflect-metadata'
import { Field, ID, InterfaceType } from 'type-graphql'

/** What a node id is made of: its type, its domain and the key within. */
export type NodeId =
  | { type: 'Execution'; domain: string; workflowId: string; runId: string }
  | { type: 'HistoryEvent'; domain: string; workflowId: string; runId: string; eventId: number }
  | { type: 'Queue'; domain: string; taskList: string }
  | { type: 'Worker'; domain: string; workerId: string }
  | { type: 'Decider'; domain: string; deciderId: string }

/** Members of each type of id, in the order in which they are encoded. */
const KEYS = {
  Execution: ['domain', 'workflowId', 'runId'],
  HistoryEvent: ['domain', 'workflowId', 'runId', 'eventId'],
  Queue: ['domain', 'taskList'],
  Worker: ['domain', 'workerId'],
  Decider: ['domain', 'deciderId'],
} as const

/** Returns the opaque id of a node: base64url, since a runId holds `+`, `/` and `=`. */
export function encodeNodeId(node: NodeId): string {
  const values = KEYS[node.type].map(key => (node as unknown as Record<string, unknown>)[key])
  return Buffer.from(JSON.stringify([node.type, ...values])).toString('base64url')
}

/** Returns what an id is made of; undefined for text that is no id. */
export function decodeNodeId(id: string): NodeId | undefined {
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(id, 'base64url').toString())
  } catch {
    return undefined
  }
  if (!Array.isArray(parts) || !Object.hasOwn(KEYS, String(parts[0]))) return undefined
  const [type, ...values] = parts as [NodeId['type'], ...unknown[]]
  const keys = KEYS[type]
  const sound = keys.every((key, i) =>
    key === 'eventId' ? Number.isInteger(values[i]) : typeof values[i] === 'string',
  )
  if (!sound || values.length !== keys.length) return undefined
  return { type, ...Object.fromEntries(keys.map((key, i) => [key, values[i]])) } as NodeId
}

@InterfaceType('Node', {
  description: 'Something with an id under which `node` finds it again.',
  resolveType: (node: { __typename: string }) => node.__typename,
})
export abstract class Node {
  @Field(() => ID, { description: 'Opaque, and the same for ever.' })
  id!: string
}
