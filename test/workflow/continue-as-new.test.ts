import { describe, expect, test } from 'vitest'
import { decisionAttributes, type Decision } from '../../src/swf/decision.js'
import { decodeFailure } from '../../src/swf/failure.js'
import { decodePayload } from '../../src/swf/payload.js'
import {
  condition,
  continueAsNewSuggested,
  defineActivity,
  defineSignal,
  defineWorkflow,
  isCancelRequested,
  mapContinued,
  saga,
  sleep,
} from '../../src/workflow/index.js'
import { brief, Story } from '../support/given.js'

const work = defineActivity<unknown, unknown>('Work', '1', { retry: { maximumAttempts: 1 } })
const undo = defineActivity<unknown, unknown>('Undo', '1')
const go = defineSignal<number>('go')
/** Adds repeats of a signal until the history is this long. */
const grow = (story: Story, events: number) => {
  while (story.events.length < events) story.signal('noise', 0, 'once')
  return story
}
const inputOf = (decision: Decision) => decodePayload(decisionAttributes(decision).input as string)
const loop = defineWorkflow('Loop', '2', { taskList: 'loops' }, async (n: number, { continueAsNew }) => {
  await go.receive()
  return n > 2 ? 'done' : continueAsNew(n + 1)
})

describe('continuing as new', () => {
  test('gives the next run everything that this one was started with, and another input', async () => {
    const story = new Story(loop, 1, {
      taskList: { name: 'mine' },
      executionStartToCloseTimeout: '77',
      taskStartToCloseTimeout: '7',
      childPolicy: 'ABANDON',
      tagList: ['a', 'b'],
      taskPriority: '3',
      lambdaRole: 'role',
    })
    await story.go()
    expect(await story.signal('go', 0).go()).toEqual([
      {
        decisionType: 'ContinueAsNewWorkflowExecution',
        continueAsNewWorkflowExecutionDecisionAttributes: {
          input: '2',
          taskList: { name: 'mine' },
          executionStartToCloseTimeout: '77',
          taskStartToCloseTimeout: '7',
          childPolicy: 'ABANDON',
          tagList: ['a', 'b'],
          taskPriority: '3',
          lambdaRole: 'role',
          workflowTypeVersion: '2',
        },
      },
    ])
    story.check()
  })

  test('takes what it is given instead', async () => {
    const changing = defineWorkflow('Loop', '2', {}, async (_n: number, { continueAsNew }) =>
      continueAsNew(1, { version: '3', taskList: 'other', executionStartToClose: '1h', tagList: [], taskPriority: 9 }),
    )
    const [decision] = await new Story(changing, 1, { tagList: ['a'] }).go()
    expect(decisionAttributes(decision!)).toMatchObject({
      workflowTypeVersion: '3',
      taskList: { name: 'other' },
      executionStartToCloseTimeout: '3600',
      tagList: [],
      taskPriority: '9',
    })
  })

  test('hands over signals that nobody has read, idempotency keys and the key of the start', async () => {
    const story = new Story(loop, undefined, { input: '{"swf-gateway":1,"value":1,"idempotencyKey":"start"}' })
    await story.go()
    const [decision] = await story.signal('go', 0, 'k0').signal('go', 7, 'k7').signal('other', 'x').go()
    expect(inputOf(decision!)).toEqual({
      value: 2,
      envelope: {
        idempotencyKey: 'start',
        continued: { signals: { go: [7], other: ['x'] }, signalKeys: ['go k0', 'go k7'] },
      },
    })
    const next = Story.continued(loop, decision!)
    // The signal is there already; its repeat is none.
    expect(inputOf((await next.go())[0]!).value).toBe(3)
    const last = Story.continued(loop, (await Story.continued(loop, decision!).go())[0]!)
    await last.go()
    expect(await last.signal('go', 7, 'k7').go()).toEqual([])
    expect(brief(await last.signal('go', 8, 'k8').go())).toEqual(['CompleteWorkflowExecution'])
  })

  test('hands over a cancel request that came last', async () => {
    const story = new Story(loop, 1)
    await story.go()
    story.signal('go', 0).start()
    story.requestCancel()
    expect(brief(await story.go(() => 'UNHANDLED_DECISION'))).toEqual(['ContinueAsNewWorkflowExecution'])
    const [decision] = await story.go()
    expect(inputOf(decision!).envelope.continued).toMatchObject({ cancelRequested: true })
    expect(brief(await Story.continued(loop, decision!).go())).toEqual(['CancelWorkflowExecution'])
  })

  test('is asked for again when SWF refuses it for new events, which are for the next run', async () => {
    const handling = defineWorkflow('Loop', '2', {}, async (n: number, { continueAsNew }) => {
      const heard: number[] = []
      go.handle(value => heard.push(value))
      await condition(() => heard.length > 0)
      return continueAsNew(n + heard[0]!)
    })
    const story = new Story(handling, 1)
    await story.go()
    story.signal('go', 1).start().signal('go', 2)
    await story.go(() => 'UNHANDLED_DECISION')
    const [decision] = await story.go()
    expect(inputOf(decision!)).toEqual({ value: 2, envelope: { continued: { signals: { go: [2] } } } })
    story.check()
  })

  test('that SWF refuses for its rate is asked for again after a while', async () => {
    const story = new Story(loop, 1)
    await story.go()
    await story.signal('go', 0).go(() => 'CONTINUE_AS_NEW_WORKFLOW_EXECUTION_RATE_EXCEEDED')
    expect(brief(await story.go())).toEqual([expect.stringMatching(/^StartTimer close\.limit\.\d+ 2s$/)])
    expect(brief(await story.fire(/close/).go())).toEqual(['ContinueAsNewWorkflowExecution'])
    story.check()
  })

  test('that SWF refuses for good makes the run stuck, and is asked for again once it was parked', async () => {
    const { park } = await import('../../src/workflow/replay/park.js')
    const story = new Story(loop, 1)
    await story.go()
    await story.signal('go', 0).go(() => 'WORKFLOW_TYPE_DEPRECATED')
    expect(await story.decide()).toMatchObject({
      stuck: { reason: 'SWF refused to close the execution: WORKFLOW_TYPE_DEPRECATED' },
    })
    const parked = park({ since: 1, reason: '' }, {}, { parks: 0, startedEventId: story.events.length })
    story.accept(parked.decisions, parked.executionContext)
    expect(brief(await story.fire(/parked/).go())).toEqual(['ContinueAsNewWorkflowExecution'])
    story.check()
  })

  test('forgets the oldest idempotency keys when they do not fit; unread signals must', async () => {
    const story = new Story(loop, 1)
    await story.go()
    for (let n = 0; n < 200; n++) story.signal('go', n === 0 ? 0 : 'x'.repeat(100), `${n}`.padStart(200, '0'))
    const { envelope } = inputOf((await story.go())[0]!)
    expect(envelope.continued?.signals?.go).toHaveLength(199)
    expect(envelope.continued?.signalKeys?.length).toBeLessThan(100)
    expect(envelope.continued?.signalKeys?.at(-1)).toBe(`go ${'199'.padStart(200, '0')}`)

    const full = new Story(loop, 1)
    await full.go()
    full.signal('go', 0).signal('go', 'x'.repeat(20_000)).signal('go', 'x'.repeat(20_000))
    expect(await full.decide()).toMatchObject({
      stuck: { reason: expect.stringContaining('unread signals included, is too long') as string },
    })
  })

  test('with an input that is not valid is a failure where it is asked for', async () => {
    const story = new Story(
      defineWorkflow('Loop', '2', {}, async (_: string, { continueAsNew }) => continueAsNew('x'.repeat(40_000))),
    )
    expect(brief(await story.go())).toEqual(['FailWorkflowExecution PAYLOAD_TOO_LARGE'])
  })

  test('is suggested from 10,000 events on', async () => {
    const seen: boolean[] = []
    const story = new Story(
      defineWorkflow('W', '1', {}, async () => {
        for (;;) {
          seen.push(continueAsNewSuggested())
          await go.receive()
        }
      }),
    )
    await story.go()
    await grow(story, 9_000).signal('go', 1).go()
    await grow(story, 10_000).signal('go', 1).go()
    // A cold replay has seen all of it, then the run in memory the last of it.
    expect(seen.slice(-4)).toEqual([false, false, true, true])
  })
})

