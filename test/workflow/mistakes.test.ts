// What authors get wrong, and what they are told.

import { describe, expect, test } from 'vitest'
import { ActivityFailure } from '../../src/testing/index.js'
import { decodeFailure } from '../../src/swf/failure.js'
import { decisionAttributes, type Decision } from '../../src/swf/decision.js'
import {
  condition,
  defineActivity,
  defineSignal,
  defineWorkflow,
  executeChild,
  sleep,
  withTimeout,
  type WorkflowOptions,
} from '../../src/workflow/index.js'
import { brief, Story } from '../support/given.js'

const mail = defineActivity<string, void>('Mail', '1')
const go = defineSignal('go')

const story = (run: () => Promise<unknown>, options: WorkflowOptions<unknown, unknown> = {}) =>
  new Story(defineWorkflow('W', '1', options, run))

/** Why a workflow is stuck at its first decision. */
async function stuck(run: () => Promise<unknown>, options?: WorkflowOptions<unknown, unknown>) {
  const turn = await story(run, options).decide()
  if (turn.kind !== 'stuck') throw new Error(`not stuck, but ${brief(turn.decisions).join()}`)
  return turn.stuck
}

const failureOf = ([close]: Decision[]) => {
  const { reason, details } = decisionAttributes(close!) as { reason: string; details: string }
  return decodeFailure('', reason, details)
}

describe('what cannot be replayed parks the run, whatever catches it:', () => {
  const swallowed = async () => {
    try {
      return Date.now()
    } catch {
      return 0
    }
  }
  test.each<[string, () => Promise<unknown>]>([
    ['try and catch', swallowed],
    ['Promise.allSettled', async () => Promise.allSettled([(async () => Date.now())()])],
    ['nobody who awaits it', async () => void (async () => Date.now())().catch(() => {})],
    ['a condition', async () => condition(() => [1].some(() => swallowed() === undefined))],
    ['a workflow that goes on', async () => swallowed().then(() => mail('ada'))],
  ])('%s', async (_what, run) => {
    expect(await stuck(run)).toMatchObject({
      reason: 'NotReplayable: Date.now cannot be replayed: use now()',
      location: expect.stringContaining('mistakes.test.ts:') as string,
    })
    expect(await stuck(run, { onError: 'fail' })).toMatchObject({ reason: expect.stringMatching(/^NotReplayable/) })
  })

  test('a handler of a signal', async () => {
    const handling = story(async () => {
      go.handle(() => void swallowed())
      await sleep('1h')
    })
    await handling.go()
    expect(await handling.signal('go').decide()).toMatchObject({ kind: 'stuck' })
  })
})

describe('the reason of a run that is stuck', () => {
  const ON_PURPOSE = "(to fail the execution on purpose throw new WorkflowExecutionFailed('Reason'))"

  test.each<[string, unknown, string]>([
    ['an error', new Error('no seats'), `Error: no seats ${ON_PURPOSE}`],
    ["a handler's failure", new ActivityFailure('NoSeats', 'none left'), `ActivityFailure: none left ${ON_PURPOSE}`],
    ['a text', 'no seats', `Error: no seats ${ON_PURPOSE}`],
    ['a bug', new TypeError('x is not iterable'), 'TypeError: x is not iterable'],
  ])('of %s says what to do about it', async (_what, error, reason) => {
    const throws = async () => {
      throw error
    }
    expect((await stuck(throws)).reason).toBe(reason)
  })

  test('is short, however long the message', async () => {
    const throws = async () => {
      throw new Error('x'.repeat(40_000))
    }
    expect((await stuck(throws)).reason.length).toBeLessThan(1_200)
  })

  test('that waits on what is not in the history says what that may be', async () => {
    expect((await stuck(() => new Promise(() => {}))).reason).toBe(
      'the workflow waits on something that is not in the history, such as I/O or a promise that nothing resolves: do I/O in an activity',
    )
  })
})

describe('a failure says', () => {
  test('how to register an activity type that SWF does not know', async () => {
    const unknown = story(() => mail('ada'))
    await unknown.go(() => 'ACTIVITY_TYPE_DOES_NOT_EXIST')
    expect(failureOf(await unknown.go())).toMatchObject({
      reason: 'ACTIVITY_TYPE_DOES_NOT_EXIST',
      message:
        'Mail 1 was not scheduled: ACTIVITY_TYPE_DOES_NOT_EXIST; register it: swf-gateway register, or give its handler to the app or testEnvironment',
    })
  })

  test('how to register a workflow type that SWF does not know', async () => {
    const child = defineWorkflow('Child', '1', {}, async () => {})
    const unknown = story(() => executeChild(child, undefined, { workflowId: 'c' }))
    await unknown.go(() => 'WORKFLOW_TYPE_DOES_NOT_EXIST')
    expect(failureOf(await unknown.go()).message).toBe(
      'child Child c was not started: WORKFLOW_TYPE_DOES_NOT_EXIST; register it: swf-gateway register, or give its workflow to the app or testEnvironment',
    )
  })

  test('the time that was not enough, as people write it', async () => {
    const late = story(() => withTimeout('1h', () => go.receive()))
    await late.go()
    const [timer] = late.events.filter(({ eventType }) => eventType === 'TimerStarted')
    expect(failureOf(await late.fire((timer as any).timerStartedEventAttributes.timerId as string).go())).toMatchObject(
      {
        reason: 'TimeoutExpired',
        message: 'not done within 1h',
      },
    )
  })
})
