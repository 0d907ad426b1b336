import { randomFill } from 'node:crypto'
import { setImmediate as setImmediateOfNode } from 'node:timers'
import { scheduler, setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { decodePayload } from '../../src/swf/payload.js'
import { decisionAttributes } from '../../src/swf/decision.js'
import {
  defineActivity,
  defineSignal,
  defineWorkflow,
  condition,
  historyLength,
  now,
  random,
  setState,
  sleep,
  uuid,
  withTimeout,
  WorkflowExecutionFailed,
  ActivityTaskFailed,
  TimeoutExpired,
} from '../../src/workflow/index.js'
import { brief, Story } from '../support/given.js'

const one = defineActivity<{ n: number }, number>('One', '1', {
  retry: { maximumAttempts: 3, nonRetryable: ['Never'], jitter: 0 },
})
const two = defineActivity<string, string>('Two', '1')
const go = defineSignal<{ by: string }>('go')

describe('a workflow', () => {
  test('schedules its activity with every option explicit, and completes with its result', async () => {
    const story = new Story(
      defineWorkflow('W', '1', {}, async (input: { n: number }) => (await one(input)) + 1),
      { n: 4 },
    )
    const [decision] = await story.go()
    expect(decision).toEqual({
      decisionType: 'ScheduleActivityTask',
      scheduleActivityTaskDecisionAttributes: {
        activityId: '1.1',
        activityType: { name: 'One', version: '1' },
        taskList: { name: 'activities' },
        startToCloseTimeout: '300',
        scheduleToStartTimeout: 'NONE',
        scheduleToCloseTimeout: 'NONE',
        heartbeatTimeout: 'NONE',
        input: expect.any(String) as string,
        control: expect.stringContaining('"maximumAttempts":3') as string,
      },
    })
    expect(decodePayload(decisionAttributes(decision!).input as string)).toEqual({
      value: { n: 4 },
      envelope: {
        attempt: 1,
        idempotencyKey: expect.stringMatching(/^order-1\/.*\/1$/) as string,
        startToClose: 300_000,
      },
    })
    const closing = await story.complete('One', 41).go()
    expect(closing).toEqual([
      { decisionType: 'CompleteWorkflowExecution', completeWorkflowExecutionDecisionAttributes: { result: '42' } },
    ])
    story.check()
  })

  test('fails its execution with a failure that it throws', async () => {
    const story = new Story(
      defineWorkflow('W', '1', {}, async () => {
        throw new WorkflowExecutionFailed('OutOfHours', { details: { hour: 3 } })
      }),
    )
    const [decision] = await story.go()
    expect(decision).toMatchObject({ failWorkflowExecutionDecisionAttributes: { reason: 'OutOfHours' } })
    expect(decisionAttributes(decision!).details).toContain('"details":{"hour":3}')
  })

  test("that throws what is no failure is stuck at the author's line; with onError fail it fails", async () => {
    const run = async () => {
      const nothing = undefined as unknown as { name: string }
      return nothing.name
    }
    const story = new Story(defineWorkflow('W', '1', {}, run))
    expect(await story.decide()).toMatchObject({
      kind: 'stuck',
      stuck: {
        reason: expect.stringContaining('TypeError') as string,
        location: expect.stringContaining('workflow/replay.test.ts:') as string,
      },
    })
    const failing = new Story(defineWorkflow('W', '1', { onError: 'fail' }, run))
    expect(brief(await failing.go())).toEqual(['FailWorkflowExecution TypeError'])
  })

  test('that waits on something that is not in the history is stuck', async () => {
    const story = new Story(defineWorkflow('W', '1', {}, () => new Promise<void>(() => {})))
    expect(await story.decide()).toMatchObject({
      stuck: { reason: expect.stringContaining('not in the history') as string },
    })
  })
})

describe('an activity', () => {
  const definition = defineWorkflow('W', '1', {}, async () => one({ n: 1 }))

  test('is tried again after a wait that grows, with the same idempotency key and the next attempt', async () => {
    const story = new Story(definition)
    await story.go()
    expect(brief(await story.fail('One', 'Busy').go())).toEqual(['StartTimer 1.1.retry 1s'])
    const [second] = await story.fire('1.1.retry').go()
    expect(brief([second!])).toEqual(['ScheduleActivityTask One 1.2'])
    expect(decodePayload(decisionAttributes(second!).input as string).envelope).toMatchObject({
      attempt: 2,
      idempotencyKey: expect.stringMatching(/\/1$/) as string,
    })
    expect(decisionAttributes(second!).control).toBeUndefined()
    expect(brief(await story.fail('1.2', 'Busy').go())).toEqual(['StartTimer 1.2.retry 2s'])
    await story.fire('1.2.retry').go()
    expect(brief(await story.fail('1.3', 'Busy').go())).toEqual(['FailWorkflowExecution Busy'])
    story.check()
  })

  test('is not tried again for a reason that its policy names', async () => {
    const story = new Story(definition)
    await story.go()
    expect(brief(await story.fail('One', 'Never').go())).toEqual(['FailWorkflowExecution Never'])
  })

  test('that a worker handed back is scheduled again at once, and the try is not counted', async () => {
    const story = new Story(definition)
    await story.go()
    const [again] = await story.fail('One', 'SwfGateway.HandedBack').go()
    expect(brief([again!])).toEqual(['ScheduleActivityTask One 1.2'])
    expect(decodePayload(decisionAttributes(again!).input as string).envelope.attempt).toBe(1)
  })

  test('gives the details of the last heartbeat to its next try', async () => {
    const story = new Story(definition)
    await story.go()
    await story.timeout('One', 'HEARTBEAT', { line: 3 }).go()
    const [second] = await story.fire('1.1.retry').go()
    expect(decodePayload(decisionAttributes(second!).input as string).envelope.lastHeartbeat).toEqual({ line: 3 })
  })

  test('that SWF cannot schedule for its limits is asked for again after a while, unheard by the author', async () => {
    const story = new Story(definition)
    await story.go(() => 'OPEN_ACTIVITIES_LIMIT_EXCEEDED')
    expect(brief(await story.go())).toEqual([expect.stringMatching(/^StartTimer 1\.1\.limit\.\d+ 2s$/)])
    expect(brief(await story.fire(/limit/).go())).toEqual(['ScheduleActivityTask One 1.1'])
    expect(brief(await story.complete('One', 7).go())).toEqual(['CompleteWorkflowExecution'])
  })

  test("that is not registered fails with SWF's cause", async () => {
    const story = new Story(definition)
    await story.go(() => 'ACTIVITY_TYPE_DOES_NOT_EXIST')
    expect(brief(await story.go())).toEqual(['FailWorkflowExecution ACTIVITY_TYPE_DOES_NOT_EXIST'])
  })

  test('keeps the retry policy that was recorded with its first try', async () => {
    const story = new Story(definition)
    await story.go()
    const stricter = defineActivity<{ n: number }, number>('One', '1', { retry: { maximumAttempts: 1 } })
    const changed = defineWorkflow('W', '1', {}, async () => stricter({ n: 1 }))
    const later = Object.assign(new Story(changed), { events: story.events })
    story.fail('One', 'Busy').start()
    const { Run } = await import('../../src/workflow/replay/replay.js')
    const turn = await new Run(changed, { workflowId: 'order-1', runId: 'r' }).advance(later.events)
    expect(turn.kind === 'decided' && brief(turn.decisions)).toEqual(['StartTimer 1.1.retry 1s'])
  })
})

describe('order', () => {
  test('decisions leave in the order that the code asked for them', async () => {
    const story = new Story(
      defineWorkflow('W', '1', {}, async () => {
        const b = two('b')
        const t = sleep('5s')
        const a = one({ n: 1 })
        return Promise.all([a, b, t])
      }),
    )
    expect(brief(await story.go())).toEqual([
      'ScheduleActivityTask Two 1.1',
      'StartTimer 2.sleep 5s',
      'ScheduleActivityTask One 3.1',
    ])
  })

  test('a race is won by the event that comes first in the history, at any depth of promise chains', async () => {
    const deep = async (promise: Promise<unknown>, depth: number): Promise<unknown> => {
      for (let n = 0; n < depth; n++) promise = promise.then(value => value)
      return promise
    }
    const story = new Story(
      defineWorkflow('W', '1', {}, async () =>
        Promise.race([deep(one({ n: 1 }), 40).then(() => 'one'), deep(two('x'), 2).then(() => 'two')]),
      ),
    )
    await story.go()
    story.complete('One', 1).complete('Two', 'x')
    const [decision] = await story.go()
    expect(decisionAttributes(decision!).result).toBe('"one"')
  })

  test('what happened while a decision task was at work belongs to the next one', async () => {
    const story = new Story(defineWorkflow('W', '1', {}, async () => [await one({ n: 1 }), await two('x')]))
    await story.go()
    story.signal('go', { by: 'me' }).start()
    story.complete('One', 1)
    expect(brief(await story.go())).toEqual([])
    expect(brief(await story.go())).toEqual(['ScheduleActivityTask Two 2.1'])
    story.check()
  })

  test('a decision task that timed out saw nothing', async () => {
    const story = new Story(defineWorkflow('W', '1', {}, async () => one({ n: 1 })))
    await story.go()
    story.complete('One', 1).start().decisionTimesOut().start()
    expect(brief(await story.go())).toEqual(['CompleteWorkflowExecution'])
  })
})

describe('time and chance', () => {
  test('the length of the history is that of the decision task, in a replay too', async () => {
    const lengths: number[] = []
    const story = new Story(
      defineWorkflow('W', '1', {}, async () => {
        for (let n = 0; n < 2; n++) {
          lengths.push(historyLength())
          await sleep(historyLength() * 1_000)
        }
      }),
    )
    expect(brief(await story.go())).toEqual(['StartTimer 1.sleep 3s'])
    expect(brief(await story.fire('1.sleep').go())).toEqual(['StartTimer 2.sleep 8s'])
    expect(new Set(lengths)).toEqual(new Set([3, 8]))
  })

  test('now is the time of the decision task, and random numbers repeat', async () => {
    const seen: unknown[] = []
    const story = new Story(
      defineWorkflow('W', '1', {}, async () => {
        seen.push([now(), random(), uuid()])
        await sleep('90s')
        seen.push([now(), random(), uuid()])
      }),
    )
    await story.go()
    await story.fire('1.sleep').go()
    const [first, second] = seen.slice(0, 2)
    expect(seen.filter(entry => JSON.stringify(entry) === JSON.stringify(first))).toHaveLength(3)
    const [t1, r1, u1] = seen[0] as [number, number, string]
    const [t2, r2, u2] = seen.at(-1) as [number, number, string]
    expect(t2 - t1).toBe(90_010)
    expect(r1).not.toBe(r2)
    expect(u1).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(u1).not.toBe(u2)
    expect(second).toBeDefined()
  })

  test('durations are rounded up to whole seconds', async () => {
    const story = new Story(defineWorkflow('W', '1', {}, async () => sleep('1ms')))
    expect(brief(await story.go())).toEqual(['StartTimer 1.sleep 1s'])
  })

  test('a timer too many is asked for again when another one has ended', async () => {
    const story = new Story(defineWorkflow('W', '1', {}, async () => Promise.all([sleep('1s'), sleep('2s')])))
    await story.go(decision =>
      JSON.stringify(decision).includes('2.sleep') ? 'OPEN_TIMERS_LIMIT_EXCEEDED' : undefined,
    )
    expect(await story.go()).toEqual([])
    expect(brief(await story.fire('1.sleep').go())).toEqual(['StartTimer 2.sleep 2s'])
    expect(brief(await story.fire('2.sleep').go())).toEqual(['CompleteWorkflowExecution'])
  })

  test('a timer that SWF has no time for is asked for again at once, in an answer that may wait', async () => {
    const story = new Story(defineWorkflow('W', '1', {}, async () => Promise.all([sleep('1s'), sleep('2s')])))
    await story.go(() => 'TIMER_CREATION_RATE_EXCEEDED')
    expect(brief(await story.go())).toEqual(['StartTimer 1.sleep 1s', 'StartTimer 2.sleep 2s'])
    expect(story.turn).toMatchObject({ throttled: true })
    await story.fire('1.sleep').go()
    expect(story.turn).not.toHaveProperty('throttled')
  })

  test('a sleep beyond what SWF takes is an error at the line that asks for it', async () => {
    const story = new Story(defineWorkflow('W', '1', {}, async () => sleep('2000d')))
    expect(await story.decide()).toMatchObject({
      stuck: { reason: expect.stringContaining('longer than SWF') as string },
    })
  })

  test('withTimeout gives up, and cancels the activity', async () => {
    const story = new Story(
      defineWorkflow('W', '1', {}, async () => {
        try {
          return await withTimeout('10s', one({ n: 1 }))
        } catch (error) {
          if (!(error instanceof TimeoutExpired)) throw error
          return await two('late')
        }
      }),
    )
    expect(brief(await story.go())).toEqual(['ScheduleActivityTask One 1.1', 'StartTimer 2.sleep 10s'])
    expect(brief(await story.fire('2.sleep').go())).toEqual([
      'RequestCancelActivityTask 1.1',
      'ScheduleActivityTask Two 3.1',
    ])
  })

  test('withTimeout stops its timer when the work is done in time', async () => {
    const story = new Story(
      defineWorkflow('W', '1', {}, async () => [await withTimeout('10s', one({ n: 1 })), await two('x')]),
    )
    await story.go()
    expect(brief(await story.complete('One', 5).go())).toEqual(['CancelTimer 2.sleep', 'ScheduleActivityTask Two 3.1'])
    expect(brief(await story.complete('Two', 'y').go())).toEqual(['CompleteWorkflowExecution'])
    story.check()
  })
})

describe('signals', () => {
  test('are buffered in order, and repeats of an idempotency key are dropped', async () => {
    const story = new Story(
      defineWorkflow('W', '1', {}, async () => {
        await one({ n: 1 })
        return [(await go.receive()).by, (await go.receive()).by, (await go.receive()).by]
      }),
    )
    await story.go()
    story.signal('go', { by: 'a' }, 'k1').signal('go', { by: 'again' }, 'k1').signal('go', { by: 'b' }, 'k2')
    await story.go()
    await story.complete('One', 1).go()
    const [decision] = await story.signal('go', { by: 'c' }).go()
    expect(decisionAttributes(decision!).result).toBe('["a","b","c"]')
    story.check()
  })

  test('handled signals change a condition that the workflow waits for', async () => {
    const story = new Story(
      defineWorkflow('W', '1', {}, async () => {
        let held = true
        go.handle(() => (held = false))
        setState({ held })
        await condition(() => !held)
        setState({ held })
        return one({ n: 1 })
      }),
    )
    expect(await story.go()).toEqual([])
    expect(story.sent).toEqual({ state: { held: true } })
    expect(brief(await story.signal('go', { by: 'me' }).go())).toEqual(['ScheduleActivityTask One 1.1'])
    expect(story.sent).toEqual({ state: { held: false } })
  })
})

describe('what an author gets wrong', () => {
  test('a signal that its validator refuses is dropped with a warning, and the next one is waited for', async () => {
    const checked = defineSignal('checked', {
      input: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: value => (typeof value === 'number' ? { value } : { issues: [{ message: 'no number' }] }),
        },
      },
    })
    const handled: number[] = []
    const handling = defineWorkflow('W', '1', {}, async () => {
      checked.handle(value => handled.push(value))
      await sleep('1h')
    })
    const story = new Story(handling)
    await story.go()
    await story.signal('checked', 'seven').signal('checked', 7).go()
    expect(handled).toEqual(expect.arrayContaining([7]))
    expect(handled).not.toContain('seven')
    expect(story.turn).toMatchObject({ warnings: ['dropped: signal checked is not valid: no number'] })

    const waiting = new Story(
      defineWorkflow('W', '1', {}, async () => [await checked.receive(), await checked.receive()]),
    )
    await waiting.go()
    expect(brief(await waiting.signal('checked', 'seven').go())).toEqual([])
    expect(waiting.turn).toMatchObject({ warnings: ['dropped: signal checked is not valid: no number'] })
    await waiting.signal('checked', 7).go()
    expect(decisionAttributes((await waiting.signal('checked', 8).go())[0]!)).toEqual({ result: '[7,8]' })

    const buffered = new Story(
      defineWorkflow('W', '1', {}, async () => {
        await sleep('1h')
        return [checked.tryReceive(), await checked.receive(), checked.tryReceive()]
      }),
    )
    await buffered.go()
    for (const value of ['a', 1, 'b', 2, 'c']) buffered.signal('checked', value)
    const [close] = await buffered.fire('1.sleep').go()
    expect(decisionAttributes(close!)).toEqual({ result: '[1,2,null]' })
    expect(buffered.turn).toMatchObject({ warnings: { length: 3 } })
  })

  test.each<[string, () => Promise<unknown>]>([
    [
      'a handler',
      async () => {
        go.handle(() => {
          throw new TypeError('oops')
        })
        await sleep('1h')
      },
    ],
    [
      'a condition',
      async () => {
        let heard = false
        go.handle(() => (heard = true))
        await condition(() => {
          if (heard) throw new TypeError('oops')
          return false
        })
      },
    ],
  ])('%s that throws makes the run stuck, and says where', async (_what, run) => {
    const story = new Story(defineWorkflow('W', '1', {}, run))
    await story.go()
    expect(await story.signal('go', { by: 'me' }).decide()).toMatchObject({
      kind: 'stuck',
      stuck: { reason: 'TypeError: oops', location: expect.stringContaining('replay.test.ts') as string },
    })
  })

  test('withTimeout around a signal or a condition expires', async () => {
    for (const wait of [() => go.receive(), () => condition(() => false)]) {
      const story = new Story(defineWorkflow('W', '1', {}, async () => withTimeout<unknown>('3s', wait())))
      await story.go()
      expect(brief(await story.fire(/sleep/).go())).toEqual(['FailWorkflowExecution TimeoutExpired'])
    }
  })
})

