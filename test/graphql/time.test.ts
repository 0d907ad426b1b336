// Points and lengths of time as clients write them: what is wrong is said with its place, and limits in the same words.

import { expect, test } from 'vitest'
import { announceWorker, startStack, TASK_LIST, TYPE } from './fixture.js'

const { ask, redis } = await startStack()
await announceWorker(redis, [TASK_LIST])

test.each([
  ['2030-02-30T00:00:00Z', 'there is no 2030-02-30'],
  ['2030-02-29T12:00:00.5+01:00', 'there is no 2030-02-29'],
  ['2030-04-31T23:00:00-05:00', 'there is no 2030-04-31'],
  ['2030-13-01T00:00:00Z', 'a DateTime is written in ISO 8601 with its offset'],
  ['2030-01-01', 'a DateTime is written in ISO 8601 with its offset'],
])('%s is no time, and the complaint says where it stands', async (time, why) => {
  const literal = await ask(`{
    executions(filter: { startedAfter: "${time}" }) { source }
  }`)
  expect(literal.errors).toMatchObject([
    {
      message: expect.stringContaining(`Argument "filter.startedAfter": ${why}`) as string,
      locations: [{ line: 2, column: 40 }],
      extensions: { code: 'BAD_USER_INPUT' },
    },
  ])
  const variable = await ask('query ($filter: ExecutionFilter) { executions(filter: $filter) { source } }', {
    filter: { startedAfter: time },
  })
  expect(variable.errors).toMatchObject([
    {
      message: expect.stringMatching(`Variable "\\$filter" .* at "filter.startedAfter"; .*${why}`) as string,
      locations: [{ line: 1 }],
      extensions: { code: 'BAD_USER_INPUT' },
    },
  ])
})

test('days that exist are taken, the 29th of February of a leap year among them', async () => {
  for (const time of ['2028-02-29T00:00:00Z', '2030-12-31T23:59:59.999-11:00', '2030-01-31T12:00+02:00'])
    expect((await ask(`{ executions(filter: { startedAfter: "${time}" }) { source } }`)).errors, time).toBeUndefined()
})

test.each(['5 minutes', 'PT', 'P1Y', '1h'])(
  '"%s" is no Duration, and the complaint says where it stands',
  async text => {
    const { errors } = await ask(`{ stats(window: "${text}") { from } }`)
    expect(errors).toMatchObject([
      {
        message: 'Argument "window": a Duration is written in ISO 8601: "PT30S", "PT5M", "P1DT12H"',
        locations: [{ line: 1, column: 17 }],
      },
    ])
  },
)

test('limits of durations are told as durations are written', async () => {
  const START = 'mutation ($input: StartExecutionInput!) { startExecution(input: $input) { created } }'
  const input = { workflowId: 'w', type: TYPE.name }
  const REGISTER =
    'mutation ($input: RegisterWorkflowTypeInput!) { registerWorkflowType(input: $input) { type { name } } }'
  const type = { name: 'T', version: '1' }
  const UPDATE = 'mutation ($input: UpdateQueueInput!) { updateQueue(input: $input) { queue { id } } }'
  for (const [query, given, message] of [
    [START, { ...input, executionTimeout: 'PT0.5S' }, 'executionTimeout must be PT1S or longer, up to P365D'],
    [START, { ...input, executionTimeout: 'P366D' }, 'executionTimeout must be PT1S or longer, up to P365D'],
    [REGISTER, { ...type, executionStartToCloseTimeout: 'PT0S' }, 'PT1S or longer, up to P365D'],
    [REGISTER, { ...type, taskStartToCloseTimeout: 'PT0S' }, 'taskStartToCloseTimeout must be PT1S or longer'],
    [
      UPDATE,
      { taskList: TASK_LIST, rateLimit: { tasks: 1, per: 'PT0.01S' } },
      'per must be PT0.1S or longer, up to P1D',
    ],
    [UPDATE, { taskList: TASK_LIST, rateLimit: { tasks: 1, per: 'P2D' } }, 'per must be PT0.1S or longer, up to P1D'],
  ] as const) {
    const { errors } = await ask(query, { input: given })
    expect(errors).toMatchObject([
      { message: expect.stringContaining(message) as string, extensions: { code: 'BAD_USER_INPUT' } },
    ])
    expect(errors![0]!.message).not.toMatch(/\d{4}/)
  }
})
