// Doing things at once, by our functions and by the language's.

import { describe, expect, test } from 'vitest'
import { decodeFailure, type Failure } from '../../src/swf/failure.js'
import { decisionAttributes, type Decision } from '../../src/swf/decision.js'
import { ActivityFailure, ExecutionNotCompleted, implement } from '../../src/testing/index.js'
import {
  any,
  defineActivity,
  defineWorkflow,
  NoneSucceeded,
  runSaga,
  scope,
  sleep,
  TimeoutExpired,
  withTimeout,
} from '../../src/workflow/index.js'
import { brief, Story } from '../support/given.js'
import { lived } from '../support/lived.js'

const once = { retry: { maximumAttempts: 1 } } as const
const ask = defineActivity<string, string>('Ask', '1', once)
const refuses = implement(ask, async who => {
  throw new ActivityFailure('Busy', `${who} is busy`)
})
const WAYS: [string, () => Promise<unknown>][] = [
  ['any', () => any([() => ask('north'), () => ask('south')])],
  ['Promise.any', () => Promise.any([ask('north'), ask('south')])],
]
const workflow = (run: () => Promise<unknown>) => defineWorkflow('W', '1', {}, run)
const failureOf = (decisions: readonly Decision[]): Failure => {
  const { reason, details } = decisionAttributes(decisions.at(-1)!) as { reason: string; details: string }
  return decodeFailure('', reason, details)
}
const scheduled = ({ events }: Story) =>
  events.flatMap(event =>
    event.eventType === 'ActivityTaskScheduled' ? [event.activityTaskScheduledEventAttributes.activityId] : [],
  )
/** Both activities are asked to end, and do. */
const bothCanceled = async (story: Story) => {
  await story.go()
  for (const activityId of scheduled(story)) story.activityCanceled(activityId)
  return story.go()
}

describe.each(WAYS)('%s', (_what, run) => {
  test('of what all fails fails the execution, and tells how each failed', async () => {
    const failure = await lived(
      workflow(run),
      async execution => {
        const ended: unknown = await execution.result().catch((error: unknown) => error)
        return ended instanceof ExecutionNotCompleted ? ended.failure : undefined
      },
      { handlers: [refuses] },
    )
    expect(failure).toMatchObject({ code: 'NONE_SUCCEEDED', errors: [{ reason: 'Busy' }, { reason: 'Busy' }] })
    expect(failure?.errors?.map(({ message }) => message)).toEqual(['north is busy', 'south is busy'])
  })

  test('is canceled with the execution', async () => {
    const story = new Story(workflow(run))
    await story.go()
    expect(brief(await bothCanceled(story.requestCancel()))).toEqual(['CancelWorkflowExecution'])

    const status = await lived(
      workflow(() => withTimeout('2d', () => any([run, () => sleep('1d')]))),
      async execution => {
        await execution.requestCancel()
        await execution.result().catch(() => {})
        return execution.status()
      },
    )
    expect(status).toBe('CANCELED')
  })

  test('is canceled with the execution although one has failed before', async () => {
    const story = new Story(workflow(run))
    await story.go()
    await story.fail('1.1', 'Busy').go()
    await story.requestCancel().go()
    expect(brief(await story.activityCanceled('2.1').go())).toEqual(['CancelWorkflowExecution'])
  })

  test('is timed out by what it is in', async () => {
    const told: unknown[] = []
    const story = new Story(
      workflow(async () => {
        await withTimeout('1h', run).catch((failure: unknown) => {
          told.push(failure instanceof TimeoutExpired)
          throw failure
        })
      }),
    )
    await story.go()
    expect(failureOf(await bothCanceled(story.fire(/sleep/)))).toMatchObject({ code: 'TIMEOUT_EXPIRED' })
    expect(new Set(told)).toEqual(new Set([true]))
  })

  test('is canceled with the scope that it is in', async () => {
    const story = new Story(
      workflow(() =>
        scope(async it => {
          void sleep('1h').then(() => it.cancel())
          await run()
        }),
      ),
    )
    await story.go()
    const ended = await bothCanceled(story.fire(/sleep/))
    expect(failureOf(ended)).toMatchObject({ code: 'SCOPE_CANCELED' })
  })

  test('of what all fails in a saga undoes the saga', async () => {
    const undo = defineActivity<string, void>('Undo', '1', once)
    const story = new Story(
      workflow(() =>
        runSaga(async saga => {
          await saga.step('room', async () => 'r-1', { compensate: [undo, room => room] })
          await saga.step('offer', run)
        }),
      ),
    )
    await story.go()
    const [first = '', second = ''] = scheduled(story)
    expect(brief(await story.fail(first, 'Busy').fail(second, 'Busy').go())).toEqual([
      expect.stringContaining('ScheduleActivityTask Undo'),
    ])
    expect(failureOf(await story.complete('Undo').go())).toMatchObject({
      code: 'SAGA_FAILED',
      details: { step: 'offer', undone: ['room'] },
      cause: { code: 'NONE_SUCCEEDED' },
    })
  })
})

test('Promise.any keeps its AggregateError, for code that catches it', async () => {
  const catching = workflow(() =>
    Promise.any([ask('north'), ask('south')]).catch((error: unknown) => [
      error instanceof AggregateError,
      error instanceof NoneSucceeded,
    ]),
  )
  expect(await lived(catching, execution => execution.result(), { handlers: [refuses] })).toEqual([true, false])
})

test('Promise.any of which one has made a mistake parks the run', async () => {
  const mistaken = new Story(
    workflow(() => Promise.any([ask('north'), Promise.reject(new TypeError('x is not iterable'))])),
  )
  await mistaken.go()
  expect(await mistaken.fail('Ask', 'Busy').decide()).toMatchObject({ kind: 'stuck' })
})
