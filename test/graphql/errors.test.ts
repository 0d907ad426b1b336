// The same mistake has the same code on HTTP, WebSocket and SSE, and nothing internal leaves the gateway.

import { createClient as createSseClient } from 'graphql-sse'
import { createClient as createWsClient } from 'graphql-ws'
import { GraphQLError } from 'graphql'
import { pino } from 'pino'
import { afterAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { ErrorCode } from '../../src/graphql/error-code.js'
import { present } from '../../src/graphql/errors.js'
import { createSwfClient } from '../../src/swf/client.js'
import { swfFault } from '../../src/swf/errors.js'
import { PayloadTooLarge } from '../../src/swf/payload.js'
import { RedisUnavailable } from '../../src/redis.js'
import { ask, startGateway, startStack, TYPE, type GraphQLResult } from './fixture.js'

const { url, redis, swf } = await startStack()

const ws = createWsClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket })
const sse = createSseClient({ url: `${url}/graphql/stream` })
afterAll(() => Promise.all([ws.dispose(), sse.dispose()]))

interface Request {
  query: string
  variables?: Record<string, unknown>
}

const TRANSPORTS = {
  HTTP: ({ query, variables }: Request) => ask(url, query, variables),
  WebSocket: async (request: Request) => {
    try {
      return (await ws.iterate(request).next()).value as GraphQLResult
    } catch (errors) {
      // The protocol sends what is wrong with a request as an error, not as a result.
      return { data: undefined, errors } as GraphQLResult
    }
  },
  SSE: async (request: Request) => (await sse.iterate(request).next()).value as GraphQLResult,
}

const START = 'mutation ($input: StartExecutionInput!) { startExecution(input: $input) { created } }'
const started = (input: object): Request => ({
  query: START,
  variables: { input: { workflowId: 'w', type: TYPE.name, ...input } },
})
const deep = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels))
const nested = (depth: number): string => (depth === 0 ? 'runId' : `parent { ${nested(depth - 1)} }`)

const MISTAKES: [string, Request, ErrorCode, RegExp][] = [
  ['a syntax error', { query: '{ errorCodes' }, 'BAD_USER_INPUT', /Syntax Error/],
  [
    'an operation that is not there',
    { query: 'query a { errorCodes } query b { errorCodes }' },
    'BAD_USER_INPUT',
    /operation/,
  ],
  ['an unknown field', { query: '{ errorCode }' }, 'BAD_USER_INPUT', /Cannot query field "errorCode".*"errorCodes"/],
  ['a missing variable', { query: START, variables: {} }, 'BAD_USER_INPUT', /"\$input" of required type/],
  [
    'a missing member',
    { query: START, variables: { input: { type: 'Order' } } },
    'BAD_USER_INPUT',
    /"workflowId" of required type/,
  ],
  ['a variable of the wrong type', started({ tags: [{}] }), 'BAD_USER_INPUT', /got invalid value/],
  ['a wrong workflowId', started({ workflowId: 'a/b' }), 'BAD_USER_INPUT', /workflowId must not hold/],
  ['half a character', started({ workflowId: 'a\ud800' }), 'BAD_USER_INPUT', /workflowId must not hold/],
  [
    'a workflowId that is too long',
    started({ workflowId: 'x'.repeat(257) }),
    'BAD_USER_INPUT',
    /workflowId must be shorter/,
  ],
  [
    'too many tags',
    started({ tags: ['1', '2', '3', '4', '5', '6'] }),
    'BAD_USER_INPUT',
    /tags must contain no more than 5/,
  ],
  ['a duration that is none', started({ executionTimeout: '5 minutes' }), 'BAD_USER_INPUT', /ISO 8601: "PT30S"/],
  [
    'a date that is none',
    { query: '{ executions(filter: { startedAfter: "yesterday" }) { source } }' },
    'BAD_USER_INPUT',
    /ISO 8601/,
  ],
  [
    'a page that is too long',
    { query: '{ executions(first: 5000) { source } }' },
    'BAD_USER_INPUT',
    /between 0 and 200/,
  ],
  ['a cursor that is none', { query: '{ executions(after: "%") { source } }' }, 'BAD_USER_INPUT', /cursor/],
  ['an id that is none', { query: '{ node(id: "x") { id } }' }, 'BAD_USER_INPUT', /Not an id/],
  ['an unknown type', started({ type: 'Nothing' }), 'TYPE_NOT_FOUND', /swf-gateway register/],
  ['an unknown version', started({ version: '9' }), 'TYPE_NOT_FOUND', /register it/],
  ['an unknown domain', started({ domain: 'nowhere' }), 'DOMAIN_NOT_FOUND', /"nowhere" is not registered/],
  ['an input over 32,768 characters', started({ input: 'x'.repeat(32_767) }), 'PAYLOAD_TOO_LARGE', /pass a reference/],
  ['too many tokens', { query: `{ ${'errorCodes '.repeat(5_000)} }` }, 'LIMIT_EXCEEDED', /4000 tokens/],
  [
    'too deep a query',
    { query: `{ execution(workflowId: "w") { ${nested(20)} } }` },
    'LIMIT_EXCEEDED',
    /nests 22 levels deep/,
  ],
  [
    'JSON that nests too deep, in the query',
    {
      query: `mutation { startExecution(input: { workflowId: "w", type: "Order", input: ${'['.repeat(1_001)}${']'.repeat(1_001)} }) { created } }`,
    },
    'BAD_USER_INPUT',
    /JSON may nest 1,000 levels/,
  ],
  ['JSON that nests too deep, in a variable', started({ input: deep(1_001) }), 'BAD_USER_INPUT', /JSON may nest 1,000/],
  ['thousands of levels', { query: `{ ${'a { '.repeat(1_900)}` }, 'BAD_USER_INPUT', /Syntax Error|nests too deep/],
  ['thousands of lists', { query: `{ a(b: ${'['.repeat(3_900)}` }, 'BAD_USER_INPUT', /nests too deep to be read/],
  [
    'too many aliases',
    { query: `{ ${Array.from({ length: 51 }, (_, i) => `a${i}: errorCodes`).join(' ')} }` },
    'LIMIT_EXCEEDED',
    /51 aliases/,
  ],
  [
    'aliases multiplied by fragments',
    {
      query: `{ ...a ...a2 } fragment a on Query { ...b ...b } fragment a2 on Query { ...b } fragment b on Query { ${Array.from({ length: 20 }, (_, i) => `x${i}: errorCodes`).join(' ')} }`,
    },
    'LIMIT_EXCEEDED',
    /60 aliases/,
  ],
]

