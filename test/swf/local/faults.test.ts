import { afterEach, expect, test } from 'vitest'
import type { FaultRule } from '../../../src/swf/local/index.js'
import { createLocalSwf } from '../../../src/swf/local/index.js'
import { DOMAIN, attributes, decide, fixture } from './fixture.js'

const { server, swf, start } = await fixture()
afterEach(() => server.faults.clear())

const describe = () => swf.describeDomain({ name: DOMAIN })
const outcomes = async (calls: number, call: () => Promise<unknown>) => {
  const struck: boolean[] = []
  for (let n = 0; n < calls; n++) {
    struck.push(
      await call().then(
        () => false,
        () => true,
      ),
    )
  }
  return struck
}

test('an action is throttled, or denied, as often as the rule says', async () => {
  server.faults.add({ kind: 'throttle', action: 'DescribeDomain', times: 1 })
  server.faults.add({ kind: 'deny', action: ['ListDomains', 'DescribeDomain'], times: 1 })
  await expect(describe()).rejects.toMatchObject({ name: 'ThrottlingException' })
  await expect(describe()).rejects.toMatchObject({ name: 'OperationNotPermittedFault' })
  await describe()
  expect(server.faults.rules).toEqual([])
})

test('a decision is throttled, or denied: an event with its cause', async () => {
  const denied = [
    decide.schedule('a'),
    decide.cancelActivity('a'),
    decide.timer('t', '1'),
    decide.cancelTimer('t'),
    decide.marker('m'),
    decide.child('c'),
    decide.signal('w'),
    decide.requestCancel('w'),
    decide.lambda('l'),
  ]
  server.faults.add({ kind: 'deny', action: denied.map(({ decisionType }) => decisionType!) })
  const run = await start()
  await run.decide(...denied)
  for (const close of [decide.complete(), decide.fail(), decide.cancel(), decide.continueAsNew()]) {
    server.faults.add({ kind: 'deny', action: close.decisionType!, times: 1 })
    await run.decide(close)
  }
  const failed = (await run.history()).filter(({ eventType }) => eventType?.endsWith('Failed'))
  expect(failed.map(event => [event.eventType, attributes(event).cause])).toEqual([
    ['ScheduleActivityTaskFailed', 'OPERATION_NOT_PERMITTED'],
    ['RequestCancelActivityTaskFailed', 'OPERATION_NOT_PERMITTED'],
    ['StartTimerFailed', 'OPERATION_NOT_PERMITTED'],
    ['CancelTimerFailed', 'OPERATION_NOT_PERMITTED'],
    ['RecordMarkerFailed', 'OPERATION_NOT_PERMITTED'],
    ['StartChildWorkflowExecutionFailed', 'OPERATION_NOT_PERMITTED'],
    ['SignalExternalWorkflowExecutionFailed', 'OPERATION_NOT_PERMITTED'],
    ['RequestCancelExternalWorkflowExecutionFailed', 'OPERATION_NOT_PERMITTED'],
    ['ScheduleLambdaFunctionFailed', 'LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION'],
    ['CompleteWorkflowExecutionFailed', 'OPERATION_NOT_PERMITTED'],
    ['FailWorkflowExecutionFailed', 'OPERATION_NOT_PERMITTED'],
    ['CancelWorkflowExecutionFailed', 'OPERATION_NOT_PERMITTED'],
    ['ContinueAsNewWorkflowExecutionFailed', 'OPERATION_NOT_PERMITTED'],
  ])
})

test('a reply is dropped: it was done, and the caller never hears', async () => {
  const run = await start()
  const rule: FaultRule = { kind: 'drop', action: 'SignalWorkflowExecution', times: 1 }
  server.faults.add(rule)
  await expect(run.signal('once')).rejects.toMatchObject({ code: 'ECONNRESET' })
  const signals = (await run.types()).filter(type => type === 'WorkflowExecutionSignaled')
  expect(signals).toHaveLength(1)

  server.faults.add(rule)
  const input = { domain: DOMAIN, workflowId: run.workflowId, signalName: 's' }
  await expect(server.call('SignalWorkflowExecution', input)).rejects.toMatchObject({ code: 'ECONNRESET' })
  await server.call('SignalWorkflowExecution', input)
  // A request that is refused is dropped as well.
  server.faults.add(rule)
  await expect(server.call('SignalWorkflowExecution', {})).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect((await run.types()).filter(type => type === 'WorkflowExecutionSignaled')).toHaveLength(3)
})

