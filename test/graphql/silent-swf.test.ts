// What a client is answered while SWF takes calls and never answers them, or refuses them.

import { expect, test } from 'vitest'
import { completeWorkflowExecution, failWorkflowExecution } from '../../src/swf/decision.js'
import { createSwfClient } from '../../src/swf/client.js'
import { swfFault } from '../../src/swf/errors.js'
import { afterFile } from '../support/dispose.js'
import { swfProxy } from '../support/swf-proxy.js'
import { until } from '../support/until.js'
import { DOMAIN, startGateway, startStack, TYPE } from './fixture.js'

const { local, redis, decider } = await startStack()
const proxy = await swfProxy(local.endpoint)
const swf = createSwfClient({ transport: 'http', endpoint: proxy.url })
afterFile(() => swf.close())
const { ask } = await startGateway({ swf, redis, prefix: redis.prefix, readDeadline: 500 })

const START =
  'mutation ($id: String!, $input: JSON) { startExecution(input: { workflowId: $id, type: "Order", input: $input }) { execution { runId } } }'
const start = (id: string) => ask(START, { id, input: { n: 1 } })

/** What SWF was asked while the test let it answer, or let it be silent. */
async function asked<T>(silent: boolean, work: () => Promise<T>): Promise<{ answer: T; actions: string[] }> {
  const actions: string[] = []
  proxy.on = ({ action, input }) => {
    // The gateway's own sweeps are of no query.
    const swept = action.startsWith('List') && !input.executionFilter && !input.registrationStatus
    if (!swept) actions.push(action)
    return silent ? new Promise(() => {}) : Promise.resolve()
  }
  try {
    return { answer: await work(), actions }
  } finally {
    proxy.on = undefined
  }
}

const UNAVAILABLE = { extensions: { code: 'SWF_UNAVAILABLE' } }
const indexed = (id: string, status: string) =>
  until(
    async () =>
      (await ask('query ($id: String!) { execution(workflowId: $id) { status } }', { id })).data.execution.status ===
      status,
    { what: `the index knows that ${id} is ${status}` },
  )

test('an execution that the index knows is shown, and what only its history has is null with an error at its place', async () => {
  await start('silent-1')
  const { answer } = await asked(true, () =>
    ask(`{ execution(workflowId: "silent-1") {
      workflowId status type { name } tags source
      input { value } state pending { since } timeline { name } history { nodes { eventId } } openCounts { timers }
    } }`),
  )
  expect(answer.data.execution).toEqual({
    ...{ workflowId: 'silent-1', status: 'OPEN', type: { name: TYPE.name }, tags: [], source: 'INDEX' },
    ...{ input: null, state: null, pending: null, timeline: null, history: null, openCounts: null },
  })
  const fields = ['input', 'state', 'pending', 'timeline', 'history', 'openCounts']
  expect(answer.errors).toHaveLength(fields.length)
  for (const field of fields)
    expect(answer.errors).toContainEqual(expect.objectContaining({ path: ['execution', field], ...UNAVAILABLE }))
})

test('an operation asks a silent SWF once for an execution, whatever of it is asked', async () => {
  await start('silent-2')
  const { actions } = await asked(true, () =>
    ask('{ execution(workflowId: "silent-2") { input { value } history { nodes { eventId } } timeline { name } } }'),
  )
  expect(actions).toEqual(['GetWorkflowExecutionHistory'])
})

test('an execution that the index knows is shown while SWF refuses the credentials of the gateway', async () => {
  await start('silent-7')
  const refusal = () =>
    Promise.reject(swfFault('GetWorkflowExecutionHistory', 'ExpiredTokenException', 'The security token is expired'))
  const refused = Object.create(swf, { getWorkflowExecutionHistory: { value: refusal } }) as typeof swf
  const other = await startGateway({ swf: refused, redis, prefix: redis.prefix })
  const READ = '{ execution(workflowId: "silent-7") { workflowId status source input { value } } }'
  await until(async () => (await other.ask('{ executions { nodes { workflowId } } }')).data.executions?.nodes.length, {
    what: 'the index of the other gateway knows executions',
  })
  const { data, errors } = await other.ask(READ)
  expect(data.execution).toEqual({ workflowId: 'silent-7', status: 'OPEN', source: 'INDEX', input: null })
  expect(errors).toMatchObject([{ path: ['execution', 'input'], extensions: { code: 'FORBIDDEN' } }])
})

