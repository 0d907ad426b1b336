import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { createLocalSwf } from '../../../src/swf/local/index.js'
import type { LambdaContext } from '../../../src/swf/local/index.js'
import type { Run } from './fixture.js'
import { attributes, decide, fixture } from './fixture.js'

const lambdaRole = 'arn:aws:iam::123456789012:role/swf-lambda'
const calls: { input: unknown; context: LambdaContext }[] = []
let aborted: unknown

const web = createServer((request, response) => {
  let body = ''
  request.on('data', chunk => (body += chunk))
  request.on('end', () => {
    const name = request.headers['x-swf-function-name']
    if (name === 'broken') response.writeHead(500).end('out of order')
    else if (name === 'refusing')
      response.writeHead(200, { 'x-amz-function-error': 'Unhandled' }).end('{"errorType":"E"}')
    else response.end(JSON.stringify({ name, body }))
  })
})
await new Promise<void>(resolve => web.listen(0, '127.0.0.1', resolve))
afterAll(() => void web.close())
const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/`

const { server, start } = await fixture({
  clock: 'virtual',
  lambda: {
    double: (input, context) => {
      calls.push({ input, context })
      return { doubled: (input as { n: number }).n * 2 }
    },
    fails: () => {
      throw new TypeError('not a number')
    },
    long: () => 'x'.repeat(32_768),
    hangs: (_input, { signal }) => new Promise(() => signal.addEventListener('abort', () => (aborted = signal.reason))),
    web: url,
    broken: url,
    refusing: url,
  },
})

/** The events of the Lambda functions of a run: their types, and what differs. */
async function events(run: Run): Promise<unknown[]> {
  const lambda = (await run.history()).filter(({ eventType }) => eventType?.includes('LambdaFunction'))
  return lambda.map(event => [event.eventType, attributes(event)])
}
const types = async (run: Run) => (await events(run)).map(event => (event as [string])[0])

async function withLambda(name: string, given: object = {}) {
  const run = await start({ lambdaRole })
  const decision = decide.lambda('l', name)
  Object.assign(decision.scheduleLambdaFunctionDecisionAttributes!, given)
  await run.decide(decision)
  return run
}

test('a function of this process: scheduled, started, completed, and the decider is told', async () => {
  const run = await withLambda('double', { input: '{"n":21}', control: 'c' })
  const task = await run.poll()
  expect(task.taskToken).toBeTruthy()
  expect(await events(run)).toEqual([
    [
      'LambdaFunctionScheduled',
      {
        id: 'l',
        name: 'double',
        input: '{"n":21}',
        control: 'c',
        startToCloseTimeout: '900',
        decisionTaskCompletedEventId: 4,
      },
    ],
    ['LambdaFunctionStarted', { scheduledEventId: 5 }],
    ['LambdaFunctionCompleted', { scheduledEventId: 5, startedEventId: 6, result: '{"doubled":42}' }],
  ])
  const [{ input, context }] = calls as [(typeof calls)[0]]
  expect(input).toEqual({ n: 21 })
  expect(context).toMatchObject({ functionName: 'double', id: 'l', workflowExecution: run.execution })
})

test.each([
  ['fails', { reason: 'TypeError', details: expect.stringMatching(/"errorMessage":"not a number".*"stackTrace"/) }],
  ['long', { reason: 'ResultTooLarge', details: expect.any(String) }],
  ['absent', { reason: 'ResourceNotFoundException', details: expect.stringMatching(/Function not found: absent/) }],
  ['broken', { reason: 'HTTP 500', details: 'out of order' }],
  ['refusing', { reason: 'Unhandled', details: '{"errorType":"E"}' }],
])('a function that %s fails', async (name, told) => {
  const run = await withLambda(name)
  await run.poll()
  const failed = (await events(run)).at(-1)
  expect(failed).toEqual(['LambdaFunctionFailed', { scheduledEventId: 5, startedEventId: 6, ...told }])
})

test('a function behind a URL on loopback', async () => {
  const run = await withLambda('web', { input: 'not JSON' })
  await run.poll()
  const result = JSON.stringify({ name: 'web', body: 'not JSON' })
  expect((await events(run)).at(-1)).toEqual([
    'LambdaFunctionCompleted',
    { scheduledEventId: 5, startedEventId: 6, result },
  ])
})

test('a function that does not answer times out, and is told to stop', async () => {
  const run = await withLambda('hangs', { startToCloseTimeout: '5' })
  expect((await run.describe()).openCounts?.openLambdaFunctions).toBe(1)
  await server.clock.advance('5s')
  expect((await events(run)).at(-1)).toEqual([
    'LambdaFunctionTimedOut',
    { scheduledEventId: 5, startedEventId: 6, timeoutType: 'START_TO_CLOSE' },
  ])
  expect(aborted).toMatchObject({ name: 'AbortError' })
  expect((await run.describe()).openCounts?.openLambdaFunctions).toBe(0)
})

test('a function of an execution that closes goes nowhere', async () => {
  aborted = undefined
  const run = await withLambda('hangs')
  await run.terminate()
  expect(aborted).toMatchObject({ name: 'AbortError' })
  expect(await types(run)).toEqual(['LambdaFunctionScheduled', 'LambdaFunctionStarted'])
})

test('an id is in use while its function is open, and free afterwards', async () => {
  const run = await withLambda('hangs', { startToCloseTimeout: '5' })
  await run.signal()
  await run.decide(decide.lambda('l', 'double'))
  expect((await events(run)).at(-1)).toEqual([
    'ScheduleLambdaFunctionFailed',
    { id: 'l', name: 'double', cause: 'ID_ALREADY_IN_USE', decisionTaskCompletedEventId: expect.any(Number) },
  ])
  await server.clock.advance('5s')
  await run.decide(decide.lambda('l', 'fails'))
  expect((await types(run)).slice(-3)).toEqual([
    'LambdaFunctionScheduled',
    'LambdaFunctionStarted',
    'LambdaFunctionFailed',
  ])
})

test('without a role, or without the option, no function starts', async () => {
  const refused = (message: unknown) => [
    'StartLambdaFunctionFailed',
    { scheduledEventId: 5, cause: 'ASSUME_ROLE_FAILED', message },
  ]
  const run = await start()
  await run.decide(decide.lambda('l', 'double'))
  expect((await events(run)).at(-1)).toEqual(refused('The execution has no lambdaRole'))

  const plain = await fixture()
  const other = await plain.start({ lambdaRole })
  await other.decide(decide.lambda('l', 'double'))
  const lambda = (await other.history()).filter(({ eventType }) => eventType === 'StartLambdaFunctionFailed')
  expect(lambda.map(attributes)).toEqual([refused(expect.stringContaining('without the option lambda'))[1]])
  expect((await other.types()).at(-1)).toBe('DecisionTaskScheduled')
})

test('only this machine is called', async () => {
  await expect(createLocalSwf({ lambda: { f: 'https://example.com/' } })).rejects.toThrow(/loopback/)
  await expect(createLocalSwf({ lambda: { f: 'nowhere' } })).rejects.toThrow(/loopback/)
})
