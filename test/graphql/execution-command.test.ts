// Commands to executions of which the index does not know the latest.

import { expect, test } from 'vitest'
import { DOMAIN, startStack, TYPE } from './fixture.js'

const { ask, local, swf } = await startStack()

const command = async (name: string, input: object) => {
  const type = `${name[0]!.toUpperCase()}${name.slice(1)}Input`
  const text = `mutation ($input: ${type}!) { ${name}(input: $input) { execution { runId status cancelRequested } } }`
  const { data, errors } = await ask(text, { input })
  return { ...data?.[name]?.execution, errors }
}
const start = (workflowId: string) => swf.startWorkflowExecution({ domain: DOMAIN, workflowId, workflowType: TYPE })

test('what is sent without a runId goes to the open run, and so does the answer, where the index knows the one before', async () => {
  await ask(`mutation { startExecution(input: { workflowId: "again", type: "${TYPE.name}" }) { created } }`)
  const first = await command('terminateExecution', { execution: { workflowId: 'again' } })
  expect(first.status).toBe('TERMINATED')
  const { runId } = await start('again')
  const which = { execution: { workflowId: 'again' } }
  expect(await command('signalExecution', { ...which, signalName: 'go' })).toMatchObject({ runId, status: 'OPEN' })
  expect(await command('requestCancelExecution', which)).toMatchObject({ runId, cancelRequested: true })
  expect(await command('terminateExecution', which)).toMatchObject({ runId, status: 'TERMINATED' })
})

test('an execution that cannot be shown is terminated all the same; the error says so, and when to read it', async () => {
  const { runId } = await start('unseen')
  for (const action of ['GetWorkflowExecutionHistory', 'ListOpenWorkflowExecutions'] as const)
    local.faults.add({ kind: 'throttle', action, times: 100 })
  const { errors } = await command('terminateExecution', { execution: { workflowId: 'unseen' } })
  local.faults.clear()
  expect(errors).toMatchObject([{ extensions: { code: 'THROTTLED', accepted: true, retryAfter: 2 } }])
  const { executionInfo } = await swf.describeWorkflowExecution({
    domain: DOMAIN,
    execution: { workflowId: 'unseen', runId: runId! },
  })
  expect(executionInfo).toMatchObject({ closeStatus: 'TERMINATED' })
})
