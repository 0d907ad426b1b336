// Lives through sagas with one thing going wrong at one place: every place, one execution each, all in one local SWF in this
// process. A place is a call to SWF about the execution: a task handed out, or an answer taken. Between two of them nothing
// can come into its history, so that the places are all the moments at which something can.

import { expect } from 'vitest'
import type { HistoryEvent } from '../../src/swf/history-event.js'
import { decodePayload } from '../../src/swf/payload.js'
import { ActivityFailure, implement, testEnvironment, type TestExecution } from '../../src/testing/index.js'
import { all, defineActivity, defineWorkflow, runSaga } from '../../src/workflow/index.js'
import { checkHistory } from '../support/history-checker.js'

export const STEPS = 10

export interface Plan {
  /** Steps that run at once, by their numbers. @default each on its own */
  groups?: number[][]
  /** Groups are begun by Promise.all, which neither cancels nor waits. */
  loose?: boolean
  /** The step that fails. */
  fails?: number
  undo?: 'reverse' | 'parallel'
}

/**
 * What goes wrong.
 * - `cancel`: the execution is asked to cancel, after the call.
 * - `lost`: a task that is handed out, or an answer, never arrives: its worker or its decider has died.
 * - `unheard`: an answer is taken, and whoever gave it hears that it was not.
 * - `twice`: an answer is given twice.
 */
export const FAULTS = ['cancel', 'lost', 'unheard', 'twice'] as const
export type Fault = (typeof FAULTS)[number]

/** A fault and its place, from 1. */
export interface Strike {
  fault: Fault
  at: number
}

export interface Case extends Plan {
  strikes?: readonly Strike[]
}

interface Work {
  step: number
  fails?: boolean
}
const once = { maximumAttempts: 1 }
const again = { maximumAttempts: 5, jitter: 0 }
const options = { startToClose: '30s' } as const
const act = defineActivity<Work, number>('Do', '1', { ...options, retry: once })
const compensate = defineActivity<Work, void>('Undo', '1', { ...options, retry: again })
const rollback = defineActivity<Work, void>('Roll', '1', { ...options, retry: again })
const each = Array.from({ length: STEPS }, (_, n) => [n + 1])

export const tenSteps = defineWorkflow('TenSteps', '1', {}, ({ groups = each, loose, fails, undo = 'reverse' }: Plan) =>
  runSaga(
    async saga => {
      const step = (n: number) => () =>
        saga.step(String(n), () => act({ step: n, ...(n === fails && { fails: true }) }), {
          rollback: [rollback, () => ({ step: n })],
          compensate: [compensate, result => ({ step: result })],
        })
      for (const group of groups)
        await (loose || group.length === 1 ? Promise.all(group.map(n => step(n)())) : all(group.map(step)))
      return 'done'
    },
    { undo },
  ),
)

/** One run of a handler: an append-only ledger, in which an effect is the first entry of its key. */
interface Entry {
  kind: 'Do' | 'Undo' | 'Roll'
  step: number
  key: string
}

interface Lived {
  plan: Case
  status: string
  places: number
  history: HistoryEvent[]
  effects: Entry[]
  sagaState: string | undefined
  stepStates: string[]
}

