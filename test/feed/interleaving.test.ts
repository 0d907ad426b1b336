import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { encodeCursor } from '../../src/feed/cursor.js'
import { Publisher } from '../../src/feed/publisher.js'
import { FeedStream } from '../../src/feed/stream.js'
import { Subscriber, type FeedItem, type Subscription } from '../../src/feed/subscriber.js'
import { Tail } from '../../src/feed/tail.js'
import { deriveUpdates } from '../../src/feed/update.js'
import type { Redis } from '../../src/redis.js'
import { encodeExecutionContext, SAGA_STATES } from '../../src/swf/execution-context.js'
import { afterFile } from '../support/dispose.js'
import { testRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { History, saga, swfOf } from './histories.js'
import { connected } from '../support/redis-connection.js'
import { log, sweptDomain } from './redis.js'

const { url, prefix } = testRedis()
let redis: Redis
let stream: FeedStream
let subscriber: Subscriber
beforeAll(async () => {
  redis = await connected(url)
  stream = new FeedStream(redis, prefix)
  subscriber = new Subscriber({ redis: { url }, prefix, log })
  afterFile(() => subscriber.stop())
})

/** One client: it listens, loses its connection now and then, and resumes where it was. */
class Client {
  readonly got: { runId: string; eventId: number; previousEventId: number }[] = []
  #cursor: string
  #subscription: Subscription | undefined
  constructor(
    private readonly domain: string,
    readonly runId: string | undefined,
  ) {
    this.#cursor = encodeCursor({ streamId: '0-0', ...(runId !== undefined && { run: { runId, eventId: 0 } }) })
  }

  connect(): void {
    if (this.#subscription) return
    const topic = this.runId === undefined ? {} : { runId: this.runId }
    const subscription = (this.#subscription = subscriber.subscribe(this.domain, topic, { after: this.#cursor }))
    void (async () => {
      for await (const item of subscription) if (this.#subscription === subscription) this.#take(item)
    })()
  }

  async disconnect(): Promise<void> {
    const subscription = this.#subscription
    this.#subscription = undefined
    await subscription?.return!()
  }

  #take(item: FeedItem): void {
    if (item.kind !== 'changed') throw new Error(`got ${item.kind}`)
    const { cursor, eventId, previousEventId, summary } = item.update
    this.#cursor = cursor
    this.got.push({ runId: summary.runId, eventId, previousEventId })
  }
}

const RUNS = 3
const run = fc.nat(RUNS - 1)
const publisher = fc.nat(2)
const action = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('decide' as const),
      run,
      state: fc.constantFrom(...SAGA_STATES),
      publisher,
      told: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('publish' as const), run, publisher, from: fc.nat(40), to: fc.nat(40) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('tail' as const), run }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), publisher }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('hide' as const), run, events: fc.nat(8) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('connect' as const), client: fc.nat(RUNS), on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const), run, refused: fc.boolean() }) },
)

let seeds = 0
test('whatever the order of deciders, tails and clients, every client gets every update once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { minLength: 20, maxLength: 60 }),
      fc.array(fc.nat(3), { maxLength: 60 }),
      async (actions, waits) => {
        const domain = await sweptDomain(stream, redis)
        const seed = ++seeds
        const histories = Array.from(
          { length: RUNS },
          (_, i) => new History({ workflowId: `order-${i}`, runId: `run-${seed}-${i}` }),
        )
        const shown = swfOf(...histories)
        const hidden = new Map<History, number>()
        shown.shows = history => Math.max(2, history.last - (hidden.get(history) ?? 0))
        const newPublisher = () => new Publisher({ redis, swf: shown.swf, prefix, log })
        const publishers = [newPublisher(), newPublisher(), newPublisher()]
        const tail = new Tail({ swf: shown.swf, publisher: publishers[2]!, redis, prefix, log })
        const clients = [...histories.map(h => new Client(domain, h.execution.runId)), new Client(domain, undefined)]
        for (const client of clients) client.connect()

        const closed = new Set<History>()
        const pending: Promise<unknown>[] = []
        for (const [i, act] of actions.entries()) {
          if (act.do === 'restart') publishers[act.publisher] = newPublisher()
          else if (act.do === 'connect') {
            if (act.on) clients[act.client]!.connect()
            else await clients[act.client]!.disconnect()
          } else {
            const history = histories[act.run]!
            const { execution } = history
            if (act.do === 'hide') hidden.set(history, act.events)
            if (act.do === 'tail') pending.push(tail.tail(domain, execution))
            if (act.do === 'publish') {
              const from = Math.min(act.from + 1, history.last)
              const events = history.from(from, Math.max(from, Math.min(act.to + 1, history.last)))
              // A gap that SWF does not show is refused, and is filled by a later publisher.
              pending.push(
                publishers[act.publisher]!.publish(domain, execution, events, { patience: 0 }).catch(() => {}),
              )
            }
            if (act.do === 'decide' && !closed.has(history)) {
              const started = history.decisionStarted()
              const decider = publishers[act.publisher]!
              const published = decider.publish(domain, execution, history.from(1))
              const context = saga(act.state, `step ${history.last}`)
              pending.push(
                published.then(() =>
                  act.told ? decider.state(domain, execution, started, encodeExecutionContext(context)) : undefined,
                ),
              )
              if (act.told) await pending.at(-1)
              history.decisionCompleted(started, context)
              history.signal()
            }
            if (act.do === 'close' && !closed.has(history)) {
              history.decision(saga('COMPLETED'))
              if (act.refused) {
                history.add('CompleteWorkflowExecutionFailed', {
                  cause: 'UNHANDLED_DECISION',
                  decisionTaskCompletedEventId: history.last,
                })
                history.add('DecisionTaskScheduled', { taskList: { name: 'orders' } })
              } else {
                history.complete()
                closed.add(history)
              }
            }
          }
          if (waits[i]) await Promise.all(pending.splice(0, waits[i]))
        }
        await Promise.all(pending)
        hidden.clear()
        for (const { execution } of histories) await tail.tail(domain, execution)
        for (const client of clients) client.connect()

        // The stream holds each run's updates in one chain, and they lead to where its history leads.
        const entries = (await stream.after(domain, '0-0'))!.flatMap(entry => (entry.kind === 'changed' ? [entry] : []))
        for (const { execution, events } of histories) {
          const own = entries.filter(({ summary }) => summary.runId === execution.runId)
          expect(own.map(({ previousEventId }) => previousEventId)).toEqual([
            0,
            ...own.slice(0, -1).map(({ eventId }) => eventId),
          ])
          const { summary } = deriveUpdates(domain, execution, undefined, events).record
          expect({ ...own.at(-1)!.summary, eventId: 0 }).toEqual({ ...summary, eventId: 0 })
          for (const { summary: shownSummary } of own.slice(0, -1)) {
            expect(shownSummary.status).toBe('OPEN')
            expect(['COMPLETED', 'FAILED']).not.toContain(shownSummary.saga?.state)
          }
        }
        for (const client of clients) {
          const due = entries
            .filter(({ summary }) => client.runId === undefined || summary.runId === client.runId)
            .map(({ eventId, previousEventId, summary }) => ({ runId: summary.runId, eventId, previousEventId }))
          await until(() => client.got.length >= due.length, { what: 'the client has got everything', within: 3_000 })
          expect(client.got).toEqual(due)
          await client.disconnect()
        }
      },
    ),
    { numRuns: 30, endOnFailure: true },
  )
})