describe.each(Object.keys(TRANSPORTS) as (keyof typeof TRANSPORTS)[])('over %s', transport => {
  test.each(MISTAKES)('%s says what to do', async (_what, request, code, message) => {
    const { errors } = await TRANSPORTS[transport](request)
    expect(errors).toMatchObject([{ message: expect.stringMatching(message), extensions: { code } }])
    expect(JSON.stringify(errors)).not.toMatch(/stack|node_modules/)
  })

  test('introspection may nest as deep as it likes', async () => {
    const { data } = await TRANSPORTS[transport]({
      query: `{ __type(name: "Query") { fields { type { ${'ofType { '.repeat(20)} name ${'}'.repeat(20)} } } } }`,
    })
    expect(data.__type.fields).not.toHaveLength(0)
  })
})

describe('HTTP', () => {
  const post = async (path: string, body: string, headers: Record<string, string> = {}) => {
    const response = await fetch(url + path, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    })
    return { status: response.status, ...((await response.json()) as GraphQLResult) }
  }
  test.each(['/graphql', '/graphql/stream'])('%s tells of bodies that it cannot read', async path => {
    const accept = path.endsWith('stream') ? { accept: 'text/event-stream' } : {}
    const code = (code: string) => [{ message: expect.any(String), extensions: { code } }]
    expect(await post(path, '{"query": ', accept)).toMatchObject({ status: 400, errors: code('BAD_USER_INPUT') })
    expect(await post(path, '{}', accept)).toMatchObject({ status: 400, errors: code('BAD_USER_INPUT') })
    expect(await post(path, '{"query":5}', accept)).toMatchObject({ status: 400, errors: code('BAD_USER_INPUT') })
    expect(await post(path, '{"query":"{ errorCodes }","variables":[]}', accept)).toMatchObject({
      status: 400,
      errors: code('BAD_USER_INPUT'),
    })
    expect(await post(path, '{ errorCodes }', { ...accept, 'content-type': 'application/graphql' })).toMatchObject({
      status: 415,
      errors: code('BAD_USER_INPUT'),
    })
    expect(await post(path, JSON.stringify({ query: 'x'.repeat(1_100_000) }), accept)).toMatchObject({
      status: 413,
      errors: code('PAYLOAD_TOO_LARGE'),
    })
  })

  test('other methods are told what is allowed', async () => {
    const response = await fetch(`${url}/graphql`, { method: 'DELETE' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, POST'])
    const mutation = await fetch(
      `${url}/graphql/stream?query=mutation{updateQueue(input:{taskList:"x"}){previous{version}}}`,
      { headers: { accept: 'text/event-stream' } },
    )
    expect([mutation.status, mutation.headers.get('allow')]).toEqual([405, 'POST'])
    const plain = (headers: Record<string, string>) =>
      fetch(`${url}/graphql/stream?query={errorCodes}`, { headers: { accept: 'application/json', ...headers } })
    expect((await plain({ 'graphql-require-preflight': '1' })).status).toBe(406)
    expect((await plain({})).status).toBe(400)
  })
})

describe('out of reach', () => {
  test('without SWF, lists still work and starts say SWF_UNAVAILABLE', async () => {
    const nobody = createSwfClient({ transport: 'http', endpoint: 'http://127.0.0.1:9' })
    const { url } = await startGateway({ swf: nobody, redis, prefix: redis.prefix })
    const { errors } = await ask(url, START, { input: { workflowId: 'w', type: 'Order' } })
    expect(errors).toMatchObject([{ extensions: { code: 'SWF_UNAVAILABLE' } }])
    expect((await ask(url, '{ executions { count { value } } }')).errors).toBeUndefined()
    const ready = await fetch(`${url}/readyz`)
    expect(ready.status).toBe(200)
    expect(await ready.text()).toMatch(/^ok, but not all is well\n- SWF does not answer for domain shop/)
  })

  test('without Redis, starts still succeed and queues say REDIS_UNAVAILABLE', async () => {
    const { url, logged } = await startGateway({ swf, redis: { url: 'redis://127.0.0.1:9' } })
    const { data, errors } = await ask(
      url,
      `mutation { startExecution(input: { workflowId: "no-redis", type: "${TYPE.name}" }) { created execution { status } } }`,
    )
    expect(errors).toBeUndefined()
    expect(data.startExecution).toEqual({ created: true, execution: { status: 'OPEN' } })
    expect((await ask(url, '{ execution(workflowId: "no-redis") { status } }')).data.execution.status).toBe('OPEN')
    expect((await ask(url, '{ queues { taskList } }')).errors).toMatchObject([
      { extensions: { code: 'REDIS_UNAVAILABLE' } },
    ])
    const ready = await fetch(`${url}/readyz`)
    expect(ready.status).toBe(200)
    expect(await ready.text()).toContain('- Redis does not answer')
    expect(logged.map(({ message }) => message)).toContain('execution started')
  })
})

describe('present', () => {
  const silent = pino({ level: 'silent' })
  const shown = (error: unknown) => present(error, 'r1', silent)
  const located = (originalError: Error) => new GraphQLError(originalError.message, { originalError, path: ['a'] })

  test.each([
    [swfFault('StartWorkflowExecution', 'UnknownResourceFault', 'Unknown type: x'), 'TYPE_NOT_FOUND'],
    [swfFault('SignalWorkflowExecution', 'UnknownResourceFault', 'Unknown execution'), 'EXECUTION_NOT_FOUND'],
    [swfFault('ListOpenWorkflowExecutions', 'UnknownResourceFault', 'Unknown domain: x'), 'DOMAIN_NOT_FOUND'],
    [swfFault('StartWorkflowExecution', 'TypeDeprecatedFault', 'x'), 'TYPE_DEPRECATED'],
    [swfFault('StartWorkflowExecution', 'DefaultUndefinedFault', 'x'), 'BAD_USER_INPUT'],
    [swfFault('StartWorkflowExecution', 'LimitExceededFault', 'x'), 'LIMIT_EXCEEDED'],
    [swfFault('StartWorkflowExecution', 'OperationNotPermittedFault', 'x'), 'FORBIDDEN'],
    [swfFault('StartWorkflowExecution', 'ValidationException', 'x'), 'BAD_USER_INPUT'],
    [swfFault('StartWorkflowExecution', 'ThrottlingException', 'Rate exceeded'), 'THROTTLED'],
    [swfFault('StartWorkflowExecution', 'SomethingNew', 'x'), 'SWF_UNAVAILABLE'],
    [new PayloadTooLarge(40_000), 'PAYLOAD_TOO_LARGE'],
    [new RedisUnavailable(), 'REDIS_UNAVAILABLE'],
    [new Error('Connection is closed.'), 'REDIS_UNAVAILABLE'],
    [Object.assign(new Error('x'), { code: 'VERSION_CONFLICT' }), 'VERSION_CONFLICT'],
  ])('%s is %s', (error, code) => {
    expect(shown(located(error))).toMatchObject({ extensions: { code }, path: ['a'] })
  })

  test("tells nothing of Amazon's accounts and roles", () => {
    const error = swfFault(
      'StartWorkflowExecution',
      'AccessDeniedException',
      'User: arn:aws:sts::1:role is not allowed',
    )
    expect(shown(error)).toMatchObject({
      extensions: { code: 'FORBIDDEN' },
      message: expect.not.stringContaining('arn:'),
    })
  })

  test('tells nothing of what it does not know', () => {
    for (const error of [new Error('secret'), located(new TypeError('secret')), 'secret', undefined]) {
      const text = JSON.stringify(shown(error))
      expect(text).not.toContain('secret')
      expect(JSON.parse(text)).toMatchObject({ extensions: { code: 'INTERNAL', requestId: 'r1' } })
    }
  })
})

test('a complaint about a long value shows its beginning and what is wrong with it', async () => {
  const input = { workflowId: 'w', type: 'Order', tags: ['x'.repeat(40_000)], tgs: [] }
  const { errors } = await ask(
    url,
    'mutation ($input: StartExecutionInput!) { startExecution(input: $input) { created } }',
    { input },
  )
  expect(errors![0]!.message.length).toBeLessThan(2_100)
  expect(errors![0]!.message).toMatch(/^Variable "\$input" got invalid value .* … .*Did you mean "tags"\?$/s)
})
