import { expect, test } from 'vitest'
import {
  completeWorkflowExecution,
  continueAsNewWorkflowExecution,
  failWorkflowExecution,
  scheduleActivityTask,
  startTimer,
} from '../../src/swf/decision.js'
import { encodeFailure } from '../../src/swf/failure.js'
import { decodeNodeId } from '../../src/graphql/node.type.js'
import { until } from '../support/until.js'
import { DOMAIN, startStack, TYPE } from './fixture.js'

const { ask, decider, swf, logged, metrics } = await startStack()

const START = `mutation ($input: StartExecutionInput!) {
  startExecution(input: $input) { created execution { workflowId runId status type { name version } tags taskList source } }
}`

const start = async (workflowId: string, input: object = {}) => {
  const { data, errors } = await ask(START, { input: { workflowId, type: TYPE.name, ...input } })
  return { ...data?.startExecution, errors }
}

const firstEvent = async (workflowId: string, runId: string) => {
  const { events } = await swf.getWorkflowExecutionHistory({ domain: DOMAIN, execution: { workflowId, runId } })
  return events[0]!
}

test('starts the version that was registered last, with what was asked for', async () => {
  const { created, execution } = await start('order-1', {
    input: { items: [1, 2] },
    tags: ['vip'],
    executionTimeout: 'PT30M',
    taskPriority: 7,
    idempotencyKey: 'k1',
  })
  expect(created).toBe(true)
  expect(execution).toMatchObject({
    workflowId: 'order-1',
    status: 'OPEN',
    type: TYPE,
    tags: ['vip'],
    taskList: 'orders',
    source: 'SWF',
  })
  expect(await firstEvent('order-1', execution.runId)).toMatchObject({
    workflowExecutionStartedEventAttributes: {
      input: JSON.stringify({ 'swf-gateway': 1, value: { items: [1, 2] }, idempotencyKey: 'k1' }),
      executionStartToCloseTimeout: '1800',
      taskPriority: '7',
    },
  })
  expect(logged).toContainEqual(
    expect.objectContaining({
      message: 'execution started',
      domain: DOMAIN,
      workflowId: 'order-1',
      runId: execution.runId,
    }),
  )
  expect(await metrics.registry.metrics()).toMatch(/executions_total\{workflowType="Order",event="started".*\} 1/)
})

test('sends input without an envelope when there is nothing to say beyond it', async () => {
  const { execution } = await start('order-plain', { input: 'hello', version: '1.0' })
  expect(await firstEvent('order-plain', execution.runId)).toMatchObject({
    workflowExecutionStartedEventAttributes: { input: '"hello"', workflowType: { version: '1.0' } },
  })
})

test('answers the same start with the same run', async () => {
  const input = { input: { a: 1 }, idempotencyKey: 'again' }
  const [first, second] = [await start('order-2', input), await start('order-2', input)]
  expect(first.created).toBe(true)
  expect(second).toMatchObject({ created: false, execution: { runId: first.execution.runId } })
})

test('answers the same start with the same run even when it has closed since, and another start with a new one', async () => {
  const input = { input: { a: 1 }, idempotencyKey: 'late' }
  const first = await start('order-2b', input)
  await swf.terminateWorkflowExecution({ domain: DOMAIN, workflowId: 'order-2b' })
  expect(await start('order-2b', input)).toMatchObject({
    created: false,
    execution: { runId: first.execution.runId },
  })
  expect(await start('order-2b', { ...input, idempotencyKey: 'new' })).toMatchObject({ created: true })
})

test('tells of a key that was used for something else', async () => {
  const { execution } = await start('order-3', { input: 1, idempotencyKey: 'key' })
  const { errors } = await start('order-3', { input: 2, idempotencyKey: 'key' })
  expect(errors[0].extensions).toEqual({
    code: 'IDEMPOTENCY_KEY_REUSED',
    domain: DOMAIN,
    workflowId: 'order-3',
    runId: execution.runId,
  })
})

