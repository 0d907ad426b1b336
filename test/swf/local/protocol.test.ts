import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { DOMAIN, decide, fixture, unique, workflowType } from './fixture.js'

const { server, swf, start } = await fixture()

const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'SimpleWorkflowService.ListDomains' }
const LIST = '{"registrationStatus":"REGISTERED"}'
const post = (body: string | Uint8Array, given: Record<string, string> = {}) =>
  fetch(server.endpoint, { method: 'POST', headers: { ...headers, ...given }, body })
const action = (name: string) => ({ 'x-amz-target': `SimpleWorkflowService.${name}` })

async function refused(reply: Response | Promise<Response>, fault: string): Promise<string> {
  const response = await reply
  const body = (await response.json()) as { __type: string; message: string }
  expect(response.status).toBe(400)
  expect(body.__type.split('#')[1]).toBe(fault)
  expect(response.headers.get('x-amzn-requestid')).toBeTruthy()
  return body.message
}

/** Sends bytes and returns all that comes back. */
async function raw(bytes: string | Buffer): Promise<string> {
  const socket = connect(server.port, '127.0.0.1')
  let answer = ''
  socket.on('data', chunk => (answer += String(chunk)))
  socket.on('error', () => {})
  socket.end(bytes)
  await once(socket, 'close')
  return answer
}

test('a void action answers with an empty body', async () => {
  const name = unique('domain')
  const input = JSON.stringify({ name, workflowExecutionRetentionPeriodInDays: '1' })
  const response = await post(input, action('RegisterDomain'))
  expect(response.status).toBe(200)
  expect(response.headers.get('content-length')).toBe('0')
  expect(await response.text()).toBe('')
})

test('faults carry the namespaces of SWF', async () => {
  const response = await post('{"name":"nowhere"}', action('DescribeDomain'))
  expect(await response.json()).toEqual({
    __type: 'com.amazonaws.swf.base.model#UnknownResourceFault',
    message: 'Unknown domain: nowhere',
  })
  const invalid = await post('{}', action('DescribeDomain'))
  expect(await invalid.json()).toEqual({
    __type: 'com.amazon.coral.validate#ValidationException',
    message: "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null",
  })
})

test('old clients are understood: their target, content type and encoding', async () => {
  const response = await post(LIST, {
    'x-amz-target': 'com.amazonaws.swf.service.model.SimpleWorkflowService.ListDomains',
    'content-type': 'application/json; charset=UTF-8',
    'content-encoding': 'amz-1.0',
  })
  expect(response.status).toBe(200)
})

test('timestamps are seconds with a fraction, and empty polls have no token', async () => {
  const run = await start()
  const execution = JSON.stringify({ domain: DOMAIN, execution: run.execution })
  const history = (await (await post(execution, action('GetWorkflowExecutionHistory'))).json()) as {
    events: { eventTimestamp: number }[]
  }
  const at = history.events[0]!.eventTimestamp
  expect(Math.abs(at - Date.now() / 1_000)).toBeLessThan(5)
  const poll = JSON.stringify({ domain: DOMAIN, taskList: { name: unique('empty') } })
  expect(await (await post(poll, action('PollForDecisionTask'))).text()).toBe(
    '{"startedEventId":0,"previousStartedEventId":0}',
  )
  expect(await (await post(poll, action('PollForActivityTask'))).text()).toBe('{"startedEventId":0}')
})

test('members that SWF does not know, and nulls, are ignored', async () => {
  const odd = '{"registrationStatus":"REGISTERED","nextPageToken":null,"nonsense":{"deep":[1]},"__proto__":{"x":1}}'
  expect((await post(odd)).status).toBe(200)
})

test('values of the wrong type are serialization errors', async () => {
  await refused(post('{"registrationStatus":1}'), 'SerializationException')
  await refused(post('{"registrationStatus":["REGISTERED"]}'), 'SerializationException')
  await refused(post('{"registrationStatus":{}}'), 'SerializationException')
  await refused(post('{"registrationStatus":"REGISTERED","maximumPageSize":"1"}'), 'SerializationException')
  await refused(post('{"registrationStatus":"REGISTERED","reverseOrder":"yes"}'), 'SerializationException')
  await refused(post('[]'), 'SerializationException')
  await refused(post('null'), 'SerializationException')
  await refused(post('"text"'), 'SerializationException')
})

