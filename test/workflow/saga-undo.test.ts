// How a saga is undone: order, policies, retries, an operator's word.

import { expect, test } from 'vitest'
import { z } from 'zod'
import { decodeFailure } from '../../src/swf/failure.js'
import { decisionAttributes, type Decision } from '../../src/swf/decision.js'
import {
  continueAsNewSuggested,
  defineActivity,
  defineSignal,
  defineWorkflow,
  mapContinued,
  retryUndo,
  runSaga,
  saga,
  sleep,
  WorkflowExecutionFailed,
  type SagaOptions,
} from '../../src/workflow/index.js'
import { ActivityFailure, implement, testEnvironment } from '../../src/testing/index.js'
import { brief, Story } from '../support/given.js'

const retry = { maximumAttempts: 1 }
const a = defineActivity<string, string>('A', '1', { retry })
const b = defineActivity<string, string>('B', '1', { retry })
const c = defineActivity<string, string>('C', '1', { retry })
const unA = defineActivity<void, void>('UnA', '1', { retry })
const unB = defineActivity<void, void>('UnB', '1', { retry })
const rollC = defineActivity<void, void>('RollC', '1', { retry })

const steps = (options: SagaOptions) =>
  saga('x', options)
    .step('a', a, { input: () => '', compensate: [unA, () => {}] })
    .step('b', b, { input: () => '', compensate: [unB, () => {}] })
    .step('c', c, { input: () => '', rollback: [rollC, () => {}] })
    .run()
const failed = async (options: SagaOptions) => {
  const story = new Story(defineWorkflow('W', '1', {}, () => steps(options)))
  await story.go()
  await story.complete('A').go()
  await story.complete('B').go()
  return { story, decisions: brief(await story.fail('C', 'No').go()) }
}
const states = (story: Story) => story.sent.saga!.steps.map(({ name, state }) => `${name} ${state}`)
const failureOf = (decisions: readonly Decision[]) =>
  decodeFailure('', undefined, decisionAttributes(decisions.at(-1)!).details as string)
const RETRY = 'swf-gateway.retry-undo'

test('in parallel all is undone at once', async () => {
  const { story, decisions } = await failed({ undo: 'parallel' })
  expect(decisions).toEqual([
    'ScheduleActivityTask RollC 4.1',
    'ScheduleActivityTask UnB 5.1',
    'ScheduleActivityTask UnA 6.1',
  ])
  expect(states(story)).toEqual(['a COMPENSATING', 'b COMPENSATING', 'c ROLLING_BACK'])
  await story.fail('UnB', 'Down').go()
  await story.complete('UnA').go()
  const close = await story.complete('RollC').go()
  expect(failureOf(close).details).toEqual({ step: 'c', undone: ['a', 'c'], left: ['b'] })
  story.check()
})

test('undoing stops at the first that fails for good, where that is asked for', async () => {
  const { story } = await failed({ onUndoFailure: 'stop' })
  await story.complete('RollC').go()
  const close = await story.fail('UnB', 'Down').go()
  expect(brief(close)).toEqual(['FailWorkflowExecution C: No'])
  expect(failureOf(close)).toMatchObject({ details: { undone: ['c'], left: ['b', 'a'] } })
  expect(states(story)).toEqual(['a LEFT', 'b LEFT', 'c UNDONE'])
})

test('an undoing has a retry policy of its own, before that of its contract', async () => {
  const story = new Story(
    defineWorkflow('W', '1', {}, () =>
      runSaga(async s => {
        await s.step('a', () => a(''), {
          compensate: [unA, () => {}, { retry: { maximumAttempts: 3, jitter: 0, initialInterval: '7s' } }],
        })
        throw new WorkflowExecutionFailed('Enough')
      }),
    ),
  )
  await story.go()
  await story.complete('A').go()
  expect(brief(await story.fail('UnA', 'Busy').go())).toEqual(['StartTimer 2.1.retry 7s'])
  expect(story.sent.saga).toMatchObject({ state: 'COMPENSATING', step: 'a', attempt: 2 })
  await story.fire('2.1.retry').go()
  const close = await story.complete('2.2').go()
  expect(failureOf(close).details).toMatchObject({ undone: ['a'] })
  story.check()
})

test('undoing may be any code, and no cancel reaches it', async () => {
  const story = new Story(
    defineWorkflow('W', '1', {}, () =>
      runSaga(async s => {
        await s.step('a', () => a(''), {
          compensate: async result => {
            await sleep('1m')
            await b(result)
          },
        })
        await sleep('1h')
      }),
    ),
  )
  await story.go()
  await story.complete('A', 'r').go()
  expect(brief(await story.requestCancel().go())).toEqual(['CancelTimer 2.sleep', 'StartTimer 3.sleep 60s'])
  expect(brief(await story.requestCancel().go())).toEqual([])
  await story.fire('3.sleep').go()
  expect(brief(await story.complete('B').go())).toEqual(['CancelWorkflowExecution'])
  expect(states(story)).toEqual(['a UNDONE'])
})