test('fails on an open workflowId and names its run, or uses it when told to', async () => {
  const { execution } = await start('order-4')
  const { errors } = await start('order-4', { idempotencyKey: 'other' })
  expect(errors[0].extensions).toEqual({
    code: 'EXECUTION_ALREADY_STARTED',
    domain: DOMAIN,
    workflowId: 'order-4',
    runId: execution.runId,
  })
  expect(await start('order-4', { onConflict: 'USE_EXISTING' })).toMatchObject({
    created: false,
    execution: { runId: execution.runId },
  })
})

test('takes up a newer version as soon as the remembered one is deprecated', async () => {
  const type = {
    name: 'Changing',
    defaultTaskList: { name: 'orders' },
    defaultTaskStartToCloseTimeout: '60',
    defaultExecutionStartToCloseTimeout: '60',
    defaultChildPolicy: 'TERMINATE',
  } as const
  await swf.registerWorkflowType({ domain: DOMAIN, version: '1', ...type })
  expect((await start('c1', { type: 'Changing' })).execution.type.version).toBe('1')
  await swf.registerWorkflowType({ domain: DOMAIN, version: '2', ...type })
  await swf.deprecateWorkflowType({ domain: DOMAIN, workflowType: { name: 'Changing', version: '1' } })
  expect((await start('c2', { type: 'Changing' })).execution.type.version).toBe('2')
  expect((await start('c3', { type: 'Changing', version: '1' })).errors[0].extensions.code).toBe('TYPE_DEPRECATED')
})

test('lists a run as soon as it has been started', async () => {
  const { execution } = await start('order-5', { tags: ['listed'] })
  const { data } = await ask(`{ executions(filter: { tag: "listed" }) {
    nodes { id workflowId runId status } count { value truncated } source pageInfo { hasNextPage } indexedUpTo
  } }`)
  expect(data.executions).toMatchObject({
    nodes: [{ workflowId: 'order-5', runId: execution.runId, status: 'OPEN' }],
    count: { value: 1, truncated: false },
    source: 'INDEX',
    pageInfo: { hasNextPage: false },
    indexedUpTo: expect.any(String),
  })
  expect(decodeNodeId(data.executions.nodes[0].id)).toEqual({
    type: 'Execution',
    domain: DOMAIN,
    workflowId: 'order-5',
    runId: execution.runId,
  })
})

test('pages through executions', async () => {
  for (const i of [1, 2, 3]) await start(`page-${i}`)
  const page = `query ($after: String) {
    executions(filter: { workflowIdPrefix: "page-" }, orderBy: STARTED_ASC, first: 2, after: $after) {
      nodes { workflowId } pageInfo { hasNextPage hasPreviousPage endCursor }
    }
  }`
  const first = (await ask(page)).data.executions
  const second = (await ask(page, { after: first.pageInfo.endCursor })).data.executions
  expect([...first.nodes, ...second.nodes].map(({ workflowId }) => workflowId)).toEqual(['page-1', 'page-2', 'page-3'])
  expect([first.pageInfo, second.pageInfo]).toMatchObject([
    { hasNextPage: true, hasPreviousPage: false },
    { hasNextPage: false, hasPreviousPage: true },
  ])
})