test('objects that do not want to be texts are refused like others', async () => {
  const odd = { toString: 1, valueOf: [], toJSON: {} }
  const tags = { domain: DOMAIN, workflowId: 'w', workflowType, tagList: Array.from({ length: 9 }, () => odd) }
  await refused(
    post(JSON.stringify(tags).replaceAll('{}', '{"toString":1}'), action('StartWorkflowExecution')),
    'SerializationException',
  )
  const names = JSON.stringify({ ...tags, tagList: Array.from({ length: 9 }, () => 'x') })
  await refused(post(names, action('StartWorkflowExecution')), 'ValidationException')
  const many = JSON.stringify({
    taskToken: 'x',
    decisions: Array.from({ length: 20_000 }, () => ({ decisionType: 'X' })),
  })
  expect(
    (await refused(post(many, action('RespondDecisionTaskCompleted')), 'ValidationException')).length,
  ).toBeLessThan(9_999)
})

test('all that is wrong with a request is said at once', async () => {
  const message = await refused(post('{"registrationStatus":"X","maximumPageSize":1001}'), 'ValidationException')
  expect(message).toMatch(/^2 validation errors detected: /)
  expect(message).toContain(
    "Value '1001' at 'maximumPageSize' failed to satisfy constraint: Member must have value less than or equal to 1000",
  )
  expect(message).toContain('Member must satisfy enum value set: [REGISTERED, DEPRECATED]')
})

test('bodies that are no JSON, or no requests, get an answer that says so', async () => {
  for (const body of ['', '{', '{"a":', 'nonsense', '{"registrationStatus":"REGISTERED"}x', '\u0000']) {
    await refused(post(body), 'SerializationException')
  }
  await refused(post(new Uint8Array([0xff, 0xfe, 0x00, 0x80])), 'SerializationException')
  await refused(post('['.repeat(500_000)), 'SerializationException')
  await refused(post(`${'['.repeat(200_000)}${']'.repeat(200_000)}`), 'SerializationException')
  await refused(post('{"maximumPageSize":1e999,"registrationStatus":"REGISTERED"}'), 'ValidationException')
  await refused(post(LIST, { 'content-type': 'text/plain' }), 'SerializationException')
  await refused(post(LIST, action('Nonsense')), 'UnknownOperationException')
  await refused(post(LIST, action('constructor')), 'UnknownOperationException')
  await refused(post(LIST, { 'x-amz-target': 'DynamoDB_20120810.ListTables' }), 'UnknownOperationException')
  await refused(fetch(server.endpoint), 'UnknownOperationException')
  await refused(fetch(server.endpoint, { method: 'POST', body: LIST }), 'UnknownOperationException')
})

test('a body of more than 1 MB is refused, and the connection still works', async () => {
  const large = JSON.stringify({ registrationStatus: 'x'.repeat(2 * 1_048_576) })
  await refused(post(large), 'RequestEntityTooLargeException')
  const allowed = JSON.stringify({ registrationStatus: 'REGISTERED', nonsense: 'x'.repeat(1_000_000) })
  expect((await post(allowed)).status).toBe(200)
})

test('bytes that are no HTTP do not disturb', async () => {
  expect(await raw('nonsense\r\n\r\n')).toContain('SerializationException')
  expect(await raw(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]))).toContain('400')
  await raw('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{')
  await raw(`POST / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`)
  await raw('')
  expect((await post(LIST)).status).toBe(200)
})

