// signalWithStart and restartExecution.

import { expect, test } from 'vitest'
import { completeWorkflowExecution } from '../../src/swf/decision.js'
import type { EventOf, HistoryEvent } from '../../src/swf/history-event.js'
import { decodePayload } from '../../src/swf/payload.js'
import { until } from '../support/until.js'
import { DOMAIN, startGateway, startStack, TYPE } from './fixture.js'

const { ask, decider, local, redis, swf } = await startStack()

const SIGNAL_WITH_START = `mutation ($input: SignalWithStartInput!) {
  signalWithStart(input: $input) { created execution { workflowId runId status } }
}`
const RESTART = `mutation ($input: RestartExecutionInput!) {
  restartExecution(input: $input) { created execution { workflowId runId status tags type { name version } } }
}`

const signalWithStart = async (workflowId: string, given: object = {}, send = ask) => {
  const input = { start: { workflowId, type: TYPE.name, input: { n: 1 } }, signalName: 'go', ...given }
  const { data, errors } = await send(SIGNAL_WITH_START, { input })
  return { ...data?.signalWithStart, errors }
}
const restart = async (input: object) => {
  const { data, errors } = await ask(RESTART, { input })
  return { ...data?.restartExecution, errors }
}
const events = async (workflowId: string, runId: string) =>
  (await swf.getWorkflowExecutionHistory({ domain: DOMAIN, execution: { workflowId, runId } })).events as HistoryEvent[]
const signals = async (workflowId: string, runId: string) =>
  (await events(workflowId, runId)).flatMap(event =>
    event.eventType === 'WorkflowExecutionSignaled'
      ? [decodePayload(event.workflowExecutionSignaledEventAttributes.input).value]
      : [],
  )

test('starts what is not open and signals it; signals what is', async () => {
  const first = await signalWithStart('w-1', { signalInput: 'one' })
  expect(first).toMatchObject({ created: true, execution: { status: 'OPEN' } })
  const second = await signalWithStart('w-1', { signalInput: 'two' })
  expect(second).toMatchObject({ created: false, execution: { runId: first.execution.runId } })
  expect(await signals('w-1', first.execution.runId)).toEqual(['one', 'two'])
})

test('starts it anew when it has closed', async () => {
  const first = await signalWithStart('w-2')
  await swf.terminateWorkflowExecution({ domain: DOMAIN, workflowId: 'w-2' })
  const second = await signalWithStart('w-2', { signalInput: 'two' })
  expect(second.created).toBe(true)
  expect(second.execution.runId).not.toBe(first.execution.runId)
  expect(await signals('w-2', second.execution.runId)).toEqual(['two'])
})

test('repeated with its key it is the same call, open or closed', async () => {
  const given = { signalInput: 'once', idempotencyKey: 'k' }
  const first = await signalWithStart('w-3', given)
  const again = await signalWithStart('w-3', given)
  expect(again).toMatchObject({ created: false, execution: { runId: first.execution.runId } })
  await swf.terminateWorkflowExecution({ domain: DOMAIN, workflowId: 'w-3' })
  const late = await signalWithStart('w-3', given)
  expect(late).toMatchObject({ created: false, execution: { runId: first.execution.runId, status: 'TERMINATED' } })
})

test('a call that died between start and signal is repeated', async () => {
  const given = { signalInput: 'once', idempotencyKey: 'died' }
  local.faults.add({ kind: 'deny', action: 'SignalWorkflowExecution', times: 1 })
  expect((await signalWithStart('w-4', given)).errors).toHaveLength(1)
  const repeated = await signalWithStart('w-4', given)
  expect(repeated).toMatchObject({ created: false, execution: { status: 'OPEN' } })
  expect(await signals('w-4', repeated.execution.runId)).toEqual(['once'])
})

test('starts it anew when it closes between start and signal', async () => {
  const closed: string[] = []
  const signalWorkflowExecution: typeof swf.signalWorkflowExecution = async (input, options) => {
    if (closed.length === 0) {
      closed.push(input.runId!)
      await swf.terminateWorkflowExecution({ domain: DOMAIN, workflowId: 'w-5' })
    }
    return swf.signalWorkflowExecution(input, options)
  }
  const racing = Object.create(swf, { signalWorkflowExecution: { value: signalWorkflowExecution } }) as typeof swf
  const gateway = await startGateway({ swf: racing, redis, prefix: redis.prefix })
  const { created, execution } = await signalWithStart('w-5', { signalInput: 'one' }, gateway.ask)
  expect({ created, ...execution }).toMatchObject({ created: true, status: 'OPEN' })
  expect(closed).not.toEqual([execution.runId])
  expect(await signals('w-5', closed[0]!)).toEqual([])
  expect(await signals('w-5', execution.runId)).toEqual(['one'])
})

test('a past execution starts once more, with what it was started with', async () => {
  const start = { domain: DOMAIN, workflowId: 'r-1', workflowType: { name: TYPE.name, version: '1.0' } }
  const { runId } = await swf.startWorkflowExecution({
    ...start,
    input: '{"a":1}',
    tagList: ['vip'],
    taskPriority: '3',
    executionStartToCloseTimeout: '1234',
  })
  expect((await restart({ execution: { workflowId: 'r-1' } })).errors?.[0]?.extensions.code).toBe(
    'EXECUTION_ALREADY_STARTED',
  )
  await decider.decide([completeWorkflowExecution({})])
  await until(async () => (await events('r-1', runId!)).at(-1)?.eventType === 'WorkflowExecutionCompleted', {
    what: 'the first run completes',
  })
  const again = await restart({ execution: { workflowId: 'r-1', runId }, idempotencyKey: 'again' })
  expect(again).toMatchObject({ created: true, execution: { status: 'OPEN', tags: ['vip'], type: TYPE } })
  const [started] = await events('r-1', again.execution.runId)
  const attributes = (started as EventOf<'WorkflowExecutionStarted'>).workflowExecutionStartedEventAttributes
  expect(decodePayload(attributes.input).value).toEqual({ a: 1 })
  expect(attributes).toMatchObject({ taskPriority: '3', executionStartToCloseTimeout: '1234', tagList: ['vip'] })

  const repeated = await restart({ execution: { workflowId: 'r-1', runId }, idempotencyKey: 'again' })
  expect(repeated).toMatchObject({ created: false, execution: { runId: again.execution.runId } })
  const other = await restart({ execution: { workflowId: 'r-1', runId }, workflowId: 'r-2', version: '1.0' })
  expect(other).toMatchObject({ created: true, execution: { workflowId: 'r-2', type: { version: '1.0' } } })
  expect((await restart({ execution: { workflowId: 'nobody' } })).errors?.[0]?.extensions.code).toBe(
    'EXECUTION_NOT_FOUND',
  )
})

test('a restart keeps what only the past run was given: the time of its decision tasks, what becomes of its children', async () => {
  const given = { taskStartToCloseTimeout: '17', childPolicy: 'ABANDON', executionStartToCloseTimeout: '1234' } as const
  await swf.startWorkflowExecution({ domain: DOMAIN, workflowId: 'w-kept', workflowType: TYPE, ...given })
  await swf.terminateWorkflowExecution({ domain: DOMAIN, workflowId: 'w-kept' })
  const { execution } = await restart({ execution: { workflowId: 'w-kept' } })
  const [started] = await events('w-kept', execution.runId)
  expect(started).toMatchObject({ workflowExecutionStartedEventAttributes: given })
})