test('reads state, input, result and history from SWF, and a closed one from memory', async () => {
  const saga = { state: 'COMPLETED', attempt: 1, steps: [{ name: 'ship', state: 'DONE', attempts: 1 }] } as const
  await drain()
  const { execution } = await start('order-6', { input: { n: 1 } })
  await decider.decide([startTimer({ timerId: 't', startToFireTimeout: '0' })], { state: { step: 1 } })
  const READ = `query ($runId: String) { execution(workflowId: "order-6", runId: $runId) {
    status source state input { value size place masked } result { value } failure { code } openCounts { timers }
    saga { state step attempt steps { name state attempts } } duration
    history { nodes { __typename eventId ... on WorkflowExecutionCompleted { decisionTaskCompletedEvent { eventId eventType } } } }
  } }`
  const open = (await ask(READ)).data.execution
  expect(open).toMatchObject({ status: 'OPEN', source: 'SWF', state: { step: 1 }, result: null, failure: null })
  expect(open.input).toEqual({ value: { n: 1 }, size: 7, place: 'INLINE', masked: false })

  await decider.decide([completeWorkflowExecution({ result: '{"ok":true}' })], {
    saga: { ...saga, steps: [...saga.steps] },
  })
  const closed = (await ask(READ, { runId: execution.runId })).data.execution
  expect(closed).toMatchObject({
    status: 'COMPLETED',
    result: { value: { ok: true } },
    saga: { ...saga, step: null },
    openCounts: { timers: 0 },
    duration: expect.stringMatching(/^PT/),
  })
  const { nodes } = closed.history
  expect(nodes.map(({ eventId }: { eventId: number }) => eventId)).toEqual(nodes.map((_: unknown, i: number) => i + 1))
  const completed = nodes.at(-1)
  expect(nodes[completed.decisionTaskCompletedEvent.eventId - 1].__typename).toBe('DecisionTaskCompleted')
  expect((await ask(READ, { runId: execution.runId })).data.execution.source).toBe('CACHE')
})

test('pages through a history, forward, backward and by type', async () => {
  await drain()
  const { execution } = await start('order-7')
  await decider.decide([
    scheduleActivityTask({
      activityType: { name: 'Ship', version: '1.0' },
      activityId: 'ship',
      taskList: { name: 'shipping' },
      scheduleToStartTimeout: '60',
      scheduleToCloseTimeout: '60',
      startToCloseTimeout: '60',
      heartbeatTimeout: 'NONE',
      taskPriority: '5',
    }),
  ])
  const page = async (args: string) => {
    const { data, errors } = await ask(`{ execution(workflowId: "order-7") { history(${args}) {
      nodes { eventId eventType } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    } } }`)
    return errors?.[0]?.extensions.code ?? data.execution.history
  }
  const ids = ({ nodes }: { nodes: { eventId: number }[] }) => nodes.map(({ eventId }) => eventId)
  expect(ids(await page('first: 2'))).toEqual([1, 2])
  expect(ids(await page('first: 2, after: "2"'))).toEqual([3, 4])
  expect(ids(await page('last: 2'))).toEqual([4, 5])
  expect((await page('last: 2, before: "5"')).pageInfo).toEqual({
    hasNextPage: true,
    hasPreviousPage: true,
    startCursor: '3',
    endCursor: '4',
  })
  expect((await page('types: [ActivityTaskScheduled]')).nodes).toEqual([
    { eventId: 5, eventType: 'ActivityTaskScheduled' },
  ])
  expect(await page('first: 1, last: 1')).toBe('BAD_USER_INPUT')
  expect(await page('after: "x"')).toBe('BAD_USER_INPUT')

  const { data } = await ask(`{ execution(workflowId: "order-7") { history(types: [ActivityTaskScheduled]) { nodes {
    id ... on ActivityTaskScheduled { activityId activityType { name version } taskList taskPriority startToCloseTimeout heartbeatTimeout input { value } }
  } } } }`)
  const [event] = data.execution.history.nodes
  expect(event).toMatchObject({
    activityId: 'ship',
    activityType: { name: 'Ship', version: '1.0' },
    taskList: 'shipping',
    taskPriority: 5,
    startToCloseTimeout: 'PT1M',
    heartbeatTimeout: null,
    input: null,
  })
  const again = await ask('query ($id: ID!) { node(id: $id) { __typename id ... on HistoryEvent { eventId } } }', {
    id: event.id,
  })
  expect(again.data.node).toEqual({ __typename: 'ActivityTaskScheduled', id: event.id, eventId: 5 })
  await swf.terminateWorkflowExecution({ domain: DOMAIN, workflowId: 'order-7', runId: execution.runId })
})