describe('cancel', () => {
  test('surfaces at the await and reaches the running activity; the execution closes as canceled', async () => {
    const story = new Story(defineWorkflow('W', '1', {}, async () => one({ n: 1 })))
    await story.go()
    expect(brief(await story.requestCancel().go())).toEqual(['RequestCancelActivityTask 1.1'])
    expect(brief(await story.activityCanceled('One').go())).toEqual(['CancelWorkflowExecution'])
    story.check()
  })

  test('ends a sleep at once, and shielded clean-up runs to its end', async () => {
    const story = new Story(
      defineWorkflow('W', '1', {}, async () => {
        try {
          await sleep('30d')
        } finally {
          await two('clean up', { shielded: true })
        }
      }),
    )
    await story.go()
    expect(brief(await story.requestCancel().go())).toEqual(['CancelTimer 1.sleep', 'ScheduleActivityTask Two 2.1'])
    expect(brief(await story.requestCancel().go())).toEqual([])
    expect(brief(await story.complete('Two', 'ok').go())).toEqual(['CancelWorkflowExecution'])
    story.check()
  })

  test('stops a retry that waits', async () => {
    const story = new Story(defineWorkflow('W', '1', {}, async () => one({ n: 1 })))
    await story.go()
    await story.fail('One', 'Busy').go()
    expect(brief(await story.requestCancel().go())).toEqual(['CancelTimer 1.1.retry', 'CancelWorkflowExecution'])
  })

  test('may be survived', async () => {
    const story = new Story(
      defineWorkflow('W', '1', {}, async () => {
        try {
          return await one({ n: 1 })
        } catch (error) {
          return error instanceof ActivityTaskFailed ? 'failed' : 'went on'
        }
      }),
    )
    await story.go()
    await story.requestCancel().go()
    const [decision] = await story.activityCanceled('One').go()
    expect(decisionAttributes(decision!).result).toBe('"went on"')
  })
})

