// Requests a second, beside bare Apollo that says hello.

import { setTimeout as sleep } from 'node:timers/promises'
import { feedKeys, FeedStream } from '../../../src/feed/stream.js'
import { ratio, us } from '../decider/figures.js'
import { LeanConnection } from '../local-swf/lean-connection.js'
import { aimed, atLeast, percentile, table } from '../local-swf/table.js'
import { DOMAIN, OPERATIONS, summaryOf, type OperationName } from './data.js'
import type { Part, Stage } from './stage.js'

const CONNECTIONS = 32
const EXECUTIONS = 1_000
/** Until what is measured has been compiled, in milliseconds. */
const WARM_UP = 2_000
const AIMS: Partial<Record<OperationName, number>> = { execution: 0.6 }

interface Sample {
  latencies: number[]
  /** How long it took, and the CPU that the server used, in milliseconds. */
  elapsed: number
  cpu: number
}

/** Many short rounds together: requests a second, and milliseconds of CPU for one, in the rounds that others disturbed least. */
function sum(samples: readonly Sample[]) {
  const latencies = samples.flatMap(sample => sample.latencies)
  const elapsed = samples.reduce((total, sample) => total + sample.elapsed, 0)
  const costs = samples.map(sample => sample.cpu / sample.latencies.length)
  return { latencies, rate: (latencies.length / elapsed) * 1_000, cpu: percentile(costs, 0.25) }
}

/** Alternates the operations, so that a busy machine is busy for all of them. */
export async function requests(stage: Stage, { rounds, ms }: { rounds: number; ms: number }): Promise<void> {
  await fill(stage)
  const bare = await stage.start('bare.mjs', {})
  const given = { endpoint: stage.endpoint, redis: stage.redisUrl, domain: DOMAIN }
  const gateway = await stage.start('gateway.mjs', given)
  const another = process.env.AGAINST && (await stage.start('gateway.mjs', given, process.env.AGAINST))
  const sides: [name: string, server: Part, operation: OperationName][] = [['bare Apollo: hello', bare, 'hello']]
  for (const operation of (process.env.ONLY?.split(',') ?? [
    'execution',
    'executions',
    'startExecution',
  ]) as OperationName[]) {
    sides.push([operation, gateway, operation])
    if (another) sides.push([`${operation}, the other build`, another, operation])
  }
  for (const server of [gateway, ...(another ? [another] : [])]) await ready(server)
  const samples = new Map(sides.map(side => [side, [] as Sample[]]))
  for (let round = -1; round < rounds; round++)
    for (const side of sides) {
      const [, server, operation] = side
      const sample = await load(server, operation, round < 0 ? WARM_UP : ms)
      if (round >= 0) samples.get(side)!.push(sample)
    }
  const together = sides.map(side => sum(samples.get(side)!))
  const hello = together[0]!
  table(
    `${CONNECTIONS} connections, ${rounds} rounds of ${ms} ms`,
    ['', 'requests/s', 'to bare Apollo', 'p50', 'p99', 'CPU of one', 'of bare Apollo'],
    sides.map(([name, , operation], i) => {
      const { rate, cpu, latencies } = together[i]!
      return [
        name,
        Math.round(rate).toLocaleString('en-US'),
        aimed(rate / hello.rate, AIMS[operation], atLeast),
        `${percentile(latencies, 0.5).toFixed(1)} ms`,
        `${percentile(latencies, 0.99).toFixed(1)} ms`,
        us(cpu),
        ratio(hello.cpu, cpu),
      ]
    }),
  )
  for (const server of new Set(sides.map(([, server]) => server))) await server.stop()
}

/** Puts executions where the gateway's index finds them. */
async function fill({ redis }: Stage): Promise<void> {
  const stream = new FeedStream(redis)
  for (let n = 0; n < EXECUTIONS; n++) {
    const summary = summaryOf(n)
    await stream.append(DOMAIN, summary.runId, '-', { summary, version: { eventId: 17, n: 0 }, updated: 17 }, [])
  }
  await redis.hset(feedKeys(stream.prefix, DOMAIN).sweep, 'opened', Date.now(), 'closed', Date.now())
}

/** Resolves when the gateway has indexed what there is. */
async function ready({ port }: Part): Promise<void> {
  while (!(await fetch(`http://127.0.0.1:${port}/readyz`)).ok) await sleep(50)
}

let sent = 0

async function load(server: Part, operation: OperationName, ms: number): Promise<Sample> {
  const { query, variables } = OPERATIONS[operation]
  const latencies: number[] = []
  await server.usage()
  const start = performance.now()
  const connection = () =>
    new Promise<void>(resolve => {
      const connection = new LeanConnection(server.port)
      let at = 0
      const next = (answer: string) => {
        const now = performance.now()
        if (answer.includes('"errors"')) throw new Error(answer)
        if (at > 0) latencies.push(now - at)
        if (now - start >= ms) {
          connection.close()
          return resolve()
        }
        at = now
        const body = JSON.stringify({ query, variables: variables(sent++) })
        connection.post('/graphql', 'Content-Type: application/json', body, next)
      }
      next('')
    })
  await Promise.all(Array.from({ length: CONNECTIONS }, connection))
  const elapsed = performance.now() - start
  return { latencies, elapsed, cpu: (await server.usage()).cpu }
}