test('tells why an execution failed, with the chain of causes', async () => {
  await drain()
  await start('order-8')
  const details = encodeFailure({
    code: 'APPLICATION',
    reason: 'OutOfStock',
    message: 'nothing left',
    cause: { code: 'ACTIVITY_TASK_FAILED', reason: 'NoRow', attempts: 3, activityId: 'reserve', details: { sku: 7 } },
  })
  await decider.decide([failWorkflowExecution({ reason: 'OutOfStock', details })])
  const { data } = await ask(`{ execution(workflowId: "order-8") {
    status failure { code reason message cause { code reason attempts activityId details { value } cause { code } } }
    history(last: 1) { nodes { ... on WorkflowExecutionFailed { reason failure { reason cause { reason } } details { value } } } }
  } }`)
  expect(data.execution).toMatchObject({
    status: 'FAILED',
    failure: {
      code: 'APPLICATION',
      reason: 'OutOfStock',
      message: 'nothing left',
      cause: {
        code: 'ACTIVITY_TASK_FAILED',
        reason: 'NoRow',
        attempts: 3,
        activityId: 'reserve',
        details: { value: { sku: 7 } },
        cause: null,
      },
    },
    history: { nodes: [{ reason: 'OutOfStock', failure: { reason: 'OutOfStock', cause: { reason: 'NoRow' } } }] },
  })
})

test('leads from run to run', async () => {
  await drain()
  const { execution } = await start('order-9')
  await decider.decide([continueAsNewWorkflowExecution({ input: '2' })])
  await decider.decide([])
  const { data } = await ask(
    'query ($runId: String) { execution(workflowId: "order-9", runId: $runId) { status nextRun { runId status previousRun { runId } } } }',
    {
      runId: execution.runId,
    },
  )
  expect(data.execution).toMatchObject({
    status: 'CONTINUED_AS_NEW',
    nextRun: { status: 'OPEN', previousRun: { runId: execution.runId } },
  })
})

test('finds a run that only SWF knows of', async () => {
  const { runId } = await swf.startWorkflowExecution({ domain: DOMAIN, workflowId: 'elsewhere', workflowType: TYPE })
  const { data } = await ask(
    '{ execution(workflowId: "elsewhere") { runId status source } nothing: execution(workflowId: "nowhere") { runId } }',
  )
  expect(data).toEqual({ execution: { runId, status: 'OPEN', source: 'SWF' }, nothing: null })
})

test('signals, with the key in the envelope', async () => {
  const { execution } = await start('signaled')
  const { data } = await ask(
    'mutation ($input: SignalExecutionInput!) { signalExecution(input: $input) { execution { runId status } } }',
    { input: { execution: { workflowId: 'signaled' }, signalName: 'hold', input: { until: 3 }, idempotencyKey: 's1' } },
  )
  expect(data.signalExecution.execution).toEqual({ runId: execution.runId, status: 'OPEN' })
  const history = await ask(`{ execution(workflowId: "signaled") { history(types: [WorkflowExecutionSignaled]) { nodes {
    ... on WorkflowExecutionSignaled { signalName input { value } }
  } } } }`)
  expect(history.data.execution.history.nodes).toEqual([{ signalName: 'hold', input: { value: { until: 3 } } }])
  const { events } = await swf.getWorkflowExecutionHistory({
    domain: DOMAIN,
    execution: { workflowId: 'signaled', runId: execution.runId },
  })
  expect(events.at(-1)).toMatchObject({
    workflowExecutionSignaledEventAttributes: { input: expect.stringContaining('"idempotencyKey":"s1"') },
  })
  expect(logged).toContainEqual(
    expect.objectContaining({
      message: 'execution signaled',
      workflowId: 'signaled',
      runId: execution.runId,
      signalName: 'hold',
    }),
  )
})

