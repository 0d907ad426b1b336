// What subscriptions give, made from what the stream holds.

import type { Stuck } from '../swf/execution-context.js'
import { encodeCursor } from './cursor.js'
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
  reason: string
  /** The run, when it is about one. */
  summary?: ExecutionSummary
}

/** Returns what an entry is to a subscription; undefined when it does not concern it. */
export function itemOf(entry: Entry, topic: Topic): FeedItem | undefined {
  if (entry.kind === 'started') return undefined
  if (entry.kind === 'resync') return topic.runId === undefined ? resyncItem(entry.streamId, entry.reason) : undefined
  const { summary, streamId } = entry
  if (topic.runId !== undefined && summary.runId !== topic.runId) return undefined
  if (topic.workflowId !== undefined && summary.workflowId !== topic.workflowId) return undefined
  if (topic.filter && !topic.filter(summary)) return undefined
  switch (entry.kind) {
    case 'snapshot':
      if (entry.quiet && topic.runId === undefined) return undefined
      return { ...resyncItem(streamId, 'this run was read anew from its history'), summary }
    case 'stuck':
      return { kind: 'stuck', summary, ...(summary.stuck && { stuck: summary.stuck }) }
    case 'changed': {
      const { eventId, previousEventId, at } = entry
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

export function resyncItem(streamId: string, reason: string): Resync {
  return { kind: 'resync', cursor: encodeCursor({ streamId }), reason }
}
