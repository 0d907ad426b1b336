import { createClient as createSseClient } from 'graphql-sse'
import { createClient as createWsClient, type Client } from 'graphql-ws'
import { pino } from 'pino'
import { afterAll, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { Publisher } from '../../src/feed/publisher.js'
import { feedKeys } from '../../src/feed/stream.js'
import { ExecutionUpdatesResolver } from '../../src/graphql/execution-updates.resolver.js'
import { completeWorkflowExecution, startTimer } from '../../src/swf/decision.js'
import { readHistory } from '../../src/swf/history.js'
import { connected } from '../support/redis-connection.js'
import { until } from '../support/until.js'
import { DOMAIN, startGateway, startStack, TYPE, type GraphQLResult } from './fixture.js'

const stack = await startStack()
const { ask, decider, url } = stack

/** What both clients can do. */
type Transport = Pick<Client, 'iterate'> & { dispose(): unknown }

const connect = {
  WebSocket: (to: string): Transport =>
    createWsClient({ url: `${to.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0 }),
  SSE: (to: string): Transport =>
    createSseClient({ url: `${to}/graphql/stream`, retryAttempts: 0 }) as unknown as Transport,
}
const clients: Transport[] = []
afterAll(() => clients.forEach(client => client.dispose()))

function client(transport: keyof typeof connect, to = url): Transport {
  const made = connect[transport](to)
  clients.push(made)
  return made
}

const UPDATES = `subscription ($workflowId: String, $after: String, $filter: ExecutionFilter) {
  executionUpdates(workflowId: $workflowId, after: $after, filter: $filter) {
    __typename
    ... on ExecutionChanged { cursor eventId previousEventId workflowId status saga { state step } execution { status source } }
    ... on Resync { cursor reason message about { workflowId status } executions { nodes { workflowId status } } }
  }
}`

interface Update {
  __typename: string
  cursor: string
  eventId: number
  previousEventId: number
  workflowId: string
  status: string
  saga?: { state: string }
}

/** Subscribes and collects; resolves when the gateway has the subscription. */
async function subscribe(transport: keyof typeof connect, variables: object = {}, to = stack) {
  const before = await begunSubscriptions(to)
  const iterator = client(transport, to.url).iterate({
    query: UPDATES,
    variables: variables as Record<string, unknown>,
  }) as AsyncIterableIterator<GraphQLResult>
  const updates: Update[] = []
  const done = (async () => {
    for await (const { data, errors } of iterator) {
      if (errors) throw new Error(errors[0]!.extensions.code)
      updates.push(data.executionUpdates as Update)
    }
  })()
  done.catch(() => {})
  await until(async () => (await begunSubscriptions(to)) > before, { what: 'the subscription is open' })
  return {
    updates,
    done,
    end: () => iterator.return!(),
    take: (count: number) =>
      until(() => updates.length >= count && updates.slice(0, count), {
        what: `${count} updates have come, not ${updates.length}`,
      }),
  }
}

async function openSubscriptions({ metrics }: Pick<typeof stack, 'metrics'>): Promise<number> {
  return (await metrics.subscribers.get()).values[0]!.value
}

async function begunSubscriptions({ metrics }: Pick<typeof stack, 'metrics'>): Promise<number> {
  const { values } = await metrics.graphqlRequests.get()
  return values.find(({ labels }) => labels.operation === 'subscription')?.value ?? 0
}

const start = (workflowId: string) =>
  ask('mutation ($input: StartExecutionInput!) { startExecution(input: $input) { execution { runId } } }', {
    input: { workflowId, type: TYPE.name },
  })

const terminate = (workflowId: string) =>
  ask('mutation ($e: ExecutionRef!) { terminateExecution(input: { execution: $e }) { execution { status } } }', {
    e: { workflowId },
  })

const saga = (state: 'RUNNING' | 'COMPLETED') => ({ saga: { state, step: 'pay', attempt: 1, steps: [] } })

test.each(['WebSocket', 'SSE'] as const)('%s shows every visible change, a termination too', async transport => {
  const workflowId = `live-${transport}`
  const { take, updates, end } = await subscribe(transport, { workflowId })
  await start(workflowId)
  await decider.decide([startTimer({ timerId: 't', startToFireTimeout: '0' })], saga('RUNNING'))
  await take(2)
  await terminate(workflowId)
  await take(3)
  expect(updates).toMatchObject([
    { __typename: 'ExecutionChanged', workflowId, status: 'OPEN', eventId: 1, previousEventId: 0, saga: null },
    {
      __typename: 'ExecutionChanged',
      workflowId,
      status: 'OPEN',
      previousEventId: 1,
      saga: { state: 'RUNNING', step: 'pay' },
    },
    {
      __typename: 'ExecutionChanged',
      workflowId,
      status: 'TERMINATED',
      saga: { state: 'FAILED' },
      execution: { status: 'TERMINATED', source: 'INDEX' },
    },
  ])
  expect(updates[2]!.previousEventId).toBe(updates[1]!.eventId)
  await end()
  await until(async () => (await openSubscriptions(stack)) === 0, { what: 'the subscription has ended' })
})

test.each(['WebSocket', 'SSE'] as const)(
  '%s resumes from a cursor: what was missed, in order, then what is new',
  async transport => {
    const workflowId = `resume-${transport}`
    const first = await subscribe(transport, { workflowId })
    await start(workflowId)
    await decider.decide([startTimer({ timerId: 't', startToFireTimeout: '0' })], saga('RUNNING'))
    const [opened] = await first.take(2)
    await first.end()
    await decider.decide([completeWorkflowExecution({ result: '1' })], saga('COMPLETED'))

    const second = await subscribe(transport, { workflowId, after: opened!.cursor })
    const missed = await second.take(2)
    expect(missed.map(({ status, saga }) => [status, saga?.state])).toEqual([
      ['OPEN', 'RUNNING'],
      ['COMPLETED', 'COMPLETED'],
    ])
    await start(workflowId)
    await terminate(workflowId)
    expect((await second.take(4)).slice(2).map(({ status }) => status)).toEqual(['OPEN', 'TERMINATED'])
    await second.end()
  },
)

test.each(['WebSocket', 'SSE'] as const)(
  '%s goes on from a list: what the list does not show comes',
  async transport => {
    const filter = { workflowIdPrefix: `listed-${transport}` }
    const list = async () => {
      const { data } = await ask(
        'query ($filter: ExecutionFilter) { executions(filter: $filter) { updatesCursor nodes { workflowId status } } }',
        { filter },
      )
      return data.executions
    }
    expect(await list()).toEqual({ updatesCursor: expect.any(String), nodes: [] })
    await start(`${filter.workflowIdPrefix}-1`)
    await terminate(`${filter.workflowIdPrefix}-1`)
    await until(async () => (await list()).nodes[0]?.status === 'TERMINATED', { what: 'the list shows it' })
    const { updatesCursor } = await list()
    await start(`${filter.workflowIdPrefix}-2`)
    await terminate(`${filter.workflowIdPrefix}-2`)
    const { take, updates, end } = await subscribe(transport, { filter, after: updatesCursor })
    await take(2)
    expect(updates.map(({ workflowId, status }) => [workflowId.slice(-1), status])).toEqual([
      ['2', 'OPEN'],
      ['2', 'TERMINATED'],
    ])
    await end()
  },
)

test('a filter lets through what it names', async () => {
  const { take, end } = await subscribe('WebSocket', {
    filter: { workflowIdPrefix: 'filtered-', status: ['TERMINATED'] },
  })
  for (const workflowId of ['other', 'filtered-1']) {
    await start(workflowId)
    await terminate(workflowId)
  }
  expect((await take(1)).map(({ workflowId, status }) => [workflowId, status])).toEqual([['filtered-1', 'TERMINATED']])
  await end()
})

test('a cursor whose place is gone is answered with a Resync and what stands now', async () => {
  await start('resync')
  const gone = Buffer.from('1.1-1').toString('base64url')
  const { take, end } = await subscribe('WebSocket', { after: gone, filter: { workflowIdPrefix: 'resync' } })
  const [update] = await take(1)
  expect(update).toMatchObject({
    __typename: 'Resync',
    cursor: expect.any(String),
    executions: { nodes: [{ workflowId: 'resync', status: 'OPEN' }] },
  })
  await terminate('resync')
  expect((await take(3)).slice(1)).toMatchObject([{ status: 'OPEN' }, { workflowId: 'resync', status: 'TERMINATED' }])
  await end()
})

test('for all who ask the same, over WebSocket or SSE, what happened is executed once', async () => {
  const executed = vi.spyOn(ExecutionUpdatesResolver.prototype, 'executionUpdates')
  const same = { filter: { workflowIdPrefix: 'shared' } }
  const watching = [
    ...[await subscribe('WebSocket', same), await subscribe('WebSocket', same), await subscribe('SSE', same)],
    await subscribe('WebSocket', { workflowId: 'shared' }),
  ]
  await start('shared')
  await terminate('shared')
  const seen = await Promise.all(watching.map(({ take }) => take(2)))
  for (const updates of seen) expect(updates).toEqual(seen[0])
  expect(executed.mock.calls.map(([item]) => (item as { update: Update }).update.eventId)).toEqual([1, 1, 3, 3])
  for (const { end } of watching) await end()
  executed.mockRestore()
})

test.each(['WebSocket', 'SSE'] as const)('%s refuses text that is no cursor', async transport => {
  const results = client(transport).iterate({ query: UPDATES, variables: { after: 'nonsense!' } })
  const { value } = (await results.next()) as { value: GraphQLResult }
  expect(value.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }])
  expect((await results.next()).done).toBe(true)
})

test('SSE gives each event its cursor as id, and goes on behind the id that an EventSource sends', async () => {
  const stream = (lastEventId?: string) =>
    fetch(`${url}/graphql/stream?${new URLSearchParams({ query: UPDATES, variables: '{"workflowId":"browser"}' })}`, {
      headers: { accept: 'text/event-stream', ...(lastEventId && { 'last-event-id': lastEventId }) },
    })
  const before = await subscribe('WebSocket', { workflowId: 'browser' })
  await start('browser')
  await terminate('browser')
  const [opened, closed] = await before.take(2)
  await before.end()
  const response = await stream(opened!.cursor)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('TERMINATED')) text += (await reader.read()).value
  expect(text).toContain(`id: ${closed!.cursor}\nevent: next\ndata: {`)
  expect(text).not.toContain('"status":"OPEN"')
  await reader.cancel()
})

test('both run queries and mutations too', async () => {
  for (const transport of ['WebSocket', 'SSE'] as const) {
    const results = client(transport).iterate({ query: '{ errorCodes }' })
    expect((await results.next()).value).toMatchObject({ data: { errorCodes: expect.arrayContaining(['INTERNAL']) } })
    expect((await results.next()).done).toBe(true)
  }
})

test('a subscription that is POSTed to /graphql is told where to go', async () => {
  const { errors } = await ask(UPDATES)
  expect(errors).toMatchObject([
    {
      extensions: { code: 'BAD_USER_INPUT' },
      message: expect.stringMatching(/WebSocket to \/graphql.*\/graphql\/stream/),
    },
  ])
})

test('when the gateway stops, WebSockets close with 1001 and streams break off, so that clients come back', async () => {
  const other = {
    ...stack,
    ...(await startGateway({ swf: stack.swf, redis: stack.redis, prefix: stack.redis.prefix })),
  }
  const overWebSocket = await subscribe('WebSocket', {}, other)
  const overSse = await subscribe('SSE', {}, other)
  await other.gateway.stop()
  await expect(overWebSocket.done).rejects.toMatchObject({ code: 1001 })
  await expect(overSse.done).rejects.toThrow()
  expect(await openSubscriptions(other)).toBe(0)
})

test.each(['WebSocket', 'SSE'] as const)(
  '%s: a Resync about one run names it, and lists all the same',
  async transport => {
    const filter = { workflowIdPrefix: `anew-${transport}` }
    const { take, end } = await subscribe(transport, { filter })
    const ids = ['one', 'other'].map(name => `anew-${transport}-${name}`)
    for (const id of ids) {
      await start(id)
      await decider.decide([startTimer({ timerId: 't', startToFireTimeout: '3600' })])
    }
    await take(2)
    // A run of which Redis has lost the record, as its history is read again.
    const redis = await connected(stack.redis.url)
    const { runId } = (await ask(`{ execution(workflowId: "${ids[0]}") { runId } }`)).data.execution as {
      runId: string
    }
    const execution = { workflowId: ids[0]!, runId }
    await redis.del(feedKeys(stack.redis.prefix, DOMAIN).run(runId))
    const publisher = new Publisher({
      redis,
      swf: stack.swf,
      prefix: stack.redis.prefix,
      log: pino({ level: 'silent' }),
    })
    const events = await readHistory(stack.swf, DOMAIN, execution)
    await publisher.publish(DOMAIN, execution, events, { unknown: 'snapshot' })
    const resync = (await take(3))[2] as unknown as Record<string, { nodes: unknown[] }>
    expect(resync).toMatchObject({
      __typename: 'Resync',
      reason: 'RUN_READ_ANEW',
      message: expect.stringContaining('One run'),
      about: { workflowId: ids[0], status: 'OPEN' },
    })
    expect(resync.executions!.nodes).toHaveLength(2)
    await end()
  },
)
