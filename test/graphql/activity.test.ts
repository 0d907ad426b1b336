// Activities that their handlers leave open, and that the API completes and fails.

import { expect, test } from 'vitest'
import { implement } from '../../src/workers/definitions.js'
import { defineActivity, defineWorkflow } from '../../src/workflow/index.js'
import { startStack } from '../support/stack.js'
import { until } from '../support/until.js'

const tokens = new Map<string, string>()
const approve = defineActivity<string, { by: string }>('Approve', '1', {
  startToClose: '1m',
  retry: { maximumAttempts: 1 },
})
const waits = defineWorkflow('Waits', '1', {}, async (id: string) => approve(id))
const stack = await startStack({
  workflows: [waits],
  handlers: [
    implement(approve, async (id, job) => {
      const open = job.leaveOpen()
      tokens.set(id, open.token)
      return open as never
    }),
  ],
})
const START = 'mutation ($input: StartExecutionInput!) { startExecution(input: $input) { created } }'
const SHOW =
  'query ($id: String!) { execution(workflowId: $id) { status result { value } failure { reason cause { reason } } } }'
const COMPLETE = `mutation ($input: CompleteActivityInput!) {
  completeActivity(input: $input) { activityId execution { workflowId } }
}`
const FAIL = 'mutation ($input: FailActivityInput!) { failActivity(input: $input) { activityId } }'
const left = async (id: string) => {
  await stack.graphql(START, { input: { workflowId: id, type: 'Waits', input: id } })
  return until(() => tokens.get(id), { what: `${id} is left open` })
}
const closed = (id: string) =>
  until(
    async () => {
      const { execution } = await stack.graphql(SHOW, { id })
      return execution.status !== 'OPEN' && execution
    },
    { what: `${id} closes` },
  )

test('an activity is completed by its token, once however often it is sent', async () => {
  const token = await left('a')
  const input = { token, result: { by: 'ada' } }
  const { completeActivity } = await stack.graphql(COMPLETE, { input })
  expect(completeActivity).toMatchObject({ activityId: expect.any(String), execution: { workflowId: 'a' } })
  expect((await stack.graphql(COMPLETE, { input })).completeActivity.activityId).toBe(completeActivity.activityId)
  expect(await closed('a')).toMatchObject({ status: 'COMPLETED', result: { value: { by: 'ada' } } })
  await expect(stack.graphql(COMPLETE, { input: { token, result: 'other' } })).rejects.toMatchObject({
    extensions: { code: 'ACTIVITY_CLOSED' },
  })
})

test('or failed, with its reason', async () => {
  const token = await left('b')
  await stack.graphql(FAIL, { input: { token, reason: 'Refused', message: 'not now', details: { by: 'grace' } } })
  expect(await closed('b')).toMatchObject({ status: 'FAILED', failure: { reason: 'Refused' } })
})

test('a token that is none is refused', async () => {
  await expect(stack.graphql(COMPLETE, { input: { token: 'a1.nonsense' } })).rejects.toMatchObject({
    extensions: { code: 'BAD_USER_INPUT' },
  })
})