describe('closing', () => {
  test('a refused close is sent again after the new events were heard', async () => {
    const heard: string[] = []
    const story = new Story(
      defineWorkflow('W', '1', {}, async () => {
        go.handle(({ by }) => heard.push(by))
        return one({ n: 1 })
      }),
    )
    await story.go()
    story.complete('One', 1).start()
    story.signal('go', { by: 'late' })
    expect(brief(await story.go(() => 'UNHANDLED_DECISION'))).toEqual(['CompleteWorkflowExecution'])
    expect(brief(await story.go())).toEqual(['CompleteWorkflowExecution'])
    expect(heard).toContain('late')
  })
})

describe('the guard', () => {
  test.each([
    ['Date.now()', () => Date.now()],
    ['new Date()', () => new Date()],
    ['Math.random()', () => Math.random()],
    ['setTimeout()', () => setTimeout(() => {}, 1)],
    ['crypto.randomUUID()', () => crypto.randomUUID()],
    ['performance.now()', () => performance.now()],
    ['fetch()', () => fetch('http://127.0.0.1:1')],
    ['DateTimeFormat.format()', () => new Intl.DateTimeFormat('en').format()],
    ['DateTimeFormat.formatToParts()', () => new Intl.DateTimeFormat('en').formatToParts()],
    ["timers/promises' setTimeout()", () => pause(1)],
    ["timers/promises' scheduler.wait()", () => scheduler.wait(1)],
    ['a promisified setTimeout()', () => promisify(setTimeout)(1)],
    ["node:timers' setImmediate()", () => setImmediateOfNode(() => {})],
    ['crypto.randomFill()', () => randomFill(new Uint8Array(1), () => {})],
  ])('%s in a workflow is stuck with what to use instead', async (_name, call) => {
    const story = new Story(
      defineWorkflow('W', '1', {}, async () => {
        await sleep(1)
        call()
      }),
    )
    await story.go()
    expect(await story.fire('1.sleep').decide()).toMatchObject({
      kind: 'stuck',
      stuck: { reason: expect.stringContaining('cannot be replayed: use') as string },
    })
  })

  test('lets everything else of the process go on as before', async () => {
    const format = new Intl.DateTimeFormat('en', { timeZone: 'UTC' })
    const story = new Story(
      defineWorkflow('W', '1', {}, async () => [
        new Date(0).toISOString(),
        format.format(0),
        format.formatToParts(0).length,
      ]),
    )
    await story.go()
    expect(story.events.at(-1)).toMatchObject({
      workflowExecutionCompletedEventAttributes: { result: '["1970-01-01T00:00:00.000Z","1/1/1970",5]' },
    })
    expect(format.format()).toBe(format.format(new Date()))
    expect(new Date()).toBeInstanceOf(Date)
    expect(Date.now()).toBeGreaterThan(1e12)
    expect(Math.random()).toBeLessThan(1)
    expect(new Date(2020, 1).getFullYear()).toBe(2020)
    await new Promise(resolve => setTimeout(resolve, 1))
  })
})
