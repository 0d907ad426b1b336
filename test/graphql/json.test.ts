// JSON comes in and goes out as it is, or is refused with its place.

import { expect, test } from 'vitest'
import { failWorkflowExecution, scheduleActivityTask } from '../../src/swf/decision.js'
import type { HistoryEvent } from '../../src/swf/history-event.js'
import { DOMAIN, startStack, TASK_LIST, TYPE, type GraphQLResult } from './fixture.js'

const { ask, decider, swf, url } = await startStack()

/** 2^53 + 1: the first whole number that no double has. */
const BIG = '9007199254740993'

let starts = 0
const nextId = () => `json-${++starts}`

/** A start with JSON that is written into the operation. */
const written = (json: string, workflowId = nextId()) =>
  `mutation {\n  startExecution(input: { workflowId: "${workflowId}", type: "Order", input: ${json} }) { execution { workflowId runId } }\n}`

/** Starts with JSON as a variable, to the letter. */
async function given(json: string): Promise<GraphQLResult> {
  const query = `mutation ($input: JSON) {
    startExecution(input: { workflowId: "${nextId()}", type: "Order", input: $input }) { execution { workflowId runId } }
  }`
  const body = `{"query":${JSON.stringify(query)},"variables":{"input":${json}}}`
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body })
  return (await response.json()) as GraphQLResult
}

/** The input that SWF has of what was started. */
async function inputOf({ data }: GraphQLResult): Promise<string | undefined> {
  const { execution } = data.startExecution
  const { events } = await swf.getWorkflowExecutionHistory({ domain: DOMAIN, execution })
  return (events as HistoryEvent[]).flatMap(event =>
    event.eventType === 'WorkflowExecutionStarted' ? [event.workflowExecutionStartedEventAttributes.input] : [],
  )[0]
}

test('a literal reaches SWF as it was written', async () => {
  const json = '{ a: [1, -2.5, 1e3, "x", """y""", true, null], b: { __proto__: 1 } }'
  expect(await inputOf(await ask(written(json)))).toBe('{"a":[1,-2.5,1000,"x","y",true,null],"b":{"__proto__":1}}')
  expect(await inputOf(await ask(written('[9007199254740992, 1e20]')))).toBe('[9007199254740992,100000000000000000000]')
})

test.each([
  ['{ lines: [{ kind: RED }] }', 'lines[0].kind', 'RED', 'RED is not JSON: write text in quotes, "RED"'],
  ['RED', '', 'RED', 'RED is not JSON: write text in quotes, "RED"'],
  ['[1, 1e400]', '[1]', '1e400', '1e400 would be rounded: send it as a string'],
  [`{ id: ${BIG} }`, 'id', BIG, `${BIG} would be rounded: send it as a string`],
  ['0.1234567890123456789', '', '0.12', '0.1234567890123456789 would be rounded: send it as a string'],
])('a literal that would change is refused with its place: %s', async (json, at, token, why) => {
  const query = written(json)
  const { errors } = await ask(query)
  const column = query.split('\n')[1]!.lastIndexOf(token) + 1
  const place = `input.input${at && !at.startsWith('[') ? '.' : ''}${at}`
  expect(errors).toMatchObject([
    {
      message: `Argument "${place}": ${why}`,
      locations: [{ line: 2, column }],
      extensions: { code: 'BAD_USER_INPUT' },
    },
  ])
})

test('the default of a variable is a literal too', async () => {
  const query = `mutation ($input: JSON = [${BIG}]) {
    startExecution(input: { workflowId: "json-default", type: "Order", input: $input }) { created }
  }`
  expect((await ask(query)).errors).toMatchObject([
    { message: `Variable "$input[0]": ${BIG} would be rounded: send it as a string`, locations: [{ line: 1 }] },
  ])
})

test.each([
  [
    `{"lines":[{"id":${BIG}}]}`,
    /^Variable "\$input" got invalid value .*may have been rounded.*\(at lines\[0\]\.id\): send it as/,
  ],
  [BIG, /^Variable "\$input" got invalid value .*may have been rounded.*: send it as a string$/],
  ['[1e400]', /^Variable "\$input" got invalid value .*larger than a double can be \(at \[0\]\): send it as a string$/],
])('a variable whose number may have been rounded is refused with its place: %s', async (json, message) => {
  const { errors } = await given(json)
  expect(errors).toMatchObject([
    {
      message: expect.stringMatching(message),
      locations: [{ line: 1, column: 11 }],
      extensions: { code: 'BAD_USER_INPUT' },
    },
  ])
})

