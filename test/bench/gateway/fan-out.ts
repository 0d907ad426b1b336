// Updates to very many subscribers, beside bare graphql-ws that is told to send the same.

import { setTimeout as sleep } from 'node:timers/promises'
import { FeedStream } from '../../../src/feed/stream.js'
import { ms, ratio, us } from '../decider/figures.js'
import { aimed, below, median, percentile, table } from '../local-swf/table.js'
import { DOMAIN, summaryOf } from './data.js'
import type { Part, Stage } from './stage.js'

const AIM = 1.3
const FIELDS = 'cursor eventId workflowId runId at status saga { state step attempt }'

interface Side {
  name: string
  server: Part
  query: string
  /** Tells the server of an update. */
  publish: () => Promise<unknown>
  /** How many subscriptions it has. */
  size: () => Promise<number>
}

interface Round {
  /** From the publication to the last receipt, in milliseconds. */
  latencies: number[]
  /** The server's, for one message to one subscriber, in milliseconds. */
  cpu: number
  /** Bytes of the server that one subscriber takes. */
  memory: number
}

export async function fanOut(
  stage: Stage,
  { sizes, rounds, updates }: { sizes: readonly number[]; rounds: number; updates: number },
): Promise<void> {
  const subscribers = await stage.start('subscribers.mjs', {})
  const sides = await open(stage)
  for (const size of sizes) {
    const measured = new Map(sides.map(side => [side, [] as Round[]]))
    for (let round = 0; round < rounds; round++)
      for (const side of sides) measured.get(side)!.push(await measure(side, subscribers, size, updates))
    const figures = sides.map(side => {
      const of = measured.get(side)!
      const latencies = of.flatMap(one => one.latencies)
      const [p50, p99] = [percentile(latencies, 0.5), percentile(latencies, 0.99)]
      return { p50, p99, cpu: median(of.map(one => one.cpu)), memory: median(of.map(one => one.memory)) }
    })
    const bare = figures[0]!
    table(
      `${size.toLocaleString('en-US')} subscribers, ${rounds * updates} updates, one at a time: from its publication to the last receipt`,
      ['', 'p50', 'p99', 'p50 to bare', 'CPU a delivery', 'to bare', 'memory of one'],
      sides.map(({ name }, i) => {
        const { p50, p99, cpu, memory } = figures[i]!
        const apart = i === 0 ? '' : aimed(p50 / bare.p50, AIM, below)
        return [name, ms(p50), ms(p99), apart, us(cpu), ratio(cpu, bare.cpu), `${(memory / 1_024).toFixed(1)} KiB`]
      }),
    )
  }
  for (const { server } of sides) await server.stop()
  await subscribers.stop()
}

async function open(stage: Stage): Promise<Side[]> {
  const bare = await stage.start('bare.mjs', {})
  const { saga, status, workflowId, runId } = summaryOf(0)
  let updates = 0
  const update = () => ({
    cursor: Buffer.from(`1.${Date.now()}-0.${++updates}.${runId}`).toString('base64url'),
    eventId: updates,
  })
  const sides: Side[] = [
    {
      name: 'bare graphql-ws',
      server: bare,
      query: `subscription { updates { ${FIELDS} } }`,
      publish: async () =>
        bare.process.send({
          publish: { ...update(), workflowId, runId, at: new Date().toISOString(), status, saga },
        }),
      size: () => bare.ask<number>('size'),
    },
  ]
  const gateways: [string, string?][] = [['gateway']]
  if (process.env.AGAINST) gateways.push(['gateway, the other build', process.env.AGAINST])
  const stream = new FeedStream(stage.redis)
  for (const [name, build] of gateways) {
    // A domain each: what one is told is not for the other.
    const domain = `${DOMAIN} ${name}`
    const server = await stage.start('gateway.mjs', { endpoint: stage.endpoint, redis: stage.redisUrl, domain }, build)
    let at = '-'
    let eventId = 0
    sides.push({
      name,
      server,
      query: `subscription { executionUpdates { ... on ExecutionChanged { ${FIELDS} } } }`,
      async publish() {
        const summary = { ...summaryOf(0), domain }
        const change = {
          kind: 'changed',
          previousEventId: eventId,
          eventId: ++eventId,
          at: Date.now(),
          summary,
        } as const
        await stream.append(domain, runId, at, { summary, version: { eventId, n: 0 }, updated: eventId }, [change])
        at = `${eventId}.0`
      },
      async size() {
        const metrics = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text()
        return Number(/^swf_gateway_subscribers\S* (\d+)/m.exec(metrics)?.[1])
      },
    })
  }
  return sides
}

async function measure(side: Side, subscribers: Part, count: number, updates: number): Promise<Round> {
  const { server } = side
  const { heap: before } = await server.usage()
  await subscribers.ask({ port: server.port, count, query: side.query })
  while ((await side.size()) < count) await sleep(20)
  await sleep(200)
  const memory = ((await server.usage()).heap - before) / count
  const latencies: number[] = []
  for (let n = 0; n < updates; n++) {
    const heard = new Promise<number>(resolve => subscribers.process.once('message', at => resolve(at as number)))
    const published = performance.timeOrigin + performance.now()
    await side.publish()
    latencies.push((await heard) - published)
  }
  const { cpu } = await server.usage()
  await subscribers.ask('close')
  while ((await side.size()) > 0) await sleep(20)
  return { latencies, cpu: cpu / (count * updates), memory }
}