describe('a history of 24,000 events', () => {
  test('fails the execution with HISTORY_LIMIT, its saga undone', async () => {
    const story = new Story(
      defineWorkflow('W', '1', {}, async () => {
        await saga(1)
          .step('first', work, { input: () => 1, compensate: [undo, () => 1] })
          .do('wait', () => go.receive())
          .run()
      }),
    )
    await story.go()
    await story.complete('Work').go()
    expect(brief(await grow(story, 24_000).go())).toEqual(['ScheduleActivityTask Undo 2.1'])
    const [close] = await story.complete('Undo').go()
    expect(brief([close!])).toEqual(['FailWorkflowExecution HISTORY_LIMIT'])
    expect(decodeFailure('', undefined, decisionAttributes(close!).details as string)).toMatchObject({
      code: 'HISTORY_LIMIT',
    })
    expect(story.sent.saga).toMatchObject({ state: 'FAILED', steps: [{ state: 'UNDONE' }, { state: 'FAILED' }] })
  })

  test('leaves a run alone that ends with it', async () => {
    const story = new Story(defineWorkflow('W', '1', {}, async () => go.receive()))
    await story.go()
    expect(brief(await grow(story, 24_000).signal('go', 1).go())).toEqual(['CompleteWorkflowExecution'])
  })
})

