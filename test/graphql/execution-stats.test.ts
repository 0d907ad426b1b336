import { expect, test } from 'vitest'
import { completeWorkflowExecution, failWorkflowExecution } from '../../src/swf/decision.js'
import { until } from '../support/until.js'
import { startStack, TYPE } from './fixture.js'

const { ask, decider } = await startStack()

const STATS = `query ($from: DateTime, $to: DateTime, $window: Duration, $versions: Boolean! = false, $filter: ExecutionFilter) {
  stats(from: $from, to: $to, window: $window, versions: $versions, filter: $filter) {
    from to indexedUpTo indexing { done total }
    total { ...figures }
    types { type version ...figures }
  }
}
fragment figures on ExecutionFigures {
  started completed failed successRate duration { count p50 p99 } timedOut terminated canceled continuedAsNew
}`
const stats = async (variables: Record<string, unknown> = {}) => {
  const { data, errors } = await ask(STATS, variables)
  if (errors) throw Object.assign(new Error(errors[0]!.message), { code: errors[0]!.extensions.code })
  return data.stats
}

test('tells what became of executions over a window, by type', async () => {
  const begin = new Date()
  const start = (workflowId: string, version: string) =>
    ask('mutation ($input: StartExecutionInput!) { startExecution(input: $input) { created } }', {
      input: { workflowId, type: TYPE.name, version, tags: [workflowId] },
    })
  await start('s-1', '1.0')
  await decider.decide([completeWorkflowExecution({})])
  await start('s-2', '2.0')
  await decider.decide([failWorkflowExecution({ reason: 'OutOfStock' })])
  for (const workflowId of ['s-3', 's-4']) await start(workflowId, '2.0')
  await ask('mutation { terminateExecution(input: { execution: { workflowId: "s-3" } }) { execution { status } } }')
  const found = await until(
    async () => {
      const now = await stats({ versions: true })
      return now.total.completed + now.total.failed === 3 && now
    },
    { what: 'the closes are in the index' },
  )
  const NONE = { failed: 0, timedOut: 0, terminated: 0, canceled: 0, continuedAsNew: 0 }
  const total = { ...NONE, started: 4, completed: 1, failed: 2, terminated: 1, successRate: 1 / 3 }
  const duration = { count: 1, p50: expect.stringMatching(/^PT[\d.]+S$/), p99: expect.stringMatching(/^PT[\d.]+S$/) }
  expect(found).toMatchObject({
    indexedUpTo: expect.any(String),
    indexing: null,
    total: { ...total, duration },
    types: [
      { ...total, type: 'Order', version: '2.0', started: 3, completed: 0, successRate: 0, duration: null },
      { ...NONE, type: 'Order', version: '1.0', started: 1, completed: 1, successRate: 1, duration },
    ],
  })
  expect(Date.parse(found.to) - Date.parse(found.from)).toBe(86_400_000)
  expect((await stats({ filter: { tag: 's-1' } })).types).toMatchObject([{ version: null, started: 1, completed: 1 }])
  const before = { to: new Date(begin.getTime() - 1).toISOString(), window: 'PT1H' }
  expect(await stats(before)).toMatchObject({
    ...{ from: new Date(begin.getTime() - 3_600_001).toISOString(), to: before.to, types: [] },
    total: { ...NONE, started: 0, completed: 0, successRate: null, duration: null },
  })
  expect((await stats({ from: begin.toISOString() })).total.started).toBe(4)
})

test('refuses a window that is said twice, and one that ends before it begins', async () => {
  const [early, late] = ['2030-01-01T00:00:00Z', '2030-01-02T00:00:00Z']
  const code = 'BAD_USER_INPUT'
  await expect(stats({ from: early, window: 'PT1H' })).rejects.toMatchObject({ code, message: /give one of them/ })
  await expect(stats({ from: late, to: early })).rejects.toMatchObject({ code, message: /later than `to`/ })
})