test('a request that comes in pieces is one request', async () => {
  const socket = connect(server.port, '127.0.0.1')
  let answer = ''
  socket.on('data', chunk => (answer += String(chunk)))
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const body = '{"registrationStatus":"REGISTERED","note":"é"}'
  const bytes = Buffer.from(
    `POST / HTTP/1.1\r\nHost: localhost\r\n${head.join('')}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
  for (let i = 0; i < bytes.length; i += 40) {
    socket.write(bytes.subarray(i, i + 40))
    await new Promise(resolve => setTimeout(resolve, 2))
  }
  await expect.poll(() => answer).toContain('domainInfos')
  socket.destroy()
})

test.each(['a:b', 'a/b', 'a|b', 'a\u0000b', 'a\u009fb', 'arn', '', 'x'.repeat(257)])(
  'the identifier %j is refused',
  async workflowId => {
    await expect(swf.startWorkflowExecution({ domain: DOMAIN, workflowId, workflowType })).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining("'workflowId'") as string,
    })
  },
)

test.each(['é ü 漢字 🎉', 'a\\"b', '<script>', '%00', '\u2028', 'undefined', '__proto__', 'constructor'])(
  'the identifier %j is an identifier like any other',
  async text => {
    const workflowId = `${text}${unique('')}`
    const run = await start({ workflowId, input: text })
    await run.signal(text, text)
    const task = await run.decide(decide.marker(text, text), decide.complete(text))
    expect(task.workflowExecution).toEqual(run.execution)
    const events = await run.history()
    expect(events.at(-1)?.workflowExecutionCompletedEventAttributes?.result).toBe(text)
  },
)

test.each(['\u0000', '\ud800', '\n"\\', '\u007f\u2029', '{"a":1}'])(
  'the payload %j comes back as it was',
  async text => {
    const run = await start({ input: text })
    expect((await run.poll()).events?.[0]?.workflowExecutionStartedEventAttributes?.input).toBe(text)
  },
)

test('payloads are counted in characters: 32,768 are taken, one more is not', async () => {
  const run = await start({ input: 'é'.repeat(32_768) })
  expect((await run.history())[0]?.workflowExecutionStartedEventAttributes?.input).toHaveLength(32_768)
  await expect(run.signal('s', 'x'.repeat(32_769))).rejects.toMatchObject({ name: 'ValidationException' })
})

test.each([
  ['executionStartToCloseTimeout', 'NONE'],
  ['executionStartToCloseTimeout', '31536001'],
  ['taskStartToCloseTimeout', '-1'],
  ['taskStartToCloseTimeout', '1.5'],
  ['taskPriority', '2147483648'],
  ['taskPriority', 'high'],
  ['childPolicy', 'KILL'],
  ['tagList', ['1', '2', '3', '4', '5', '6']],
  ['tagList', ['x'.repeat(257)]],
])('a start with %s %j is a validation error', async (member, value) => {
  await expect(start({ [member]: value })).rejects.toMatchObject({ name: 'ValidationException' })
})

test('an action can be called without HTTP, in wire shapes', async () => {
  const { workflowId, runId } = await start()
  const answer = (await server.call('GetWorkflowExecutionHistory', {
    domain: DOMAIN,
    execution: { workflowId, runId },
  })) as { events: { eventTimestamp: unknown }[] }
  expect(answer.events[0]?.eventTimestamp).toEqual(expect.any(Number))
  await expect(server.call('DescribeDomain', { name: 'nowhere' })).rejects.toMatchObject({
    code: 'UnknownResourceFault',
    message: 'Unknown domain: nowhere',
  })
  expect(await server.call('SignalWorkflowExecution', { domain: DOMAIN, workflowId, signalName: 's' })).toBeUndefined()
})

test('a call can be given up, and its task goes to the next poll', async () => {
  const taskList = { name: unique('list') }
  const controller = new AbortController()
  const lost = server.call('PollForDecisionTask', { domain: DOMAIN, taskList }, { signal: controller.signal })
  controller.abort()
  await expect(lost).rejects.toMatchObject({ name: 'AbortError' })
  await start({ taskList })
  expect(await server.call('PollForDecisionTask', { domain: DOMAIN, taskList })).toMatchObject({ startedEventId: 3 })
})
