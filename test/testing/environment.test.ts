import { afterEach, expect, test, vi } from 'vitest'
import {
  condition,
  defineActivity,
  defineSignal,
  defineWorkflow,
  now,
  runSaga,
  setState,
  sleep,
  WorkflowExecutionFailed,
} from '../../src/workflow/index.js'
import type * as ThreadHandler from '../../src/workers/thread-handler.js'
import type { TestEnvironment, TestEnvironmentOptions } from '../../src/testing/index.js'
import { ActivityFailure, ExecutionNotCompleted, implement, testEnvironment } from '../../src/testing/index.js'

let env: TestEnvironment
afterEach(() => env.close())
const open = async (options: TestEnvironmentOptions) => (env = await testEnvironment(options))
const DAY = 86_400_000

const mail = defineActivity<{ to: string }, string>('Mail', '1', { retry: { maximumAttempts: 3 } })
const unmail = defineActivity<string, void>('Unmail', '1', {})
const reminder = defineWorkflow('Reminder', '1', { executionStartToClose: '365d' }, async (to: string) => {
  const begun = now()
  await sleep('30d')
  setState({ slept: now() - begun })
  return mail({ to })
})

test('thirty days pass in a moment, and the activity is called with its input', async () => {
  await open({ workflows: [reminder], handlers: [implement(mail, async ({ to }) => `mailed ${to}`)] })
  const before = env.now().getTime()
  const execution = await env.start(reminder, 'ada')
  expect(await execution.result()).toBe('mailed ada')
  expect(env.now().getTime() - before).toBeGreaterThanOrEqual(30 * DAY)
  expect(await execution.state()).toEqual({ slept: 30 * DAY })
  expect(await execution.status()).toBe('COMPLETED')
  expect(env.calls(mail)).toEqual([{ input: { to: 'ada' }, attempt: 1, idempotencyKey: expect.any(String) }])
  expect((await execution.history()).at(-1)?.eventType).toBe('WorkflowExecutionCompleted')
})

test('two workflows, or two handlers, of the same type are refused', async () => {
  await open({ workflows: [] })
  const same = defineWorkflow('Reminder', '1', {}, async () => {})
  await expect(testEnvironment({ workflows: [reminder, same] })).rejects.toMatchObject({
    code: 'DUPLICATE_TYPE',
    message: 'two workflows of type Reminder 1: leave one out, or give it another version',
  })
  const handler = implement(mail, async () => 'mailed')
  await expect(testEnvironment({ workflows: [], handlers: [handler, handler] })).rejects.toMatchObject({
    code: 'DUPLICATE_TYPE',
    message: expect.stringContaining('two handlers of type Mail 1') as string,
  })
})

test('time does not pass by itself: it is moved, or skipped while a result is awaited', async () => {
  await open({ workflows: [reminder], handlers: [implement(mail, async () => 'mailed')] })
  const execution = await env.start(reminder, 'ada')
  await env.advance('29d')
  expect(env.calls(mail)).toEqual([])
  expect(await execution.status()).toBe('OPEN')
  await env.advance('1d')
  expect(env.calls(mail)).toHaveLength(1)
  expect(await execution.result()).toBe('mailed')
})

