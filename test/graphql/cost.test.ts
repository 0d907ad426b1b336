// What one operation may touch: known before it runs, and counted while it does.

import { buildSchema, execute, parse, type GraphQLObjectType } from 'graphql'
import { createClient as createSseClient } from 'graphql-sse'
import { createClient as createWsClient } from 'graphql-ws'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { Budget, withBudget } from '../../src/graphql/budget.js'
import { LIMITS } from '../../src/graphql/limits.js'
import { until } from '../support/until.js'
import { afterFile } from '../support/dispose.js'
import { startStack, TYPE } from './fixture.js'

const { ask, url } = await startStack()

const CODES = (answer: { errors?: { extensions: { code: string } }[] }) =>
  (answer.errors ?? []).map(({ extensions }) => extensions.code)
const TOO_MUCH = ['LIMIT_EXCEEDED']

/** Children of parents of children, so many pages deep. */
const rounds = (depth: number, first: number): string =>
  depth === 0 ? 'runId' : `parent { children(first: ${first}) { nodes { ${rounds(depth - 1, first)} } } }`

const aliases = (count: number, field: string) => Array.from({ length: count }, (_, n) => `a${n}: ${field}`).join(' ')

describe('is refused before it runs, when its pages multiply to more than may be touched', () => {
  const REFUSED: [string, string, object?][] = [
    ['pages within pages', `{ executions(first: 200) { nodes { ${rounds(3, 200)} } } }`],
    ['small pages, deep', `{ executions(first: 30) { nodes { ${rounds(2, 30)} } } }`],
    ['pages beside each other', `{ ${aliases(50, 'executions(first: 200) { nodes { runId } }')} }`],
    ['histories without a size', '{ executions(first: 20) { nodes { history { nodes { eventId } } } } }'],
    ['the last so many', '{ executions(first: 50) { nodes { history(last: 500) { nodes { eventId } } } } }'],
    [
      'a size in a variable',
      'query ($n: Int!) { executions(first: $n) { nodes { children(first: $n) { nodes { runId } } } } }',
      { n: 100 },
    ],
    [
      'a size that a variable has by default',
      'query ($n: Int = 200) { executions(first: $n) { nodes { children(first: $n) { nodes { runId } } } } }',
    ],
    [
      'pages in fragments, of unions and interfaces too',
      `fragment C on Execution { children(first: 200) { edges { node { runId } } } }
       { executions(first: 200) { nodes { ...C ... on Node { ... on Execution { ...C } } } } }`,
    ],
    ['the schema, again and again', `{ ${aliases(30, '__schema { types { name } }')} }`],
  ]
  test.each(REFUSED)('%s', async (_, query, variables = {}) => {
    const answer = await ask(query, variables as Record<string, unknown>)
    expect(CODES(answer)).toEqual(TOO_MUCH)
    expect(answer.errors![0]!.message).toMatch(/may touch .* objects.*8,000 are allowed/)
    expect(answer.data).toBeUndefined()
  })

  test('the same over WebSocket and event streams, for subscriptions as well', async () => {
    const ws = createWsClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
    })
    const sse = createSseClient({ url: `${url}/graphql/stream`, retryAttempts: 0 })
    afterFile(() => (void ws.dispose(), sse.dispose()))
    const subscription = `subscription { executionUpdates { ... on Resync { executions(first: 200) { nodes { children(first: 200) { nodes { runId } } } } } } }`
    for (const query of [REFUSED[0]![1], subscription]) {
      const overSocket = await new Promise(resolve =>
        ws.subscribe({ query }, { next: resolve, error: resolve, complete: () => {} }),
      )
      expect(overSocket).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED' } }])
      const overEvents = await sse.iterate({ query }).next()
      expect(overEvents.value).toMatchObject({ errors: [{ extensions: { code: 'LIMIT_EXCEEDED' } }] })
    }
  })
})

test.each([
  [
    'the largest page, with a few of each',
    '{ executions(first: 200) { nodes { children(first: 30) { nodes { runId } } } } }',
  ],
  ['pages of the usual size', '{ executions { nodes { children { nodes { runId } } pending { __typename } } } }'],
  ['a deep chain without pages', '{ executions { nodes { parent { parent { parent { parent { runId } } } } } } }'],
  ['introspection', '{ __schema { types { name fields { name } } } }'],
  ['nothing, of a page that is refused by itself', '{ executions(first: -5) { nodes { runId } } }'],
])('runs: %s', async (_, query) => {
  expect(CODES(await ask(query))).not.toContain('LIMIT_EXCEEDED')
})

describe('counts what it touches while it runs', () => {
  /** A schema whose list says nothing of its size. */
  const listing = (size: number) => {
    const schema = buildSchema('type Query { workers: [Worker!] } type Worker { id: Int! }')
    const query = schema.getType('Query') as GraphQLObjectType
    query.getFields().workers!.resolve = () => Array.from({ length: size }, (_, id) => ({ id }))
    return withBudget(schema)
  }

  test('lists without pages', async () => {
    const run = (size: number, query = '{ workers { id } }') =>
      execute({ schema: listing(size), document: parse(query), contextValue: { budget: new Budget() } })
    expect((await run(LIMITS.objects)).errors).toBeUndefined()
    expect(await run(LIMITS.objects + 1)).toMatchObject({
      data: { workers: null },
      errors: [{ path: ['workers'], extensions: { code: 'LIMIT_EXCEEDED' } }],
    })
    const half = LIMITS.objects / 2 - 1
    const answer = await run(half, '{ a: workers { id } b: workers { id } c: workers { id } }')
    expect(answer.data).toMatchObject({ a: { length: half }, b: { length: half }, c: null })
  })

  test('and lets others have their turn', async () => {
    for (let n = 0; n < LIMITS.reads + 10; n++) {
      const { errors } = await ask(
        'mutation ($input: StartExecutionInput!) { startExecution(input: $input) { created } }',
        {
          input: { workflowId: `order-${n}`, type: TYPE.name, tags: ['a', 'b', 'c'] },
        },
      )
      expect(errors).toBeUndefined()
    }
    const indexed = async () => (await ask('{ executions { count { value } } }')).data.executions.count.value
    await until(async () => (await indexed()) === LIMITS.reads + 10, { what: 'all are listed' })

    const all = 'id workflowId runId status tags taskList startedAt duration type { name version } parent { runId }'
    let done = false
    const heavy = ask(`{ ${aliases(20, `executions(first: 200) { edges { cursor node { ${all} } } }`)} }`).finally(
      () => (done = true),
    )
    let probes = 0
    while (!done) {
      expect((await fetch(`${url}/livez`)).status).toBe(200)
      if (!done) probes++
    }
    expect(CODES(await heavy)).toEqual([])
    expect(probes).toBeGreaterThan(3)
  })

  test('reads from SWF', async () => {
    const page = (order: string) => `executions(first: 200, orderBy: ${order}) { nodes { workflowId input { size } } }`
    const answer = await ask(`{ a: ${page('STARTED_DESC')} b: ${page('STARTED_ASC')} }`)
    expect(new Set(CODES(answer))).toEqual(new Set(TOO_MUCH))
    expect(answer.errors).toHaveLength(10)
    expect(answer.errors![0]).toMatchObject({
      message: expect.stringContaining('200 reads'),
      path: ['b', 'nodes', 0, 'input'],
    })
    expect(CODES(await ask(`{ ${page('STARTED_ASC')} }`))).toEqual([])
  })
})
