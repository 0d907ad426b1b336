// Builds of the feed with one thing wrong, to see that its rows find it.

import type { Wrong } from '../bridge/mutant.js'

export const MUTANTS = {
  'appends that do not look': {
    'feed/stream.js': [['if version ~= ARGV[1] then', 'if false then']],
  },
  'sagas that end before their execution': {
    'feed/update.js': [["saga?.state === 'COMPLETED' || saga?.state === 'FAILED'", 'false']],
  },
  'what was missed given twice': {
    'feed/subscriber.js': [['compareStreamIds(streamId, after) <= 0', 'false']],
  },
  'event ids that nobody reads': {
    'graphql/sse.js': [["request.get('last-event-id')", 'undefined']],
  },
  'rings without a bound': {
    'feed/ring.js': [['this.size >= this.capacity', 'false']],
  },
  'gaps that nobody sees': {
    'feed/reader.js': [['previousStreamId !== last', 'false']],
    'feed/stream.js': [
      ['return entries[0].previousStreamId === streamId ? entries : undefined', 'return entries'],
      ['=== streamId ? entries : this.#grown', '!== undefined ? entries : this.#grown'],
    ],
  },
  'no sweeper': {
    'feed/sweeper.js': [['async sweep(domain) {', 'async sweep() {}\n    async swept(domain) {']],
  },
} satisfies Record<string, Wrong>
