import { expect, test } from 'vitest'
import { until } from '../support/until.js'
import { startStack, TYPE } from './fixture.js'

const { ask } = await startStack()

const COUNTS = `query ($by: [ExecutionGrouping!]! = [TYPE, STATUS], $filter: ExecutionFilter) {
  executionCounts(by: $by, filter: $filter) {
    truncated indexedUpTo groups { type version status sagaState stuck count }
  }
}`
const counts = async (variables: object = {}) => {
  const { data, errors } = await ask(COUNTS, variables as Record<string, unknown>)
  expect(errors).toBe(undefined)
  return data.executionCounts
}
const group = (given: object) => ({ type: null, version: null, status: null, sagaState: null, stuck: null, ...given })

test('executions are counted by what they have in common', async () => {
  const start = (workflowId: string, version: string, tags: string[] = []) =>
    ask('mutation ($input: StartExecutionInput!) { startExecution(input: $input) { created } }', {
      input: { workflowId, type: TYPE.name, version, tags },
    })
  for (const [n, version] of ['1.0', '2.0', '2.0', '2.0'].entries())
    await start(`c-${n}`, version, n > 1 ? ['vip'] : [])
  await ask('mutation { terminateExecution(input: { execution: { workflowId: "c-3" } }) { execution { status } } }')
  const found = await until(
    async () => {
      const result = await counts()
      return result.groups.length === 2 && result
    },
    { what: 'the termination is in the index' },
  )
  expect(found).toEqual({
    truncated: false,
    indexedUpTo: expect.any(String),
    groups: [
      group({ type: TYPE.name, status: 'OPEN', count: 3 }),
      group({ type: TYPE.name, status: 'TERMINATED', count: 1 }),
    ],
  })
  expect((await counts({ by: ['VERSION'] })).groups).toEqual([
    group({ version: '2.0', count: 3 }),
    group({ version: '1.0', count: 1 }),
  ])
  expect((await counts({ by: ['STUCK', 'SAGA_STATE'], filter: { tag: 'vip', status: ['OPEN'] } })).groups).toEqual([
    group({ stuck: false, count: 1 }),
  ])
  expect((await counts({ by: [] })).groups).toEqual([group({ count: 4 })])
  expect((await counts({ filter: { type: 'Nothing' } })).groups).toEqual([])
})