/** Lives through all cases. `cached` as of a decider: 0 forgets an execution after every task. */
export async function live(cases: readonly Case[], { cached }: { cached?: number } = {}): Promise<Lived[]> {
  const ledgers = new Map<string, Entry[]>()
  const record = (kind: Entry['kind']) => async (work: Work, job: { idempotencyKey: string }) => {
    const [workflowId] = job.idempotencyKey.split('/') as [string]
    if (work.fails) throw new ActivityFailure('Broken')
    const ledger = ledgers.get(workflowId) ?? []
    ledgers.set(workflowId, [...ledger, { kind, step: work.step, key: job.idempotencyKey }])
    return work.step
  }
  const env = await testEnvironment({
    workflows: [tenSteps],
    handlers: [
      implement(act, record('Do')),
      implement(compensate, record('Undo') as never),
      implement(rollback, record('Roll') as never),
    ],
    ...(cached !== undefined && { cached }),
  })
  try {
    const places = new Map<string, number>()
    const calls = strike(env.local as unknown as Caller, env.domain, places, id => cases[Number(id)] ?? {})
    // Those who poll already do not come by here before their next poll: others come first.
    for (let n = 0; n < 4; n++) await env.start(tenSteps, {}, { workflowId: `first-${n}` })
    await calls.quiet()
    const executions: TestExecution[] = []
    for (const [index, plan] of cases.entries())
      executions.push(await env.start(tenSteps, plan, { workflowId: String(index) }))
    let open = executions
    for (let rounds = 0; open.length > 0; rounds++) {
      if (rounds > 60) throw new Error(`open still: ${open.map(({ workflowId }) => workflowId).join(', ')}`)
      await calls.quiet()
      const closed = await Promise.all(open.map(execution => execution.status()))
      open = open.filter((_, index) => closed[index] === 'OPEN')
      if (open.length > 0) await env.advance('6s')
    }
    return await Promise.all(
      executions.map(async (execution, index) => {
        const saga = await execution.saga()
        return {
          plan: cases[index]!,
          status: await execution.status(),
          places: places.get(execution.workflowId)!,
          history: await execution.history(),
          effects: effectsOf(ledgers.get(execution.workflowId) ?? []),
          sagaState: saga?.state,
          stepStates: saga?.steps.map(({ state }) => state) ?? [],
        }
      }),
    )
  } finally {
    await env.close()
  }
}

interface Caller {
  call(action: string, input: object, options?: object): Promise<unknown>
}

/** Goes between SWF and its callers, counts each execution's places and does there what its case says. */
function strike(
  local: Caller,
  domain: string,
  places: Map<string, number>,
  caseOf: (workflowId: string) => Case,
): { quiet(): Promise<void> } {
  const call = local.call.bind(local)
  const tasks = new Map<string, string>()
  let calls = 0
  const place = (workflowId: string) => {
    const here = (places.get(workflowId) ?? 0) + 1
    places.set(workflowId, here)
    return caseOf(workflowId).strikes?.find(({ at }) => at === here)?.fault
  }
  const cancel = (workflowId: string) =>
    call('RequestCancelWorkflowExecution', { domain, workflowId }).catch(() => undefined)
  local.call = async (action, input, options) => {
    if (/^PollFor(Activity|Decision)Task$/.test(action)) {
      const task = (await call(action, input, options)) as {
        taskToken?: string
        workflowExecution: { workflowId: string }
      }
      if (!task.taskToken || 'nextPageToken' in input) return task
      calls++
      const { workflowId } = task.workflowExecution
      tasks.set(task.taskToken, workflowId)
      const fault = place(workflowId)
      if (fault === 'cancel') await cancel(workflowId)
      return fault === 'lost' ? {} : task
    }
    calls++
    if (!action.startsWith('Respond')) return call(action, input, options)
    const workflowId = tasks.get((input as { taskToken: string }).taskToken)
    if (workflowId === undefined) return call(action, input, options)
    const fault = place(workflowId)
    const gone = () => Object.assign(new Error('lost on the way'), { code: 'UnknownResourceFault' })
    if (fault === 'lost') throw gone()
    const answer = await call(action, input, options)
    if (fault === 'cancel') await cancel(workflowId)
    if (fault === 'twice') await call(action, input, options)
    if (fault === 'unheard') throw gone()
    return answer
  }
  return {
    quiet: async () => {
      for (let seen = -1; seen !== calls;) {
        seen = calls
        for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
      }
    },
  }
}

function effectsOf(ledger: readonly Entry[]): Entry[] {
  return ledger.filter((entry, index) => ledger.findIndex(({ key }) => key === entry.key) === index)
}

/** What a history says of a call of an activity. */
interface Call {
  kind: Entry['kind']
  step: number
  scheduled: number
  /** Event that closed its last try as completed. */
  completed?: number
}

