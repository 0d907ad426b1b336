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
  race,
  saga,
  setState,
  signalExternal,
  sleep,
  startChild,
  withTimeout,
  WorkflowExecutionFailed,
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

describe('a saga that is not run', () => {
  const built = () =>
    saga('a')
      .step('first', mail, { input: c => c.input })
      .step('second', mail, { input: () => 'b' })

  test.each<[string, () => Promise<unknown>]>([
    ['is the result', async () => built()],
    ['is awaited', async () => void (await (built() as unknown))],
    ['is let go', async () => void built()],
    ['is part of the result', async () => ({ done: built() })],
  ])('parks the run when it %s', async (_what, run) => {
    expect(await stuck(run)).toMatchObject({
      reason: 'SagaNotRun: saga first, second was not run: end it with .run()',
      location: expect.stringContaining('mistakes.test.ts:') as string,
    })
  })

  test('parks one that continues as new, and fails one that is to fail of errors', async () => {
    const continues = new Story(
      defineWorkflow('W', '1', {}, async (_input: unknown, { continueAsNew }) => {
        built()
        return continueAsNew(1)
      }),
    )
    expect(await continues.decide()).toMatchObject({ stuck: { reason: expect.stringContaining('not run') as string } })
    expect(brief(await story(async () => built(), { onError: 'fail' }).go())).toEqual([
      'FailWorkflowExecution SagaNotRun',
    ])
  })

  test('is none when a failure came before, or when another one that begins alike was run', async () => {
    const failed = story(async () => {
      built()
      throw new WorkflowExecutionFailed('OutOfHours')
    })
    expect(brief(await failed.go())).toEqual(['FailWorkflowExecution OutOfHours'])
    const forked = story(async () => {
      const begun = saga('a').step('first', mail, { input: c => c.input })
      begun.step('second', mail, { input: () => 'b' })
      await begun.run()
    })
    await forked.go()
    expect(brief((await forked.complete('Mail').go()).slice(-1))).toEqual(['CompleteWorkflowExecution'])
  })
})

describe('what is open when an execution closes', () => {
  const child = defineWorkflow('Child', '1', {}, async () => {})
  const warnings = async (told: Story) => {
    await told.go()
    return told.turn.kind === 'decided' ? told.turn.warnings : []
  }

  test('is told in a warning: an activity', async () => {
    const lets = story(async () => void mail('ada'))
    expect(await warnings(lets)).toEqual([
      'W completes while activity Mail is open: await it, or the effect may be lost',
    ])
    const fails = story(async () => {
      void mail('ada')
      await sleep('1h')
      throw new WorkflowExecutionFailed('OutOfHours')
    })
    await fails.go()
    expect(await warnings(fails.fire('2.sleep'))).toEqual([
      'W fails while activity Mail is open: await it, or the effect may be lost',
    ])
  })

  test('is told: an activity between two tries, and a child', async () => {
    const lets = story(async () => {
      void mail('ada')
      await go.receive()
      void executeChild(child, undefined)
    })
    await lets.go()
    await lets.fail('Mail', 'Busy').go()
    expect(await warnings(lets.signal('go'))).toEqual([
      'W completes while activity Mail, child Child are open: await them, or their effects may be lost',
    ])
  })

  test.each<[string, () => Promise<unknown>]>([
    ['an abandoned child', async () => void startChild(child, undefined, { abandoned: true })],
    ['a timer', async () => void sleep('1h')],
    ['the loser of a race', async () => race([() => mail('ada'), async () => 1])],
    ['what is canceled', async () => withTimeout('0s', mail('ada')).catch(() => {})],
  ])('is no reason to warn: %s', async (_what, run) => {
    const told = story(run)
    let all = await warnings(told)
    for (let step = 0; told.turn.kind === 'decided' && !told.turn.closing && step < 3; step++) {
      const timers = told.events.filter(({ eventType }) => eventType === 'TimerStarted')
      if (timers.length > 0) told.fire((timers[0] as any).timerStartedEventAttributes.timerId as string)
      else told.complete('Mail')
      all = [...all, ...(await warnings(told))]
    }
    expect(told.turn).toMatchObject({ closing: 'CompleteWorkflowExecution' })
    expect(all).toEqual([])
  })

  test('is no reason to warn: a child that was started and let go', async () => {
    const told = story(async () => void (await startChild(child, undefined)))
    await told.go()
    told.add('ChildWorkflowExecutionStarted', {
      workflowExecution: { workflowId: 'c', runId: 'r' },
      workflowType: { name: 'Child', version: '1' },
      initiatedEventId: told.find('StartChildWorkflowExecutionInitiated', () => true),
    })
    expect(await warnings(told.wake())).toEqual([])
  })
})

describe('a value that is no JSON parks the run, and is named:', () => {
  const child = defineWorkflow('Child', '1', {}, async (_input: unknown) => {})
  const map = { at: new Map() }
  const NO_JSON = 'a Map (at at) cannot be sent as JSON: send Object.fromEntries(map)'
  test.each<[string, () => Promise<unknown>]>([
    ['result of W', async () => map],
    ['input of Mail', async () => mail(map as never)],
    ['input of Child', async () => executeChild(child, map)],
    ['signal go', async () => signalExternal({ workflowId: 'w' }, go, map)],
    ['state', async () => setState(map)],
  ])('%s', async (what, run) => {
    expect((await stuck(run)).reason).toBe(`PayloadNotJson: ${what}: ${NO_JSON}`)
  })

  test('undefined is none', async () => {
    expect(brief(await story(async () => setState(undefined)).go())).toEqual(['CompleteWorkflowExecution'])
  })
})