test('requests a cancel', async () => {
  const { execution } = await start('canceled')
  const { data } = await ask(
    'mutation { requestCancelExecution(input: { execution: { workflowId: "canceled" } }) { execution { runId cancelRequested } } }',
  )
  expect(data.requestCancelExecution.execution).toEqual({ runId: execution.runId, cancelRequested: true })
  const { events } = await swf.getWorkflowExecutionHistory({
    domain: DOMAIN,
    execution: { workflowId: 'canceled', runId: execution.runId },
  })
  expect(events.map(({ eventType }) => eventType)).toContain('WorkflowExecutionCancelRequested')
})

const TERMINATE = `mutation ($input: TerminateExecutionInput!) { terminateExecution(input: $input) {
  execution { runId status failure { code reason details { value } } }
} }`

test('terminates, and lists it as terminated at once', async () => {
  const { execution } = await start('ended')
  const { data } = await ask(TERMINATE, {
    input: { execution: { workflowId: 'ended' }, reason: 'fraud', details: { by: 'me' } },
  })
  expect(data.terminateExecution.execution).toEqual({
    runId: execution.runId,
    status: 'TERMINATED',
    failure: { code: 'WORKFLOW_EXECUTION_TERMINATED', reason: 'fraud', details: { value: { by: 'me' } } },
  })
  await until(
    async () =>
      (await ask('{ executions(filter: { workflowIdPrefix: "ended", status: [TERMINATED] }) { count { value } } }'))
        .data.executions.count.value === 1,
    { what: 'the index shows the termination' },
  )
})

test('tells an execution that has closed from one that never was', async () => {
  await start('gone')
  await ask(TERMINATE, { input: { execution: { workflowId: 'gone' } } })
  const signal = (workflowId: string) =>
    ask(
      'mutation ($e: ExecutionRef!) { signalExecution(input: { execution: $e, signalName: "x" }) { execution { runId } } }',
      { e: { workflowId } },
    )
  expect((await signal('gone')).errors![0]!.extensions).toMatchObject({
    code: 'EXECUTION_CLOSED',
    status: 'TERMINATED',
  })
  expect((await signal('never')).errors![0]!.extensions.code).toBe('EXECUTION_NOT_FOUND')
})

/** Ends the executions that tests before have left with an open decision task, so that the next poll gets the right one. */
async function drain(): Promise<void> {
  const { executionInfos } = await swf.listOpenWorkflowExecutions({
    domain: DOMAIN,
    startTimeFilter: { oldestDate: new Date(0) },
  })
  for (const { execution } of executionInfos ?? [])
    await swf.terminateWorkflowExecution({ domain: DOMAIN, workflowId: execution!.workflowId! })
}

test('one response shows an execution once: whatever is read of it later is not another', async () => {
  await ask(`mutation { startExecution(input: { workflowId: "once", type: "${TYPE.name}" }) { created } }`)
  // SWF knows more than the index, until the next sweep.
  await swf.terminateWorkflowExecution({ domain: DOMAIN, workflowId: 'once' })
  const { data, errors } = await ask(`{
    executions(filter: { workflowIdPrefix: "once" }) { nodes { id status source } edges { node { id status source } } }
    index: execution(workflowId: "once") { id status source }
    history: execution(workflowId: "once") { id status source input { size } history { nodes { eventType } } }
  }`)
  expect(errors).toBeUndefined()
  const { executions, index, history } = data
  const shown = [...executions.nodes, executions.edges[0].node, index, history]
  const seen = shown.map(({ id, status, source }: Record<string, string>) => `${id} ${status} ${source}`)
  expect(new Set(seen).size).toBe(1)
  // What a mutation reads is what it has made of it.
  const twice = await ask(`mutation {
    a: startExecution(input: { workflowId: "twice", type: "${TYPE.name}" }) { execution { status } }
    b: terminateExecution(input: { execution: { workflowId: "twice" } }) { execution { status } }
  }`)
  expect(twice.data).toEqual({ a: { execution: { status: 'OPEN' } }, b: { execution: { status: 'TERMINATED' } } })
})
