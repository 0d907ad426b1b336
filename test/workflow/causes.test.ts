// What is behind a failure: kept on its way, and set as `cause`, where tools for errors look.

import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { decodeFailure, encodeFailure, type Failure } from '../../src/swf/failure.js'
import { decisionAttributes, type Decision } from '../../src/swf/decision.js'
import { implement } from '../../src/testing/index.js'
import {
  ActivityTaskFailed,
  ActivityTaskTimedOut,
  ChildWorkflowExecutionFailed,
  defineActivity,
  defineWorkflow,
  executeChild,
  saga,
  TimeoutExpired,
  withTimeout,
  WorkflowExecutionFailed,
} from '../../src/workflow/index.js'
import { Story } from '../support/given.js'
import { lived } from '../support/lived.js'

const charge = defineActivity<string, string>('Charge', '1', { retry: { maximumAttempts: 3 } })
const once = { retry: { maximumAttempts: 1 } } as const
const failureOf = (decisions: readonly Decision[]): Failure => {
  const { reason, details } = decisionAttributes(decisions.at(-1)!) as { reason: string; details: string }
  return decodeFailure('', reason, details)
}
/** What tools for errors find: each cause's message. */
const behind = (error: unknown): string[] => (error instanceof Error ? [error.message, ...behind(error.cause)] : [])
const caught = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no failure',
    (error: unknown) => error,
  )

test('the causes of what a handler threw are those of the failure that the workflow catches', async () => {
  const declines = implement(charge, async () => {
    const socket = Object.assign(new Error('connection reset'), { code: 'ECONNRESET' })
    throw new Error('the bank does not answer', { cause: new Error('three tries', { cause: socket }) })
  })
  const order = defineWorkflow('Order', '1', {}, async () => {
    const failure = await caught(charge('ada', once))
    const { cause } = failure as { cause: { reason: string; cause: { reason: string } } }
    return [behind(failure), cause.cause.reason, inspect(failure).includes('connection reset')]
  })
  const told = await lived(order, execution => execution.result(), { handlers: [declines] })
  expect(told).toEqual([['the bank does not answer', 'three tries', 'connection reset'], 'ECONNRESET', true])
})

test('what a child failed of is the cause of its failure, and fails the parent with all that is behind it', async () => {
  const child = defineWorkflow('Child', '1', {}, async () => charge('ada', once))
  const declines = implement(charge, async () => {
    throw new Error('declined', { cause: new Error('no funds') })
  })
  const parent = defineWorkflow('Parent', '1', {}, async () => {
    const failure = await caught(executeChild(child))
    if (failure instanceof ChildWorkflowExecutionFailed) return behind(failure.cause)
    throw failure
  })
  const told = await lived(parent, execution => execution.result(), { handlers: [declines], workflows: [child] })
  expect(told).toEqual(['declined', 'no funds'])

  const rethrows = defineWorkflow('Rethrows', '1', {}, async () => {
    const failure = await caught(executeChild(child))
    throw (failure as Error).cause
  })
  const failure = await lived(
    rethrows,
    async execution => ((await caught(execution.result())) as { failure: Failure }).failure,
    { handlers: [declines], workflows: [child] },
  )
  expect(failure).toMatchObject({ code: 'ACTIVITY_TASK_FAILED', message: 'declined', cause: { message: 'no funds' } })
})

test("a handler's AggregateError keeps its errors, in the workflow and in what it fails with", async () => {
  const asks = implement(charge, async () =>
    Promise.any([Promise.reject(new Error('north is closed')), Promise.reject(new Error('south is full'))]),
  )
  const order = defineWorkflow('Order', '1', {}, async () => {
    const failure = await caught(charge('ada', once))
    return (failure as ActivityTaskFailed).errors?.map(({ message }) => message)
  })
  const messages = ['north is closed', 'south is full']
  expect(await lived(order, execution => execution.result(), { handlers: [asks] })).toEqual(messages)

  const fails = defineWorkflow('Fails', '1', {}, async () => charge('ada', once))
  const failure = await lived(
    fails,
    async execution => ((await caught(execution.result())) as { failure: Failure }).failure,
    { handlers: [asks] },
  )
  expect(failure.errors?.map(({ message }) => message)).toEqual(messages)
})