test('a closed execution whose history was read before is shown whole', async () => {
  await drain()
  await start('silent-3')
  await decider.decide([completeWorkflowExecution({ result: '"done"' })])
  await indexed('silent-3', 'COMPLETED')
  const READ = '{ execution(workflowId: "silent-3") { status input { value } result { value } } }'
  const { data } = await ask(READ)
  expect(data.execution).toEqual({ status: 'COMPLETED', input: { value: { n: 1 } }, result: { value: 'done' } })
  expect((await asked(true, () => ask(READ))).answer).toEqual({ data })
})

test('every read behind a query ends, and roots that fail lose no others', async () => {
  await start('silent-4')
  const { answer } = await asked(true, () =>
    ask(`{
      executions(filter: { workflowIdPrefix: "silent-4" }) { nodes { workflowId input { value } } }
      unknown: execution(workflowId: "never-heard-of") { status }
      domains { name }
      domain { name }
      workflowTypes { nodes { name } }
      activityTypes { nodes { name } }
      pendingTasks(taskList: "orders") { decisionTasks { value } }
      elsewhere: executions(domain: "elsewhere") { nodes { workflowId } }
      queues { taskList }
    }`),
  )
  expect(answer.data).toEqual({
    executions: { nodes: [{ workflowId: 'silent-4', input: null }] },
    ...{ unknown: null, domains: null, domain: null, workflowTypes: null, activityTypes: null },
    ...{ pendingTasks: null, elsewhere: null, queues: [] },
  })
  expect(answer.errors).toHaveLength(8)
  for (const error of answer.errors!) expect(error).toMatchObject(UNAVAILABLE)
})

test('a mutation that fails does not lose what another one did', async () => {
  const { data, errors } = await ask(`mutation {
    good: startExecution(input: { workflowId: "silent-5", type: "Order" }) { created }
    bad: startExecution(input: { workflowId: "silent-6", type: "Nothing" }) { created }
  }`)
  expect(data).toEqual({ good: { created: true }, bad: null })
  expect(errors).toMatchObject([{ path: ['bad'], extensions: { code: 'TYPE_NOT_FOUND' } }])
})

test('failure and result of executions that have none read no history', async () => {
  await drain()
  await start('outcome-failed')
  await decider.decide([failWorkflowExecution({ reason: 'Broken' })])
  await start('outcome-completed')
  await decider.decide([completeWorkflowExecution({ result: '1' })])
  await start('outcome-open')
  await indexed('outcome-failed', 'FAILED')
  await indexed('outcome-completed', 'COMPLETED')
  const { answer, actions } = await asked(false, () =>
    ask(`{
      executions(filter: { workflowIdPrefix: "outcome-" }, orderBy: STARTED_ASC) {
        nodes { workflowId failure { reason } }
      }
      open: executions(filter: { workflowIdPrefix: "outcome-open" }) { nodes { result { value } } }
      execution(workflowId: "outcome-completed") { status failure { reason } }
    }`),
  )
  expect(answer.data).toEqual({
    executions: {
      nodes: [
        { workflowId: 'outcome-failed', failure: { reason: 'Broken' } },
        { workflowId: 'outcome-completed', failure: null },
        { workflowId: 'outcome-open', failure: null },
      ],
    },
    open: { nodes: [{ result: null }] },
    execution: { status: 'COMPLETED', failure: null },
  })
  expect(actions).toEqual(['GetWorkflowExecutionHistory'])
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
