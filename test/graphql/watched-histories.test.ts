import { expect, test } from 'vitest'
import type { FeedItem } from '../../src/feed/subscriber.js'
import { Histories } from '../../src/graphql/histories.js'
import { HistoryEvents } from '../../src/graphql/history-events.js'
import { WatchedHistories } from '../../src/graphql/watched-histories.js'
import { SwfFault } from '../../src/swf/errors.js'
import { afterFile } from '../support/dispose.js'
import { until } from '../support/until.js'
import { History, swfOf } from '../feed/histories.js'
import { log } from '../feed/redis.js'

/** A feed that tells what the test tells it. */
function playedFeed({ isAway = false } = {}) {
  const told: FeedItem[] = []
  let open = 0
  let wake = () => {}
  const subscribe = (_domain: string, _topic: object, { signal }: { signal: AbortSignal }) => {
    open++
    let ended = false
    signal.addEventListener('abort', () => ((ended = true), open--, wake()))
    const next = async (): Promise<IteratorResult<FeedItem>> => {
      while (!ended) {
        const item = told.shift()
        if (item) return { done: false, value: item }
        await new Promise<void>(resolve => (wake = resolve))
      }
      return { done: true, value: undefined }
    }
    const ready = isAway ? new Promise<void>(() => {}) : Promise.resolve()
    return { ready, next, [Symbol.asyncIterator]: () => ({ next }) }
  }
  return {
    subscriber: { subscribe } as never,
    get open() {
      return open
    },
    tell(eventId: number) {
      told.push({ kind: 'changed', update: { eventId } } as FeedItem)
      wake()
    },
  }
}

function watching(options: { every?: number; isAway?: boolean } = {}) {
  const history = new History({ workflowId: 'order', runId: 'run' })
  const shown = swfOf(history)
  const feed = playedFeed(options)
  const { swf } = shown
  const watched = new WatchedHistories({
    ...{ subscriber: feed.subscriber, histories: new Histories({ swf }), swf, log },
    every: options.every ?? 3_600_000,
  })
  const follow = (after = 0) => {
    const events = new HistoryEvents(watched.watch('shop', history.execution), after)
    afterFile(() => events.return())
    const got: number[] = []
    const ended = (async () => {
      for await (const { node } of events) got.push(node.eventId)
    })()
    ended.catch(() => {})
    return { got, ended, end: () => events.return() }
  }
  return { history, shown, feed, follow }
}
const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, n) => from + n)

test('any number of clients cost one reading of what is new, each from where it was', async () => {
  const { history, shown, feed, follow } = watching()
  const clients = Array.from({ length: 50 }, (_, n) => follow(n % 3))
  await until(() => clients.every(({ got }) => got.at(-1) === 2 || got.length === 0), {
    what: 'what is there has come',
  })
  const before = shown.reads
  history.decision()
  history.complete()
  feed.tell(history.last)
  await Promise.all(clients.map(({ ended }) => ended))
  expect(clients.map(({ got }) => got)).toEqual(clients.map((_, n) => upTo(5, 1 + (n % 3))))
  expect(shown.reads - before).toBe(1)
  expect(feed.open).toBe(0)
})

test('SWF is asked until it shows what the feed has told', async () => {
  const { history, shown, feed, follow } = watching()
  const { got, ended } = follow()
  await until(() => got.length === 2, { what: 'what is there has come' })
  history.decision()
  history.complete()
  shown.shows = ({ last }) => last - 1
  const before = shown.reads
  feed.tell(history.last)
  await until(() => shown.reads > before + 2, { what: 'SWF is asked again and again' })
  expect(got).toEqual(upTo(4))
  shown.shows = ({ last }) => last
  await ended
  expect(got).toEqual(upTo(5))
})

test('while SWF throttles those who watch wait, and miss nothing', async () => {
  const { history, shown, feed, follow } = watching()
  const { got, ended } = follow()
  await until(() => got.length === 2, { what: 'what is there has come' })
  const { getWorkflowExecutionHistory } = shown.swf
  let refused = 0
  shown.swf.getWorkflowExecutionHistory = () => {
    refused++
    return Promise.reject(new SwfFault('THROTTLED', 'ThrottlingException', 'GetWorkflowExecutionHistory', 'slow down'))
  }
  history.terminate()
  feed.tell(history.last)
  await until(() => refused > 1, { what: 'SWF has refused' })
  shown.swf.getWorkflowExecutionHistory = getWorkflowExecutionHistory
  await ended
  expect(got).toEqual(upTo(3))
})

test('what the feed does not tell is seen all the same', async () => {
  const { history, follow } = watching({ every: 20 })
  const { got, end } = follow()
  await until(() => got.length === 2, { what: 'what is there has come' })
  history.signal()
  await until(() => got.length === 4, { what: 'the signal is seen' })
  await end()
})

test('without Redis what is there comes, and what is looked for', async () => {
  const { history, follow } = watching({ every: 20, isAway: true })
  const { got, ended } = follow()
  await until(() => got.length === 2, { what: 'what is there has come' })
  history.terminate()
  await ended
  expect(got).toEqual(upTo(3))
})

test('a run that SWF does not have ends the subscription with its error, and nothing is held on to', async () => {
  const { shown, feed, follow } = watching()
  shown.swf.getWorkflowExecutionHistory = () =>
    Promise.reject(new SwfFault('UNKNOWN_RESOURCE', 'UnknownResourceFault', 'GetWorkflowExecutionHistory', 'gone'))
  await expect(follow().ended).rejects.toThrow('gone')
  await until(() => feed.open === 0, { what: 'the feed is let go' })
})

test('who leaves is let go at once; the last one ends the watch, and the next begins anew', async () => {
  const { history, feed, follow } = watching()
  const [one, other] = [follow(), follow()]
  await until(() => one.got.length === 2 && other.got.length === 2, { what: 'what is there has come' })
  await one.end()
  await one.ended
  expect(feed.open).toBe(1)
  await other.end()
  const next = follow(1)
  await other.ended
  expect(feed.open).toBe(1)
  history.terminate()
  feed.tell(history.last)
  await next.ended
  expect(next.got).toEqual([2, 3])
})
