// Why updates may be missing at a place in the feed.

export const RESYNC_REASONS = {
  CURSOR_LOST: 'The place of the cursor is not kept any more: the feed has been trimmed or lost since.',
  FEED_LOST:
    'The feed was lost or cut while it was followed: Redis was emptied, or failed over to a replica that lacked something.',
  TOO_SLOW: 'Updates came faster than they were taken, and too many were waiting.',
  RUN_READ_ANEW: 'One run was read anew from its history: `about` says which. What is shown of others is right.',
  ALL_READ_ANEW: 'The executions of the domain were read anew from SWF, as after a loss of Redis.',
} as const

export type ResyncReason = keyof typeof RESYNC_REASONS

/** Returns a reason as it was written; what another version wrote concerns everything. */
export function resyncReason(text: string | undefined): ResyncReason {
  return text !== undefined && Object.hasOwn(RESYNC_REASONS, text) ? (text as ResyncReason) : 'ALL_READ_ANEW'
}
