// The fault table of the feed, row by row: how much of each is up to the caller. Every row checks what must hold and returns
// its figures.

import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import { Publisher } from '../../../src/feed/publisher.js'
import { feedKeys } from '../../../src/feed/stream.js'
import { createLog } from '../../../src/telemetry.js'
import { History, swfOf } from '../../feed/histories.js'
import { until } from '../../support/until.js'
import { randomOf } from '../../swf/local/random.js'
import { clients, largeUpdates, TRANSPORTS, UPDATES } from './clients.js'
import { follow, type Follower } from './follower.js'
import { COLLECT_GARBAGE, openScene, type Part, type Scene, type SceneOptions } from './scene.js'
import { REFUSALS, shuffled, strikesOf, type Strikes } from './strikes.js'
import { expectConverged, expectGiven, expectListed, expectTold, historiesOf, updatesOf } from './verdict.js'

/** How much happens in `disturbed`. */
export interface Disturbance extends Strikes {
  executions: number
  steps: number
  /** Steps of the two executions that are followed event by event. */
  longSteps: number
}

/** Executions that are open at a time. */
const AT_ONCE = 40

/**
 * Twenty clients over two gateways follow real executions while sockets are reset and every process is killed: each is given
 * every update once and in order, and in the end both gateways list what the histories say.
 */
export async function disturbed(much: Disturbance, seed: number, options: SceneOptions = {}) {
  const scene = await openScene(options)
  const random = randomOf(seed)
  const after = await scene.cursor()
  const long = [
    await scene.start('long-1', { steps: much.longSteps }),
    await scene.start('long-2', { steps: much.longSteps }, { unseen: true }),
  ] as const
  const followers = clients(scene, after, long)

  const strikes = shuffled(strikesOf(scene, much, random), random)
  const underWay: Promise<unknown>[] = []
  const strike = (share: number) => {
    while (strikes.length > Math.max(0, 1 - share) * total) underWay.push(strikes.pop()!())
  }
  const total = strikes.length
  // Strikes need somebody to strike.
  let over = false
  let struckAll: Promise<unknown> | undefined
  for (let n = 0; n < much.executions || !over; n++) {
    await until(async () => (await scene.openCount()) < AT_ONCE, {
      what: 'some executions have closed',
      within: 60_000,
    })
    const order = { steps: much.steps, ...(n % 5 === 4 && { fail: much.steps }) }
    const tags = n % 3 === 0 ? ['gold'] : []
    await scene.start(`${n % 2 ? 'a' : 'b'}-${n}`, order, { tags, unseen: n % 4 === 0 })
    strike((n + 1) / much.executions)
    if (n + 1 === much.executions) struckAll = Promise.all(underWay).finally(() => (over = true))
  }
  await struckAll
  await until(async () => (await scene.openCount()) === 0, { what: 'every execution has closed', within: 120_000 })

  const histories = await historiesOf(scene)
  const told = () => updatesOf(scene).then(updates => updates.filter(({ summary }) => summary.status !== 'OPEN').length)
  await until(async () => (await told()) === scene.executions.length, { what: 'every close is told', every: 200 })
  const updates = await updatesOf(scene)
  expectTold(scene, histories, updates)
  for (const { what, follower, ids } of followers) await expectGiven(what, follower, ids(updates, histories))
  await expectListed(scene, histories)
  for (const { follower } of followers) follower.stop()

  const events = [...histories.values()].flat()
  const happened = (...types: string[]) => events.filter(({ eventType }) => types.includes(eventType)).length
  const figures = {
    executions: scene.executions.length,
    events: events.length,
    updates: updates.length,
    given: followers.reduce((sum, { follower }) => sum + follower.got.length, 0),
    breaks: followers.reduce((sum, { follower }) => sum + follower.breaks, 0),
    refusedCloses: happened(...REFUSALS),
    timedOutDecisions: happened('DecisionTaskTimedOut'),
    terminated: happened('WorkflowExecutionTerminated'),
  }
  expect(figures.breaks).toBeGreaterThanOrEqual(much.sockets)
  expect(figures.refusedCloses).toBeGreaterThanOrEqual(much.refusals)
  expect(figures.timedOutDecisions).toBeGreaterThanOrEqual(much.stalls)
  return figures
}

/** A thousand updates of other runs a second, told to clients of which two do not read. */
export async function pausedClients(seconds: number, options: SceneOptions = {}) {
  const scene = await openScene({ ...options, gateways: 1, deciders: 0, workers: 0 })
  const after = await scene.cursor()
  const url = `http://127.0.0.1:${scene.gateways[0]!.port}`
  const clients = (query: string) => TRANSPORTS.map(transport => follow({ query, transport, url, after }))
  const quick = [...clients(UPDATES), ...clients(UPDATES)]
  // Together more than sockets hold for somebody who does not read.
  const slow = clients(largeUpdates(Math.max(2, Math.ceil(40 / seconds))))
  const feed = await syntheticFeed(scene)
  for (let n = 0; n < 20; n++) await feed.round()
  const listening = () => [...quick, ...slow].every(({ got }) => got.length === 21 * 50)
  await until(listening, { what: 'every client is up to date' })

  const before = await memoryOf(scene.gateways[0]!)
  let most = before
  for (const client of slow) client.pause()
  for (let n = 1; n <= seconds * 20; n++) {
    await Promise.all([feed.round(), delay(50)])
    if (n % 20 === 0) most = Math.max(most, await memoryOf(scene.gateways[0]!))
  }
  const ids = (await updatesOf(scene)).map(({ summary, eventId }) => `${summary.runId} ${eventId}`)
  for (const follower of quick) await expectGiven('one who reads', follower, ids)
  for (const client of slow) client.resume()
  expect(most - before).toBeLessThan(50)
  const slowOnes = await Promise.all(slow.map(client => caughtUp(client, ids)))
  return { updates: ids.length, megabytesBefore: before, megabytesGrown: most - before, slowOnes }
}

