// What a step can be: conditional, one of a group, a child, a timer, a signal, a saga.

import { expect, test } from 'vitest'
import { decodeFailure } from '../../src/swf/failure.js'
import { decisionAttributes, type Decision } from '../../src/swf/decision.js'
import {
  all,
  defineActivity,
  defineSignal,
  defineWorkflow,
  executeChild,
  runSaga,
  saga,
  scope,
  sleep,
  WorkflowExecutionFailed,
  type Saga,
} from '../../src/workflow/index.js'
import { brief, Story } from '../support/given.js'

const retry = { maximumAttempts: 1 }
const a = defineActivity<string, string>('A', '1', { retry })
const b = defineActivity<string, string>('B', '1', { retry })
const c = defineActivity<string, string>('C', '1', { retry })
const undo = defineActivity<string, void>('Undo', '1', { retry })
const roll = defineActivity<string, void>('Roll', '1', { retry })
const go = defineSignal<string>('go')
const child = defineWorkflow('Child', '1', {}, async (what: string) => `${what}!`)
const unchild = defineWorkflow('Unchild', '1', {}, async (what: string) => what)

const both = (name: string) => ({ compensate: [undo, () => name] as const, rollback: [roll, () => name] as const })
const begin = async (run: () => Promise<unknown>, onError: 'park' | 'fail' = 'park') => {
  const story = new Story(defineWorkflow('W', '1', { onError }, run))
  const decisions = brief(await story.go())
  return { story, decisions }
}
const states = (story: Story) => story.sent.saga!.steps.map(({ name, state }) => `${name} ${state}`)
const failureOf = (decisions: readonly Decision[]) =>
  decodeFailure('', undefined, decisionAttributes(decisions.at(-1)!).details as string)
const inputs = (story: Story, name: string) =>
  story.events.flatMap(event =>
    event.eventType === 'ActivityTaskScheduled' && event.activityTaskScheduledEventAttributes.activityType.name === name
      ? [JSON.parse(event.activityTaskScheduledEventAttributes.input!) as unknown]
      : [],
  )
const valueOf = (input: unknown) => (typeof input === 'string' ? input : (input as { payload?: unknown }).payload)

test('a step whose condition does not hold is skipped, visibly, and has no result', async () => {
  const { story } = await begin(async () => {
    const done = await saga({ big: false })
      .step('first', a, { input: () => '1' })
      .step('gift', b, { when: c => c.input.big, input: () => '2', ...both('gift') })
      .step('last', c, { input: c => String(c.gift) })
      .run()
    return done.gift === undefined && done.last
  })
  expect(brief(await story.complete('A', 'x').go())).toEqual(['ScheduleActivityTask C 2.1'])
  expect(states(story)).toEqual(['first DONE', 'gift SKIPPED', 'last RUNNING'])
  expect(brief(await story.fail('C', 'No').go())).toEqual(['FailWorkflowExecution C: No'])
  expect(states(story)).toEqual(['first DONE', 'gift SKIPPED', 'last FAILED'])
})

const group = () =>
  saga('in')
    .step('before', a, { input: () => '0', ...both('before') })
    .parallel({
      left: s => s.step(b, { input: c => c.before, ...both('left') }),
      right: s => s.step(c, { input: c => c.input, ...both('right') }),
      label: s => s.do(async () => 'label'),
    })
    .do('after', async c => `${c.left} ${c.right} ${c.label}`)
    .run()

test('the steps of a group run at once, and later ones see their results', async () => {
  const { story } = await begin(async () => (await group()).after)
  expect(brief(await story.complete('A', 'x').go())).toEqual([
    'ScheduleActivityTask B 2.1',
    'ScheduleActivityTask C 3.1',
  ])
  expect(states(story)).toEqual(['before DONE', 'left RUNNING', 'right RUNNING', 'label DONE', 'after PENDING'])
  await story.complete('C', 'r').go()
  expect(story.sent.saga).toMatchObject({ state: 'RUNNING', step: 'left' })
  const [close] = await story.complete('B', 'l').go()
  expect(decisionAttributes(close!).result).toBe('"l r label"')
  story.check()
})