function callsOf(history: readonly HistoryEvent[]): Call[] {
  const calls = new Map<string, Call>()
  const tries = new Map<number, string>()
  for (const event of history) {
    if (event.eventType === 'ActivityTaskScheduled') {
      const { activityId, activityType, input } = event.activityTaskScheduledEventAttributes
      const [seq] = activityId.split('.') as [string]
      tries.set(event.eventId, seq)
      const { step } = decodePayload(input).value as Work
      if (!calls.has(seq)) calls.set(seq, { kind: activityType.name as Entry['kind'], step, scheduled: event.eventId })
    }
    if (event.eventType === 'ActivityTaskCompleted')
      calls.get(tries.get(event.activityTaskCompletedEventAttributes.scheduledEventId)!)!.completed = event.eventId
  }
  return [...calls.values()]
}

/** Fails the test unless a saga is done, or what it did is undone: each step once, in order, with one effect each. */
export function expectNoMix({ plan, status, history, effects, sagaState, stepStates }: Lived): void {
  const about = JSON.stringify(plan)
  expect(checkHistory(history), about).toEqual([])
  const calls = callsOf(history)
  const of = (kind: Entry['kind']) => calls.filter(call => call.kind === kind).map(({ step }) => step)
  const effectsOn = (kind: Entry['kind']) => effects.filter(entry => entry.kind === kind).map(({ step }) => step)
  const sorted = (steps: readonly number[]) => [...steps].sort((one, other) => one - other)
  const began = calls.filter(({ kind }) => kind === 'Do')
  const done = began
    .filter(({ completed }) => completed !== undefined)
    .sort((one, other) => one.completed! - other.completed!)
    .map(({ step }) => step)
  const halfDone = began.filter(({ completed }) => completed === undefined).map(({ step }) => step)

  expect(new Set(of('Do')).size, `${about}: each step was called once`).toBe(began.length)
  if (status === 'COMPLETED') {
    expect(sorted(done), about).toEqual(sorted(each.flat()))
    expect([of('Undo'), of('Roll'), sorted(effectsOn('Do')), sagaState], about).toEqual([
      [],
      [],
      sorted(each.flat()),
      'COMPLETED',
    ])
    return
  }
  expect(['FAILED', 'CANCELED'], about).toContain(status)
  if (plan.undo === 'parallel')
    expect(sorted(of('Undo')), `${about}: completed steps were compensated`).toEqual(sorted(done))
  else expect(of('Undo'), `${about}: completed steps were compensated in reverse`).toEqual([...done].reverse())
  // A step whose cancel came in before its task had left is rolled back, too.
  expect(of('Roll'), `${about}: steps half done were rolled back`).toEqual(expect.arrayContaining(halfDone))
  expect(new Set(of('Roll')).size, `${about}: once`).toBe(of('Roll').length)
  expect(
    of('Roll').filter(step => done.includes(step)),
    `${about}: and no others`,
  ).toEqual([])
  expect(sorted(effectsOn('Undo')), `${about}: one effect each`).toEqual(sorted(done))
  expect(sorted(effectsOn('Roll')), `${about}: one effect each`).toEqual(sorted(of('Roll')))
  expect(
    effectsOn('Do').filter(step => !of('Undo').includes(step) && !of('Roll').includes(step)),
    `${about}: nothing is left`,
  ).toEqual([])
  const order = calls.filter(({ kind }) => kind !== 'Do').map(({ kind }) => kind)
  expect(order, `${about}: what had failed came first`).toEqual([...order].sort())
  expect(sagaState, about).toBe('FAILED')
  expect(
    stepStates.filter(state => state !== 'UNDONE' && state !== 'SKIPPED'),
    about,
  ).toEqual([])
}

/** Returns how many places a plan has when nothing goes wrong. */
export async function placesOf(plan: Plan): Promise<number> {
  const [undisturbed] = await live([plan])
  return undisturbed!.places
}

/** A fault at every place of a plan, from the `first` on. */
export async function everywhere(plan: Plan, faultAt: (place: number) => Fault, first = 1): Promise<Case[]> {
  const places = Array.from({ length: await placesOf(plan) }, (_, index) => index + 1).slice(first - 1)
  return places.map(at => ({ ...plan, strikes: [{ fault: faultAt(at), at }] }))
}