/** What a process holds that is no garbage, in megabytes. */
async function memoryOf({ process: { pid }, port }: Part): Promise<number> {
  process.kill(pid, COLLECT_GARBAGE)
  const scrape = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  // The first one may come before the signal.
  await scrape()
  const metrics = await scrape()
  const read = (name: string) => Number(new RegExp(`^${name}(?:{.*})? (\\S+)$`, 'm').exec(metrics)![1])
  return Math.round((read('nodejs_heap_size_used_bytes') + read('nodejs_external_memory_bytes')) / 1_048_576)
}

/**
 * Waits until a client that did not read has the last update. Either it was told what it has not been given, in one place;
 * or its connection was ended, as a WebSocket's is that answers no ping, and it has resumed with all that it missed.
 */
async function caughtUp(slow: Follower, ids: readonly string[]) {
  const id = ({ runId, eventId }: Follower['got'][number]) => `${runId} ${eventId}`
  const { got } = slow
  await until(() => id(got.at(-1)!) === ids.at(-1), { what: 'the slow one has the last update', within: 180_000 })
  const gap = got.findIndex(({ __typename }) => __typename === 'Resync')
  const [head, tail] = gap < 0 ? [got, []] : [got.slice(0, gap), got.slice(gap + 1)]
  expect(head.map(id)).toEqual(ids.slice(0, head.length))
  expect(tail.map(id)).toEqual(ids.slice(ids.length - tail.length))
  if (gap < 0) expect([head.length, slow.breaks]).toEqual([ids.length, 1])
  else expect(got[gap]).toMatchObject({ reason: 'TOO_SLOW' })
  return gap < 0 ? 'resumed' : { given: head.length, dropped: ids.length - head.length - tail.length }
}

/**
 * Redis is emptied, and trimmed while clients are away: each is told each time that something may be missing, and shows in the end what
 * the histories say. So do the lists. Of 100 executions at most: more a Resync does not list at once.
 */
export async function lost(executions: number, emptied: number, trimmed: number, options: SceneOptions = {}) {
  const scene = await openScene(options)
  const { redis, connection, network, url, prefix, domain } = scene
  const after = await scene.cursor()
  const clients = TRANSPORTS.map(transport => follow({ query: UPDATES, transport, url, after }))
  const trim = async () => {
    const { stream } = feedKeys(prefix, domain)
    network.cut(true)
    const length = await connection.xlen(stream)
    await until(async () => (await connection.xlen(stream)) > length, { what: 'clients miss something' })
    await connection.xtrim(stream, 'MAXLEN', 0)
    network.cut(false)
  }
  const losses = shuffled<() => Promise<unknown>>(
    [...Array.from({ length: emptied }, () => redis.empty), ...Array.from({ length: trimmed }, () => trim)],
    randomOf(executions),
  )
  const count = losses.length
  const resyncs = () => clients.map(({ got }) => got.filter(({ __typename }) => __typename === 'Resync').length)
  const lose = async () => {
    const before = resyncs()
    await losses.pop()!()
    const told = () => resyncs().every((now, n) => now > before[n]!)
    await until(told, { what: 'every client hears of the loss', within: 30_000 })
  }
  for (let n = 1; n <= executions; n++) {
    await scene.start(`a-${n}`, { steps: 6 }, { unseen: n % 2 === 0 })
    while (losses.length > count * (1 - n / executions)) await lose()
  }
  await until(async () => (await scene.openCount()) === 0, { what: 'every execution has closed', within: 120_000 })
  const histories = await historiesOf(scene)
  for (const [n, client] of clients.entries())
    await expectConverged(TRANSPORTS[n]!, client, scene.executions, histories)
  await until(() => expectListed(scene, histories).then(() => true), { what: 'both gateways list what is' })
  return { executions, resyncs: resyncs() }
}

/** Updates of fifty runs that no SWF has. */
async function syntheticFeed({ connection, prefix, domain }: Scene) {
  const publisher = new Publisher({ redis: connection, swf: swfOf().swf, prefix, log: createLog('test', 'silent') })
  const runs = Array.from({ length: 50 }, (_, n) => new History({ workflowId: `w-${n}`, runId: `r-${n}` }))
  const steps = Array.from({ length: 15 }, (_, n) => ({ name: `step ${n}`, state: 'DONE' as const, attempts: 1 }))
  const publish = (from: (run: History) => number) =>
    Promise.all(runs.map(run => publisher.publish(domain, run.execution, run.from(from(run)))))
  await publish(() => 1)
  return {
    /** Publishes one update of every run. */
    async round() {
      for (const run of runs) {
        run.decision({ saga: { state: 'RUNNING', step: `${run.last}`, attempt: 1, steps } })
        run.signal()
      }
      await publish(run => run.last - 3)
    },
  }
}