test('when a step of a group fails the others are canceled and waited for, then all of it is undone', async () => {
  const { story } = await begin(group)
  await story.complete('A', 'x').go()
  expect(brief(await story.fail('B', 'Broken').go())).toEqual(['RequestCancelActivityTask 3.1'])
  expect(states(story)).toEqual(['before DONE', 'left FAILED', 'right RUNNING', 'label DONE', 'after PENDING'])
  expect(brief(await story.activityCanceled('C').go())).toEqual(['ScheduleActivityTask Roll 4.1'])
  await story.complete('Roll').go()
  expect(brief(await story.complete('Roll').go())).toEqual(['ScheduleActivityTask Undo 6.1'])
  const close = await story.complete('Undo').go()
  expect(brief(close)).toEqual(['FailWorkflowExecution B: Broken'])
  expect(failureOf(close).details).toEqual({ step: 'left', undone: ['right', 'left', 'before'], left: [] })
  expect(states(story)).toEqual(['before UNDONE', 'left UNDONE', 'right UNDONE', 'label DONE', 'after SKIPPED'])
  story.check()
})

test('a step of a group that completes although it was canceled is compensated', async () => {
  const { story } = await begin(group)
  await story.complete('A', 'x').go()
  await story.fail('B', 'Broken').go()
  expect(brief(await story.complete('C', 'r').go())).toEqual(['ScheduleActivityTask Roll 4.1'])
  expect(brief(await story.complete('Roll').go())).toEqual(['ScheduleActivityTask Undo 5.1'])
  expect(brief(await story.complete('Undo').go())).toEqual(['ScheduleActivityTask Undo 6.1'])
  expect(inputs(story, 'Undo').map(valueOf).map(String)).toHaveLength(2)
  expect(failureOf(await story.complete('Undo').go()).details).toMatchObject({ undone: ['left', 'right', 'before'] })
})

test.each([
  ['all', (s: Saga) => all([() => s.step('a', () => a('1'), both('a')), () => s.step('b', () => b('2'), both('b'))])],
  [
    'Promise.all',
    (s: Saga) => Promise.all([s.step('a', () => a('1'), both('a')), s.step('b', () => b('2'), both('b'))]),
  ],
  [
    'no await at all',
    async (s: Saga) => {
      void s.step('a', () => a('1'), both('a'))
      void s.step('b', () => b('2'), both('b'))
    },
  ],
])('steps that are code run at once, too, with %s', async (_how, run) => {
  const { story, decisions } = await begin(() => runSaga<unknown>(run))
  expect(decisions.slice(1)).toEqual(['ScheduleActivityTask A 1.1', 'ScheduleActivityTask B 2.1'])
  expect(brief(await story.fail('A', 'Broken').go())).toEqual(['RequestCancelActivityTask 2.1'])
  expect(brief(await story.complete('B', 'b').go())).toEqual(['ScheduleActivityTask Roll 3.1'])
  await story.complete('Roll').go()
  const close = await story.complete('Undo').go()
  expect(failureOf(close).details).toEqual({ step: 'a', undone: ['a', 'b'], left: [] })
  story.check()
})

test('a retry in a group is what is shown', async () => {
  const often = defineActivity<string, string>('Often', '1', { retry: { jitter: 0 } })
  const { story } = await begin(() =>
    saga(1)
      .parallel({
        often: s => s.step(often, { input: () => '' }),
        other: s => s.step(a, { input: () => '' }),
      })
      .run(),
  )
  await story.fail('Often', 'Busy').go()
  expect(story.sent.saga).toMatchObject({ state: 'RETRYING', step: 'often', attempt: 2 })
})

test('a child is a step: canceled and waited for, compensated by code that runs shielded', async () => {
  const { story, decisions } = await begin(() =>
    saga('x')
      .child('one', child, {
        input: c => c.input,
        child: { workflowId: 'one' },
        compensate: (_c, result) => executeChild(unchild, result, { workflowId: 'un-one' }),
      })
      .child('two', child, {
        input: c => c.one,
        child: c => ({ workflowId: `two-${c.one}` }),
        rollback: [roll, () => 't'],
      })
      .run(),
  )
  expect(decisions.slice(1)).toEqual(['StartChildWorkflowExecution Child one'])
  await story.childStarts('one').go()
  expect(brief(await story.childCloses('one', 'Completed', { result: '"x!"' }).go())).toEqual([
    'StartChildWorkflowExecution Child two-x!',
  ])
  await story.childStarts('two-x!').go()
  expect(brief(await story.requestCancel().go())).toEqual(['RequestCancelExternalWorkflowExecution two-x!'])
  expect(brief(await story.childCloses('two-x!', 'Canceled').go())).toEqual(['ScheduleActivityTask Roll 3.1'])
  expect(brief(await story.complete('Roll').go())).toEqual(['StartChildWorkflowExecution Unchild un-one'])
  expect(story.sent.saga).toMatchObject({ state: 'COMPENSATING', step: 'one' })
  await story.childStarts('un-one').go()
  expect(brief(await story.childCloses('un-one', 'Completed', { result: '"x"' }).go())).toEqual([
    'CancelWorkflowExecution',
  ])
  expect(states(story)).toEqual(['one UNDONE', 'two UNDONE'])
})

