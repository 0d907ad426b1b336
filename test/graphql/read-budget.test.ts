import { expect, test } from 'vitest'
import { until } from '../support/until.js'
import { startGateway, startStack, TYPE } from './fixture.js'

const stack = await startStack({ reads: { GetWorkflowExecutionHistory: { bucket: 3, refill: 0 } } })
const { ask, swf, redis } = stack
const SHOW = 'query ($id: String!) { execution(workflowId: $id) { status asOf source history { nodes { eventId } } } }'
const start = (workflowId: string) =>
  ask('mutation ($input: StartExecutionInput!) { startExecution(input: $input) { created } }', {
    input: { workflowId, type: TYPE.name },
  })

test('all gateways on one Redis share a budget; over it open executions are shown as they were, others are throttled', async () => {
  await start('b-1')
  await start('b-2')
  const first = (await ask(SHOW, { id: 'b-1' })).data.execution
  expect(first).toMatchObject({ status: 'OPEN', source: 'SWF' })
  // Each gateway fetches what is left, so one read of another may be the last.
  const other = await startGateway({
    swf,
    redis,
    prefix: redis.prefix,
    reads: { GetWorkflowExecutionHistory: { bucket: 3, refill: 0 } },
  })
  const throttled = await until(
    async () => {
      const { errors } = await other.ask(SHOW, { id: 'b-2' })
      return errors && errors[0]!
    },
    { what: 'the budget of all is used up' },
  )
  expect(throttled.extensions).toMatchObject({ code: 'THROTTLED', retryAfter: expect.any(Number) })
  let last = first
  const again = await until(
    async () => {
      const { data } = await ask(SHOW, { id: 'b-1' })
      if (data.execution.source === 'CACHE') return data.execution
      last = data.execution
      return undefined
    },
    { what: 'this gateway has used up its tokens too' },
  )
  expect(again.asOf).toBe(last.asOf)
  expect(again.history.nodes).toHaveLength(2)
  expect((await ask(SHOW, { id: 'b-2' })).errors?.[0]?.extensions.code).toBe('THROTTLED')
})

test('a budget that is used up fills again', async () => {
  await start('b-3')
  // A budget of its own.
  const refilled = await startGateway({
    swf,
    redis,
    prefix: `${redis.prefix}-refilled`,
    reads: { GetWorkflowExecutionHistory: { bucket: 1, refill: 1 } },
  })
  const shownFrom = (source: string) =>
    until(async () => (await refilled.ask(SHOW, { id: 'b-3' })).data?.execution?.source === source, {
      what: `it is shown from ${source}`,
    })
  await shownFrom('SWF')
  await shownFrom('CACHE')
  await shownFrom('SWF')
})
