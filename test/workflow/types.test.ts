// What the compiler must refuse: `tsc` fails on an unused @ts-expect-error, so a hole in the types fails the type check.

import { expect, test } from 'vitest'
import { z } from 'zod'
import * as flow from '../../src/workflow/index.js'
import type { TestEnvironment } from '../../src/testing/index.js'
import { brief, Story } from '../support/given.js'

const Order = z.object({ id: z.string(), total: z.number() })
const charge = flow.defineActivity('Charge', '1', { input: Order, result: z.object({ paymentId: z.string() }) })
const refund = flow.defineActivity('Refund', '1', { input: z.object({ paymentId: z.string() }) })
const approved = flow.defineSignal('approved', { input: z.object({ by: z.string() }) })

export const workflow = flow.defineWorkflow('Typed', '1', { input: Order, result: z.string() }, async order => {
  // @ts-expect-error total is missing
  void (() => charge({ id: order.id }))
  // @ts-expect-error total is a number
  void (() => charge({ id: order.id, total: 'much' }))
  const { paymentId } = await charge(order)
  // @ts-expect-error a result has no such member
  void (() => order.paymentId)
  const { by } = await approved.receive()
  const done = await flow
    .saga(order)
    .step('payment', charge, {
      input: c => c.input,
      // @ts-expect-error a rollback cannot see its own step's result
      rollback: [refund, c => ({ paymentId: c.payment.paymentId })],
      compensate: [refund, c => ({ paymentId: c.payment.paymentId })],
    })
    // @ts-expect-error the input of refund is a paymentId
    .step('wrong', refund, { input: c => ({ payment: c.payment.paymentId }) })
    .run()
  return `${paymentId} ${by} ${done.payment.paymentId}`
})

const progress = flow.defineState({ paid: 0 })
export const shows = flow.defineWorkflow('Shows', '1', {}, async () => {
  progress.set({ paid: progress.get().paid + 1 })
  // @ts-expect-error paid is a number
  progress.set({ paid: 'all' })
  // @ts-expect-error a state has no such member
  void progress.get().open
})