test('a saga waits for time and for signals; a signal that does not come is undone for', async () => {
  const { story, decisions } = await begin(() =>
    saga('x')
      .step('first', a, { input: () => '1', ...both('first') })
      .sleep('pause', '10s')
      .receive('word', go, { timeout: '1h' })
      .do('last', async c => c.word)
      .run(),
  )
  expect(decisions).toHaveLength(2)
  expect(brief(await story.complete('A', 'x').go())).toEqual(['StartTimer 2.sleep 10s'])
  expect(brief(await story.fire('2.sleep').go())).toEqual(['StartTimer 3.sleep 3600s'])
  expect(states(story)).toEqual(['first DONE', 'pause DONE', 'word RUNNING', 'last PENDING'])
  expect(brief(await story.fire('3.sleep').go())).toEqual(['ScheduleActivityTask Undo 4.1'])
  const close = await story.complete('Undo').go()
  expect(brief(close)).toEqual(['FailWorkflowExecution go: TimeoutExpired'])
  expect(failureOf(close)).toMatchObject({ details: { step: 'word' }, cause: { code: 'TIMEOUT_EXPIRED' } })
})

test('a cancel ends what a saga waits for', async () => {
  const { story } = await begin(() =>
    saga('x')
      .step('first', a, { input: () => '1', ...both('first') })
      .receive('word', go)
      .run(),
  )
  await story.complete('A', 'x').go()
  expect(brief(await story.requestCancel().go())).toEqual(['ScheduleActivityTask Undo 2.1'])
  expect(brief(await story.complete('Undo').go())).toEqual(['CancelWorkflowExecution'])
})

test('a saga that is canceled before it has begun does nothing', async () => {
  const { story } = await begin(async () => {
    await go.receive().catch(() => {})
    await runSaga(s => s.step('a', () => a('1'), both('a')))
  })
  expect(brief(await story.requestCancel().go())).toEqual(['CancelWorkflowExecution'])
  expect(states(story)).toEqual(['a SKIPPED'])
})

const nested = (end: (s: Saga) => Promise<unknown>, own = {}) =>
  runSaga(async s => {
    await s.step('a', () => a('1'), both('a'))
    await s.step(
      'sub',
      () =>
        saga('y')
          .step('b', b, { input: () => '2', ...both('b') })
          .step('c', c, { input: () => '3', ...both('c') })
          .run(),
      own,
    )
    await end(s)
  })
const fail = async () => {
  throw new WorkflowExecutionFailed('Enough')
}

test('a saga in a step of another one is shown with it, and undone with it', async () => {
  const { story } = await begin(() => nested(fail))
  expect(brief(await story.complete('A').go())).toEqual(['ScheduleActivityTask B 2.1'])
  expect(states(story)).toEqual(['a DONE', 'sub RUNNING', 'sub/b RUNNING', 'sub/c PENDING'])
  expect(story.sent.saga!.step).toBe('sub/b')
  await story.complete('B').go()
  expect(brief(await story.complete('C').go())).toEqual(['ScheduleActivityTask Undo 4.1'])
  expect(story.sent.saga).toMatchObject({ state: 'COMPENSATING', step: 'sub/c' })
  await story.complete('Undo').go()
  await story.complete('Undo').go()
  const close = await story.complete('Undo').go()
  expect(failureOf(close)).toMatchObject({ reason: 'saga: Enough', details: { undone: ['sub', 'a'] } })
  expect(states(story)).toEqual(['a UNDONE', 'sub UNDONE', 'sub/b UNDONE', 'sub/c UNDONE'])
  story.check()
})