test('an activity that fails is tried again, after its wait', async () => {
  const tries = vi.fn()
  await open({
    workflows: [reminder],
    handlers: [
      implement(mail, async (_input, { attempt }) => {
        tries(attempt)
        if (attempt < 3) throw new ActivityFailure('Busy')
        return 'at last'
      }),
    ],
  })
  expect(await env.execute(reminder, 'ada')).toBe('at last')
  expect(tries.mock.calls).toEqual([[1], [2], [3]])
  expect(new Set(env.calls(mail).map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1)
})

test('a failed execution rejects with why, and its saga can be seen', async () => {
  const trip = defineWorkflow('Trip', '1', {}, async () =>
    runSaga(async saga => {
      await saga.step('mail', () => mail({ to: 'ada' }), { compensate: [unmail, () => 'ada'] })
      await saga.step('fail', async () => {
        throw new WorkflowExecutionFailed('NoSeats')
      })
    }),
  )
  await open({
    workflows: [trip],
    handlers: [implement(mail, async () => 'mailed'), implement(unmail, async () => {})],
  })
  const execution = await env.start(trip, undefined)
  const error = await execution.result().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ExecutionNotCompleted)
  expect(error).toMatchObject({ status: 'FAILED', failure: { code: 'SAGA_FAILED', cause: { reason: 'NoSeats' } } })
  expect(env.calls(unmail)).toMatchObject([{ input: 'ada' }])
  expect(await execution.saga()).toMatchObject({ state: 'FAILED', steps: [{ state: 'UNDONE' }, { state: 'FAILED' }] })
})

test('signals, cancels, terminations and timeouts', async () => {
  const go = defineSignal<string>('go')
  const waits = defineWorkflow('Waits', '1', { executionStartToClose: '1d' }, async () => go.receive())
  await open({ workflows: [waits] })
  const signaled = await env.start(waits, undefined)
  await signaled.signal(go, 'now')
  expect(await signaled.result()).toBe('now')

  const canceled = await env.start(waits, undefined)
  await canceled.requestCancel()
  await expect(canceled.result()).rejects.toMatchObject({ status: 'CANCELED' })

  const terminated = await env.start(waits, undefined)
  await terminated.terminate('enough')
  await expect(terminated.result()).rejects.toMatchObject({ status: 'TERMINATED' })

  await expect(env.execute(waits, undefined)).rejects.toMatchObject({ status: 'TIMED_OUT' })
})

test('a mistake in the workflow is told at once, with its place', async () => {
  const broken = defineWorkflow('Broken', '1', { executionStartToClose: '9d' }, async () => {
    await sleep('1d')
    return (undefined as unknown as { member: string }).member
  })
  await open({ workflows: [broken] })
  await expect(env.execute(broken, undefined)).rejects.toMatchObject({
    name: 'ExecutionStuck',
    message: expect.stringMatching(/is stuck: .*member.* at .*environment\.test\.ts/),
  })
})

test('an activity at work is kept alive while time is moved, and hears of a cancel', async () => {
  const long = defineActivity<void, string>('Long', '1', {
    startToClose: '30d',
    heartbeat: '10s',
    retry: { maximumAttempts: 1 },
  })
  const runs = defineWorkflow('Runs', '1', { executionStartToClose: '60d' }, async () => long())
  let finish: (result: string) => void = () => {}
  await open({
    workflows: [runs],
    handlers: [
      implement(
        long,
        (_input, { signal }) =>
          new Promise<string>((resolve, reject) => {
            finish = resolve
            signal.addEventListener('abort', () => reject(signal.reason as Error))
          }),
      ),
    ],
  })
  const execution = await env.start(runs, undefined)
  await env.advance('1m')
  expect((await execution.history()).at(-1)?.eventType).toBe('ActivityTaskStarted')
  finish('done')
  expect(await execution.result()).toBe('done')

  const canceled = await env.start(runs, undefined)
  await env.advance('1s')
  await canceled.requestCancel()
  await expect(canceled.result()).rejects.toMatchObject({ status: 'CANCELED' })
})

test('the local SWF can be made to fail', async () => {
  let held = true
  const holds = defineWorkflow('Holds', '1', {}, async () => {
    await condition(() => !held)
    return mail({ to: 'ada' })
  })
  held = false
  await open({ workflows: [holds], handlers: [implement(mail, async () => 'mailed')], local: { seed: 3 } })
  env.local.faults.add({ kind: 'drop', action: 'RespondDecisionTaskCompleted', times: 1 })
  env.local.faults.add({ kind: 'throttle', action: 'ScheduleActivityTask', times: 1 })
  expect(await env.execute(holds, undefined)).toBe('mailed')
})

