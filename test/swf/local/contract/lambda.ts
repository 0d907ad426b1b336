import { expect, test } from 'vitest'
import { decide } from '../fixture.js'
import type { Lambdas } from '../../../../src/swf/local/lambda.js'
import type { Contract } from './contract.js'
import { SECOND, refused, scheduled, story } from './contract.js'

/** What the functions of the contract answer. */
export const LAMBDAS: Lambdas = {
  echo: input => input,
  nothing: () => undefined,
  fails: () => {
    throw new TypeError('no')
  },
  hangs: () => new Promise(() => {}),
}

export function lambdas({ clock, start }: Contract): void {
  const lambdaRole = 'arn:aws:iam::123456789012:role/lambda'
  const decisionTaskCompletedEventId = 4
  const lambda = (id: string, name: string, given: object = {}) => ({
    decisionType: 'ScheduleLambdaFunction' as const,
    scheduleLambdaFunctionDecisionAttributes: { id, name, ...given },
  })

  test('ScheduleLambdaFunction without a role is scheduled, and does not start', async () => {
    const run = await start()
    const { taskToken } = await run.poll()
    for (const startToCloseTimeout of ['0', '901', 'NONE']) {
      const wrong = run.respond(taskToken, lambda('l', 'f', { startToCloseTimeout }))
      await refused(wrong, 'ValidationException', /between 1 and 900/)
    }
    const given = { control: 'c', input: 'i', startToCloseTimeout: '1' }
    await run.respond(taskToken, lambda('l', 'f', given), decide.marker('m'))
    expect(await story(run, 5)).toEqual([
      ['LambdaFunctionScheduled', { id: 'l', name: 'f', ...given, decisionTaskCompletedEventId }],
      ['MarkerRecorded', { markerName: 'm', decisionTaskCompletedEventId }],
      [
        'StartLambdaFunctionFailed',
        { scheduledEventId: 5, cause: 'ASSUME_ROLE_FAILED', message: expect.any(String) as string },
      ],
      scheduled(run),
    ])
    expect((await run.describe()).openCounts?.openLambdaFunctions).toBe(0)
  })

  test.each([
    ['echo', '{"a":1}', 'LambdaFunctionCompleted', { result: '{"a":1}' }],
    ['nothing', undefined, 'LambdaFunctionCompleted', {}],
    ['fails', 'x', 'LambdaFunctionFailed', { reason: 'TypeError', details: expect.stringContaining('no') as string }],
    [
      'unknown',
      'x',
      'LambdaFunctionFailed',
      { reason: 'ResourceNotFoundException', details: expect.any(String) as string },
    ],
  ] as const)('a function that %s is given %j: %s', async (name, input, type, outcome) => {
    const run = await start({ lambdaRole })
    await run.decide(lambda('l', name, { input }))
    await expect.poll(() => run.types()).toHaveLength(8)
    expect(await story(run, 5)).toEqual([
      [
        'LambdaFunctionScheduled',
        { id: 'l', name, ...(input && { input }), startToCloseTimeout: '900', decisionTaskCompletedEventId },
      ],
      ['LambdaFunctionStarted', { scheduledEventId: 5 }],
      [type, { scheduledEventId: 5, startedEventId: 6, ...outcome }],
      scheduled(run),
    ])
  })

  test('a function times out; while it is open its id is in use', async () => {
    const run = await start({ lambdaRole })
    await run.decide(lambda('l', 'hangs', { startToCloseTimeout: '10' }), lambda('l', 'echo'))
    expect(await story(run, 6)).toEqual([
      [
        'ScheduleLambdaFunctionFailed',
        { id: 'l', name: 'echo', cause: 'ID_ALREADY_IN_USE', decisionTaskCompletedEventId },
      ],
      scheduled(run),
      ['LambdaFunctionStarted', { scheduledEventId: 5 }],
    ])
    expect((await run.describe()).openCounts?.openLambdaFunctions).toBe(1)
    await run.decide()
    clock.advance(10 * SECOND)
    expect(await story(run, 11)).toEqual([
      ['LambdaFunctionTimedOut', { scheduledEventId: 5, startedEventId: 8, timeoutType: 'START_TO_CLOSE' }],
      scheduled(run),
    ])
    await run.terminate()
  })
}
