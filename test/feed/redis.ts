// A feed in the test run's Redis.

import { feedKeys, type Entry, type FeedStream } from '../../src/feed/stream.js'
import type { Redis } from '../../src/redis.js'
import { createLog } from '../../src/telemetry.js'

export const log = createLog('test', 'silent')

/** Everything in a domain's stream. */
export async function entriesOf(stream: FeedStream, domain: string): Promise<Entry[]> {
  const entries: Entry[] = []
  for (let position = '0-0'; ; position = entries.at(-1)!.streamId) {
    const page = await stream.after(domain, position)
    if (!page) throw new Error('the stream is not contiguous')
    if (page.length === 0) return entries
    entries.push(...page)
  }
}

let domains = 0
/** A domain that no other test uses, and of which Redis knows nothing. */
export function freshDomain(): string {
  return `domain-${++domains}`
}

/** A domain that no other test uses, and that has been swept: Redis knows of every run there is. */
export async function sweptDomain(stream: FeedStream, redis: Redis): Promise<string> {
  const domain = freshDomain()
  await redis.hset(feedKeys(stream.prefix, domain).sweep, 'opened', 0, 'closed', 0)
  return domain
}