describe('mapContinued', () => {
  const fanOut = (items: Parameters<typeof mapContinued>[0], concurrency = 2) =>
    defineWorkflow('FanOut', '1', {}, async (name: string) => {
      await mapContinued(items as unknown[], { concurrency }, (item, index) => work(`${String(item)} ${index}`))
      await sleep('1s')
      return [name, isCancelRequested()]
    })

  test('waits for what runs, continues as new, and goes on behind what is done', async () => {
    const definition = fanOut(['a', 'b', 'c', 'd', 'e'])
    const story = new Story(definition, 'mine')
    expect(brief(await story.go())).toEqual(['ScheduleActivityTask Work 1.1', 'ScheduleActivityTask Work 2.1'])
    expect(brief(await story.complete('1.1').go())).toEqual(['ScheduleActivityTask Work 3.1'])
    grow(story, 10_000)
    expect(await story.complete('2.1').go()).toEqual([])
    const [decision] = await story.complete('3.1').go()
    expect(inputOf(decision!).value).toBe('mine')
    expect(inputOf(decision!).envelope.continued?.cursors).toEqual({ items: 3 })

    const next = Story.continued(definition, decision!)
    const scheduled = await next.go()
    expect(scheduled.map(({ decisionType }) => decisionType)).toEqual(['ScheduleActivityTask', 'ScheduleActivityTask'])
    expect(scheduled.map(one => inputOf(one).value)).toEqual(['d 3', 'e 4'])
    await next.complete('1.1').go()
    expect(brief(await next.complete('2.1').go())).toEqual(['StartTimer 3.sleep 1s'])
    expect(brief(await next.fire('3.sleep').go())).toEqual(['CompleteWorkflowExecution'])
  })

  test('asks for pages, each behind what is done', async () => {
    const asked: number[] = []
    const story = new Story(
      fanOut(async done => {
        asked.push(done)
        return done < 3 ? ['x', 'y'].slice(0, 3 - done) : []
      }),
    )
    await story.go()
    await story.complete('1.1').go()
    await story.complete('2.1').go()
    expect(brief(await story.complete('3.1').go())).toEqual(['StartTimer 4.sleep 1s'])
    expect([...new Set(asked)]).toEqual([0, 2, 3])
  })

  test('does some of it in every run, however long its history is', async () => {
    const story = grow(new Story(fanOut(['a', 'b'], 1)), 10_001)
    expect(brief(await story.go())).toEqual(['ScheduleActivityTask Work 1.1'])
    expect(inputOf((await story.complete('1.1').go())[0]!).envelope.continued?.cursors).toEqual({ items: 1 })
  })

  test('fails with what fails, and the others are canceled', async () => {
    const story = new Story(fanOut(['a', 'b']))
    await story.go()
    expect(brief(await story.fail('1.1', 'Broken').go())).toEqual(['RequestCancelActivityTask 2.1'])
    expect(brief(await story.activityCanceled('2.1').go())).toEqual(['FailWorkflowExecution Broken'])
  })

  test('twice with one cursor is an error', async () => {
    const twice = defineWorkflow('W', '1', {}, async () => {
      await mapContinued([], {}, async () => 1)
      await mapContinued([], {}, async () => 1)
    })
    expect(await new Story(twice).decide()).toMatchObject({
      stuck: { reason: expect.stringContaining('two loops of one run have the cursor items') as string },
    })
  })
})