test('errors of an AggregateError give way to its message when there is no room for all', () => {
  const one = { code: 'APPLICATION', reason: 'Error', message: 'm'.repeat(400) }
  const many = { ...one, message: 'all failed', errors: Array.from({ length: 200 }, () => ({ ...one, cause: one })) }
  const text = encodeFailure({ ...many, cause: one })
  expect(text.length).toBeLessThanOrEqual(32_768)
  expect(decodeFailure('X', undefined, text)).toEqual({ ...one, message: 'all failed', cause: one })
})

test('a time-out tells how the try before it failed', async () => {
  const story = new Story(defineWorkflow('Order', '1', {}, async () => charge('ada')))
  await story.go()
  await story.fail('1.1', 'BankBusy', 'try later').go()
  await story.fire('1.1.retry').go()
  await story.timeout('1.2', 'START_TO_CLOSE').go()
  await story.fire('1.2.retry').go()
  expect(failureOf(await story.timeout('1.3', 'HEARTBEAT').go())).toMatchObject({
    code: 'ACTIVITY_TASK_TIMED_OUT',
    reason: 'HEARTBEAT',
    attempts: 3,
    cause: { code: 'ACTIVITY_TASK_FAILED', reason: 'BankBusy', message: 'try later' },
  })
})

test('a time-out of which no try had told anything has no cause', async () => {
  const story = new Story(defineWorkflow('Order', '1', {}, async () => charge('ada', once)))
  await story.go()
  expect(failureOf(await story.timeout('1.1', 'HEARTBEAT').go())).not.toHaveProperty('cause')
})

test.each<[string, () => Promise<unknown>]>([
  ['of a function', () => withTimeout('1h', () => charge('ada'))],
  ['of a promise', () => withTimeout('1h', charge('ada'))],
])('withTimeout %s tells how the last try failed of what it gave up', async (_what, run) => {
  const story = new Story(
    defineWorkflow('Order', '1', {}, async () => {
      const failure = await caught(run())
      if (failure instanceof TimeoutExpired) throw new WorkflowExecutionFailed('Late', { cause: failure })
    }),
  )
  await story.go()
  await story.fail('Charge', 'BankBusy', 'try later').go()
  const expired = { code: 'TIMEOUT_EXPIRED', cause: { code: 'ACTIVITY_TASK_FAILED', reason: 'BankBusy' } }
  expect(failureOf(await story.fire(/sleep/).go())).toMatchObject({ reason: 'Late', cause: expired })
})

test("a saga's deadline tells how the last try failed of the step that it ended", async () => {
  const story = new Story(
    defineWorkflow('Order', '1', {}, async () =>
      saga('ada', { deadline: '1h' })
        .step('payment', charge, { input: c => c.input })
        .run(),
    ),
  )
  await story.go()
  await story.fail('Charge', 'BankBusy').go()
  expect(failureOf(await story.fire(/deadline/).go())).toMatchObject({
    code: 'SAGA_FAILED',
    cause: { code: 'SAGA_DEADLINE_EXPIRED', cause: { reason: 'BankBusy' } },
  })
})

test('an error of the workflow itself is a cause like any other', async () => {
  const story = new Story(
    defineWorkflow('Order', '1', {}, async () => {
      throw new WorkflowExecutionFailed('Broken', { cause: new TypeError('x is not iterable') })
    }),
  )
  expect(failureOf(await story.go()).cause).toMatchObject({ reason: 'TypeError', message: 'x is not iterable' })
})

test('a failure has the types that it says', () => {
  const facts = { activityType: { name: 'Charge', version: '1' }, activityId: '1.1', attempts: 1 }
  const failed = new ActivityTaskFailed(facts, { code: 'APPLICATION', reason: 'Busy' })
  expect(failed.cause).toBeUndefined()
  expect(failed).not.toHaveProperty('errors')
  expect(new ActivityTaskTimedOut(facts, 'HEARTBEAT').cause).toBeUndefined()
})
