import { describe, expect, test } from 'vitest'
import { decisionAttributes } from '../../src/swf/decision.js'
import { decodeFailure } from '../../src/swf/failure.js'
import {
  all,
  any,
  condition,
  defineActivity,
  defineSignal,
  defineWorkflow,
  executeChild,
  map,
  race,
  saga,
  scope,
  ScopeCanceled,
  shielded,
  sleep,
  TimeoutExpired,
  withTimeout,
  WorkflowExecutionCancelRequested,
} from '../../src/workflow/index.js'
import { brief, Story } from '../support/given.js'

const retry = { maximumAttempts: 1 }
const a = defineActivity<unknown, unknown>('A', '1', { retry })
const b = defineActivity<unknown, unknown>('B', '1', { retry })
const c = defineActivity<unknown, unknown>('C', '1', { retry })
const stop = defineSignal('stop')
const child = defineWorkflow('Child', '1', {}, async () => 1)
const workflow = (run: () => Promise<unknown>) => defineWorkflow('W', '1', {}, run)
const begin = async (run: () => Promise<unknown>) => {
  const story = new Story(workflow(run))
  return { story, decisions: brief(await story.go()) }
}
const deeper = async () => {
  await Promise.resolve()
  await sleep('2h')
}
const resultOf = (decision: Parameters<typeof decisionAttributes>[0] | undefined) =>
  decodeJson(decisionAttributes(decision!).result as string)
const decodeJson = (text: string | undefined): unknown => (text === undefined ? undefined : JSON.parse(text))

describe('a scope', () => {
  test('that is canceled reaches its activities, timers, children and waits, and nothing outside', async () => {
    const caught: string[] = []
    const { story, decisions } = await begin(async () => {
      const outer = a('outside')
      const inner = scope(async s => {
        stop.handle(() => s.cancel())
        const note = (what: string) => (error: unknown) => caught.push(`${what} ${(error as Error).name}`)
        await Promise.all([
          b('inside').catch(note('activity')),
          sleep('1h').catch(note('sleep')),
          executeChild(child, undefined, { workflowId: 'child' }).catch(note('child')),
          condition(() => false).catch(note('condition')),
          deeper().catch(note('deeper')),
        ])
        return 'all ended'
      })
      return [await inner, await outer]
    })
    expect(decisions).toEqual([
      'ScheduleActivityTask A 1.1',
      'ScheduleActivityTask B 2.1',
      'StartTimer 3.sleep 3600s',
      'StartChildWorkflowExecution Child child',
      'StartTimer 5.sleep 7200s',
    ])
    await story.childStarts('child').go()
    expect(brief(await story.signal('stop').go())).toEqual([
      'RequestCancelActivityTask 2.1',
      'CancelTimer 3.sleep',
      'CancelTimer 5.sleep',
      'RequestCancelExternalWorkflowExecution child',
    ])
    await story.activityCanceled('B').go()
    await story.childCloses('child', 'Canceled').go()
    const [close] = await story.complete('A', 'kept').go()
    expect(resultOf(close)).toEqual(['all ended', 'kept'])
    expect(new Set(caught)).toEqual(
      new Set(['activity', 'sleep', 'child', 'condition', 'deeper'].map(what => `${what} ScopeCanceled`)),
    )
    story.check()
  })

  test('that is canceled refuses what is asked for in it, and says why', async () => {
    const { decisions, story } = await begin(() =>
      scope(async s => {
        s.cancel(new TimeoutExpired(5))
        await a('never')
      }),
    )
    expect(decisions).toEqual(['FailWorkflowExecution ScopeCanceled'])
    const failed = story.events.at(-1)!
    const { details } = (failed as unknown as { workflowExecutionFailedEventAttributes: { details: string } })
      .workflowExecutionFailedEventAttributes
    expect(decodeFailure('', undefined, details).cause?.code).toBe('TIMEOUT_EXPIRED')
  })

  test('hears of a cancel of the execution; what is shielded in it does not', async () => {
    const { story } = await begin(async () => {
      try {
        await scope(() => scope(() => a(1)))
      } catch (error) {
        await shielded(async () => {
          await b((error as Error).name)
          await sleep('1s')
        })
        throw error
      }
    })
    expect(brief(await story.requestCancel().go())).toEqual(['RequestCancelActivityTask 1.1'])
    expect(brief(await story.activityCanceled('A').go())).toEqual(['ScheduleActivityTask B 2.1'])
    expect(JSON.stringify(story.events.at(-1))).toContain(WorkflowExecutionCancelRequested.name)
    expect(brief(await story.complete('B').go())).toEqual(['StartTimer 3.sleep 1s'])
    expect(brief(await story.fire('3.sleep').go())).toEqual(['CancelWorkflowExecution'])
    story.check()
  })

  test('that a failure leaves cancels what still runs in it', async () => {
    const { story } = await begin(() => scope(() => Promise.all([a(1), b(2)])))
    expect(brief(await story.fail('A', 'Broken').go())).toEqual([
      'RequestCancelActivityTask 2.1',
      'FailWorkflowExecution Broken',
    ])
  })

  test('of an error that is no failure cancels nothing: the run is stuck', async () => {
    const { story } = await begin(() =>
      scope(async () => {
        void b(2)
        await a(1)
        throw new TypeError('a bug')
      }),
    )
    expect(await story.complete('A').decide()).toMatchObject({ kind: 'stuck', stuck: { reason: 'TypeError: a bug' } })
  })

  test('that has ended leaves what runs on to the scope around it', async () => {
    const { story } = await begin(async () => {
      const running: Promise<unknown>[] = []
      await scope(async () => {
        running.push(a(1))
      })
      return running[0]
    })
    expect(brief(await story.requestCancel().go())).toEqual(['RequestCancelActivityTask 1.1'])
  })

  test('around a saga undoes it', async () => {
    const { story } = await begin(() =>
      withTimeout('1m', () =>
        saga(1)
          .step('one', a, { input: () => 1, compensate: [c, () => 1] })
          .step('two', b, { input: () => 2 })
          .run(),
      ),
    )
    await story.complete('A').go()
    expect(brief(await story.fire(/sleep/).go())).toEqual(['RequestCancelActivityTask 3.1'])
    expect(brief(await story.activityCanceled('B').go())).toEqual(['ScheduleActivityTask C 4.1'])
    expect(brief(await story.complete('C').go())).toEqual(['FailWorkflowExecution TimeoutExpired'])
    expect(story.sent.saga?.steps.map(({ state }) => state)).toEqual(['UNDONE', 'FAILED'])
  })
})