test('a saga in a step that fails undoes itself, then fails the other one', async () => {
  const { story } = await begin(() => nested(fail))
  await story.complete('A').go()
  await story.complete('B').go()
  expect(brief(await story.fail('C', 'No').go())).toEqual(['ScheduleActivityTask Roll 4.1'])
  expect(brief(await story.complete('Roll').go())).toEqual(['ScheduleActivityTask Undo 5.1'])
  expect(brief(await story.complete('Undo').go())).toEqual(['ScheduleActivityTask Undo 6.1'])
  const close = await story.complete('Undo').go()
  expect(failureOf(close)).toMatchObject({
    details: { step: 'sub', undone: ['a'] },
    cause: { code: 'SAGA_FAILED', details: { step: 'c', undone: ['c', 'b'] }, cause: { reason: 'No' } },
  })
})

test('a step that says itself how it is undone is in charge of the saga in it', async () => {
  const { story } = await begin(() => nested(fail, { compensate: [undo, () => 'whole'] }))
  await story.complete('A').go()
  await story.complete('B').go()
  await story.complete('C').go()
  expect(brief(await story.complete('Undo').go())).toEqual(['ScheduleActivityTask Undo 5.1'])
  expect(brief(await story.complete('Undo').go())).toEqual(['FailWorkflowExecution saga: Enough'])
})

test('what an undoing in a nested saga leaves is left, and is tried again with its step', async () => {
  const { story } = await begin(() =>
    runSaga(
      async s => {
        await s.step('sub', () => runSaga(inner => inner.step('b', () => b('2'), both('b'))))
        await fail()
      },
      { retryUndo: true },
    ),
  )
  await story.complete('B').go()
  await story.fail('Undo', 'Down').go()
  expect(story.sent.saga).toMatchObject({ state: 'WAITING_FOR_OPERATOR', step: 'sub' })
  expect(states(story)).toEqual(['sub LEFT', 'sub/b LEFT'])
  expect(brief(await story.signal('swf-gateway.retry-undo').go())).toEqual(['ScheduleActivityTask Undo 3.1'])
  const close = await story.complete('Undo').go()
  expect(failureOf(close).details).toMatchObject({ undone: ['sub'], left: [] })
})

test('sagas beside each other are shown together, and one after the other each on its own', async () => {
  const one = (name: string, work: typeof a) => () => runSaga(s => s.step(name, () => work(''), both(name)))
  const { story } = await begin(async () => {
    await all([one('x', a), one('y', b)])
    await one('z', c)()
  })
  expect(states(story)).toEqual(['x RUNNING', 'y RUNNING'])
  await story.complete('A').go()
  expect(states(story)).toEqual(['y RUNNING'])
  await story.complete('B').go()
  expect(states(story)).toEqual(['z RUNNING'])
  await story.complete('C').go()
  expect(story.sent.saga).toMatchObject({ state: 'COMPLETED', step: 'z' })
})

test('a saga in a scope is undone when that is canceled', async () => {
  const { story } = await begin(() =>
    scope(async s => {
      go.handle(() => s.cancel())
      await runSaga(async steps => {
        await steps.step('a', () => a('1'), both('a'))
        await steps.step('wait', () => sleep('1h'))
      })
    }),
  )
  await story.complete('A').go()
  expect(brief(await story.signal('go').go())).toEqual(['CancelTimer 2.sleep', 'ScheduleActivityTask Undo 3.1'])
  expect(brief(await story.complete('Undo').go())).toEqual(['FailWorkflowExecution ScopeCanceled'])
  story.check()
})

test('a bug beside a step that fails undoes nothing: the run is stuck', async () => {
  const { story } = await begin(() =>
    runSaga(async s => {
      await s.step('a', () => a('1'), both('a'))
      await all([
        () => s.step('b', () => b('2'), both('b')),
        () =>
          s.step('bug', async () => {
            await c('3')
            throw new TypeError('a bug')
          }),
      ])
    }),
  )
  await story.complete('A').go()
  await story.fail('B', 'No').go()
  expect(await story.complete('C').decide()).toMatchObject({ kind: 'stuck', stuck: { reason: 'TypeError: a bug' } })
})

test('a bug in a workflow that fails of any error is undone for', async () => {
  const { story } = await begin(
    () =>
      runSaga(async s => {
        await s.step('a', () => a('1'), both('a'))
        await s.step('bug', async () => {
          throw new TypeError('a bug')
        })
      }),
    'fail',
  )
  expect(brief(await story.complete('A').go())).toEqual(['ScheduleActivityTask Undo 2.1'])
  expect(brief(await story.complete('Undo').go())).toEqual(['FailWorkflowExecution TypeError'])
})
