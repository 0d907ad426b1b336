// Whatever comes from outside is answered with a code that says what to do: never with INTERNAL.

import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { createClient } from 'graphql-ws'
import { describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { ERROR_CODES } from '../../src/graphql/error-code.js'
import { encodeNodeId } from '../../src/graphql/node.type.js'
import { gatewaySchema } from '../../src/graphql/schema.js'
import type { Decision } from '../../src/swf/decision.js'
import { afterFile } from '../support/dispose.js'
import { announceWorker, DOMAIN, startStack, TYPE, type GraphQLResult } from './fixture.js'
import { hostileRequests, type HostileRequest } from './hostile-requests.js'

const { url, ask, logged, swf, decider, redis } = await startStack()
await announceWorker(redis, ['ships'])

/** What is not odd, by the name of the input, else by its type. */
const USUAL: Record<string, unknown> = {
  id: encodeNodeId({ type: 'Queue', domain: DOMAIN, taskList: 'ships' }),
  ...{ workflowId: 'target', type: TYPE.name, taskList: 'ships', signalName: 'go', token: 'none', reason: 'why' },
  ...{ name: 'Victim', version: '1.0', tags: 'tag' },
  ...{ Int: 1, Boolean: true, Duration: 'PT1S', DateTime: '2030-01-01T00:00:00Z', JSON: {}, String: 'x', ID: 'x' },
}
const usual = (scalar: string, name: string) => JSON.stringify(USUAL[name] ?? USUAL[scalar])
const requests = [...hostileRequests(gatewaySchema(), usual)]
const of = (kind: HostileRequest['kind']) => requests.filter(request => request.kind === kind)

type Answer = Pick<GraphQLResult, 'errors'>

async function post({ query, variables }: HostileRequest): Promise<Answer> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"query":${JSON.stringify(query)},"variables":${variables}}`,
  })
  return (await response.json()) as Answer
}

/** Sends all requests, some at a time; returns those whose answer is not one that a client can use, and how many there were. */
async function send(kind: HostileRequest['kind'], answer: (request: HostileRequest) => Promise<Answer>, atOnce = 8) {
  const waiting = of(kind)
  const troubles: string[] = []
  const refused = new Set<string>()
  const worker = async () => {
    for (let request; (request = waiting.shift());) {
      const { errors = [] } = await answer(request)
      for (const { message, extensions } of errors) {
        refused.add(request.where)
        if (extensions.code in ERROR_CODES && extensions.code !== 'INTERNAL' && !/Error:|Maximum|node:/.test(message))
          continue
        troubles.push(`${request.where} ${request.variables.slice(0, 80)}: ${extensions.code} ${message}`)
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return { troubles, refused: refused.size }
}
const loggedErrors = () => logged.filter(({ level }) => Number(level) >= 50)

/** An execution that waits for one of each. */
const WAITS: Decision[] = [
  {
    decisionType: 'ScheduleActivityTask',
    scheduleActivityTaskDecisionAttributes: {
      activityId: '1.1',
      activityType: { name: 'Ship', version: '1.0' },
      taskList: { name: 'ships' },
      ...{ scheduleToCloseTimeout: 'NONE', scheduleToStartTimeout: 'NONE' },
      ...{ startToCloseTimeout: 'NONE', heartbeatTimeout: 'NONE' },
    },
  },
  { decisionType: 'StartTimer', startTimerDecisionAttributes: { timerId: '2', startToFireTimeout: '3600' } },
]

test('every argument, in every query', async () => {
  await swf.startWorkflowExecution({ domain: DOMAIN, workflowId: 'target', workflowType: TYPE })
  await decider.decide(WAITS)
  expect(of('query').length).toBeGreaterThan(300)
  const { troubles, refused } = await send('query', post)
  expect(troubles).toEqual([])
  expect(refused).toBeGreaterThan(20)
  expect(loggedErrors()).toEqual([])
})

test('every member of the input of every mutation', async () => {
  const { troubles, refused } = await send('mutation', async request => {
    const { errors } = await post(request)
    // The next termination needs one that is open.
    if (request.where.startsWith('terminate') && !errors)
      await swf.startWorkflowExecution({ domain: DOMAIN, workflowId: 'target', workflowType: TYPE }).catch(() => {})
    return { ...(errors && { errors }) }
  })
  expect(troubles).toEqual([])
  expect(refused).toBeGreaterThan(50)
  expect(loggedErrors()).toEqual([])
})

test('every argument of every subscription', async () => {
  const client = createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket })
  afterFile(() => client.dispose())
  const answer = async ({ query, variables }: HostileRequest): Promise<Answer> => {
    const results = client.iterate({ query, variables: JSON.parse(variables) as Record<string, unknown> })
    const first = results.next().then(
      ({ value }) => (value ?? {}) as Answer,
      (errors: unknown) => (Array.isArray(errors) ? ({ errors } as Answer) : Promise.reject(errors as Error)),
    )
    // Those that are sound wait for something to happen.
    const { errors } = await Promise.race([first, delay(1_000, {} as Answer)])
    void results.return!()
    return errors ? { errors } : {}
  }
  const { troubles, refused } = await send('subscription', answer, 1_000)
  expect(troubles).toEqual([])
  expect(refused).toBeGreaterThan(5)
  expect(loggedErrors()).toEqual([])
})

test('messages over WebSocket that are none, or that nobody could send back', async () => {
  const errors = vi.spyOn(console, 'error').mockImplementation(() => {})
  const deep = `${'['.repeat(400_000)}${']'.repeat(400_000)}`
  const answers = async (message: string | Buffer) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    const answer = new Promise<string>(resolve => {
      socket.on('open', () => socket.send('{"type":"connection_init"}'))
      socket.once('message', () => socket.on('message', text => resolve(String(text))).send(message))
      socket.on('close', (code, reason) => resolve(`${code} ${String(reason)}`))
    })
    return answer.finally(() => socket.terminate())
  }
  const none = ['', 'x', '[]', '{"type":"subscribe","id":"1","payload":{"query":5}}', Buffer.from([0xff])]
  for (const message of none) expect(await answers(message)).toBe('4400 Invalid message received')
  expect(await answers('x'.repeat(1_000_001))).toMatch(/^1009/)
  expect(await answers(`{"type":"ping","payload":{"a":${deep}}}`)).toBe('{"type":"pong","payload":{}}')
  const unasked = `{"type":"subscribe","id":"1","payload":{"query":"{ __typename }","variables":{"a":${deep}}}}`
  expect(await answers(unasked)).toContain('"data":{"__typename":"Query"}')
  expect(errors).not.toHaveBeenCalled()
  errors.mockRestore()
})

describe('bodies and addresses', () => {
  const SOUND = '{"query":"{ __typename }"}'
  const zipped = gzipSync(SOUND)
  const json = (rest: Record<string, string>) => ({ 'content-type': 'application/json', ...rest })
  const gzip = json({ 'content-encoding': 'gzip' })
  const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
  const CASES: [what: string, status: number, body: string | Buffer, headers?: Record<string, string>][] = [
    ['an encoding that nobody knows', 415, SOUND, json({ 'content-encoding': 'rot13' })],
    ['encoded twice', 415, zipped, json({ 'content-encoding': 'gzip, gzip' })],
    ['not encoded as it says', 400, SOUND, gzip],
    ['not encoded as it says, by another way', 400, SOUND, json({ 'content-encoding': 'br' })],
    ['cut off', 400, zipped.subarray(0, -6), gzip],
    ['damaged', 400, Buffer.from(zipped.map((byte, i) => (i === 15 ? byte ^ 0xff : byte))), gzip],
    ['small, until it is unpacked', 413, gzipSync(Buffer.alloc(20_000_000, ' ')), gzip],
    ['too large', 413, ' '.repeat(1_000_001)],
    ['an alphabet that nobody knows', 415, SOUND, { 'content-type': 'application/json; charset=klingon' }],
    ['another alphabet than it says', 400, SOUND, { 'content-type': 'application/json; charset=utf-16le' }],
    ['no UTF-8', 400, Buffer.from('{"query":"{ __typename \xff }"}', 'latin1')],
    ['no JSON', 400, '{"query":'],
    ['no object', 400, 'null'],
    ['many operations', 400, `[${SOUND}]`],
    ['nothing', 400, ''],
    ['no query', 400, '{"__proto__":{"query":"{ __typename }"}}'],
    ['a query that is no text', 400, '{"query":{"kind":"Document","definitions":[]}}'],
    ['an operation that is not there', 400, '{"query":"{ __typename }","operationName":"__proto__"}'],
    ['variables that are text', 400, '{"query":"{ __typename }","variables":"{}"}'],
    [
      'variables that nobody asked for, as deep as they get',
      200,
      `{"query":"{ __typename }","variables":{"a":${deep(400_000)}}}`,
    ],
    ['an answer that nobody can give', 406, SOUND, json({ accept: 'text/xml' })],
  ]
  test.each(CASES)('%s', async (_what, status, body, headers = json({})) => {
    const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body })
    const { errors } = (await response.json()) as Answer
    expect({ status: response.status, codes: errors?.map(({ extensions }) => extensions.code) }).toEqual({
      status,
      codes: status === 200 ? undefined : [status === 413 ? 'PAYLOAD_TOO_LARGE' : 'BAD_USER_INPUT'],
    })
    expect(logged.filter(({ level }) => Number(level) >= 40)).toEqual([])
  })

  test('a body that ends early', async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.end(
      `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n${SOUND}`,
    )
    await new Promise(resolve => socket.resume().once('close', resolve))
    expect(logged.filter(({ level }) => Number(level) >= 40)).toEqual([])
  })

  test.each(['?query=%', '?query=%ff%fe', '?query[]=a', '?query={a}&query={b}', '?query={a}&variables=[', '/%'])(
    'GET /graphql%s',
    async rest => {
      const headers = { 'apollo-require-preflight': '1' }
      const { status } = await fetch(`${url}/graphql${rest}`, { headers })
      expect([400, 404]).toContain(status)
      expect(loggedErrors()).toEqual([])
    },
  )
})

test('what others wrote into SWF, in whatever shape', async () => {
  const deep = `${'['.repeat(16_000)}${']'.repeat(16_000)}`
  const odd = [
    deep,
    '[1e999]',
    '{"swf-gateway":1}',
    '{"swf-gateway":"x","value":{"__proto__":1},"attempt":"x","continued":7}',
    `{"swf-gateway":1,"failure":{"code":"A","reason":"b","attempts":"x","message":5,"cause":7,"details":${deep}}}`,
    '{"swf-gateway":1,"failure":{"code":"A","reason":"b","cause":{"code":5,"cause":{"cause":[]}},"type":{},"activityId":1}}',
    '{"swf-gateway":1,"saga":{"state":"x"},"stuck":{"since":1e300,"reason":7}}',
    '\0\ud800',
    '',
  ]
  const taskList = { name: 'odd' }
  for (const [i, text] of odd.entries()) {
    const workflowId = `odd-${i}`
    await swf.startWorkflowExecution({ domain: DOMAIN, workflowId, workflowType: TYPE, taskList, input: text })
    await swf.signalWorkflowExecution({
      domain: DOMAIN,
      workflowId,
      signalName: text.slice(0, 256) || 's',
      input: text,
    })
    const task = await swf.pollForDecisionTask({ domain: DOMAIN, taskList })
    await swf.respondDecisionTaskCompleted({
      taskToken: task.taskToken!,
      executionContext: text,
      decisions: [
        { decisionType: 'RecordMarker', recordMarkerDecisionAttributes: { markerName: 'm', details: text } },
        {
          decisionType: 'FailWorkflowExecution',
          failWorkflowExecutionDecisionAttributes: { reason: 'r', details: text },
        },
      ],
    })
    const failure = '{ code reason message attempts activityId type details { size value }'
    const { data, errors = [] } = await ask(
      `query ($workflowId: String!) { execution(workflowId: $workflowId) {
        status state saga { state } stuck { since reason } input { size value } result { value }
        failure ${failure} cause ${failure} cause ${failure} } } }
        timeline { kind name } pending { since } openCounts { timers }
        history { nodes { eventType
          ... on WorkflowExecutionStarted { input { size value } } ... on WorkflowExecutionSignaled { input { value } }
          ... on DecisionTaskCompleted { executionContext { value } } ... on MarkerRecorded { details { value } }
          ... on WorkflowExecutionFailed { details { value } } } }
      } executions(first: 200) { nodes { workflowId saga { state } } } }`,
      { workflowId },
    )
    expect(
      errors.map(({ extensions: { code } }) => code).filter(code => code !== 'LIMIT_EXCEEDED'),
      workflowId,
    ).toEqual([])
    expect(data?.execution.status, workflowId).toBe('FAILED')
  }
  expect(loggedErrors()).toEqual([])
})