describe('withTimeout of a function', () => {
  test('cancels all that it has begun, and ends after it', async () => {
    const { story, decisions } = await begin(() => withTimeout('10s', () => Promise.all([a(1), sleep('1h')])))
    expect(decisions).toEqual(['StartTimer 1.sleep 10s', 'ScheduleActivityTask A 2.1', 'StartTimer 3.sleep 3600s'])
    expect(brief(await story.fire('1.sleep').go())).toEqual([
      'RequestCancelActivityTask 2.1',
      'CancelTimer 3.sleep',
      'FailWorkflowExecution TimeoutExpired',
    ])
  })

  test('resolves to what it resolves to, in time or all the same', async () => {
    const run = () => withTimeout('10s', () => a(1))
    const { story } = await begin(run)
    expect(brief(await story.complete('A', 'in time').go())).toEqual([
      'CancelTimer 1.sleep',
      'CompleteWorkflowExecution',
    ])
    const late = (await begin(run)).story
    expect(brief(await late.fire('1.sleep').go())).toEqual(['RequestCancelActivityTask 2.1'])
    expect(brief(await late.activityCanceled('A').go())).toEqual(['FailWorkflowExecution TimeoutExpired'])
  })

  test('within another one says which of them has expired', async () => {
    const run = async () => {
      try {
        return await withTimeout('5s', () => withTimeout('9s', () => sleep('1h')))
      } catch (error) {
        return error instanceof TimeoutExpired && error.milliseconds
      }
    }
    const outer = (await begin(run)).story
    expect(resultOf((await outer.fire('1.sleep').go()).at(-1))).toBe(5_000)
    const inner = (await begin(run)).story
    expect(resultOf((await inner.fire('2.sleep').go()).at(-1))).toBe(9_000)
  })
})

describe('all', () => {
  test('resolves to results in order', async () => {
    const { story } = await begin(() => all([() => a(1), async () => 5, () => b(2)]))
    await story.complete('B', 'b').go()
    expect(resultOf((await story.complete('A', 'a').go())[0])).toEqual(['a', 5, 'b'])
  })

  test('cancels the others on a failure, waits for them, and rejects with it', async () => {
    const { story } = await begin(() => all([() => a(1), () => b(2), () => sleep('1h')]))
    expect(brief(await story.fail('A', 'Broken').go())).toEqual([
      'RequestCancelActivityTask 2.1',
      'CancelTimer 3.sleep',
    ])
    expect(brief(await story.activityCanceled('B').go())).toEqual(['FailWorkflowExecution Broken'])
    story.check()
  })
})