test('a saga with steps left waits for an operator, who has them undone again', async () => {
  const { story } = await failed({ retryUndo: true })
  await story.complete('RollC').go()
  await story.fail('UnB', 'Down').go()
  expect(brief(await story.complete('UnA').go())).toEqual([])
  expect(story.sent.saga).toMatchObject({ state: 'WAITING_FOR_OPERATOR', step: 'b', attempt: 1 })
  expect(states(story)).toEqual(['a UNDONE', 'b LEFT', 'c UNDONE'])
  expect(brief(await story.signal(RETRY).go())).toEqual(['ScheduleActivityTask UnB 7.1'])
  expect(story.sent.saga).toMatchObject({ state: 'COMPENSATING', step: 'b' })
  expect(brief(await story.fail('UnB', 'Down').go())).toEqual([])
  await story.requestCancel().go()
  expect(story.sent.saga?.state).toBe('WAITING_FOR_OPERATOR')
  await story.signal(RETRY, {}).go()
  const close = await story.complete('UnB').go()
  expect(brief(close)).toEqual(['FailWorkflowExecution C: No'])
  expect(failureOf(close).details).toEqual({ step: 'c', undone: ['c', 'a', 'b'], left: [] })
  story.check()
})

test('an operator gives up some steps and has others undone', async () => {
  const { story } = await failed({ retryUndo: true, onUndoFailure: 'stop' })
  await story.fail('RollC', 'Down').go()
  expect(states(story)).toEqual(['a LEFT', 'b LEFT', 'c LEFT'])
  expect(brief(await story.signal(RETRY, { steps: ['nobody'] }).go())).toEqual([])
  expect(brief(await story.signal(RETRY, { giveUp: true, steps: ['c'] }).go())).toEqual([])
  expect(story.sent.saga?.state).toBe('WAITING_FOR_OPERATOR')
  expect(brief(await story.signal(RETRY, { steps: ['a'] }).go())).toEqual(['ScheduleActivityTask UnA 5.1'])
  await story.complete('UnA').go()
  const close = await story.signal(RETRY, { giveUp: true }).go()
  expect(failureOf(close)).toMatchObject({ details: { undone: ['a'], left: ['c', 'b'] } })
  expect(states(story)).toEqual(['a UNDONE', 'b LEFT', 'c LEFT'])
  story.check()
})

test('the signal may be one of the author, and one that is not valid changes nothing', async () => {
  const again = defineSignal('again', { input: z.object({ steps: z.array(z.string()).optional() }) })
  const { story } = await failed({ retryUndo: again })
  await story.complete('RollC').go()
  await story.complete('UnB').go()
  await story.fail('UnA', 'Down').go()
  expect(brief(await story.signal('again', 'what').go())).toEqual([])
  expect(story.sent.saga?.state).toBe('WAITING_FOR_OPERATOR')
  expect(brief(await story.signal('again', {}).go())).toEqual(['ScheduleActivityTask UnA 7.1'])
})

test.each([
  ['a step that is done', 'what step a did may have to be undone', true],
  ['nothing done', '', false],
])('continuing as new in a saga with %s', async (_what, reason, refuses) => {
  const workflow = defineWorkflow('W', '1', {}, async (n: number, { continueAsNew }) =>
    runSaga(async s => {
      if (refuses) await s.step('a', () => a(''), { compensate: [unA, () => {}] })
      else await s.step('a', () => a(''))
      if (!continueAsNewSuggested()) return continueAsNew(n + 1)
    }),
  )
  const story = new Story(workflow, 1)
  await story.go()
  story.complete('A')
  if (!refuses) return expect(brief(await story.go())).toEqual(['ContinueAsNewWorkflowExecution'])
  expect(await story.decide()).toMatchObject({
    kind: 'stuck',
    stuck: {
      reason: expect.stringContaining(`RangeError: a saga cannot continue as new while ${reason}`) as string,
      location: expect.stringContaining('saga-undo.test.ts') as string,
    },
  })
})

test('a loop that would continue as new in an undoing is refused, too', async () => {
  const workflow = defineWorkflow('W', '1', {}, async (_n: number, { continueAsNew }) =>
    runSaga(async s => {
      await s.step('a', () => a(''), {
        compensate: async () => {
          await mapContinued([1], {}, () => unA())
          continueAsNew(2)
        },
      })
      throw new WorkflowExecutionFailed('Enough')
    }),
  )
  const story = new Story(workflow, 1)
  await story.go()
  await story.complete('A').go()
  expect(await story.complete('UnA').decide()).toMatchObject({
    kind: 'stuck',
    stuck: { reason: expect.stringContaining('while step a is being undone') as string },
  })
})

test('an operator repairs what stood in the way, and sends the signal: for real', async () => {
  let down = true
  const workflow = defineWorkflow('Real', '1', {}, () => steps({ retryUndo: true }))
  const env = await testEnvironment({
    workflows: [workflow],
    handlers: [
      implement(a, async () => 'a'),
      implement(b, async () => 'b'),
      implement(c, async () => {
        throw new ActivityFailure('No')
      }),
      implement(unA, async () => {}),
      implement(unB, async () => {
        if (down) throw new ActivityFailure('Down')
      }),
      implement(rollC, async () => {}),
    ],
  })
  try {
    const execution = await env.start(workflow, undefined)
    await env.advance('1s')
    expect(await execution.saga()).toMatchObject({ state: 'WAITING_FOR_OPERATOR', step: 'b' })
    expect(await execution.status()).toBe('OPEN')
    down = false
    await execution.signal(retryUndo, { steps: ['b'] })
    await expect(execution.result()).rejects.toMatchObject({
      status: 'FAILED',
      failure: { details: { undone: ['c', 'a', 'b'], left: [] } },
    })
    expect((await execution.saga())?.steps.map(({ state }) => state)).toEqual(['UNDONE', 'UNDONE', 'UNDONE'])
  } finally {
    await env.close()
  }
})
