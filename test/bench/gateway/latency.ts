// From what SWF has accepted to those who are told: the whole way, through the real processes.
//
// A decision's answer changes the state that its execution shows: the update that tells of it counts from the moment at which
// SWF accepted the answer. An activity's answer is seen with the decision that it leads to: from its acceptance a decider has to
// get the task, to replay, to answer, and all of the former.

import { createClient } from 'graphql-ws'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { ms } from '../decider/figures.js'
import { aimed, below, percentile, table } from '../local-swf/table.js'
import type { Part, Stage } from './stage.js'

const AIM = 25
const DOMAIN = 'latency'
const STEPS = 3
/** Executions started in a second. */
const RATE = 20
const QUERY = 'subscription { executionUpdates { ... on ExecutionChanged { workflowId status saga { step } } } }'

const now = () => performance.timeOrigin + performance.now()

interface Told {
  executionUpdates: { workflowId: string; status: string; saga: object | null }
}
/** When each thing happened to an execution, in milliseconds since 1970. */
interface Times {
  decisions: number[]
  activities: number[]
  updates: number[]
}

export async function latency(stage: Stage, executions: number): Promise<void> {
  const given = { endpoint: stage.endpoint, redis: stage.redisUrl, domain: DOMAIN }
  const decider = await stage.start('worker.mjs', { role: 'decider', ...given })
  const worker = await stage.start('worker.mjs', { role: 'worker', ...given })
  const gateway = await stage.start('gateway.mjs', given)
  const client = createClient({ url: `ws://127.0.0.1:${gateway.port}/graphql`, webSocketImpl: WebSocket })
  const all = new Map<string, Times>()
  const closed = new Map<string, () => void>()

  const of = (workflowId: string) => {
    if (!all.has(workflowId)) all.set(workflowId, { decisions: [], activities: [], updates: [] })
    return all.get(workflowId)!
  }
  const note = (part: Part, what: 'decisions' | 'activities') =>
    part.process.on('message', ({ workflowId, at }: { workflowId: string; at: number }) =>
      of(workflowId)[what].push(at),
    )
  note(decider, 'decisions')
  note(worker, 'activities')
  const updates = client.iterate<Told>({ query: QUERY })
  void (async () => {
    for await (const { data } of updates) {
      const { workflowId, status, saga } = data!.executionUpdates
      // The first one only says that it has started.
      if (saga) of(workflowId).updates.push(now())
      if (status !== 'OPEN') closed.get(workflowId)?.()
    }
  })()

  let started = 0
  const execution = async () => {
    const workflowId = `w${++started}`
    const done = new Promise<void>(resolve => closed.set(workflowId, resolve))
    await stage.swf.startWorkflowExecution({
      domain: DOMAIN,
      workflowId,
      workflowType: { name: 'Steps', version: '1' },
    })
    await done
    return workflowId
  }
  await sleep(500)
  for (let n = 0; n < 50; n++) await execution()

  const beside = await watchBare(stage)
  const oneByOne = async () => {
    const finished: Times[] = []
    while (finished.length < executions) finished.push(of(await execution()))
    return finished
  }
  const steadily = async () => {
    const running: Promise<string>[] = []
    while (running.length < executions) {
      running.push(execution())
      await sleep(1_000 / RATE)
    }
    return (await Promise.all(running)).map(of)
  }

  const rows: string[][] = []
  for (const [how, run] of [
    ['one by one', oneByOne],
    [`${RATE} started a second`, steadily],
  ] as const) {
    beside.begin()
    const finished = await run()
    await sleep(200)
    const bare = beside.end()
    const whole = finished.filter(({ updates }) => updates.length === STEPS + 1)
    const from = (what: 'decisions' | 'activities', first: number) =>
      whole.flatMap(times => times[what].map((at, i) => times.updates[i + first]! - at))
    for (const [name, latencies] of [
      ['a decision', from('decisions', 0)],
      ['an activity', from('activities', 1)],
    ] as const) {
      const p99 = Number(percentile(latencies, 0.99).toFixed(1))
      rows.push([
        `${name}, ${how}`,
        String(latencies.length),
        ms(percentile(latencies, 0.5)),
        aimed(p99, AIM, below, ' ms'),
      ])
    }
    rows.push([
      `meanwhile, bare graphql-ws`,
      String(bare.length),
      ms(percentile(bare, 0.5)),
      ms(percentile(bare, 0.99)),
    ])
    if (whole.length < finished.length) rows.push([`${finished.length - whole.length} with updates that came as one`])
  }
  table(
    'From what SWF accepted to the receipt at a subscriber',
    ['executions of three steps', 'answers', 'p50', 'p99'],
    rows,
  )
  await updates.return!()
  await client.dispose()
  await beside.stop()
  for (const part of [gateway, decider, worker]) await part.stop()
}

/** What the machine itself does to a message meanwhile: one every 20 ms through bare graphql-ws. */
async function watchBare(stage: Stage) {
  const bare = await stage.start('bare.mjs', {})
  const client = createClient({ url: `ws://127.0.0.1:${bare.port}/graphql`, webSocketImpl: WebSocket })
  const updates = client.iterate<{ updates: { at: string } }>({ query: 'subscription { updates { at } }' })
  let latencies: number[] = []
  let timer: NodeJS.Timeout | undefined
  void (async () => {
    for await (const { data } of updates) latencies.push(now() - Number(data!.updates.at))
  })()
  return {
    begin() {
      latencies = []
      timer = setInterval(() => bare.process.send({ publish: { at: String(now()) } }), 20)
    },
    end() {
      clearInterval(timer)
      return latencies
    },
    async stop() {
      await updates.return!()
      await client.dispose()
      await bare.stop()
    },
  }
}