describe('race', () => {
  test('ends as the first to end does, after the losers were canceled and have ended', async () => {
    const { story } = await begin(() => race([() => a(1), () => b(2), () => sleep('1h')]))
    expect(brief(await story.complete('B', 'won').go())).toEqual([
      'RequestCancelActivityTask 1.1',
      'CancelTimer 3.sleep',
    ])
    expect(resultOf((await story.complete('A', 'late').go())[0])).toBe('won')
    story.check()
  })

  test('is won by the event that comes first in the history', async () => {
    const { story } = await begin(() => race([() => a(1), () => b(2)]))
    const decisions = await story.complete('B', 'b').complete('A', 'a').go()
    // What has ended by itself needs no cancel.
    expect(brief(decisions)).toEqual(['CompleteWorkflowExecution'])
    expect(resultOf(decisions[0])).toBe('b')
  })

  test('rejects when the first to end has failed', async () => {
    const { story } = await begin(() => race([() => a(1), () => stop.receive()]))
    expect(brief(await story.fail('A', 'Broken').go())).toEqual(['FailWorkflowExecution Broken'])
  })

  test('of nothing is an error', async () => {
    expect(await new Story(workflow(() => race([]))).decide()).toMatchObject({ kind: 'stuck' })
  })
})

describe('any', () => {
  test('resolves as the first to succeed', async () => {
    const { story } = await begin(() => any([() => a(1), () => b(2), () => c(3)]))
    expect(await story.fail('A', 'Broken').go()).toEqual([])
    expect(brief(await story.complete('C', 'c').go())).toEqual(['RequestCancelActivityTask 2.1'])
    expect(resultOf((await story.activityCanceled('B').go())[0])).toBe('c')
  })

  test('rejects with all failures when none does', async () => {
    const { story } = await begin(() => any([() => a(1), () => b(2)]))
    await story.fail('A', 'One').go()
    const [close] = await story.fail('B', 'Two').go()
    expect(brief([close!])).toEqual(['FailWorkflowExecution NoneSucceeded'])
    expect(decisionAttributes(close!).details).toContain('none of 2 succeeded')
  })

  test('does not take a bug for a failure', async () => {
    const bug = async () => {
      await a(1)
      throw new TypeError('a bug')
    }
    const { story } = await begin(() => any([bug, () => b(2)]))
    expect(await story.complete('A').decide()).toMatchObject({ stuck: { reason: 'TypeError: a bug' } })
  })
})

describe('map', () => {
  test('does so many at a time, in order, and resolves to results in order', async () => {
    const { story, decisions } = await begin(() =>
      map(['x', 'y', 'z'], { concurrency: 2 }, (item, n) => a(`${item}${n}`)),
    )
    expect(decisions).toEqual(['ScheduleActivityTask A 1.1', 'ScheduleActivityTask A 2.1'])
    expect(brief(await story.complete('2.1', 'second').go())).toEqual(['ScheduleActivityTask A 3.1'])
    await story.complete('3.1', 'third').go()
    expect(resultOf((await story.complete('1.1', 'first').go())[0])).toEqual(['first', 'second', 'third'])
  })

  test('begins no more after a failure', async () => {
    const { story } = await begin(() => map([1, 2, 3], { concurrency: 2 }, item => a(item)))
    expect(brief(await story.fail('1.1', 'Broken').go())).toEqual(['RequestCancelActivityTask 2.1'])
    expect(brief(await story.complete('2.1').go())).toEqual(['FailWorkflowExecution Broken'])
  })

  test('that is canceled is ScopeCanceled at its awaits', async () => {
    const { story } = await begin(() =>
      scope(async s => {
        stop.handle(() => s.cancel())
        try {
          return await map([1, 2], {}, () => sleep('1h'))
        } catch (error) {
          return error instanceof ScopeCanceled
        }
      }),
    )
    expect(resultOf((await story.signal('stop').go()).at(-1))).toBe(true)
  })

  test.each([0, Number.NaN, -1])('with a concurrency of %s is an error', async concurrency => {
    expect(await new Story(workflow(() => map([1], { concurrency }, async () => 1))).decide()).toMatchObject({
      kind: 'stuck',
    })
  })
})

test('scopes of runs that take turns do not meet', async () => {
  const definition = workflow(() =>
    scope(async s => {
      stop.handle(() => s.cancel())
      for (let n = 0; n < 30; n++) await a(n)
    }),
  )
  const stories = Array.from({ length: 8 }, () => new Story(definition))
  await Promise.all(stories.map(story => story.go()))
  for (let n = 1; n < 10; n++) await Promise.all(stories.map(async story => story.complete(`${n}.1`).go()))
  const answers = await Promise.all(
    stories.map(async (story, n) => brief(await (n % 2 ? story.signal('stop') : story).wake().go())),
  )
  expect(answers).toEqual(stories.map((_, n) => (n % 2 ? ['RequestCancelActivityTask 10.1'] : [])))
})