test('a variable inside a literal is looked at like any other', async () => {
  const query = `mutation ($id: Float) {
    startExecution(input: { workflowId: "json-inside", type: "Order", input: { id: $id } }) { created }
  }`
  const { errors } = await ask(query, { id: 2 ** 60 })
  expect(errors).toMatchObject([
    { message: expect.stringMatching(/^Argument "input" has invalid value/), locations: [{ line: 2 }] },
  ])
  expect((await ask(query, { id: 0.5 })).data).toEqual({ startExecution: { created: true } })
})

test('a variable of ordinary numbers reaches SWF as it is', async () => {
  const json = '{"a":[0.1,-9007199254740991,1.5e-7,12345.678]}'
  expect(await inputOf(await given(json))).toBe(json)
})

test('what others wrote is never rounded on its way out: its text is there, and the value is null', async () => {
  await drain()
  const input = `{"id":${BIG}}`
  await swf.startWorkflowExecution({ domain: DOMAIN, workflowId: 'foreign', workflowType: TYPE, input })
  await decider.decide([
    scheduleActivityTask({
      ...{ activityType: { name: 'Ship', version: '1.0' }, activityId: 'a', taskList: { name: 'foreign' }, input },
      ...{ scheduleToStartTimeout: '60', scheduleToCloseTimeout: '60', startToCloseTimeout: '60' },
      heartbeatTimeout: 'NONE',
    }),
  ])
  const { taskToken } = await swf.pollForActivityTask({ domain: DOMAIN, taskList: { name: 'foreign' } })
  await swf.respondActivityTaskFailed({ taskToken, reason: 'Broken', details: `[1e400,"${BIG}"]` })
  const task = await swf.pollForDecisionTask({ domain: DOMAIN, taskList: { name: TASK_LIST } })
  await swf.respondDecisionTaskCompleted({
    taskToken: task.taskToken,
    decisions: [failWorkflowExecution({ reason: 'Broken', details: input })],
    executionContext: input,
  })
  const { data } = await ask(`{ execution(workflowId: "foreign") {
    status state input { value text size } failure { reason details { value text } }
    history(types: [ActivityTaskScheduled, ActivityTaskFailed]) { nodes {
      ... on ActivityTaskScheduled { input { value text } }
      ... on ActivityTaskFailed { details { value text } failure { details { value text } } }
    } }
  } }`)
  const details = { value: null, text: `[1e400,"${BIG}"]` }
  expect(data.execution).toEqual({
    status: 'FAILED',
    state: input,
    input: { value: null, text: input, size: input.length },
    failure: { reason: 'Broken', details: { value: null, text: input } },
    history: { nodes: [{ input: { value: null, text: input } }, { details, failure: { details } }] },
  })
})

test('digits in text and names are no numbers', async () => {
  const input = `{"${BIG}":"1e400 ${BIG}","n":0.30000000000000004}`
  await swf.startWorkflowExecution({ domain: DOMAIN, workflowId: 'digits', workflowType: TYPE, input })
  await swf.startWorkflowExecution({ domain: DOMAIN, workflowId: 'plain', workflowType: TYPE, input: `No. ${BIG}` })
  const { data } = await ask(
    '{ a: execution(workflowId: "digits") { input { value text } } b: execution(workflowId: "plain") { input { value } } }',
  )
  expect(data.a.input).toEqual({ value: { [BIG]: `1e400 ${BIG}`, n: 0.1 + 0.2 }, text: input })
  expect(data.b.input).toEqual({ value: `No. ${BIG}` })
})

test.each([
  ['numbers that JavaScript does not have', `{"id": ${BIG}}`, `{"id": ${BIG}}`],
  ['text that is not JSON', 'order no. 5', '"order no. 5"'],
])('an execution of others is started once more with its input to the letter: %s', async (_what, input, json) => {
  const [workflowId, keyed] = [nextId(), nextId()]
  await swf.startWorkflowExecution({ domain: DOMAIN, workflowId, workflowType: TYPE, input })
  await swf.terminateWorkflowExecution({ domain: DOMAIN, workflowId })
  const RESTART = `mutation ($input: RestartExecutionInput!) {
    startExecution: restartExecution(input: $input) { execution { workflowId runId } }
  }`
  const execution = { workflowId }
  expect(await inputOf(await ask(RESTART, { input: { execution } }))).toBe(input)
  const again = await ask(RESTART, { input: { execution, workflowId: keyed, idempotencyKey: 'k' } })
  expect(await inputOf(again)).toBe(`{"swf-gateway":1,"value":${json},"idempotencyKey":"k"}`)
})

/** Ends what is open: the played decider takes whatever comes first. */
async function drain(): Promise<void> {
  const { executionInfos = [] } = await swf.listOpenWorkflowExecutions({
    domain: DOMAIN,
    startTimeFilter: { oldestDate: new Date(0) },
  })
  for (const { execution } of executionInfos)
    await swf.terminateWorkflowExecution({ domain: DOMAIN, workflowId: execution!.workflowId! })
}
