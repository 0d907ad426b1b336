import { expect, test } from 'vitest'
import { decodeFailure } from '../../src/swf/failure.js'
import { decisionAttributes, type Decision } from '../../src/swf/decision.js'
import {
  defineActivity,
  defineSignal,
  defineWorkflow,
  runSaga,
  SagaDeadlineExpired,
  SagaFailed,
  sleep,
  type SagaOptions,
} from '../../src/workflow/index.js'
import { brief, Story } from '../support/given.js'

const retry = { maximumAttempts: 1 }
const a = defineActivity<void, void>('A', '1', { retry })
const b = defineActivity<void, void>('B', '1', { retry })
const unA = defineActivity<void, void>('UnA', '1', { retry })
const rollB = defineActivity<void, void>('RollB', '1', { retry })
const go = defineSignal('go')

const two = (options?: SagaOptions) =>
  runSaga(async s => {
    await s.step('a', () => a(), { compensate: [unA, () => {}] })
    await s.step('b', () => b(), { rollback: [rollB, () => {}] })
  }, options)
const story = (run: () => Promise<unknown>, executionStartToCloseTimeout = '86400') =>
  new Story(defineWorkflow('W', '1', {}, run), undefined, { executionStartToCloseTimeout })
const failureOf = (decisions: readonly Decision[]) =>
  decodeFailure('', undefined, decisionAttributes(decisions.at(-1)!).details as string)

// Less the moment that the first decision task took to start.
test.each([
  ['86400', '82799'],
  ['31536000', '31532399'],
  ['3600', '3239'],
  ['60', '53'],
  ['1', undefined],
])('an execution of %s s gives its sagas %s s', async (lifetime, seconds) => {
  const decisions = brief(await story(() => two(), lifetime).go())
  if (seconds) expect(decisions).toEqual([`StartTimer saga.deadline ${seconds}s`, 'ScheduleActivityTask A 1.1'])
  else expect(decisions).toEqual(['FailWorkflowExecution saga: SagaDeadlineExpired'])
})

test('at the deadline the running step is canceled, the saga undone, and its failure says why', async () => {
  const told = story(() => two())
  await told.go()
  await told.complete('A').go()
  expect(brief(await told.fire('saga.deadline').go())).toEqual(['RequestCancelActivityTask 2.1'])
  expect(brief(await told.activityCanceled('B').go())).toEqual(['ScheduleActivityTask RollB 3.1'])
  await told.complete('RollB').go()
  const close = await told.complete('UnA').go()
  expect(brief(close)).toEqual(['FailWorkflowExecution b: SagaDeadlineExpired'])
  expect(failureOf(close)).toMatchObject({
    code: 'SAGA_FAILED',
    details: { step: 'b', undone: ['b', 'a'], left: [] },
    cause: { code: 'SAGA_DEADLINE_EXPIRED' },
  })
  told.check()
})

test('a deadline of its own begins with the saga, and its timer ends with its steps', async () => {
  const told = story(async () => {
    await two({ deadline: '90s' })
    await go.receive()
  })
  expect(brief(await told.go())).toEqual(['StartTimer saga.1.deadline 90s', 'ScheduleActivityTask A 1.1'])
  await told.complete('A').go()
  expect(brief(await told.complete('B').go())).toEqual(['CancelTimer saga.1.deadline'])
  told.check()
})

test('undoing is not counted', async () => {
  const told = story(() => two({ deadline: '90s' }))
  await told.go()
  await told.complete('A').go()
  expect(brief(await told.fail('B', 'No').go())).toEqual([
    'CancelTimer saga.1.deadline',
    'ScheduleActivityTask RollB 3.1',
  ])
  await told.complete('RollB').go()
  expect(brief(await told.complete('UnA').go())).toEqual(['FailWorkflowExecution b: No'])
})

test('without one SWF times the execution out', async () => {
  expect(brief(await story(() => two({ deadline: 'NONE' })).go())).toEqual(['ScheduleActivityTask A 1.1'])
})

test('all sagas of a run have one default deadline; past it none begins', async () => {
  const seen: unknown[] = []
  const told = story(async () => {
    await two()
    await two().catch((failure: unknown) => seen.push(failure))
    await two().catch((failure: unknown) => seen.push(failure))
    await sleep('1s')
  })
  await told.go()
  await told.complete('A').go()
  expect(brief(await told.complete('B').go())).toEqual(['ScheduleActivityTask A 3.1'])
  await told.fire('saga.deadline').go()
  expect(brief(await told.activityCanceled('A').go())).toEqual(['StartTimer 4.sleep 1s'])
  for (const failure of seen.slice(-2)) {
    expect(failure).toBeInstanceOf(SagaFailed)
    expect((failure as SagaFailed).cause).toBeInstanceOf(SagaDeadlineExpired)
  }
  expect((seen.at(-1) as SagaFailed).step).toBe('')
})

test('the deadline of a saga around it ends a saga, too, and is the failure of the outer one only', async () => {
  const told = story(() =>
    runSaga(s => s.step('sub', () => two({ deadline: '2h' }), { rollback: [rollB, () => {}] }), { deadline: '1h' }),
  )
  await told.go()
  await told.complete('A').go()
  expect(brief(await told.fire('saga.1.deadline').go())).toEqual(['RequestCancelActivityTask 2.1'])
  expect(brief(await told.activityCanceled('B').go())).toEqual([
    'CancelTimer saga.2.deadline',
    'ScheduleActivityTask RollB 3.1',
  ])
  await told.complete('RollB').go()
  expect(brief(await told.complete('UnA').go())).toEqual(['ScheduleActivityTask RollB 5.1'])
  const close = await told.complete('RollB').go()
  expect(failureOf(close)).toMatchObject({ details: { step: 'sub' }, cause: { code: 'SAGA_DEADLINE_EXPIRED' } })
  expect(failureOf(close).cause?.cause).toBeUndefined()
})

test('a timer that nobody waits for does not hide that a workflow waits on something else', async () => {
  const told = story(() => runSaga(s => s.step('never', () => new Promise(() => {}))))
  expect(await told.decide()).toMatchObject({
    kind: 'stuck',
    stuck: { reason: expect.stringContaining('waits on something that is not in the history') as string },
  })
})