test('the reply of a poll is dropped: its task is out, and times out', async () => {
  const run = await start({ taskStartToCloseTimeout: '1' })
  server.faults.add({ kind: 'drop', action: 'PollForDecisionTask', times: 1 })
  await expect(run.poll()).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect((await run.types()).at(-1)).toBe('DecisionTaskStarted')
  await new Promise(resolve => setTimeout(resolve, 1_000))
  const { previousStartedEventId, events } = await run.poll()
  expect(previousStartedEventId).toBe(0)
  expect(events?.map(({ eventType }) => eventType)).toContain('DecisionTaskTimedOut')
})

test('a request is delivered twice, and a task to two polls', async () => {
  const run = await start()
  server.faults.add({ kind: 'duplicate', action: 'SignalWorkflowExecution', times: 1 })
  await run.signal()
  expect((await run.types()).filter(type => type === 'WorkflowExecutionSignaled')).toHaveLength(2)

  server.faults.add({ kind: 'duplicate', action: 'PollForDecisionTask', times: 1 })
  const first = await run.poll()
  const second = await run.poll()
  expect(second.taskToken).toBe(first.taskToken)
  await run.respond(first.taskToken)
  await expect(run.respond(second.taskToken)).rejects.toThrow(/Unknown decision task/)

  server.faults.add({ kind: 'duplicate', action: 'StartWorkflowExecution', times: 1 })
  await expect(start()).rejects.toMatchObject({ name: 'WorkflowExecutionAlreadyStartedFault' })
})

test('a request is late', async () => {
  const remove = server.faults.add({ kind: 'latency', action: 'DescribeDomain', latency: '1s' })
  const late = server.call('DescribeDomain', { name: DOMAIN }).then(() => 'late')
  remove()
  expect(await Promise.race([late, describe().then(() => 'soon')])).toBe('soon')
})

test('the same seed strikes the same requests', async () => {
  const struck = async (seed: number) => {
    const faults = [{ kind: 'throttle', action: 'DescribeDomain', rate: 0.5 }] as const
    const own = await createLocalSwf({ faults, seed })
    await own.call('RegisterDomain', { name: DOMAIN, workflowExecutionRetentionPeriodInDays: '1' })
    const found = await outcomes(40, () => own.call('DescribeDomain', { name: DOMAIN }))
    await own.close()
    return found
  }
  const [first, again, other] = await Promise.all([struck(7), struck(7), struck(8)])
  expect(again).toEqual(first)
  expect(other).not.toEqual(first)
  expect(first.filter(Boolean).length).toBeGreaterThan(8)
  expect(first.filter(Boolean).length).toBeLessThan(32)
})

test('rules are taken away one by one, and one without an action strikes them all', async () => {
  const remove = server.faults.add({ kind: 'throttle' })
  await expect(describe()).rejects.toThrow('Rate exceeded')
  await expect(start()).rejects.toThrow('Rate exceeded')
  remove()
  await describe()
})

test.each<[object, RegExp]>([
  [{ kind: 'explode' }, /no fault explode/],
  [{ kind: 'drop', actions: 'ListDomains' }, /no actions/],
  [{ kind: 'drop', action: 'Nothing' }, /Nothing is neither/],
  [{ kind: 'drop', action: 'StartTimer' }, /throttled or denied/],
  [{ kind: 'drop', rate: 2 }, /between 0 and 1/],
  [{ kind: 'drop', times: 0 }, /times/],
  [{ kind: 'latency', latency: 'soon' }, /duration/],
])('a rule that makes no sense is refused: %j', (rule, message) => {
  expect(() => server.faults.add(rule as FaultRule)).toThrow(message)
})