export const parent = flow.defineWorkflow('Parent', '1', { input: Order }, async (order, { continueAsNew }) => {
  // @ts-expect-error total is missing
  void (() => flow.executeChild(workflow, { id: order.id }))
  const text: string = await flow.executeChild(workflow, order)
  const child = await flow.startChild(workflow, order)
  // @ts-expect-error a signal has its input
  void (() => child.signal(approved, { from: 'me' }))
  await child.signal(approved, { by: 'me' })
  // @ts-expect-error a result is a string
  void (async (): Promise<number> => child.result())
  // @ts-expect-error a signal has its input
  void (() => flow.signalExternal({ workflowId: 'a' }, approved, 5))
  const chance: number = flow.sideEffect(() => 0.5)
  // @ts-expect-error a side effect does not wait
  void (() => flow.sideEffect(async () => 1))
  // @ts-expect-error the input of the next run is an order
  void (() => continueAsNew({ id: 'x' }))
  if (flow.continueAsNewSuggested()) return continueAsNew({ id: text, total: chance })
  return 7
})
export const together = flow.defineWorkflow('Together', '1', {}, async () => {
  const amount = flow.defineActivity<string, number>('Amount', '1')
  const [one, text] = await flow.all([() => amount('a'), async () => 'text'])
  const sum: number = one + text.length
  const first: number | string = await flow.race([() => amount('a'), () => flow.sleep('1s').then(() => text)])
  const numbers: number[] = await flow.all(['a', 'b'].map(name => () => amount(name)))
  const quote: number = await flow.any(['a', 'b'].map(name => () => amount(name)))
  const mapped: number[] = await flow.map(['a'], { concurrency: 2 }, name => amount(name))
  const inTime: number = await flow.withTimeout('5s', () => flow.scope(() => flow.shielded(() => amount('a'))))
  // @ts-expect-error a promise is there already, and runs in no scope of its own
  void (() => flow.all([amount('a')]))
  // @ts-expect-error the second one is a text
  void (async (): Promise<[number, number]> => flow.all([() => amount('a'), async () => 'text']))
  return [sum, first, numbers, quote, mapped, inTime]
})
const ping = flow.defineActivity<void, string>('Ping', '1')
const untyped = flow.defineActivity('Untyped', '1')
const hourly = flow.defineWorkflow('Hourly', '1', {}, async () => 1)
const maybe = flow.defineWorkflow('Maybe', '1', { input: Order.optional() }, async order => order?.id)
export const withoutInput = flow.defineWorkflow('WithoutInput', '1', {}, async () => {
  const text: string = await ping()
  await ping(undefined, { taskPriority: 1 })
  await untyped()
  const one: number = await flow.executeChild(hourly)
  await flow.executeChild(maybe)
  const child = await flow.startChild(maybe, { id: 'a', total: 1 }, { tagList: ['a'] })
  // @ts-expect-error an order is needed
  void (() => charge())
  // @ts-expect-error an order is needed
  void (() => flow.executeChild(workflow))
  // @ts-expect-error an order is needed
  void (() => flow.startChild(workflow))
  // @ts-expect-error it is an order, if it is there
  void (() => flow.executeChild(maybe, 5))
  return [text, one, await child.result()]
})
export const starts = async (env: TestEnvironment) => {
  const one: number = await env.execute(hourly)
  await env.start(maybe)
  await env.start(hourly, undefined, { workflowId: 'a' })
  // @ts-expect-error an order is needed
  void (() => env.start(workflow))
  // @ts-expect-error an order is needed
  void (() => env.execute(workflow))
  return one
}
export const loops = flow.defineWorkflow('Loops', '1', {}, async () => {
  const lengths: number[] = await flow.map(['a'], async name => name.length)
  await flow.mapContinued(['a'], async name => charge({ id: name, total: 1 }))
  await flow.cron('0 2 * * *', async at => charge({ id: new Date(at).toISOString(), total: 1 }))
  // @ts-expect-error a text is no number
  void (() => flow.mapContinued(['a'], async name => name.toFixed()))
  return lengths
})
export const annotated = flow.defineWorkflow(
  'Annotated',
  '1',
  {},
  async (left: number, { continueAsNew }): Promise<string> => (left > 0 ? continueAsNew(left - 1) : 'done'),
)
export const resultOfParent = (): Promise<number> =>
  parent.run({ id: '', total: 1 }, { continueAsNew: () => undefined as never })

// @ts-expect-error the result is a string
export const wrongResult = flow.defineWorkflow('W', '1', { input: Order, result: z.string() }, async () => 5)

test('an input that its validator refuses fails the execution and says which member is wrong', async () => {
  const story = new Story(workflow, { id: 7 })
  const [close] = await story.go()
  expect(brief([close!])).toEqual(['FailWorkflowExecution ValidationFailed'])
  expect(JSON.stringify(close)).toContain('input of Typed is not valid: id: ')
})

test('a result that its validator refuses is a failure of the activity', async () => {
  const story = new Story(workflow, { id: 'a', total: 1 })
  await story.go()
  const [close] = await story.complete('Charge', { paymentId: 5 }).go()
  expect(brief([close!])).toEqual(['FailWorkflowExecution ValidationFailed'])
})

test.each(['', 'a:b', 'a/b', 'a|b', 'arn', ' a', 'a'.repeat(257)])('the type name %j is refused', name => {
  expect(() => flow.defineActivity(name, '1')).toThrow(RangeError)
})

test('options that make no sense are refused where they are written', () => {
  expect(() => flow.defineActivity('A', '1', { startToClose: 'soon' as never })).toThrow(/startToClose of A/)
  expect(() => flow.defineActivity('A', '1', { retry: { maximumAttempts: 0 } })).toThrow(/maximumAttempts/)
  expect(() => flow.defineActivity('A', '1', { retry: { backoff: 0.5 } })).toThrow(/backoff/)
})

test('options and inputs that may be left out are', async () => {
  const looping = new Story(loops)
  expect(brief(await looping.go())).toEqual(['ScheduleActivityTask Charge 1.1'])
  expect(brief(await looping.complete('Charge', { paymentId: 'p' }).go())).toEqual([
    expect.stringMatching(/^StartTimer 2.sleep /),
  ])
  expect(brief(await new Story(withoutInput).go())).toEqual(['ScheduleActivityTask Ping 1.1'])
})