test('a handler that beats by itself and hangs is timed out, one that works is not', async () => {
  const slow = defineActivity<string, string>('Slow', '1', { heartbeat: '20s', retry: { maximumAttempts: 2 } })
  const flow = defineWorkflow('Flow', '1', { executionStartToClose: '30d' }, async (what: string) => slow(what))
  const seen: unknown[] = []
  const handler = implement(
    slow,
    async (what, job) => {
      seen.push(job.lastHeartbeat)
      for (let i = 1; i <= 3; i++) job.heartbeat({ line: i })
      if (what === 'hang' && job.attempt === 1) await new Promise(() => {})
      await new Promise(resolve => setTimeout(resolve, 50))
      return `${what}: ${job.attempt}`
    },
    { heartbeat: 'manual' },
  )
  await open({ workflows: [flow], handlers: [handler] })
  expect(await env.execute(flow, 'work')).toBe('work: 1')
  expect(await env.execute(flow, 'hang')).toBe('hang: 2')
  expect(seen).toEqual([undefined, undefined, { line: 3 }])
})

test('an activity that is left open is completed or failed by its token, canceled, or fails when its time is over', async () => {
  const ask = defineActivity<string, string>('Ask', '1', {
    startToClose: '30d',
    heartbeat: '1m',
    retry: { maximumAttempts: 1 },
  })
  const flow = defineWorkflow('Flow', '1', { executionStartToClose: '60d' }, async (what: string) => ask(what))
  const tokens = new Map<string, string>()
  const handler = implement(ask, async (what, job) => {
    const open = job.leaveOpen({ for: '2d' })
    tokens.set(what, open.token)
    return open
  })
  await open({ workflows: [flow], handlers: [handler] })
  const [yes, no, cancel] = await Promise.all(['yes', 'no', 'cancel'].map(what => env.start(flow, what)))
  await env.advance('1d')
  await env.completeActivity(tokens.get('yes')!, 'approved')
  expect(await yes!.result()).toBe('approved')
  await expect(env.completeActivity(tokens.get('yes')!, 'approved')).rejects.toMatchObject({ code: 'ACTIVITY_CLOSED' })
  await env.failActivity(tokens.get('no')!, 'Refused', { message: 'not today' })
  await expect(no!.result()).rejects.toMatchObject({ status: 'FAILED', failure: { reason: 'Refused' } })
  await cancel!.requestCancel()
  await expect(cancel!.result()).rejects.toMatchObject({ status: 'CANCELED' })
  await expect(env.execute(flow, 'nobody')).rejects.toMatchObject({ failure: { reason: 'SwfGateway.LeftOpen' } })
})

test('a handler in a thread runs in a test too', async () => {
  // Threads run what is built.
  const built = new URL('../../dist/workers/thread-handler.js', import.meta.url).href
  const { implementInThread } = (await import(built)) as typeof ThreadHandler
  const busy = defineActivity<{ do: string; ms: number }, { threadId: number }>('Busy', '1', { heartbeat: '5s' })
  const flow = defineWorkflow('Flow', '1', {}, async (ms: number) => busy({ do: 'block', ms }))
  const module = new URL('../workers/activity/fixtures/threads.mjs', import.meta.url)
  await open({ workflows: [flow], handlers: [implementInThread(busy, module)] })
  expect((await env.execute(flow, 20)).threadId).toBeGreaterThan(0)
})

test('the next try of an activity that failed knows the last heartbeat', async () => {
  const seen: unknown[] = []
  const handler = implement(mail, async (_input, job) => {
    seen.push(job.lastHeartbeat)
    if (job.attempt === 1) job.heartbeat({ sent: 2 })
    if (job.attempt < 3) throw new ActivityFailure('Busy')
    return 'mailed'
  })
  await open({ workflows: [reminder], handlers: [handler] })
  expect(await env.execute(reminder, 'ada')).toBe('mailed')
  expect(seen).toEqual([undefined, { sent: 2 }, { sent: 2 }])
})
