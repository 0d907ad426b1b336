// What subscriptions give, made from what the stream holds.

import type { Stuck } from '../swf/execution-context.js'
import { encodeCursor } from './cursor.js'
import type { ResyncReason } from './resync-reason.js'
import type { Entry } from './stream.js'
import type { Topic } from './topic.js'
import type { ExecutionSummary, ExecutionUpdate } from './update.js'

/**
 * What a subscription gives. `stuck` is no update and has no cursor; its `stuck` is absent when the run is healed.
 * `resync`: updates may be missing before this point, so read again what you show; `cursor` resumes after it.
 */
export type FeedItem =
  { kind: 'changed'; update: ExecutionUpdate } | { kind: 'stuck'; summary: ExecutionSummary; stuck?: Stuck } | Resync
export interface Resync {
  kind: 'resync'
  cursor: string
  reason: ResyncReason
  /** The run, when it is about one. */
  summary?: ExecutionSummary
}

// Thousands of subscriptions are given the same item.
const made = new WeakMap<Entry, FeedItem>()

/** Returns what an entry is to a subscription; undefined when it does not concern it. */
export function itemOf(entry: Entry, topic: Topic): FeedItem | undefined {
  if (!concerns(entry, topic)) return undefined
  let item = made.get(entry)
  if (!item) made.set(entry, (item = makeItem(entry)))
  return item
}

function concerns(entry: Entry, { runId, workflowId, filter }: Topic): entry is Exclude<Entry, { kind: 'started' }> {
  if (entry.kind === 'started') return false
  if (entry.kind === 'resync') return runId === undefined
  if (runId !== undefined && entry.summary.runId !== runId) return false
  if (workflowId !== undefined && entry.summary.workflowId !== workflowId) return false
  if (entry.kind === 'snapshot' && entry.quiet && runId === undefined) return false
  return !filter || filter(entry.summary)
}

function makeItem(entry: Exclude<Entry, { kind: 'started' }>): FeedItem {
  const { streamId } = entry
  switch (entry.kind) {
    case 'resync':
      return resyncItem(streamId, entry.reason)
    case 'snapshot':
      return { ...resyncItem(streamId, 'RUN_READ_ANEW'), summary: entry.summary }
    case 'stuck': {
      const { summary } = entry
      return { kind: 'stuck', summary, ...(summary.stuck && { stuck: summary.stuck }) }
    }
    case 'changed': {
      const { eventId, previousEventId, at, summary } = entry
      const cursor = encodeCursor({ streamId, run: { runId: summary.runId, eventId } })
      return { kind: 'changed', update: { cursor, eventId, previousEventId, at, summary } }
    }
  }
}

/** Gives what entries are to a subscription, apart from those that do not concern it. */
export function* itemsOf(entries: readonly Entry[], topic: Topic): Generator<FeedItem> {
  for (const entry of entries) {
    const item = itemOf(entry, topic)
    if (item) yield item
  }
}

export function resyncItem(streamId: string, reason: ResyncReason): Resync {
  return { kind: 'resync', cursor: encodeCursor({ streamId }), reason }
}

let told: { streamId: string; item: Resync } | undefined

/** The same, as one object for all who are told of it one after the other: what is made of it need be made once. */
export function sharedResync(streamId: string, reason: ResyncReason): Resync {
  if (told?.streamId !== streamId || told.item.reason !== reason)
    told = { streamId, item: resyncItem(streamId, reason) }
  return told.item
}
