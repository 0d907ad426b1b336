// Histories as the gateway reads them from SWF.

import { expect, test } from 'vitest'
import { until } from '../support/until.js'
import { DOMAIN, startGateway, startStack, TYPE } from './fixture.js'

const { swf, redis } = await startStack()

test('whoever asks for a closed run, at the same time or later, gets one reading of its history', async () => {
  const read: (string | undefined)[] = []
  const getWorkflowExecutionHistory: typeof swf.getWorkflowExecutionHistory = (input, options) => {
    read.push(input.execution?.runId)
    return swf.getWorkflowExecutionHistory(input, options)
  }
  const counted = Object.create(swf, {
    getWorkflowExecutionHistory: { value: getWorkflowExecutionHistory },
  }) as typeof swf
  const { ask } = await startGateway({ swf: counted, redis, prefix: redis.prefix })
  await until(async () => (await ask('{ executions { updatesCursor } }')).data.executions.updatesCursor, {
    what: 'the index is built: it reads histories itself',
  })
  const execution = { domain: DOMAIN, workflowId: 'h-1' }
  const { runId } = await swf.startWorkflowExecution({ ...execution, workflowType: TYPE })
  await swf.terminateWorkflowExecution(execution)

  const SHOW = `execution(workflowId: "h-1", runId: "${runId}") { status history(first: 100) { nodes { eventId } } }`
  const MANY = `{ ${Array.from({ length: 20 }, (_, n) => `e${n}: ${SHOW}`).join(' ')} }`
  const shown = { status: 'TERMINATED', history: { nodes: [{ eventId: 1 }, { eventId: 2 }, { eventId: 3 }] } }
  for (const { data } of [...(await Promise.all([ask(MANY), ask(MANY)])), await ask(MANY)])
    expect(Object.values(data)).toEqual(Array.from({ length: 20 }, () => shown))
  expect(read.filter(one => one === runId)).toHaveLength(1)
})
